//! Values as the reference program's JSON: types that JSON lacks become small objects or marked keys.

use std::fmt::Write;

use crate::node::{Node, Value, float_text};
use crate::tags::TagKind;

/// Values that one file may show: a tree of aliases can stand for far more than it holds.
const SHOWN: usize = 1_000_000;

/// Bytes after which nothing more is shown.
const BYTES: usize = 32 << 20;

/// How much may be shown before the rest is cut off: `{"$truncated": true}` stands for it then.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Values.
    pub values: usize,
    /// Bytes of text.
    pub bytes: usize,
}

impl Default for Room {
    fn default() -> Room {
        Room { values: SHOWN, bytes: BYTES }
    }
}

/// A JSON text in the making.
#[derive(Default)]
pub(super) struct Json {
    pub(super) out: String,
    pub(super) room: Room,
}

impl Json {
    pub(super) fn node(&mut self, node: &Node) {
        if self.room.values == 0 || self.out.len() > self.room.bytes {
            self.out.push_str("{\"$truncated\": true}");
            return;
        }
        self.room.values -= 1;
        match &node.value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::Int(value) => {
                let _ = write!(self.out, "{value}");
            }
            Value::Big(value) => {
                let _ = write!(self.out, "{value}");
            }
            Value::Float(value) if value.is_finite() => self.out.push_str(&float_text(*value)),
            Value::Float(value) => self.marked("$float", &float_text(*value)),
            Value::Str(value) => text(value, &mut self.out),
            Value::Seq(items) | Value::Tuple(items) => self.items(items),
            Value::Map(map) => {
                self.out.push('{');
                for (at, (key, value)) in map.iter().enumerate() {
                    if at > 0 {
                        self.out.push_str(", ");
                    }
                    text(&key_text(key), &mut self.out);
                    self.out.push_str(": ");
                    self.node(value);
                }
                self.out.push('}');
            }
            Value::Timestamp(time) => {
                let mark = if time.clock.is_some() { "$timestamp" } else { "$date" };
                self.marked(mark, &time.iso());
            }
            Value::Binary(bytes) => self.marked("$binary", &base64(bytes)),
            Value::Set(items) => {
                let mut keys: Vec<String> = items.iter().map(key_text).collect();
                keys.sort();
                self.out.push_str("{\"$set\": [");
                for (at, key) in keys.iter().enumerate() {
                    if at > 0 {
                        self.out.push_str(", ");
                    }
                    text(key, &mut self.out);
                }
                self.out.push_str("]}");
            }
            Value::Tag(tag) => self.tag(&tag.kind),
        }
    }

    fn items(&mut self, items: &[Node]) {
        self.out.push('[');
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.out.push_str(", ");
            }
            self.node(item);
        }
        self.out.push(']');
    }

    fn marked(&mut self, mark: &str, value: &str) {
        let _ = write!(self.out, "{{\"{mark}\": ");
        text(value, &mut self.out);
        self.out.push('}');
    }

    fn tag(&mut self, kind: &TagKind) {
        let (name, shown) = match kind {
            TagKind::Jinja(template) => ("Jinja2Loader", template.to_string()),
            TagKind::JinjaYaml(template) => ("Jinja2YamlLoader", template.to_string()),
            TagKind::Include(include, path) => ("LazyLoader", format!("{} {path}", include.name())),
            TagKind::Collection(items) => {
                self.out.push_str("{\"$unexpanded\": {\"kind\": \"CustomLoaderCollection\", \"items\": ");
                self.items(items);
                self.out.push_str("}}");
                return;
            }
        };
        let _ = write!(self.out, "{{\"$unexpanded\": {{\"kind\": \"{name}\", \"text\": ");
        text(&shown, &mut self.out);
        self.out.push_str("}}");
    }
}

/// A key: text as it is, other types with their YAML tag.
fn key_text(key: &Node) -> String {
    match &key.value {
        Value::Str(text) => text.to_string(),
        Value::Bool(value) => format!("!!bool {value}"),
        Value::Int(value) => format!("!!int {value}"),
        Value::Big(value) => format!("!!int {value}"),
        Value::Float(value) => format!("!!float {}", float_text(*value)),
        Value::Null => "!!null".into(),
        Value::Timestamp(time) => format!("!!timestamp {}", time.iso()),
        _ => key.text(crate::node::Style::Ordered).into_owned(),
    }
}

/// A JSON string.
pub(super) fn text(value: &str, out: &mut String) {
    out.push('"');
    for letter in value.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let mut bits = 0u32;
        for index in 0..3 {
            bits = (bits << 8) | u32::from(chunk.get(index).copied().unwrap_or(0));
        }
        for index in 0..4 {
            if index <= chunk.len() {
                out.push(LETTERS[(bits >> (18 - 6 * index)) as usize & 63] as char);
            } else {
                out.push('=');
            }
        }
    }
    out
}
