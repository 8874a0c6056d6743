//! Two readings side by side: which jobs and views came, went, changed.

use std::collections::BTreeMap;

use jjb_compat::{Component, Job, Outcome, View, oracle};
use serde_json::{Map, Value};

use super::change::{Change, changes};

/// What differs between two readings.
#[derive(Debug, Default)]
pub(super) struct Differences {
    pub(super) jobs: Kindred,
    pub(super) views: Kindred,
}

/// What differs among jobs, or among views; sorted by name.
#[derive(Debug, Default)]
pub(super) struct Kindred {
    pub(super) added: Vec<String>,
    pub(super) removed: Vec<String>,
    pub(super) changed: Vec<(String, Vec<Change>)>,
    pub(super) same: usize,
}

impl Differences {
    /// True when nothing differs.
    pub(super) fn same(&self) -> bool {
        self.jobs.is_empty() && self.views.is_empty()
    }
}

impl Kindred {
    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// How much of one job is compared. What lists make that hold each other many times over is far larger than what people write,
/// and two such trees must not fill the memory (jjb-J134).
const ROOM: oracle::Room = oracle::Room { values: 200_000, bytes: 16 << 20 };

/// Compares two readings. The order of the jobs does not count.
pub(super) fn compare(old: &Outcome, new: &Outcome) -> Differences {
    Differences {
        jobs: kindred(by_name(&old.jobs, |job| &job.name), by_name(&new.jobs, |job| &job.name), job_value),
        views: kindred(
            by_name(&old.views, |view| &view.name),
            by_name(&new.views, |view| &view.name),
            view_value,
        ),
    }
}

fn by_name<T>(items: &[T], name: impl Fn(&T) -> &str) -> BTreeMap<&str, &T> {
    items.iter().map(|item| (name(item), item)).collect()
}

/// One by one, so that only what differs stands in memory.
fn kindred<T>(mut old: BTreeMap<&str, &T>, new: BTreeMap<&str, &T>, value: impl Fn(&T) -> Value) -> Kindred {
    let mut out = Kindred::default();
    for (name, item) in new {
        let Some(before) = old.remove(name) else {
            out.added.push(name.to_owned());
            continue;
        };
        let found = changes(&value(before), &value(item));
        if found.is_empty() {
            out.same += 1;
        } else {
            out.changed.push((name.to_owned(), found));
        }
    }
    out.removed.extend(old.into_keys().map(str::to_owned));
    out
}

fn view_value(view: &View) -> Value {
    parsed(&oracle::value_within(&view.definition, &mut ROOM.clone()))
}

/// A job as one value: its keys, with each list of components as it is after macros are replaced.
fn job_value(job: &Job) -> Value {
    let room = &mut ROOM.clone();
    let mut value = parsed(&oracle::value_within(&job.definition, room));
    if let Value::Object(keys) = &mut value {
        put_components(keys, &job.components, room);
    }
    value
}

fn parsed(text: &str) -> Value {
    // A value that is no JSON would be a fault of the writer; its text still compares.
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Puts components into the lists in which they stand.
fn put_components(keys: &mut Map<String, Value>, components: &[Component], room: &mut oracle::Room) {
    let mut lists: Vec<(&str, Vec<Value>)> = Vec::new();
    for component in components {
        let value = component_value(component, room);
        match lists.iter_mut().find(|(path, _)| *path == &*component.path) {
            Some((_, list)) => list.push(value),
            None => lists.push((&component.path, vec![value])),
        }
    }
    for (path, list) in lists {
        let list = Value::Array(list);
        match at(keys, path) {
            Some(place) => *place = list,
            None => {
                keys.insert(path.to_owned(), list);
            }
        }
    }
}

/// `{name: arguments}`, the components inside it expanded too.
fn component_value(component: &Component, room: &mut oracle::Room) -> Value {
    let mut arguments = parsed(&oracle::value_within(&component.arguments, room));
    if !component.children.is_empty() {
        match &mut arguments {
            Value::Object(keys) => put_components(keys, &component.children, room),
            other => {
                let children = component.children.iter().map(|child| component_value(child, room)).collect();
                *other = Value::Array(children);
            }
        }
    }
    let nothing = arguments.is_null() || arguments.as_object().is_some_and(Map::is_empty);
    if nothing {
        return Value::String(component.name.to_string());
    }
    Value::Object(Map::from_iter([(component.name.to_string(), arguments)]))
}

/// The value at a way such as `builders[0].build-steps`.
fn at<'v>(keys: &'v mut Map<String, Value>, path: &str) -> Option<&'v mut Value> {
    let mut parts = path.split('.');
    let mut value = step(keys, parts.next()?)?;
    for part in parts {
        value = step(value.as_object_mut()?, part)?;
    }
    Some(value)
}

/// `key`, `key[0]` or `key[0][1]`.
fn step<'v>(keys: &'v mut Map<String, Value>, part: &str) -> Option<&'v mut Value> {
    let (key, rest) = part.split_once('[').map_or((part, ""), |(key, rest)| (key, rest));
    let mut value = keys.get_mut(key)?;
    for index in rest.split('[').filter(|index| !index.is_empty()) {
        value = value.get_mut(index.trim_end_matches(']').parse::<usize>().ok()?)?;
    }
    Some(value)
}
