//! A mapping that keeps the order of its keys.

use indexmap::{Equivalent, IndexMap};
use rustc_hash::FxBuildHasher;
use std::hash::{Hash, Hasher};

use super::{Node, Value};
use crate::format::has_braces;

/// Keys and values in the order of writing; keys are equal as Python's are (`1`, `1.0` and `true` are one key).
#[derive(Clone, Default, Debug)]
pub struct Map {
    entries: IndexMap<Node, Node, FxBuildHasher>,
    /// Some key is no text.
    mixed: bool,
    /// Nothing in it changes when it is expanded; false also where nobody has looked.
    constant: bool,
}

/// A text key to look up without making a node.
pub(super) struct TextKey<'a>(pub(super) &'a str);

impl Hash for TextKey<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u8(3);
        self.0.hash(state);
    }
}

impl Equivalent<Node> for TextKey<'_> {
    fn equivalent(&self, key: &Node) -> bool {
        matches!(&key.value, Value::Str(text) if **text == *self.0)
    }
}

impl Map {
    /// An empty mapping.
    pub fn new() -> Map {
        Map::default()
    }

    /// An empty mapping with room for `count` keys.
    pub fn with_capacity(count: usize) -> Map {
        Map {
            entries: IndexMap::with_capacity_and_hasher(count, FxBuildHasher),
            mixed: false,
            constant: false,
        }
    }

    /// The value of a text key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.get(&TextKey(key))
    }

    /// The value of any key.
    pub fn get_node(&self, key: &Node) -> Option<&Node> {
        self.entries.get(key)
    }

    /// The key as it was written, with its place, and the value.
    pub fn get_entry(&self, key: &str) -> Option<(&Node, &Node)> {
        self.entries.get_key_value(&TextKey(key))
    }

    /// True when the text key is there.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(&TextKey(key))
    }

    /// True when the key is there.
    pub fn has_node(&self, key: &Node) -> bool {
        self.entries.contains_key(key)
    }

    /// Sets a value; a key that is there keeps its place in the order.
    pub fn insert(&mut self, key: Node, value: Node) {
        self.mixed |= !matches!(key.value, Value::Str(_));
        self.constant = false;
        self.entries.insert(key, value);
    }

    /// The first key that is no text.
    pub(crate) fn key_without_text(&self) -> Option<&Node> {
        if self.mixed { self.keys().find(|key| !matches!(key.value, Value::Str(_))) } else { None }
    }

    /// True when it holds nothing that could change by expansion.
    pub(crate) fn is_constant(&self) -> bool {
        self.constant
    }

    /// Looks once at what it holds, so that expansion need not look again.
    pub(crate) fn settle(&mut self) {
        self.constant = self.entries.iter().all(|(key, value)| constant(key) && constant(value));
    }

    /// Takes a text key out; the others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        self.entries.shift_remove(&TextKey(key))
    }

    /// Overlays all entries of another mapping.
    pub fn overlay(&mut self, other: &Map) {
        for (key, value) in other.iter() {
            self.insert(key.clone(), value.clone());
        }
    }

    /// Entries in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Node, &Node)> + ExactSizeIterator {
        self.entries.iter()
    }

    /// Values in order, to change.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.constant = false;
        self.entries.values_mut()
    }

    /// Keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Node> {
        self.entries.keys()
    }

    /// The first entry.
    pub fn first(&self) -> Option<(&Node, &Node)> {
        self.entries.first()
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True without keys.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// True for what expansion leaves as it is in both dialects. Lists in lists are not looked into: by aliases they can be far
/// larger than the file.
fn constant(node: &Node) -> bool {
    match &node.value {
        Value::Seq(items) => items.iter().all(|item| !matches!(item.value, Value::Seq(_)) && constant(item)),
        Value::Map(map) => map.is_constant(),
        Value::Str(text) => !has_braces(text),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => true,
        Value::Tuple(_) | Value::Timestamp(_) | Value::Binary(_) | Value::Set(_) | Value::Tag(_) => false,
    }
}
