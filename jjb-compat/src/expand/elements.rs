//! The elements of a tree, by kind and name (contract section 6).

use std::sync::Arc;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use crate::node::{Map, Node, Style, Value, identical_maps};
use crate::place::Place;
use crate::problem::{Problem, Result};
use crate::session::Session;

/// An element as it stands in its file.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    pub(crate) body: Arc<Map>,
    pub(crate) place: Place,
}

impl Element {
    /// Equal in every respect, places included.
    pub(crate) fn is_same(&self, other: &Element) -> bool {
        self.place == other.place
            && (Arc::ptr_eq(&self.body, &other.body) || identical_maps(&self.body, &other.body))
    }
}

/// The elements of one kind, under their id or name, in file order.
pub(crate) type Group = IndexMap<Node, Element, FxBuildHasher>;

/// All elements of a tree.
#[derive(Clone, Default, Debug)]
pub(crate) struct Elements {
    pub(crate) kinds: IndexMap<Arc<str>, Group, FxBuildHasher>,
}

impl Elements {
    pub(crate) fn get(&self, kind: &str, name: &Node) -> Option<&Element> {
        self.kinds.get(kind)?.get(name)
    }

    /// The elements of a kind in file order.
    pub(crate) fn all(&self, kind: &str) -> impl Iterator<Item = (&Node, &Element)> {
        self.kinds.get(kind).into_iter().flatten()
    }

    /// Numbers by kind, sorted.
    pub(crate) fn counts(&self) -> Vec<(String, usize)> {
        let mut counts: Vec<_> =
            self.kinds.iter().map(|(kind, group)| (kind.to_string(), group.len())).collect();
        counts.sort();
        counts
    }

    /// Registers an element; a name that is taken is an error or a warning (rule jjb-J51).
    pub(crate) fn add(&mut self, session: &Session, kind: &str, name: Node, element: Element) -> Result<()> {
        let group = match self.kinds.get_mut(kind) {
            Some(group) => group,
            None => self.kinds.entry(kind.into()).or_default(),
        };
        if let Some(first) = group.get(&name) {
            let problem = duplicate(
                session,
                format!("the {kind} '{}' is defined twice", name.text(Style::Plain)),
                element.place,
            )
            .within("first defined here", first.place);
            refuse_or_warn(session, problem)?;
        }
        group.insert(name, element);
        Ok(())
    }

    /// The classic dialect's view of a file: a list of mappings with one key each (rule jjb-J14).
    pub(crate) fn add_classic_item(&mut self, session: &Session, item: &Node) -> Result<()> {
        let Some(map) = item.as_map() else {
            return not_an_element(item).fail();
        };
        let Some((kind, body)) = map.first() else {
            return not_an_element(item).fail();
        };
        if map.len() > 1 {
            return two_keys(item, map).fail();
        }
        let Some(fields) = map_of(body) else {
            return Problem::error(
                "not-an-element",
                body.place,
                format!("the {} is {}, not a mapping", kind.text(Style::Plain), body.kind()),
            )
            .cure("write its keys below it, with more indentation")
            .fail();
        };
        let Some(name) = fields.get("name") else {
            return without_name(&kind.text(Style::Plain), item.place).fail();
        };
        let id = fields.get("id").unwrap_or(name);
        if matches!(id.value, Value::Seq(_) | Value::Map(_)) {
            return Problem::error("bad-name", id.place, format!("{} cannot be a name", id.kind())).fail();
        }
        let element = Element { body: Arc::clone(fields), place: item.place };
        self.add(session, &kind.text(Style::Plain), id.clone(), element)
    }
}

pub(super) fn map_of(node: &Node) -> Option<&Arc<Map>> {
    match &node.value {
        Value::Map(map) => Some(map),
        _ => None,
    }
}

pub(crate) fn not_an_element(item: &Node) -> Problem {
    Problem::error(
        "not-an-element",
        item.place,
        format!("this item is {}, not a mapping with one key", item.kind()),
    )
    .because("the items at the top of a file are elements such as '- job:'")
    .cure("check the indentation")
}

pub(crate) fn two_keys(item: &Node, map: &Map) -> Problem {
    let keys: Vec<String> = map.keys().map(|key| format!("'{}'", key.text(Style::Plain))).collect();
    Problem::error("two-keys", item.place, format!("this item has {} keys: {}", keys.len(), keys.join(", ")))
        .because("an item at the top of a file has one key, the kind of the element")
        .cure("indent the keys of the element below its kind")
}

pub(crate) fn without_name(kind: &str, place: Place) -> Problem {
    Problem::error("without-name", place, format!("this {kind} has no name")).cure("add a line 'name: …'")
}

/// A name that is taken.
pub(crate) fn duplicate(session: &Session, message: String, place: Place) -> Problem {
    let problem = Problem::error("duplicate", place, message);
    if session.options.allow_duplicates {
        Problem { severity: crate::problem::Severity::Warning, ..problem }
            .because("duplicates are allowed; the later one counts")
    } else {
        problem.cure("rename or remove one of the two, or allow duplicates")
    }
}

/// Notes a warning, or fails with an error.
pub(crate) fn refuse_or_warn(session: &Session, problem: Problem) -> Result<()> {
    if problem.is_error() {
        return problem.fail();
    }
    session.warn(problem);
    Ok(())
}
