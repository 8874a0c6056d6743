//! Values as Python prints them: `str()` and `repr()`.

use std::borrow::Cow;
use std::fmt::Write;

use super::{Node, Value, float_text};

/// How a mapping is printed inside text (rule jjb-J41).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// `OrderedDict([('k', 'v')])`, the classic dialect.
    Ordered,
    /// `{'k': 'v'}`, the unified dialect.
    Plain,
}

impl Node {
    /// `str()` of Python: text as it is, `True`, `None`, `['a', 1]`.
    pub fn text(&self, style: Style) -> Cow<'_, str> {
        match &self.value {
            Value::Str(text) => Cow::Borrowed(text),
            Value::Timestamp(time) => Cow::Owned(time.text()),
            Value::Tag(tag) => Cow::Owned(tag.shown()),
            _ => Cow::Owned(self.repr(style)),
        }
    }

    /// `repr()` of Python. What holds itself many times over by aliases is cut off at some twenty million bytes.
    pub fn repr(&self, style: Style) -> String {
        let mut out = String::new();
        write_repr(self, style, &mut out);
        out
    }
}

/// Bytes after which nothing more is printed: more than any text may have that a reading makes.
pub(crate) const PRINTED: usize = 20 << 20;

fn write_repr(node: &Node, style: Style, out: &mut String) {
    match &node.value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(value) => {
            let _ = write!(out, "{value}");
        }
        Value::Big(value) => {
            let _ = write!(out, "{value}");
        }
        Value::Float(value) => out.push_str(&float_text(*value)),
        Value::Str(text) => write_text_repr(text, out),
        Value::Seq(items) => write_items(items, style, ("[", "]"), out),
        Value::Tuple(items) => write_items(items, style, ("(", ")"), out),
        Value::Set(items) if items.is_empty() => out.push_str("set()"),
        Value::Set(items) => write_items(items, style, ("{", "}"), out),
        Value::Map(_) => write_map(node, style, out),
        Value::Timestamp(time) => out.push_str(&time.repr()),
        Value::Binary(bytes) => write_bytes_repr(bytes, out),
        Value::Tag(tag) => out.push_str(&tag.shown()),
    }
}

fn write_items(items: &[Node], style: Style, (open, close): (&str, &str), out: &mut String) {
    out.push_str(open);
    for (index, item) in items.iter().enumerate() {
        if out.len() > PRINTED {
            break;
        }
        if index > 0 {
            out.push_str(", ");
        }
        write_repr(item, style, out);
    }
    out.push_str(close);
}

fn write_map(node: &Node, style: Style, out: &mut String) {
    let Some(map) = node.as_map() else { return };
    let (open, between, close) = match style {
        Style::Ordered if map.is_empty() => ("OrderedDict(", "", ")"),
        Style::Ordered => ("OrderedDict([", ", ", "])"),
        Style::Plain => ("{", ": ", "}"),
    };
    out.push_str(open);
    for (index, (key, value)) in map.iter().enumerate() {
        if out.len() > PRINTED {
            break;
        }
        if index > 0 {
            out.push_str(", ");
        }
        if style == Style::Ordered {
            out.push('(');
        }
        write_repr(key, style, out);
        out.push_str(between);
        write_repr(value, style, out);
        if style == Style::Ordered {
            out.push(')');
        }
    }
    out.push_str(close);
}

/// Python prefers single quotes, and escapes what cannot be printed.
fn write_text_repr(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 0x20 || (0x7f..0xa1).contains(&(c as u32)) || c == '\u{ad}' => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{200b}'..='\u{200f}' => {
                let _ = write!(out, "\\u{:04x}", letter as u32);
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}

fn write_bytes_repr(bytes: &[u8], out: &mut String) {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    out.push('b');
    out.push(quote);
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b if *b as char == quote => {
                out.push('\\');
                out.push(quote);
            }
            0x20..=0x7e => out.push(*byte as char),
            _ => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(quote);
}
