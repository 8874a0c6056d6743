//! Jobs and views from the elements (rules jjb-J72 to jjb-J74).

use std::cell::Cell;
use std::sync::Arc;

use super::deep::{Deep, Mode};
use super::roots::{Bundle, Reference, Root, Roots, Table};
use super::{STYLE, axes, params};
use crate::expand::finish::{self, Expanded, Made, full_name};
use crate::node::{Map, Node};
use crate::outcome::Origin;
use crate::place::Place;
use crate::problem::{Problem, Result, Within};
use crate::session::Session;

/// Expands the elements of a tree.
pub(crate) struct Unified<'u, 's> {
    session: &'u Session<'s>,
    roots: &'u Roots,
    made: Cell<usize>,
}

/// Jobs or views.
struct Tables<'t> {
    kind: &'static str,
    plain: &'t Table<Root>,
    templates: &'t Table<Root>,
    groups: &'t Table<Bundle>,
    list: fn(&Bundle) -> &[Reference],
}

/// A project's use of something.
struct Use<'u> {
    project: &'u Bundle,
    group: Option<&'u Bundle>,
    reference: &'u Reference,
    params: Map,
}

impl<'u, 's> Unified<'u, 's> {
    pub(crate) fn new(session: &'u Session<'s>, roots: &'u Roots) -> Unified<'u, 's> {
        Unified { session, roots, made: Cell::new(0) }
    }

    /// All jobs and views.
    pub(crate) fn expand(&self) -> Expanded {
        let roots = self.roots;
        let jobs = Tables {
            kind: "job",
            plain: &roots.jobs,
            templates: &roots.job_templates,
            groups: &roots.job_groups,
            list: |bundle| &bundle.jobs,
        };
        let views = Tables {
            kind: "view",
            plain: &roots.views,
            templates: &roots.view_templates,
            groups: &roots.view_groups,
            list: |bundle| &bundle.views,
        };
        let mut out = Expanded::default();
        out.jobs = self.all(&jobs, &mut out.problems);
        if out.problems.is_empty() || self.session.options.collect {
            out.views = self.all(&views, &mut out.problems);
        }
        out
    }

    fn all(&self, tables: &Tables, problems: &mut Vec<Problem>) -> Vec<Made> {
        let mut out = Vec::new();
        for root in tables.plain.values() {
            let made = self.plain(root).within(|| in_element(tables.kind, &root.name), root.place);
            if !self.take(made, &mut out, problems) {
                return out;
            }
        }
        for project in self.roots.projects.values() {
            for reference in (tables.list)(project) {
                let mut items = Vec::new();
                let used = self.project_reference(tables, project, reference, &mut items);
                let used = used.within(|| in_element("project", &project.name), project.place);
                if !self.take(used.map(|()| items), &mut out, problems) {
                    return out;
                }
            }
        }
        let kept = match finish::drop_duplicates(self.session, tables.kind, out) {
            Ok(kept) => kept,
            Err(problem) => {
                problems.push(*problem);
                return Vec::new();
            }
        };
        kept.into_iter().filter(|made| finish::wanted(self.session, &made.definition, STYLE)).collect()
    }

    fn take(&self, made: Result<Vec<Made>>, out: &mut Vec<Made>, problems: &mut Vec<Problem>) -> bool {
        match made {
            Ok(made) => {
                out.extend(made);
                true
            }
            Err(problem) => {
                let stop = problem.code == "too-many-jobs";
                problems.push(*problem);
                self.session.options.collect && !stop
            }
        }
    }

    /// A plain job or view is expanded too; its parameters are those of its defaults and its own, as written.
    fn plain(&self, root: &Root) -> Result<Vec<Made>> {
        let mut defaults = self.roots.pick_defaults(&root.defaults)?;
        defaults.params.overlay(&root.params);
        defaults.contents.overlay(&root.contents);
        let origin = Origin { place: root.place, template: None, project: None, group: None };
        let steps = Cell::new(self.session.options.limits.steps);
        let made = self.contents(&defaults.contents, &defaults.params, origin, &steps)?;
        Ok(vec![made])
    }

    fn project_reference(
        &self,
        tables: &Tables,
        project: &Bundle,
        reference: &Reference,
        out: &mut Vec<Made>,
    ) -> Result<()> {
        let mut params = project.params.clone();
        params.insert(Node::str("name", project.name.place), project.name.clone());
        params.overlay(&reference.params);
        if tables.plain.contains_key(&reference.name) {
            return Ok(());
        }
        if let Some(template) = tables.templates.get(&reference.name) {
            return self.template(tables, template, &Use { project, group: None, reference, params }, out);
        }
        let Some(group) = tables.groups.get(&reference.name) else {
            return unknown(tables, reference).fail();
        };
        for inner in (tables.list)(group) {
            let done = self.group_reference(tables, project, group, inner, &params, out);
            done.within(|| in_element("group", &group.name), group.place)?;
        }
        Ok(())
    }

    fn group_reference(
        &self,
        tables: &Tables,
        project: &Bundle,
        group: &Bundle,
        inner: &Reference,
        outer: &Map,
        out: &mut Vec<Made>,
    ) -> Result<()> {
        if tables.plain.contains_key(&inner.name) {
            return Ok(());
        }
        let Some(template) = tables.templates.get(&inner.name) else {
            return unknown(tables, inner).fail();
        };
        let mut params = outer.clone();
        params.overlay(&group.params);
        params.overlay(&inner.params);
        self.template(tables, template, &Use { project, group: Some(group), reference: inner, params }, out)
    }

    fn template(&self, tables: &Tables, template: &Root, used: &Use, out: &mut Vec<Made>) -> Result<()> {
        let within = || format!("in {}-template '{}'", tables.kind, template.name.text(STYLE));
        self.combinations(template, used, out).within(within, template.place)
    }

    fn combinations(&self, template: &Root, used: &Use, out: &mut Vec<Made>) -> Result<()> {
        let chosen = used.project.defaults.as_ref().unwrap_or(&template.defaults);
        let defaults = self.roots.pick_defaults(chosen)?;
        let mut given = defaults.params;
        given.overlay(&template.params);
        given.overlay(&used.params);
        let place = template.place;
        given.insert(Node::str("template-name", place), template.name.clone());
        if let Some(id) = &template.id {
            given.insert(Node::str("id", place), id.clone());
        }
        let mut contents = defaults.contents;
        contents.overlay(&template.contents);
        let limits = &self.session.options.limits;
        let steps = Cell::new(limits.steps);
        let axes = axes::axes(self.session, &template.name, &given, &steps)?;
        let count = axes.iter().try_fold(1usize, |product, axis| product.checked_mul(axis.points.len()));
        let Some(count) = count.filter(|count| *count <= limits.combinations) else {
            return Problem::error(
                "too-many-jobs",
                used.reference.place,
                format!("this use of the template has more than {} combinations", limits.combinations),
            )
            .cure("shorten the lists that the template's name uses")
            .fail();
        };
        for number in 0..count {
            steps.set(limits.steps);
            let mut instance = given.clone();
            instance.overlay(&axes::combination(&axes, number));
            let expanded = params::expand(self.session, &instance, &steps)?;
            if !axes::excluded(&expanded)? {
                out.push(self.contents(&contents, &expanded, origin(template, used), &steps)?);
            }
        }
        Ok(())
    }

    fn contents(&self, contents: &Map, map: &Map, origin: Origin, steps: &Cell<usize>) -> Result<Made> {
        let options = self.session.options;
        let params = params(self.session, map, options.allow_empty_variables);
        let deep = Deep { session: self.session, params, mode: Mode::All, steps };
        let mut definition = deep.entries(contents, origin.place)?;
        finish::describe(&mut definition, options.keep_descriptions, true, origin.place)?;
        if !definition.has("view-type") {
            full_name(&mut definition, STYLE);
            crate::expand::zuul::amend(&mut definition)?;
        }
        self.made.set(self.made.get() + 1);
        if self.made.get() > options.limits.jobs {
            return Problem::error(
                "too-many-jobs",
                origin.place,
                format!("the tree makes more than {} jobs", options.limits.jobs),
            )
            .cure("narrow the lists that the templates are used with")
            .fail();
        }
        Ok(Made { definition, origin })
    }
}

fn in_element(kind: &str, name: &Node) -> String {
    format!("in {kind} '{}'", name.text(STYLE))
}

fn origin(template: &Root, used: &Use) -> Origin {
    let named = |bundle: &Bundle| (Arc::from(bundle.name.text(STYLE)), bundle.place);
    Origin {
        place: template.place,
        template: Some(used.reference.name.text(STYLE).into()),
        project: Some(named(used.project)),
        group: used.group.map(named),
    }
}

fn unknown(tables: &Tables, reference: &Reference) -> Problem {
    let place: Place = reference.place;
    Problem::error(
        "unknown-reference",
        place,
        format!("there is no {}, template or group '{}'", tables.kind, reference.name.text(STYLE)),
    )
    .cure("correct the name, or define it")
}
