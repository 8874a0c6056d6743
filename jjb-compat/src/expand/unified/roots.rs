//! The elements of a tree as the unified dialect keeps them (contract sections 6 and 8).

use std::sync::Arc;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::keys::{Of, split};
use crate::expand::elements::{duplicate, refuse_or_warn, without_name};
use crate::node::{Map, Node, Style, Value};
use crate::place::Place;
use crate::problem::{Problem, Result};
use crate::session::Session;

/// A job, view, or template of one.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    pub(super) id: Option<Node>,
    pub(super) name: Node,
    pub(super) defaults: Node,
    pub(super) contents: Map,
    pub(super) params: Map,
    pub(super) place: Place,
}

/// A set of defaults.
#[derive(Clone, Default, Debug)]
pub(crate) struct Defaults {
    pub(crate) contents: Map,
    pub(crate) params: Map,
}

/// A reference, and the parameters for this use.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    pub(super) name: Node,
    pub(super) params: Map,
    pub(super) place: Place,
}

/// A project or a group.
#[derive(Clone, Debug)]
pub(crate) struct Bundle {
    pub(super) name: Node,
    pub(super) defaults: Option<Node>,
    pub(super) jobs: Vec<Reference>,
    pub(super) views: Vec<Reference>,
    pub(super) params: Map,
    pub(super) place: Place,
}

/// A macro.
#[derive(Clone, Debug)]
pub(crate) struct Macro {
    pub(crate) defaults: Node,
    pub(crate) params: Map,
    pub(crate) elements: Node,
    pub(crate) place: Place,
}

/// Elements of one kind.
pub(crate) type Table<T> = IndexMap<Node, T, FxBuildHasher>;

/// All elements.
#[derive(Clone, Default, Debug)]
pub(crate) struct Roots {
    pub(super) defaults: Table<Defaults>,
    pub(super) jobs: Table<Root>,
    pub(super) job_templates: Table<Root>,
    pub(super) job_groups: Table<Bundle>,
    pub(super) views: Table<Root>,
    pub(super) view_templates: Table<Root>,
    pub(super) view_groups: Table<Bundle>,
    pub(super) projects: Table<Bundle>,
    pub(super) macros: IndexMap<&'static str, Table<Macro>, FxBuildHasher>,
}

/// Kinds of macros with the key of their list.
pub(super) const MACROS: &[(&str, &str)] = &[
    ("parameter", "parameters"),
    ("property", "properties"),
    ("builder", "builders"),
    ("wrapper", "wrappers"),
    ("trigger", "triggers"),
    ("publisher", "publishers"),
    ("scm", "scm"),
    ("pipeline-scm", "pipeline-scm"),
    ("reporter", "reporters"),
    ("notification", "notifications"),
];

impl Roots {
    pub(crate) fn macro_of(&self, kind: &str, name: &Node) -> Option<&Macro> {
        self.macros.get(kind)?.get(name)
    }

    /// A set overlaid on `global` (rule jjb-J71).
    pub(crate) fn pick_defaults(&self, session: &Session, name: &Node) -> Result<Defaults> {
        let set = Node::str("global", name.place);
        session.uses_element("defaults", &set);
        session.uses_element("defaults", name);
        let global = self.defaults.get(&set);
        if name.as_str() == Some("global") {
            return Ok(global.cloned().unwrap_or_default());
        }
        let Some(set) = self.defaults.get(name) else {
            return Problem::error(
                "unknown-defaults",
                name.place,
                format!("there are no defaults '{}'", name.text(Style::Plain)),
            )
            .cure("correct the name, or add a 'defaults' element with it")
            .fail();
        };
        let mut out = global.cloned().unwrap_or_default();
        out.contents.overlay(&set.contents);
        out.params.overlay(&set.params);
        Ok(out)
    }

    /// Numbers by kind, sorted.
    pub(crate) fn counts(&self) -> Vec<(String, usize)> {
        let mut counts = vec![
            ("defaults".to_string(), self.defaults.len()),
            ("job".to_string(), self.jobs.len()),
            ("job-template".to_string(), self.job_templates.len()),
            ("job-group".to_string(), self.job_groups.len()),
            ("view".to_string(), self.views.len()),
            ("view-template".to_string(), self.view_templates.len()),
            ("view-group".to_string(), self.view_groups.len()),
            ("project".to_string(), self.projects.len()),
        ];
        counts.extend(self.macros.iter().map(|(kind, table)| (kind.to_string(), table.len())));
        counts.retain(|(_, count)| *count > 0);
        counts.sort();
        counts
    }

    /// Registers an element.
    pub(crate) fn add(&mut self, session: &Session, kind: &Node, body: &Node, place: Place) -> Result<()> {
        let word = kind.as_str().unwrap_or_default();
        let listed = MACROS.iter().find(|(name, _)| *name == word);
        if listed.is_none() && !KINDS.contains(&word) {
            return unknown_kind(kind).fail();
        }
        let Some(fields) = body.as_map() else {
            return Problem::error(
                "not-an-element",
                body.place,
                format!("the {word} is {}, not a mapping", body.kind()),
            )
            .cure("write its keys below it, with more indentation")
            .fail();
        };
        let mut fields = fields.clone();
        let Some(name) = fields.remove("name").map(as_text) else {
            return without_name(word, place).fail();
        };
        match word {
            "defaults" => {
                let (contents, params) = split(Of::Both, &fields);
                self.defaults.insert(name, Defaults { contents, params });
                Ok(())
            }
            "job" => assign(session, &mut self.jobs, word, root(Of::Job, name, fields, place)),
            "job-template" => {
                assign(session, &mut self.job_templates, word, root(Of::Job, name, fields, place))
            }
            "view" => assign(session, &mut self.views, word, root(Of::View, name, fields, place)),
            "view-template" => {
                assign(session, &mut self.view_templates, word, root(Of::View, name, fields, place))
            }
            "job-group" => assign(session, &mut self.job_groups, word, bundle(word, name, fields, place)?),
            "view-group" => assign(session, &mut self.view_groups, word, bundle(word, name, fields, place)?),
            "project" => assign(session, &mut self.projects, word, bundle(word, name, fields, place)?),
            _ => match listed {
                Some((kind, list)) => {
                    let made = macro_element(kind, list, fields, place)?;
                    assign(session, self.macros.entry(kind).or_default(), word, (name, made))
                }
                None => unknown_kind(kind).fail(),
            },
        }
    }
}

/// Kinds that are no macros.
const KINDS: &[&str] =
    &["defaults", "job", "job-template", "job-group", "view", "view-template", "view-group", "project"];

fn unknown_kind(kind: &Node) -> Problem {
    let known: Vec<&str> = KINDS.iter().copied().chain(MACROS.iter().map(|(name, _)| *name)).collect();
    Problem::error("unknown-kind", kind.place, format!("'{}' is no kind of element", kind.text(Style::Plain)))
        .because(format!("the kinds are: {}", known.join(", ")))
        .cure("correct it, or begin it with '_' to have it ignored")
}

/// A number as name becomes text (rule jjb-J53).
fn as_text(name: Node) -> Node {
    match &name.value {
        Value::Str(_) => name,
        _ => Node::str(name.text(Style::Plain).into_owned(), name.place),
    }
}

/// Something with a name to register it by and a place.
trait Named {
    fn place(&self) -> Place;
}

impl Named for Root {
    fn place(&self) -> Place {
        self.place
    }
}

impl Named for Bundle {
    fn place(&self) -> Place {
        self.place
    }
}

impl Named for Macro {
    fn place(&self) -> Place {
        self.place
    }
}

fn assign<T: Named>(
    session: &Session,
    table: &mut Table<T>,
    kind: &str,
    (name, item): (Node, T),
) -> Result<()> {
    if let Some(first) = table.get(&name) {
        let message = format!("the {kind} '{}' is defined twice", name.text(Style::Plain));
        refuse_or_warn(
            session,
            duplicate(session, message, item.place()).within("first defined here", first.place()),
        )?;
    }
    table.insert(name, item);
    Ok(())
}

fn root(of: Of, name: Node, mut fields: Map, place: Place) -> (Node, Root) {
    let id = fields.remove("id").filter(Node::truth);
    let defaults = fields.remove("defaults").unwrap_or_else(|| Node::str("global", place));
    let description = fields.remove("description").filter(|text| !text.is_null());
    let (project_type, folder, view_type) = match of {
        Of::View => {
            (None, None, Some(fields.remove("view-type").unwrap_or_else(|| Node::str("list", place))))
        }
        _ => (fields.remove("project-type"), fields.remove("folder"), None),
    };
    let (own, params) = split(of, &fields);
    let mut contents = Map::with_capacity(own.len() + 4);
    let mut put = |key: &str, value: Option<Node>| {
        if let Some(value) = value {
            contents.insert(Node::str(Arc::<str>::from(key), value.place), value);
        }
    };
    put("name", (of == Of::View).then(|| name.clone()));
    put("view-type", view_type);
    contents.overlay(&own);
    let mut put = |key: &str, value: Option<Node>| {
        if let Some(value) = value {
            contents.insert(Node::str(Arc::<str>::from(key), value.place), value);
        }
    };
    put("description", description);
    put("name", (of == Of::Job).then(|| name.clone()));
    put("project-type", project_type.filter(Node::truth));
    put("folder", folder.filter(Node::truth));
    let key = id.clone().unwrap_or_else(|| name.clone());
    (key, Root { id, name, defaults, contents, params, place })
}

fn bundle(kind: &str, name: Node, mut fields: Map, place: Place) -> Result<(Node, Bundle)> {
    let project = kind == "project";
    let defaults = if project { fields.remove("defaults").filter(Node::truth) } else { None };
    let jobs = if kind == "view-group" { Vec::new() } else { references(fields.remove("jobs"))? };
    let views = if kind == "job-group" { Vec::new() } else { references(fields.remove("views"))? };
    Ok((name.clone(), Bundle { name, defaults, jobs, views, params: fields, place }))
}

/// The references of a list (rule jjb-J54).
fn references(list: Option<Node>) -> Result<Vec<Reference>> {
    let Some(list) = list.filter(|list| !list.is_null()) else {
        return Ok(Vec::new());
    };
    let Some(items) = list.as_seq() else {
        return Problem::error(
            "not-a-list",
            list.place,
            format!("this is {}, not a list of names", list.kind()),
        )
        .cure("write the names as items that begin with '-'")
        .fail();
    };
    items.iter().map(reference).collect()
}

fn reference(item: &Node) -> Result<Reference> {
    if item.as_str().is_some() {
        return Ok(Reference { name: item.clone(), params: Map::new(), place: item.place });
    }
    let bad = |what: String| {
        Problem::error("bad-reference", item.place, what)
            .because("an item is a name, or a name with a mapping of parameters")
            .cure("check the indentation")
            .fail()
    };
    let Some(map) = item.as_map() else {
        return bad(format!("{} cannot name a job", item.kind()));
    };
    match map.first() {
        Some((name, params)) if map.len() == 1 => match &params.value {
            Value::Null => Ok(Reference { name: name.clone(), params: Map::new(), place: item.place }),
            Value::Map(params) => {
                Ok(Reference { name: name.clone(), params: Map::clone(params), place: item.place })
            }
            _ => bad(format!(
                "the parameters of '{}' are {}, not a mapping",
                name.text(Style::Plain),
                params.kind()
            )),
        },
        _ => bad(format!("this item has {} keys", map.len())),
    }
}

fn macro_element(kind: &str, list: &str, mut fields: Map, place: Place) -> Result<Macro> {
    let defaults = fields.remove("defaults").unwrap_or_else(|| Node::str("global", place));
    let Some(elements) = fields.remove(list) else {
        return Problem::error("not-a-list", place, format!("this {kind} macro has no '{list}'"))
            .cure(format!("add '{list}:' with its components"))
            .fail();
    };
    Ok(Macro { defaults, params: fields, elements, place })
}
