//! The axes of a template's name, and the combinations to leave out (rule jjb-J73).

use std::cell::Cell;

use super::deep::{Deep, Mode};
use super::{params, required};
use crate::format::defaults_of;
use crate::node::{Map, Node, Style, Value};
use crate::place::Place;
use crate::problem::{Problem, Result, Within};
use crate::session::Session;

/// The points of one axis: each a value of the axis, perhaps with more parameters.
pub(super) struct Axis {
    name: Node,
    pub(super) points: Vec<Map>,
}

/// The axes, in the order in which the name uses them; each use counts.
pub(super) fn axes(session: &Session, name: &Node, given: &Map, steps: &Cell<usize>) -> Result<Vec<Axis>> {
    let text = name.text(Style::Plain);
    let mut names = Vec::new();
    required::of_text(&text, name.place, &mut names)?;
    let mut out = Vec::with_capacity(names.len());
    for axis in names {
        let default = defaults_of(&text).into_iter().rev().find(|(key, _)| *key == axis);
        let key = Node::str(axis.as_str(), name.place);
        let (key, value) = match (given.get_entry(&axis), default) {
            (Some((key, value)), _) => (key.clone(), value.clone()),
            (None, Some((_, default))) => (key, Node::str(default, name.place)),
            // Perhaps the value comes with a point of another axis.
            (None, None) => continue,
        };
        let deep = Deep { session, params: params(session, given, false), mode: Mode::Tags, steps };
        let value = deep.node(&value)?;
        let points = points(&key, &value).within(|| format!("in the variable '{axis}'"), key.place)?;
        out.push(Axis { name: key, points });
    }
    Ok(out)
}

fn points(axis: &Node, value: &Node) -> Result<Vec<Map>> {
    let single = |value: &Node| {
        let mut point = Map::with_capacity(1);
        point.insert(axis.clone(), value.clone());
        point
    };
    let Some(items) = value.as_seq() else {
        return Ok(vec![single(value)]);
    };
    items
        .iter()
        .map(|item| {
            let Value::Map(map) = &item.value else {
                return Ok(single(item));
            };
            match map.first() {
                Some((value, more)) if map.len() == 1 => match more.as_map() {
                    Some(more) => {
                        let mut point = single(value);
                        point.overlay(more);
                        Ok(point)
                    }
                    None => {
                        bad_point(more.place, format!("the parameters of this value are {}", more.kind()))
                    }
                },
                _ => bad_point(item.place, format!("this value is a mapping with {} keys", map.len())),
            }
        })
        .collect()
}

fn bad_point<T>(place: Place, what: String) -> Result<T> {
    Problem::error("bad-axis", place, what)
        .because("an element of such a list is a value, or a value with a mapping of parameters")
        .cure("indent the parameters below the value, or remove the colon behind it")
        .fail()
}

/// The parameters of a combination: the last axis varies fastest; what a point sets for other axes wins over their values.
pub(super) fn combination(axes: &[Axis], mut number: usize) -> Map {
    let mut chosen: Vec<(&Node, &Map)> = Vec::with_capacity(axes.len());
    for axis in axes.iter().rev() {
        chosen.push((&axis.name, &axis.points[number % axis.points.len()]));
        number /= axis.points.len();
    }
    chosen.reverse();
    let mut out = Map::new();
    for (_, point) in &chosen {
        out.overlay(point);
    }
    for (axis, point) in chosen {
        for (key, value) in point.iter().filter(|(key, _)| *key != axis) {
            out.insert(key.clone(), value.clone());
        }
    }
    out
}

/// True when an entry of `exclude` fits.
pub(super) fn excluded(params: &Map) -> Result<bool> {
    let Some((key, exclude)) = params.get_entry("exclude").filter(|(_, exclude)| exclude.truth()) else {
        return Ok(false);
    };
    let bad = |node: &Node, what: String| {
        Problem::error("bad-exclude", node.place, what)
            .cure("write each combination to leave out as an item with its keys")
            .fail()
            .within(|| "in the list of excluded combinations".into(), key.place)
    };
    let Some(entries) = exclude.as_seq() else {
        return bad(exclude, format!("'exclude' is {}, not a list", exclude.kind()));
    };
    'entries: for entry in entries {
        let Some(map) = entry.as_map().filter(|map| !map.is_empty()) else {
            return bad(entry, format!("an entry of 'exclude' is {}, not a mapping with keys", entry.kind()));
        };
        for (key, value) in map.iter() {
            match params.get_node(key) {
                None => {
                    return bad(
                        key,
                        format!("there is no variable '{}' to exclude by", key.text(Style::Plain)),
                    );
                }
                Some(own) if own != value => continue 'entries,
                Some(_) => {}
            }
        }
        return Ok(true);
    }
    Ok(false)
}
