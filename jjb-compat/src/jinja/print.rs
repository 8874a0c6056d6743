//! What a template prints: Python's `str()` of a value (rule jjb-J103).

use minijinja::value::{Value as Jinja, ValueKind};
use minijinja::{Environment, Error, Output};

use super::values::{YamlMap, YamlSeq};
use crate::node::{Map, Node, PRINTED, Style, Value, parse_big};
use crate::place::Place;

/// Prints a value into a template's output.
pub(super) fn write(out: &mut Output, value: &Jinja, style: Style) -> Result<(), Error> {
    match value.as_str() {
        Some(text) => out.write_str(text)?,
        None => out.write_str(&text(value, style))?,
    }
    Ok(())
}

/// `str()` of Python.
pub(super) fn text(value: &Jinja, style: Style) -> String {
    match value.as_str() {
        Some(text) => text.to_string(),
        None => match value.kind() {
            ValueKind::Undefined => String::new(),
            ValueKind::None | ValueKind::Bool | ValueKind::Number | ValueKind::Seq | ValueKind::Map => {
                repr(value, style)
            }
            _ => value.to_string(),
        },
    }
}

/// `repr()` of Python, cut off where it is longer than any text may be. `style` is that of mappings out of YAML; those that a
/// template makes are plain.
pub(super) fn repr(value: &Jinja, style: Style) -> String {
    let mut out = String::new();
    write_repr(value, style, &mut out);
    out
}

fn write_repr(value: &Jinja, style: Style, out: &mut String) {
    let ours =
        value.downcast_object_ref::<YamlMap>().is_some() || value.downcast_object_ref::<YamlSeq>().is_some();
    match value.kind() {
        ValueKind::Undefined => out.push_str("Undefined"),
        ValueKind::Seq if !ours => {
            out.push('[');
            for (at, item) in value.try_iter().into_iter().flatten().enumerate() {
                if out.len() > PRINTED {
                    break;
                }
                out.push_str(if at > 0 { ", " } else { "" });
                write_repr(&item, style, out);
            }
            out.push(']');
        }
        ValueKind::Map if !ours => {
            out.push('{');
            for (at, key) in value.try_iter().into_iter().flatten().enumerate() {
                if out.len() > PRINTED {
                    break;
                }
                out.push_str(if at > 0 { ", " } else { "" });
                write_repr(&key, style, out);
                out.push_str(": ");
                write_repr(&value.get_item(&key).unwrap_or_default(), style, out);
            }
            out.push('}');
        }
        _ => out.push_str(&from_jinja(value).repr(style)),
    }
}

/// Back to a value of ours, to print it.
pub(super) fn from_jinja(value: &Jinja) -> Node {
    let place = Place::NOWHERE;
    if let Some(map) = value.downcast_object_ref::<YamlMap>() {
        return Node::new(Value::Map(map.0.clone()), place);
    }
    if let Some(items) = value.downcast_object_ref::<YamlSeq>() {
        return items.node();
    }
    match value.kind() {
        ValueKind::None => Node::null(place),
        ValueKind::Bool => Node::new(Value::Bool(value.is_true()), place),
        ValueKind::Number => number(value),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map(|items| items.map(|item| from_jinja(&item)).collect());
            Node::seq(items.unwrap_or_default(), place)
        }
        ValueKind::Map => {
            let mut map = Map::new();
            for key in value.try_iter().into_iter().flatten() {
                let item = value.get_item(&key).unwrap_or_default();
                map.insert(from_jinja(&key), from_jinja(&item));
            }
            Node::map(map, place)
        }
        _ => Node::str(value.as_str().map_or_else(|| value.to_string(), str::to_string), place),
    }
}

fn number(value: &Jinja) -> Node {
    let place = Place::NOWHERE;
    if value.is_integer()
        && let Ok(whole) = i64::try_from(value.clone())
    {
        return Node::new(Value::Int(whole), place);
    }
    match f64::try_from(value.clone()) {
        Ok(real) if !value.is_integer() => Node::new(Value::Float(real), place),
        _ => {
            let shown = value.to_string();
            let digits = shown.strip_prefix('-').unwrap_or(&shown);
            let whole = parse_big(digits, 10, digits.len() < shown.len());
            whole.map_or_else(|| Node::str(&*shown, place), |whole| Node::new(whole, place))
        }
    }
}

/// Filters that turn values into text must do it as Python does.
pub(super) fn add_filters(environment: &mut Environment<'static>, style: Style) {
    environment.add_filter("string", move |value: Jinja| text(&value, style));
    environment.add_filter("join", move |value: Jinja, between: Option<String>| -> Result<String, Error> {
        let between = between.unwrap_or_default();
        let mut out = String::new();
        for (index, item) in value.try_iter()?.enumerate() {
            if out.len() > PRINTED {
                break;
            }
            if index > 0 {
                out.push_str(&between);
            }
            out.push_str(&text(&item, style));
        }
        Ok(out)
    });
}
