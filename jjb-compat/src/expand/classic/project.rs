//! Projects and groups: which templates are used, and with which variables (rule jjb-J62).

use rustc_hash::FxHashSet;

use super::kind::Kind;
use super::template::Use;
use super::{Classic, STYLE, shown_name};
use crate::expand::elements::{duplicate, refuse_or_warn};
use crate::expand::{Element, Expanded};
use crate::node::{Map, Node, Value};
use crate::place::Place;
use crate::problem::{Problem, Result, Within};

/// A reference of a `jobs:` list, and the parameters for this use.
struct Reference<'n> {
    name: &'n Node,
    params: Option<&'n Map>,
}

impl Classic<'_, '_> {
    /// Expands a project; false when the reading must stop.
    pub(super) fn project(&self, project: &Element, kind: &Kind, out: &mut Expanded) -> bool {
        let Some(list) = project.body.get(kind.list) else {
            return true;
        };
        let within = || format!("in project '{}'", shown_name(&project.body));
        let items = match items(list, kind).within(within, project.place) {
            Ok(items) => items,
            Err(problem) => return self.note(*problem, out),
        };
        let mut seen = FxHashSet::default();
        for item in items {
            let done = self.reference(project, kind, item, &mut seen, out).within(within, project.place);
            if let Err(problem) = done
                && !self.note(*problem, out)
            {
                return false;
            }
        }
        true
    }

    fn note(&self, problem: Problem, out: &mut Expanded) -> bool {
        let stop = matches!(problem.code, "too-many-jobs" | "duplicate");
        out.problems.push(problem);
        self.session.options.collect && !stop
    }

    fn reference(
        &self,
        project: &Element,
        kind: &Kind,
        item: &Node,
        seen: &mut FxHashSet<Node>,
        out: &mut Expanded,
    ) -> Result<()> {
        let reference = reference(item)?;
        if self.named_plain(project, kind, &reference, seen)? {
            return Ok(());
        }
        if let Some(group) = self.find(kind.group, reference.name) {
            return self.group(project, kind, &reference, group, seen, out);
        }
        let Some(template) = self.template(kind, reference.name)? else {
            return Problem::error(
                "unknown-reference",
                reference.name.place,
                format!(
                    "there is no {}, {} or {} '{}'",
                    kind.plain,
                    kind.group,
                    kind.template,
                    reference.name.text(STYLE)
                ),
            )
            .cure("correct the name, or define it")
            .fail();
        };
        let mut mapping = Map::clone(&project.body);
        if let Some(params) = reference.params {
            mapping.overlay(params);
        }
        self.use_template(
            &Use { kind, project, group: None, template: &template, reference: reference.name },
            mapping,
            out,
        )
    }

    /// A plain job in the list makes nothing new; twice is a duplicate.
    fn named_plain(
        &self,
        project: &Element,
        kind: &Kind,
        reference: &Reference,
        seen: &mut FxHashSet<Node>,
    ) -> Result<bool> {
        let Some(element) = self.find(kind.plain, reference.name) else {
            return Ok(false);
        };
        self.with_defaults(&element.body, element.place, None)?;
        if !seen.insert(reference.name.clone()) {
            let message = format!(
                "the {} '{}' is named twice in project '{}'",
                kind.plain,
                reference.name.text(STYLE),
                shown_name(&project.body)
            );
            refuse_or_warn(self.session, duplicate(self.session, message, reference.name.place))?;
        }
        Ok(true)
    }

    fn group(
        &self,
        project: &Element,
        kind: &Kind,
        outer: &Reference,
        group: &Element,
        seen: &mut FxHashSet<Node>,
        out: &mut Expanded,
    ) -> Result<()> {
        let within = || format!("in {} '{}'", kind.group, shown_name(&group.body));
        let Some(list) = group.body.get(kind.list) else {
            return Problem::error(
                "not-a-list",
                group.place,
                format!("the {} has no '{}'", kind.group, kind.list),
            )
            .fail();
        };
        for item in items(list, kind).within(within, group.place)? {
            let inner = reference(item).within(within, group.place)?;
            if self.named_plain(project, kind, &inner, seen).within(within, group.place)? {
                continue;
            }
            // A name that is nothing is skipped without a word, also a nested group.
            let Some(template) = self.template(kind, inner.name).within(within, group.place)? else {
                continue;
            };
            let mapping = group_mapping(project, outer, group, &inner);
            let used = Use { kind, project, group: Some(group), template: &template, reference: inner.name };
            self.use_template(&used, mapping, out).within(within, group.place)?;
        }
        Ok(())
    }

    /// A template on its own defaults.
    fn template(&self, kind: &Kind, name: &Node) -> Result<Option<(Map, Place)>> {
        let Some(element) = self.find(kind.template, name) else {
            return Ok(None);
        };
        let body = self
            .with_defaults(&element.body, element.place, None)
            .within(|| format!("in {} '{}'", kind.template, shown_name(&element.body)), element.place)?;
        Ok(Some((body, element.place)))
    }
}

/// A group beats a project, and nobody inside changes the project's name.
fn group_mapping(project: &Element, outer: &Reference, group: &Element, inner: &Reference) -> Map {
    let mut mapping = Map::clone(&project.body);
    for layer in [outer.params, Some(&*group.body), inner.params].into_iter().flatten() {
        mapping.overlay(layer);
    }
    if let Some((key, name)) = project.body.get_entry("name") {
        mapping.insert(key.clone(), name.clone());
    }
    mapping
}

fn items<'n>(list: &'n Node, kind: &Kind) -> Result<&'n [Node]> {
    match list.as_seq() {
        Some(items) => Ok(items),
        None => Problem::error(
            "not-a-list",
            list.place,
            format!("'{}' is {}, not a list", kind.list, list.kind()),
        )
        .cure(format!("write the names below '{}:' as items that begin with '-'", kind.list))
        .fail(),
    }
}

/// A name, or a mapping whose first key is the name (rule jjb-J54).
fn reference(item: &Node) -> Result<Reference<'_>> {
    let found = match &item.value {
        Value::Map(map) => map.first().map(|(name, params)| Reference { name, params: params.as_map() }),
        Value::Seq(_) | Value::Set(_) | Value::Tag(_) => None,
        _ => Some(Reference { name: item, params: None }),
    };
    match found {
        Some(reference) => Ok(reference),
        None => {
            Problem::error("bad-reference", item.place, format!("{} cannot name a job", item.kind())).fail()
        }
    }
}
