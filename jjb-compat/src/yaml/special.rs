//! Explicit tags of YAML itself: `!!str`, `!!int`, `!!set`, … (rule jjb-J21).

use std::sync::Arc;

use super::construct::Constructor;
use super::{Content, Raw, scalar};
use crate::node::{Map, Node, Value};
use crate::place::Place;
use crate::problem::{Problem, Result};

impl Constructor<'_, '_, '_> {
    pub(super) fn yaml_tag(&mut self, raw: &Arc<Raw>, name: &str) -> Result<Node> {
        let place = raw.place;
        match (name, &raw.content) {
            ("seq", Content::Seq(items)) => self.seq(items, place),
            ("map", Content::Map(entries)) => self.map(entries, place),
            ("set", Content::Map(entries)) => {
                let keys: Result<Vec<Node>> = entries.iter().map(|(key, _)| self.key(key)).collect();
                Ok(Node::new(scalar::set(keys?), place))
            }
            ("omap" | "pairs", Content::Seq(items)) => self.pairs(items, place),
            (_, Content::Scalar { text, .. }) => typed_scalar(name, text, place),
            (
                "str" | "int" | "float" | "bool" | "null" | "binary" | "timestamp" | "seq" | "map" | "set"
                | "omap" | "pairs",
                _,
            ) => Problem::error("bad-tag", place, format!("'!!{name}' does not fit what follows it"))
                .cure("remove the tag, or correct the value")
                .fail(),
            _ if name.starts_with("python") => python(name, place),
            _ => unknown(&format!("!!{name}"), place),
        }
    }

    fn pairs(&mut self, items: &[Arc<Raw>], place: Place) -> Result<Node> {
        let mut pairs = Vec::with_capacity(items.len());
        for item in items {
            match &item.content {
                Content::Map(entries) if entries.len() == 1 => {
                    let key = self.node(&entries[0].0)?;
                    let value = self.node(&entries[0].1)?;
                    pairs.push(Node::new(Value::Tuple(Arc::new(vec![key, value])), item.place));
                }
                _ => {
                    return Problem::error(
                        "bad-tag",
                        item.place,
                        "an ordered list of pairs takes mappings with one key each",
                    )
                    .fail();
                }
            }
        }
        Ok(Node::seq(pairs, place))
    }
}

fn typed_scalar(name: &str, text: &Arc<str>, place: Place) -> Result<Node> {
    let value = match name {
        "str" => Some(Value::Str(Arc::clone(text))),
        "null" => Some(Value::Null),
        "bool" => scalar::boolean(text),
        "int" => scalar::integer(text),
        "float" => scalar::float(text),
        "timestamp" => scalar::timestamp(text),
        "binary" => scalar::binary(text),
        // An empty scalar stands for an empty collection.
        "seq" | "omap" | "pairs" if text.is_empty() => Some(Value::Seq(Arc::default())),
        "map" if text.is_empty() => Some(Value::Map(Arc::new(Map::new()))),
        "seq" | "map" | "set" | "omap" | "pairs" => None,
        _ if name.starts_with("python") => return python(name, place),
        _ => return unknown(&format!("!!{name}"), place),
    };
    match value {
        Some(value) => Ok(Node::new(value, place)),
        None => bad_value(text, name, place),
    }
}

/// A text that cannot be what its tag or its form says.
pub(super) fn bad_value<T>(text: &str, wanted: &str, place: Place) -> Result<T> {
    Problem::error("bad-value", place, format!("'{text}' is no valid {wanted}"))
        .cure("correct it, or write it in quotes to make it text")
        .fail()
}

/// A tag that nobody knows.
pub(super) fn unknown<T>(tag: &str, place: Place) -> Result<T> {
    Problem::error("unknown-tag", place, format!("the tag '{tag}' is unknown"))
        .cure("check the spelling; include tags end in a colon, as in '!include-raw:'")
        .fail()
}

/// Tags that would run code.
pub(super) fn python<T>(name: &str, place: Place) -> Result<T> {
    Problem::error("python-tag", place, format!("the tag '!!{name}' would run Python code and is refused"))
        .because("Job Builder itself would execute what such a tag names")
        .cure("write the value itself")
        .fail()
}
