//! The parameters that the zuul triggers add (rule jjb-J90).

use std::sync::OnceLock;

use super::zuul::ADDED;
use crate::node::{Map, Node};

/// Name and description of a parameter.
type Row = (&'static str, &'static str);

/// Of the trigger `zuul`.
const ZUUL: &[Row] = &[
    ("ZUUL_UUID", "Zuul provided key to link builds with Gerrit events"),
    ("UUID", "Zuul provided key to link builds with Gerrit events (deprecated use ZUUL_UUID instead)"),
    ("ZUUL_PIPELINE", "Zuul pipeline triggering this job"),
    ("ZUUL_URL", "URL of Zuul's git repos accessible to workers"),
    ("ZUUL_PROJECT", "Branch name of triggering project"),
    ("ZUUL_BRANCH", "Branch name of triggering change"),
    ("ZUUL_CHANGES", "List of dependent changes to merge"),
    ("ZUUL_REF", "Reference for the merged commit(s) to use"),
    ("ZUUL_COMMIT", "The commit SHA1 at the head of ZUUL_REF"),
    ("ZUUL_CHANGE_IDS", "List of included changes"),
    ("ZUUL_CHANGE", "ID of triggering change"),
    ("ZUUL_PATCHSET", "Patchset of triggering change"),
    ("ZUUL_VOTING", "Zuul considered this job voting or not"),
];

/// Of the trigger `zuul-post`.
const ZUUL_POST: &[Row] = &[
    ("ZUUL_UUID", "Zuul provided key to link builds with Gerrit events"),
    ("UUID", "Zuul provided key to link builds with Gerrit events (deprecated use ZUUL_UUID instead)"),
    ("ZUUL_PIPELINE", "Zuul pipeline triggering this job"),
    ("ZUUL_URL", "URL of Zuul's git repos accessible to workers"),
    ("ZUUL_PROJECT", "Branch name of triggering project"),
    ("ZUUL_REF", "Name of updated reference triggering this job"),
    ("ZUUL_REFNAME", "Name of updated reference triggering this job"),
    ("ZUUL_OLDREV", "Old SHA at this reference"),
    ("ZUUL_NEWREV", "New SHA at this reference"),
    ("ZUUL_SHORT_NEWREV", "Shortened new SHA at this reference"),
];

/// The items that `zuul` adds, in order, or those of `zuul-post`.
pub(super) fn parameters(post: bool) -> &'static [Node] {
    static PLAIN: OnceLock<Vec<Node>> = OnceLock::new();
    static POST: OnceLock<Vec<Node>> = OnceLock::new();
    let (cell, table) = if post { (&POST, ZUUL_POST) } else { (&PLAIN, ZUUL) };
    cell.get_or_init(|| table.iter().map(item).collect())
}

fn item((name, description): &Row) -> Node {
    let text = |text: &str| Node::str(text, ADDED);
    let mut inner = Map::with_capacity(2);
    inner.insert(text("name"), text(name));
    inner.insert(text("description"), text(description));
    let mut outer = Map::with_capacity(1);
    outer.insert(text("string"), Node::map(inner, ADDED));
    Node::map(outer, ADDED)
}
