//! One replacement field: look the value up, convert it, format it.

use std::borrow::Cow;

use super::parse::{RawField, first_name};
use super::{Params, missing, positional, spec, write_parts};
use crate::node::{Node, Value};
use crate::place::Place;
use crate::problem::{Problem, Result};

pub(super) fn write(
    field: &RawField,
    place: Place,
    params: &Params,
    depth: usize,
    out: &mut String,
) -> Result<()> {
    let first = first_name(field.name);
    if first.is_empty() || first.bytes().all(|byte| byte.is_ascii_digit()) {
        return positional(place).fail();
    }
    let empty;
    let mut conversion = field.conversion;
    let value = match params.get(first) {
        Some(value) => value,
        None if params.allow_empty => {
            empty = Node::str("", place);
            &empty
        }
        None if params.undefined && field.name == first && matches!(field.conversion, Some('r' | 'a')) => {
            conversion = None;
            empty = Node::str("Undefined", place);
            &empty
        }
        None => return missing(first, place, params).fail(),
    };
    let value = &*path(value, &field.name[first.len()..], place)?;
    let mut spec_text = String::new();
    if !field.spec.is_empty() {
        write_parts(field.spec, place, params, depth - 1, &mut spec_text)?;
    }
    let converted;
    let value = match conversion {
        None => value,
        Some('s') => {
            converted = Node::str(value.text(params.style).into_owned(), place);
            &converted
        }
        Some('r' | 'a') => {
            converted = Node::str(value.repr(params.style), place);
            &converted
        }
        Some(letter) => {
            return Problem::error("bad-format", place, format!("'!{letter}' is no conversion"))
                .cure("use '!s' or '!r'")
                .fail();
        }
    };
    if spec_text.is_empty() {
        out.push_str(&value.text(params.style));
        return bounded(out, place, params);
    }
    match spec::format(value, &spec_text) {
        Some(text) => out.push_str(&text),
        None => {
            return Problem::error(
                "bad-format",
                place,
                format!("the format '{spec_text}' does not fit {}", value.kind()),
            )
            .fail();
        }
    }
    bounded(out, place, params)
}

/// A width or a value can be huge, so the bound is checked on the way.
fn bounded(out: &str, place: Place, params: &Params) -> Result<()> {
    if out.len() > params.text_limit {
        return Problem::error("too-large", place, "the expanded text is too long").fail();
    }
    Ok(())
}

/// Follows `[key]` steps; attributes are refused.
fn path<'n>(value: &'n Node, mut rest: &str, place: Place) -> Result<Cow<'n, Node>> {
    let mut value = Cow::Borrowed(value);
    while !rest.is_empty() {
        if rest.starts_with('.') {
            return Problem::error(
                "attribute-access",
                place,
                "a field may not reach into attributes of a value ('.')",
            )
            .because("such a text would depend on the inside of Python's objects")
            .cure("use '[key]' to take an item of a mapping or list")
            .fail();
        }
        let Some((key, tail)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) else {
            return Problem::error("bad-format", place, "only '[key]' may follow a field's name").fail();
        };
        let found = match value {
            Cow::Borrowed(value) => item(value, key),
            Cow::Owned(ref value) => item(value, key).map(|item| Cow::Owned(item.into_owned())),
        };
        value = match found {
            Some(item) => item,
            None => {
                return Problem::error(
                    "missing-item",
                    place,
                    format!("{} has no item '{key}'", value.kind()),
                )
                .fail();
            }
        };
        rest = tail;
    }
    Ok(value)
}

fn item<'n>(value: &'n Node, key: &str) -> Option<Cow<'n, Node>> {
    let index: Option<i64> = if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) {
        key.parse().ok()
    } else {
        None
    };
    match (&value.value, index) {
        (Value::Seq(items) | Value::Tuple(items), Some(index)) => {
            items.get(index as usize).map(Cow::Borrowed)
        }
        (Value::Map(map), Some(index)) => {
            map.get_node(&Node::new(Value::Int(index), value.place)).map(Cow::Borrowed)
        }
        (Value::Map(map), None) => map.get(key).map(Cow::Borrowed),
        // A letter of a text.
        (Value::Str(text), Some(index)) => {
            let letter = text.chars().nth(index as usize)?;
            Some(Cow::Owned(Node::str(letter.to_string(), value.place)))
        }
        _ => None,
    }
}
