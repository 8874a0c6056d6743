//! Parameters of the active choices plugin: Job Builder hands them the name of their job.

use super::names::{Kind, PARAMETER};
use crate::node::{Map, Node, Style};

/// The parameters that need it.
const NAMES: &[&str] = &["active-choices", "active-choices-reactive", "dynamic-reference"];

/// True for a parameter of that plugin.
pub(crate) fn is_choice(kind: &Kind, item: &Node) -> bool {
    std::ptr::eq(kind, &PARAMETER)
        && item
            .as_map()
            .is_some_and(|map| map.keys().any(|key| key.as_str().is_some_and(|key| NAMES.contains(&key))))
}

/// The item with the job's name in its arguments.
pub(crate) fn with_job_name(item: &Node, job: &Map) -> Node {
    let Some(map) = item.as_map() else {
        return item.clone();
    };
    let name = job.get("name").map(|name| name.text(Style::Plain).into_owned()).unwrap_or_default();
    let short = name.rsplit('/').next().unwrap_or_default().to_string();
    let mut out = map.clone();
    for (key, value) in map.iter() {
        let Some(arguments) = value.as_map().filter(|_| key.as_str().is_some_and(|key| NAMES.contains(&key)))
        else {
            continue;
        };
        let mut arguments = arguments.clone();
        arguments.insert(Node::str("_project-name", item.place), Node::str(short.as_str(), item.place));
        arguments.insert(Node::str("_project-full-name", item.place), Node::str(name.as_str(), item.place));
        out.insert(key.clone(), Node::map(arguments, value.place));
    }
    Node::map(out, item.place)
}
