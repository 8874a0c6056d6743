//! The `zuul` and `zuul-post` triggers of the classic dialect (rules jjb-J90, jjb-J91, jjb-J93): before expansion, once per
//! job and template, changing lists in place. A list that is reached in several ways is one object and changes for all.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::elements::{Element, Elements};
use super::zuul_parameters::parameters;
use crate::node::{Map, Node, Value};
use crate::place::Place;
use crate::problem::{Problem, Result};

/// The new contents of changed lists and mappings, by the address of the old ones. The elements keep the old ones alive.
#[derive(Default)]
struct Changes {
    lists: FxHashMap<usize, Vec<Node>>,
    maps: FxHashMap<usize, Map>,
}

fn address<T>(shared: &Arc<T>) -> usize {
    Arc::as_ptr(shared) as usize
}

impl Changes {
    fn list(&self, list: &Arc<Vec<Node>>) -> Vec<Node> {
        self.lists.get(&address(list)).unwrap_or(list).clone()
    }

    fn map<'m>(&'m self, map: &'m Arc<Map>) -> &'m Map {
        self.maps.get(&address(map)).unwrap_or(map)
    }
}

/// Applies the triggers to all jobs, then to all templates.
pub(crate) fn apply(elements: &mut Elements) -> Result<()> {
    let bodies: Vec<Element> =
        elements.all("job").chain(elements.all("job-template")).map(|(_, element)| element.clone()).collect();
    let mut changes = Changes::default();
    for element in &bodies {
        while apply_one(element, &mut changes)? {}
    }
    if changes.lists.is_empty() {
        return Ok(());
    }
    let mut rewriter = Rewriter { changes, done: FxHashMap::default() };
    for group in elements.kinds.values_mut() {
        for element in group.values_mut() {
            let body = Node::new(Value::Map(Arc::clone(&element.body)), element.place);
            if let Value::Map(map) = rewriter.node(&body).value {
                element.body = map;
            }
        }
    }
    // The old contents must stay alive as long as their addresses are looked up.
    drop(bodies);
    Ok(())
}

fn apply_one(element: &Element, changes: &mut Changes) -> Result<bool> {
    let body = changes.map(&element.body);
    let Some(triggers) = body.get("triggers").cloned() else {
        return Ok(false);
    };
    let Value::Seq(trigger_list) = &triggers.value else {
        return Ok(false);
    };
    let mut items = changes.list(trigger_list);
    let zuul = position(&items, "zuul");
    let zuul_post = position(&items, "zuul-post");
    if zuul.is_none() && zuul_post.is_none() {
        return Ok(false);
    }
    let own = match body.get("parameters").cloned() {
        Some(own) => own,
        None => {
            let fresh = Node::seq(Vec::new(), triggers.place);
            let mut body = body.clone();
            body.insert(Node::str("parameters", triggers.place), fresh.clone());
            changes.maps.insert(address(&element.body), body);
            fresh
        }
    };
    let Value::Seq(own_list) = &own.value else {
        return not_a_list(&own).fail();
    };
    let mut extended = changes.list(own_list);
    for (found, name, post) in [(zuul, "zuul", false), (zuul_post, "zuul-post", true)] {
        if found.is_some() {
            extended.extend_from_slice(parameters(post));
            if let Some(at) = position(&items, name) {
                items.remove(at);
            }
        }
    }
    changes.lists.insert(address(own_list), extended);
    changes.lists.insert(address(trigger_list), items);
    Ok(true)
}

/// The unified dialect: after expansion, on one job, for each time that a trigger stands there (rule jjb-J92).
pub(crate) fn amend(definition: &mut Map) -> Result<()> {
    while amend_once(definition)? {}
    Ok(())
}

fn amend_once(definition: &mut Map) -> Result<bool> {
    let Some((key, triggers)) = definition.get_entry("triggers") else {
        return Ok(false);
    };
    let Some(items) = triggers.as_seq() else {
        return Ok(false);
    };
    let (zuul, post) = (position(items, "zuul"), position(items, "zuul-post"));
    if zuul.is_none() && post.is_none() {
        return Ok(false);
    }
    let (key, place) = (key.clone(), triggers.place);
    let mut rest = items.to_vec();
    let own = definition.get("parameters").cloned().unwrap_or_else(|| Node::seq(Vec::new(), place));
    let Some(own_items) = own.as_seq() else {
        return not_a_list(&own).fail();
    };
    let mut extended = own_items.to_vec();
    for (found, name, post) in [(zuul, "zuul", false), (post, "zuul-post", true)] {
        if found.is_some() {
            extended.extend_from_slice(parameters(post));
            if let Some(at) = position(&rest, name) {
                rest.remove(at);
            }
        }
    }
    definition.insert(key, Node::seq(rest, place));
    definition.insert(Node::str("parameters", place), Node::seq(extended, own.place));
    Ok(true)
}

fn not_a_list(own: &Node) -> Problem {
    Problem::error(
        "not-a-list",
        own.place,
        format!("'parameters' is {}, and the zuul trigger must add to it", own.kind()),
    )
    .cure("make 'parameters' a list")
}

fn position(items: &[Node], name: &str) -> Option<usize> {
    items.iter().position(|item| item.as_str() == Some(name))
}

/// Puts the new contents wherever the old ones are reached.
struct Rewriter {
    changes: Changes,
    done: FxHashMap<usize, Node>,
}

impl Rewriter {
    fn node(&mut self, node: &Node) -> Node {
        let address = match &node.value {
            Value::Seq(items) => address(items),
            Value::Map(map) => address(map),
            _ => return node.clone(),
        };
        if let Some(done) = self.done.get(&address) {
            return done.clone();
        }
        let out = match &node.value {
            Value::Seq(items) => self.list(node, items),
            Value::Map(map) => self.map(node, map),
            _ => node.clone(),
        };
        self.done.insert(address, out.clone());
        out
    }

    fn list(&mut self, node: &Node, items: &Arc<Vec<Node>>) -> Node {
        let changed = self.changes.lists.remove(&address(items));
        let is_new = changed.is_some();
        let current: &[Node] = changed.as_deref().unwrap_or(items);
        let rewritten: Vec<Node> = current.iter().map(|item| self.node(item)).collect();
        if !is_new && items.iter().zip(&rewritten).all(|(a, b)| same(a, b)) {
            return node.clone();
        }
        Node::seq(rewritten, node.place)
    }

    fn map(&mut self, node: &Node, map: &Arc<Map>) -> Node {
        let changed = self.changes.maps.remove(&address(map));
        let is_new = changed.is_some();
        let current = changed.unwrap_or_else(|| Map::clone(map));
        let mut rewritten = current;
        let mut differs = is_new;
        for value in rewritten.values_mut() {
            let out = self.node(value);
            differs |= !same(value, &out);
            *value = out;
        }
        if differs { Node::map(rewritten, node.place) } else { node.clone() }
    }
}

fn same(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Seq(a), Value::Seq(b)) => Arc::ptr_eq(a, b),
        (Value::Map(a), Value::Map(b)) => Arc::ptr_eq(a, b),
        _ => true,
    }
}

/// The place of what the triggers add.
pub(super) const ADDED: Place = Place::NOWHERE;
