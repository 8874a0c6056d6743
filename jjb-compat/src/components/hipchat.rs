//! The key `hipchat` of a job: with newer plugins it stands for a publisher.

use super::plugins;
use crate::node::{Map, Node};
use crate::options::Options;

/// The publisher that the key stands for, if it does.
pub(super) fn publisher(definition: &Map, options: &Options) -> Option<Node> {
    let (key, value) = definition.get_entry("hipchat")?;
    let settings = value.as_map()?;
    let enabled = settings.get("enabled").is_none_or(Node::truth);
    let newer =
        plugins::version(options, "Jenkins HipChat Plugin").is_some_and(|version| version >= [0, 1, 9]);
    if settings.is_empty() || !enabled || !newer {
        return None;
    }
    let mut settings = settings.clone();
    if let Some(room) = settings.get("room").cloned()
        && !settings.has("rooms")
    {
        settings.insert(Node::str("rooms", room.place), Node::seq(vec![room.clone()], room.place));
    }
    let mut component = Map::with_capacity(1);
    component.insert(key.clone(), Node::map(settings, value.place));
    Some(Node::map(component, value.place))
}
