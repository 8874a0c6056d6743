//! The axes of a template's use, and the combinations to leave out (rule jjb-J62).

use super::STYLE;
use crate::node::{Map, Node, Value};
use crate::place::Place;
use crate::problem::{Problem, Result};

/// A list that the template's name asks for.
pub(super) struct Axis<'n> {
    pub(super) key: &'n Node,
    pub(super) values: &'n [Node],
}

/// The keys whose `{key}` stands in the name and whose value is a list, in the order of the mapping.
pub(super) fn axes<'n>(mapping: &'n Map, template_name: &str) -> Vec<Axis<'n>> {
    mapping
        .iter()
        .filter_map(|(key, value)| {
            let values = value.as_seq()?;
            template_name.contains(&format!("{{{}}}", key.text(STYLE))).then_some(Axis { key, values })
        })
        .collect()
}

/// How many combinations there are; `None` beyond a machine word.
pub(super) fn count(axes: &[Axis]) -> Option<usize> {
    axes.iter().try_fold(1usize, |product, axis| product.checked_mul(axis.values.len()))
}

/// The values of a combination: the last axis varies fastest.
pub(super) fn combination<'n>(axes: &[Axis<'n>], mut number: usize) -> Vec<(&'n Node, &'n Node)> {
    let mut out: Vec<(&Node, &Node)> = Vec::with_capacity(axes.len());
    for axis in axes.iter().rev() {
        let length = axis.values.len();
        out.push((axis.key, &axis.values[number % length]));
        number /= length;
    }
    out.reverse();
    out
}

/// Overlays the values of a combination: `{value: {more}}` sets more variables, which may change the value itself.
pub(super) fn overlay(params: &mut Map, values: &[(&Node, &Node)]) -> Result<()> {
    let mut chosen = Map::with_capacity(values.len());
    for (key, value) in values {
        let Value::Map(map) = &value.value else {
            chosen.insert((*key).clone(), (*value).clone());
            continue;
        };
        let Some((inner, more)) = map.first() else {
            return bad_axis(value.place, "an empty mapping").fail();
        };
        let Some(more) = more.as_map() else {
            return bad_axis(more.place, more.kind()).fail();
        };
        chosen.insert((*key).clone(), inner.clone());
        chosen.overlay(more);
    }
    params.overlay(&chosen);
    Ok(())
}

fn bad_axis(place: Place, kind: &str) -> Problem {
    Problem::error("bad-axis", place, format!("the variables of this list element are {kind}, not a mapping"))
        .because(
            "an element of a list in a template's name is a value, or a value with a mapping of variables",
        )
        .cure("indent the variables below the value, or remove the colon behind it")
}

/// True when an entry of `exclude` fits: each of its keys that exists has an equal value.
pub(super) fn excluded(params: &Map, exclude: &Node) -> Result<bool> {
    let Some(entries) = exclude.as_seq() else {
        return bad_exclude(exclude).fail();
    };
    for entry in entries {
        let Some(entry) = entry.as_map() else {
            return bad_exclude(entry).fail();
        };
        let fits = entry.iter().all(|(key, value)| params.get_node(key).is_none_or(|own| own == value));
        if fits {
            return Ok(true);
        }
    }
    Ok(false)
}

fn bad_exclude(node: &Node) -> Problem {
    Problem::error(
        "bad-exclude",
        node.place,
        format!("'exclude' is a list of mappings, and this is {}", node.kind()),
    )
    .cure("write each combination to leave out as an item with its keys")
}
