//! Values as a template sees them: shared, converted when they are asked for.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, Value as Jinja};

use super::JinjaValue;
use crate::format::Params;
use crate::node::{Map, Node, Style, Value, float_text};
use crate::place::Place;

/// The variables of a template.
#[derive(Debug)]
struct Context {
    map: Map,
    style: Style,
}

impl Object for Context {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        self.map.get(key.as_str()?).map(|value| to_jinja(value, self.style))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.map.keys().map(|key| to_jinja(key, self.style)).collect())
    }
}

/// A mapping out of YAML, and how it prints.
#[derive(Debug)]
pub(super) struct YamlMap(pub(super) Arc<Map>, Style);

impl Object for YamlMap {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        match key.as_str() {
            Some(text) => self.0.get(text).map(|value| to_jinja(value, self.1)),
            None => self.0.get_node(&from_key(key)?).map(|value| to_jinja(value, self.1)),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().map(|key| to_jinja(key, self.1)).collect())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Node::map(self.0.as_ref().clone(), Place::NOWHERE).repr(self.1))
    }
}

/// A list, pair or set out of YAML, and how mappings in it print.
#[derive(Debug)]
pub(super) struct YamlSeq {
    items: Arc<Vec<Node>>,
    style: Style,
    /// Which of the three it is.
    value: fn(Arc<Vec<Node>>) -> Value,
}

impl YamlSeq {
    /// As it was before a template saw it.
    pub(super) fn node(&self) -> Node {
        Node::new((self.value)(Arc::clone(&self.items)), Place::NOWHERE)
    }
}

impl Object for YamlSeq {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        self.items.get(key.as_usize()?).map(|item| to_jinja(item, self.style))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.items.len())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.node().repr(self.style))
    }
}

/// The variables in force as a template's context.
pub(super) fn context(params: &Params) -> JinjaValue {
    let mut map = params.map.clone();
    if let Some(over) = params.over {
        map.overlay(over);
    }
    Jinja::from_object(Context { map, style: params.style })
}

/// One value, and how mappings in it print.
pub(super) fn to_jinja(node: &Node, style: Style) -> Jinja {
    match &node.value {
        Value::Null => Jinja::from(()),
        Value::Bool(value) => Jinja::from(*value),
        Value::Int(value) => Jinja::from(*value),
        Value::Big(value) => match value.to_string().parse::<i128>() {
            Ok(value) => Jinja::from(value),
            Err(_) => Jinja::from(value.to_string()),
        },
        Value::Float(value) if value.is_finite() => Jinja::from(*value),
        Value::Float(value) => Jinja::from(float_text(*value)),
        Value::Str(text) => Jinja::from(Arc::clone(text)),
        Value::Seq(items) => sequence(items, style, Value::Seq),
        Value::Tuple(items) => sequence(items, style, Value::Tuple),
        Value::Set(items) => sequence(items, style, Value::Set),
        Value::Map(map) => Jinja::from_object(YamlMap(Arc::clone(map), style)),
        Value::Timestamp(time) => Jinja::from(time.text()),
        Value::Binary(bytes) => Jinja::from_bytes(bytes.to_vec()),
        Value::Tag(tag) => Jinja::from(tag.shown()),
    }
}

fn sequence(items: &Arc<Vec<Node>>, style: Style, value: fn(Arc<Vec<Node>>) -> Value) -> Jinja {
    Jinja::from_object(YamlSeq { items: Arc::clone(items), style, value })
}

fn from_key(key: &Jinja) -> Option<Node> {
    let value = i64::try_from(key.clone()).ok()?;
    Some(Node::new(Value::Int(value), Place::NOWHERE))
}
