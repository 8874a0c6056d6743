//! The values of a tree. A [`Node`] is cheap to copy: what is large in it is shared.

mod map;
mod number;
mod same;
mod text;
mod time;

use std::sync::Arc;

use num_bigint::BigInt;

pub use map::Map;
pub(crate) use number::{float_text, parse_big};
pub(crate) use same::{hash_within, identical, identical_maps};
pub(crate) use text::PRINTED;
pub use text::Style;
pub use time::{Clock, Timestamp};

use crate::place::Place;
use crate::tags::Tag;

/// A value and the place where it was written.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where its text stands. A text that was put together from parts has the place of the text with the fields.
    pub place: Place,
}

/// The types of YAML 1.1 as PyYAML makes them, and tags that nobody has asked to expand.
#[derive(Clone, Debug)]
pub enum Value {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number that fits 64 bits.
    Int(i64),
    /// A whole number that does not.
    Big(Arc<BigInt>),
    /// A floating point number.
    Float(f64),
    /// Text.
    Str(Arc<str>),
    /// A list.
    Seq(Arc<Vec<Node>>),
    /// A mapping; keeps the order of its keys.
    Map(Arc<Map>),
    /// A pair of an `!!omap` or `!!pairs` list.
    Tuple(Arc<Vec<Node>>),
    /// A date, or a date with a time.
    Timestamp(Arc<Timestamp>),
    /// Bytes of a `!!binary`.
    Binary(Arc<[u8]>),
    /// A `!!set`, in the order of writing.
    Set(Arc<Vec<Node>>),
    /// A tag that is still to be expanded (rule jjb-J32, jjb-J104).
    Tag(Arc<Tag>),
}

impl Node {
    /// A node of a value and a place.
    pub fn new(value: Value, place: Place) -> Node {
        Node { value, place }
    }

    /// Null.
    pub fn null(place: Place) -> Node {
        Node::new(Value::Null, place)
    }

    /// Text.
    pub fn str(text: impl Into<Arc<str>>, place: Place) -> Node {
        Node::new(Value::Str(text.into()), place)
    }

    /// A list.
    pub fn seq(items: Vec<Node>, place: Place) -> Node {
        Node::new(Value::Seq(Arc::new(items)), place)
    }

    /// A mapping.
    pub fn map(map: Map, place: Place) -> Node {
        Node::new(Value::Map(Arc::new(map)), place)
    }

    /// The value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key)
    }

    /// The item of a list.
    pub fn at(&self, index: usize) -> Option<&Node> {
        self.as_seq()?.get(index)
    }

    /// The text of a string; numbers and the like have none here (see [`Node::text`]).
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The value of a whole number that fits.
    pub fn as_int(&self) -> Option<i64> {
        match self.value {
            Value::Int(value) => Some(value),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn as_seq(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Seq(items) => Some(items),
            _ => None,
        }
    }

    /// The mapping.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// True for null.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// What Python's `if` makes of it (rule jjb-J123): empty and zero are false, any other text is true, `'false'` included.
    pub fn truth(&self) -> bool {
        match &self.value {
            Value::Null => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Big(_) | Value::Timestamp(_) | Value::Tag(_) => true,
            Value::Float(value) => *value != 0.0,
            Value::Str(text) => !text.is_empty(),
            Value::Seq(items) | Value::Tuple(items) | Value::Set(items) => !items.is_empty(),
            Value::Map(map) => !map.is_empty(),
            Value::Binary(bytes) => !bytes.is_empty(),
        }
    }

    /// The kind in words, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::Big(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Str(_) => "text",
            Value::Seq(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::Tuple(_) => "a pair",
            Value::Timestamp(_) => "a date",
            Value::Binary(_) => "binary data",
            Value::Set(_) => "a set",
            Value::Tag(_) => "an unexpanded tag",
        }
    }
}
