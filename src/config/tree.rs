//! YAML with positions: what the checked form is made from, so that every message can name file, line and column.

use std::collections::HashMap;

use libyaml_safer::{Encoding, Event, EventData, Mark, Parser};

/// A larger file is refused; the example has a few kilobytes.
pub(super) const LARGEST: usize = 4 << 20;
/// Deeper nesting is refused: reading uses the stack.
const DEEPEST: usize = 32;
/// Values in all, with those that aliases repeat: a file cannot grow by repeating itself.
const MOST: usize = 200_000;

/// Where something stands: line and column from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct At {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) value: Value,
}

/// A value as it was written; what a text means is decided by the setting that it is given to.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// Text, with whether it was written without quotes.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of writing.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) at: At,
    pub(super) text: String,
}

/// Text that cannot be read as one YAML document.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    pub(super) at: At,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) cure: &'static str,
}

impl Node {
    /// The kind in words, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Scalar { .. } => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

/// Reads the only document of a text; nothing at all is an empty mapping. Keys that are set twice come along beside the tree, which
/// has the first of each.
pub(super) fn read(text: &str) -> Result<(Node, Vec<Broken>), Broken> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut bytes = text.as_bytes();
    let mut parser = Parser::new();
    parser.set_encoding(Encoding::Utf8);
    parser.set_input_string(&mut bytes);
    let mut reader = Reader { parser, anchors: HashMap::new(), count: 0, doubled: Vec::new() };
    let root = reader.document()?;
    Ok((root, reader.doubled))
}

struct Reader<'a> {
    parser: Parser<&'a mut &'a [u8]>,
    anchors: HashMap<String, Node>,
    count: usize,
    doubled: Vec<Broken>,
}

fn at(mark: Mark) -> At {
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX - 1) + 1;
    At { line: number(mark.line), column: number(mark.column) }
}

fn broken(at: At, code: &'static str, message: impl Into<String>, cure: &'static str) -> Broken {
    Broken { at, code, message: message.into(), cure }
}

impl Reader<'_> {
    fn next(&mut self) -> Result<Event, Broken> {
        self.parser.parse().map_err(|error| {
            let mark = error.problem_mark().map(at).unwrap_or_default();
            let said = match error.context() {
                Some(context) => format!("{}, {}", error.problem(), context),
                None => error.problem().to_owned(),
            };
            let cure = "look at the indentation, the quotes and the brackets there; a tab cannot indent";
            broken(mark, "yaml-syntax", format!("this is not YAML: {said}"), cure)
        })
    }

    fn document(&mut self) -> Result<Node, Broken> {
        let mut root = None;
        loop {
            let event = self.next()?;
            match event.data {
                EventData::DocumentStart { .. } if root.is_some() => {
                    let cure = "remove the line '---' and put the settings into one mapping";
                    let message = "a second document begins here; a configuration is one document";
                    return Err(broken(at(event.start_mark), "second-document", message, cure));
                }
                EventData::DocumentStart { .. } => {
                    let first = self.next()?;
                    root = Some(self.node(first, 0)?);
                }
                EventData::StreamEnd => {
                    let empty = Node { at: At { line: 1, column: 1 }, value: Value::Map(Vec::new()) };
                    return Ok(root.unwrap_or(empty));
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event, depth: usize) -> Result<Node, Broken> {
        let place = at(event.start_mark);
        self.count += 1;
        if depth > DEEPEST || self.count > MOST {
            let message = format!("nests deeper than {DEEPEST} levels or holds more than {MOST} values");
            return Err(broken(place, "too-large", message, "flatten it"));
        }
        match event.data {
            EventData::Alias { anchor } => self.alias(&anchor, place),
            EventData::Scalar { anchor, value, plain_implicit, .. } => {
                let value = if plain_implicit && matches!(value.as_str(), "" | "~" | "null") {
                    Value::Null
                } else {
                    Value::Scalar { text: value, plain: plain_implicit }
                };
                Ok(self.keep(anchor, Node { at: place, value }))
            }
            EventData::SequenceStart { anchor, .. } => {
                let mut items = Vec::new();
                loop {
                    let event = self.next()?;
                    if event.data == EventData::SequenceEnd {
                        break;
                    }
                    items.push(self.node(event, depth + 1)?);
                }
                Ok(self.keep(anchor, Node { at: place, value: Value::List(items) }))
            }
            EventData::MappingStart { anchor, .. } => {
                let entries = self.entries(depth)?;
                Ok(self.keep(anchor, Node { at: place, value: Value::Map(entries) }))
            }
            _ => Err(broken(place, "yaml-syntax", "a value is expected here", "write one")),
        }
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<(Key, Node)>, Broken> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        loop {
            let event = self.next()?;
            if event.data == EventData::MappingEnd {
                return Ok(entries);
            }
            let key = self.node(event, depth + 1)?;
            let text = match key.value {
                Value::Scalar { text, .. } => text,
                _ => {
                    let message = "a key must be a single word";
                    return Err(broken(key.at, "key-type", message, "write the key as text"));
                }
            };
            let event = self.next()?;
            let value = self.node(event, depth + 1)?;
            match entries.iter().find(|(key, _)| key.text == text) {
                Some((first, _)) => {
                    let message = format!("'{text}' is set twice; first in line {}", first.at.line);
                    self.doubled.push(broken(key.at, "duplicate-key", message, "remove one of the two"));
                }
                None => entries.push((Key { at: key.at, text }, value)),
            }
        }
    }

    fn keep(&mut self, anchor: Option<String>, node: Node) -> Node {
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, node.clone());
        }
        node
    }

    fn alias(&mut self, anchor: &str, place: At) -> Result<Node, Broken> {
        let Some(node) = self.anchors.get(anchor).cloned() else {
            let message = format!("'*{anchor}' names an anchor that does not exist before it");
            return Err(broken(
                place,
                "unknown-anchor",
                message,
                "define '&anchor' above, or write the value here",
            ));
        };
        self.count += size(&node);
        Ok(node)
    }
}

fn size(node: &Node) -> usize {
    match &node.value {
        Value::Null | Value::Scalar { .. } => 1,
        Value::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|(_, value)| 1 + size(value)).sum::<usize>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(text: &str) -> (u32, u32, &'static str) {
        let broken = match read(text) {
            Ok((_, doubled)) => doubled.into_iter().next().expect("nothing is wrong"),
            Err(broken) => broken,
        };
        (broken.at.line, broken.at.column, broken.code)
    }

    #[test]
    fn what_is_no_single_document_names_its_place() {
        assert_eq!(fails("a: 1\n---\nb: 2\n"), (2, 1, "second-document"));
        assert_eq!(fails("a: 1\nb: 2\na: 3\n"), (3, 1, "duplicate-key"));
        assert_eq!(fails("a: *gone\n"), (1, 4, "unknown-anchor"));
        assert_eq!(fails("[a]: 1\n"), (1, 1, "key-type"));
        assert_eq!(fails("a: [1\nb: 2\n").2, "yaml-syntax");
        assert_eq!(fails("a:\n\t- b\n"), (2, 1, "yaml-syntax"));
    }

    #[test]
    fn a_file_cannot_grow_by_repeating_itself() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let item = format!("*a{}", level - 1);
            text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![item; 10].join(", ")));
        }
        assert_eq!(fails(&text).2, "too-large");
        assert_eq!(fails(&"[".repeat(200)).2, "too-large");
    }

    #[test]
    fn nothing_is_an_empty_mapping() {
        for text in ["", "# only a comment\n", "\u{feff}"] {
            assert!(matches!(read(text).unwrap().0.value, Value::Map(entries) if entries.is_empty()));
        }
    }
}
