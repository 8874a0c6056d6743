//! The filters `tojson` and `indent` as Jinja2 has them (rule jjb-J103).

use std::fmt::Write;

use minijinja::value::{Kwargs, Value as Jinja};
use minijinja::{Environment, Error, ErrorKind};

use super::print;
use crate::node::{Node, PRINTED, Style, Value, float_text};

/// How deep values may nest.
const DEPTH: usize = 100;

pub(super) fn add_filters(environment: &mut Environment<'static>) {
    environment.add_filter("tojson", |value: Jinja| -> Result<Jinja, Error> {
        let mut out = String::new();
        write(&print::from_jinja(&value), DEPTH, &mut out)?;
        Ok(Jinja::from_safe_string(out))
    });
    environment.add_filter("indent", indent);
}

fn refused(why: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}

/// `json.dumps` with sorted keys, letters outside ASCII and those that HTML minds as escapes.
fn write(node: &Node, depth: usize, out: &mut String) -> Result<(), Error> {
    if depth == 0 {
        return Err(refused("the value nests too deep for JSON".into()));
    }
    if out.len() > PRINTED {
        return Err(refused("the value is too large for JSON".into()));
    }
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => {
            let _ = write!(out, "{value}");
        }
        Value::Big(value) => {
            let _ = write!(out, "{value}");
        }
        Value::Float(value) if value.is_nan() => out.push_str("NaN"),
        Value::Float(value) if value.is_infinite() => {
            out.push_str(if *value > 0.0 { "Infinity" } else { "-Infinity" });
        }
        Value::Float(value) => out.push_str(&float_text(*value)),
        Value::Str(value) => text(value, out),
        Value::Seq(items) | Value::Tuple(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write(item, depth - 1, out)?;
            }
            out.push(']');
        }
        Value::Map(map) => {
            let mut entries: Vec<(String, &Node)> =
                map.iter().map(|(key, value)| (key_text(key), value)).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            out.push('{');
            for (at, (key, value)) in entries.into_iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                text(&key, out);
                out.push_str(": ");
                write(value, depth - 1, out)?;
            }
            out.push('}');
        }
        Value::Timestamp(_) | Value::Binary(_) | Value::Set(_) | Value::Tag(_) => {
            return Err(refused(format!("{} has no JSON form", node.kind())));
        }
    }
    Ok(())
}

fn key_text(key: &Node) -> String {
    match &key.value {
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        _ => key.text(Style::Plain).into_owned(),
    }
}

fn text(value: &str, out: &mut String) {
    out.push('"');
    for letter in value.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' if !matches!(letter, '<' | '>' | '&' | '\'') => out.push(letter),
            _ => {
                let mut units = [0u16; 2];
                for unit in letter.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// Only text can be indented; the first line and empty lines are left as they are unless asked for.
fn indent(value: Jinja, width: Option<Jinja>, kwargs: Kwargs) -> Result<String, Error> {
    let Some(text) = value.as_str() else {
        return Err(refused(format!("only text can be indented, not {}", value.kind())));
    };
    let width = match width {
        Some(width) => Some(width),
        None => kwargs.get("width")?,
    };
    let first: Option<bool> = kwargs.get("first")?;
    let blank: Option<bool> = kwargs.get("blank")?;
    kwargs.assert_all_used()?;
    let pad = match width {
        None => " ".repeat(4),
        Some(width) => match width.as_str() {
            Some(pad) => pad.to_string(),
            None => " ".repeat(width.as_usize().unwrap_or(0).min(1 << 16)),
        },
    };
    let mut out = String::new();
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        let wanted = if at == 0 { first == Some(true) } else { !line.is_empty() || blank == Some(true) };
        if wanted {
            out.push_str(&pad);
        }
        out.push_str(line);
    }
    Ok(out)
}
