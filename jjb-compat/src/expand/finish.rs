//! The last touches of a definition: full name, description (rules jjb-J110, jjb-J111); duplicates (rule jjb-J113).

use std::hash::BuildHasher;
use std::sync::Arc;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::elements::{duplicate, refuse_or_warn};
use crate::components::Memo;
use crate::glob;
use crate::node::{Map, Node, Style, Value};
use crate::outcome::{Component, Origin};
use crate::place::Place;
use crate::problem::{Problem, Result};
use crate::session::Session;
use crate::trace::Key;

/// What Job Builder puts behind each description.
const MARKER: &str = "<!-- Managed by Jenkins Job Builder -->";

/// A job or view whose template is expanded and whose components are not.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) definition: Arc<Map>,
    pub(crate) origin: Origin,
    named: Named,
}

impl Made {
    pub(crate) fn new(definition: Map, origin: Origin) -> Made {
        let name = definition.get("name").cloned();
        let hash = FxBuildHasher.hash_one(&name);
        let named = Named { name, hash, project: origin.project.clone() };
        Made { definition: Arc::new(definition), origin, named }
    }

    /// What it is called, and where that comes from.
    pub(crate) fn named(&self) -> &Named {
        &self.named
    }

    /// The full name as text.
    pub(crate) fn name(&self, style: Style) -> Arc<str> {
        self.definition.get("name").map_or_else(|| "".into(), |name| name.text(style).into())
    }
}

/// A piece of a tree that is expanded by itself: a plain job or view, or a project.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit<E> {
    pub(crate) kind: &'static str,
    /// The same from one reading to the next.
    pub(crate) key: Key,
    /// The key of its element.
    pub(crate) own: Key,
    /// About how much work it is: the more, the sooner it should be begun.
    pub(crate) weight: usize,
    pub(crate) element: E,
}

/// About how many jobs a project makes: each reference for each combination of its lists. It is a guess, because only the names of
/// the templates tell which lists count.
pub(crate) fn weight<'m>(references: usize, variables: impl Iterator<Item = &'m Node>) -> usize {
    let lengths = variables.filter_map(Node::as_seq).map(|list| list.len().max(1));
    lengths.fold(references, usize::saturating_mul)
}

/// What came out, and what went wrong on the way.
#[derive(Default)]
pub(crate) struct Expanded {
    pub(crate) jobs: Vec<Made>,
    pub(crate) views: Vec<Made>,
    pub(crate) problems: Vec<Problem>,
    /// The reading must not go on behind this.
    pub(crate) stop: bool,
}

/// The elements of a dialect, and how they are expanded.
pub(crate) trait Expand: Sync {
    /// An element that is expanded by itself.
    type Element<'e>: Copy + Sync
    where
        Self: 'e;

    /// How mappings print.
    const STYLE: Style;

    /// True when name filters are asked for after duplicates are dropped.
    const FILTERS_LAST: bool;

    /// What is to be expanded, in order.
    fn units(&self) -> Vec<Unit<Self::Element<'_>>>;

    /// Expands one.
    fn expand(&self, session: &Session, unit: &Unit<Self::Element<'_>>) -> Expanded;

    /// What the component lists of a job stand for.
    fn components(&self, session: &Session, memo: &Memo, definition: &Map) -> Result<Arc<[Component]>>;
}

/// Takes one more job or view; past the limit the reading ends.
pub(crate) fn count(session: &Session, place: Place) -> Result<()> {
    let limit = session.options.limits.jobs;
    if session.count_made() <= limit {
        return Ok(());
    }
    Problem::error("too-many-jobs", place, format!("the tree makes more than {limit} jobs"))
        .cure("narrow the lists that the templates are used with")
        .fail()
}

/// True when the name filters ask for it (rule jjb-J114).
pub(crate) fn wanted(session: &Session, definition: &Map, style: Style) -> bool {
    let filters = &session.options.filters;
    if filters.is_empty() {
        return true;
    }
    let name = definition.get("name").map(|name| name.text(style).into_owned()).unwrap_or_default();
    filters.iter().any(|filter| glob::matches(filter, &name))
}

/// Puts the folder before the name.
pub(crate) fn full_name(definition: &mut Map, style: Style) {
    let (Some(folder), Some((key, name))) = (definition.get("folder"), definition.get_entry("name")) else {
        return;
    };
    let full = format!("{}/{}", folder.text(style), name.text(style));
    let (key, place) = (key.clone(), name.place);
    definition.insert(key, Node::str(full, place));
}

/// Lists of a definition, and their items, that another job has too become one with those.
pub(crate) fn share(session: &Session, definition: &mut Map) {
    if session.is_fleeting() {
        return;
    }
    for value in definition.values_mut() {
        if let Value::Seq(items) = &value.value {
            let items = items.iter().map(|item| session.pool.share(item.clone())).collect();
            *value = session.pool.share(Node::seq(items, value.place));
        }
    }
}

/// Adds the marker to the description.
pub(crate) fn describe(definition: &mut Map, keep: bool, null_as_empty: bool, place: Place) -> Result<()> {
    let (key, text, place) = match definition.get_entry("description") {
        None if keep => return Ok(()),
        None => (Node::str("description", place), String::new(), place),
        Some((_, value)) if value.is_null() && (keep || !null_as_empty) => return Ok(()),
        // The unified engine takes anything that counts as false for an empty text.
        Some((key, value)) if null_as_empty && !value.truth() => (key.clone(), String::new(), value.place),
        Some((key, value)) => match value.as_str() {
            Some(text) => (key.clone(), text.to_string(), value.place),
            None => {
                return Problem::error(
                    "bad-description",
                    value.place,
                    format!("the description is {}, not text", value.kind()),
                )
                .cure("write it in quotes")
                .fail();
            }
        },
    };
    definition.insert(key, Node::str(text + MARKER, place));
    Ok(())
}

/// What a job or view is called, and where that comes from.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// Nothing where there is no name at all.
    name: Option<Node>,
    /// That of the name, so that nobody must look at its text again.
    hash: u64,
    project: Option<(Arc<str>, Place)>,
}

/// Of several with one name the last stays, at its own place. Gives the positions of those that stay.
pub(crate) fn without_duplicates(session: &Session, kind: &str, all: &[&Named]) -> Result<Vec<usize>> {
    // Who has the name of this hash; names with equal hashes stand under the numbers that follow.
    let mut seen: FxHashMap<u64, &Node> = FxHashMap::with_capacity_and_hasher(all.len(), FxBuildHasher);
    let mut kept = Vec::with_capacity(all.len());
    for (index, item) in all.iter().enumerate().rev() {
        let Some(name) = &item.name else { continue };
        let mut key = item.hash;
        let first = loop {
            match seen.get(&key) {
                Some(other) if *other == name => break Some(other.place),
                Some(_) => key = key.wrapping_add(1),
                None => break None,
            }
        };
        if let Some(place) = first {
            let message = format!("the {kind} '{}' is made twice", name.text(Style::Plain));
            let mut problem = duplicate(session, message, name.place);
            if let Some((project, place)) = &item.project {
                problem = problem.within(format!("in project '{project}'"), *place);
            }
            refuse_or_warn(session, problem.within("also made here", place))?;
            continue;
        }
        seen.insert(key, name);
        kept.push(index);
    }
    kept.reverse();
    Ok(kept)
}
