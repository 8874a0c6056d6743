//! The `tree` query: which fields of an object are asked for (jenkins-rest 1.5).

use serde_json::{Map, Value};

/// One level of a query.
#[derive(Debug, Default)]
pub struct Tree {
    fields: Vec<(String, Tree, Range)>,
}

/// From this element up to but not including that one.
type Range = Option<(usize, usize)>;

impl Tree {
    /// Reads `a,b[c]{0,5}`.
    pub fn parse(text: &str) -> Option<Tree> {
        let mut rest = text.trim();
        let tree = level(&mut rest)?;
        rest.is_empty().then_some(tree)
    }

    /// The part of a value that was asked for. Names that do not exist are left out, `_class` comes anyway.
    pub fn of(&self, value: &Value) -> Value {
        if self.fields.is_empty() {
            return shallow(value);
        }
        match value {
            Value::Array(items) => items.iter().map(|item| self.of(item)).collect(),
            Value::Object(object) => {
                let mut picked = Map::new();
                picked.extend(object.get("_class").map(|class| ("_class".to_owned(), class.clone())));
                for (name, below, range) in &self.fields {
                    let Some(found) = object.get(name) else { continue };
                    let found = match (found, range) {
                        (Value::Array(items), Some((from, to))) => {
                            items.iter().skip(*from).take(to.saturating_sub(*from)).cloned().collect()
                        }
                        _ => found.clone(),
                    };
                    picked.insert(name.clone(), below.of(&found));
                }
                Value::Object(picked)
            }
            other => other.clone(),
        }
    }
}

/// A linked object in its short form.
fn shallow(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(shallow).collect(),
        Value::Object(object) => {
            let short = ["_class", "name", "url", "color", "number", "value"];
            object
                .iter()
                .filter(|(name, _)| short.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        }
        other => other.clone(),
    }
}

fn level(rest: &mut &str) -> Option<Tree> {
    let mut tree = Tree::default();
    loop {
        let end = rest.find([',', '[', ']', '{', '}']).unwrap_or(rest.len());
        let name = rest[..end].trim().to_owned();
        *rest = &rest[end..];
        if name.is_empty() {
            return None;
        }
        let below = match rest.strip_prefix('[') {
            Some(inside) => {
                *rest = inside;
                let below = level(rest)?;
                *rest = rest.strip_prefix(']')?;
                below
            }
            None => Tree::default(),
        };
        let range = match rest.strip_prefix('{') {
            Some(inside) => {
                let (numbers, after) = inside.split_once('}')?;
                *rest = after;
                let (from, to) = numbers.split_once(',')?;
                Some((from.trim().parse().ok()?, to.trim().parse().ok()?))
            }
            None => None,
        };
        tree.fields.push((name, below, range));
        match rest.strip_prefix(',') {
            Some(more) => *rest = more,
            None => return Some(tree),
        }
    }
}
