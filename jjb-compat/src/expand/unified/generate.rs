//! Jobs and views from the elements (rules jjb-J72 to jjb-J74).

use std::cell::Cell;
use std::sync::Arc;

use super::deep::{Deep, Mode};
use super::roots::{Bundle, Defaults, Reference, Root, Roots, Table};
use super::{STYLE, axes, params};
use crate::components::Memo;
use crate::components::unified::Dispatcher;
use crate::expand::finish::{self, Expand, Expanded, Made, Unit, full_name};
use crate::node::{Map, Node, Style};
use crate::outcome::{Component, Origin};
use crate::place::Place;
use crate::problem::{Problem, Result, Within};
use crate::session::Session;
use crate::trace::element_key;

/// Expands an element by the others.
struct Unified<'u, 's> {
    session: &'u Session<'s>,
    roots: &'u Roots,
}

/// What is expanded by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part<'u> {
    Plain(&'u Root),
    Project(&'u Bundle),
}

/// Jobs or views.
struct Tables<'t> {
    kind: &'static str,
    template: &'static str,
    group: &'static str,
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

impl Expand for Roots {
    type Element<'e> = Part<'e>;

    const STYLE: Style = STYLE;

    const FILTERS_LAST: bool = true;

    fn units(&self) -> Vec<Unit<Part<'_>>> {
        let mut out = Vec::new();
        for (kind, table) in [("job", &self.jobs), ("view", &self.views)] {
            out.extend(table.iter().map(|(name, root)| {
                let key = element_key(kind, name);
                Unit { kind, key, own: key, weight: 1, element: Part::Plain(root) }
            }));
            out.extend(self.projects.iter().map(|(name, project)| {
                let own = element_key("project", name);
                // A project is expanded twice, once for its jobs and once for its views.
                let key = own ^ u64::from(kind == "view");
                let references = if kind == "job" { project.jobs.len() } else { project.views.len() };
                let weight = finish::weight(references, project.params.iter().map(|(_, value)| value));
                Unit { kind, key, own, weight, element: Part::Project(project) }
            }));
        }
        out
    }

    fn expand(&self, session: &Session, unit: &Unit<Part<'_>>) -> Expanded {
        let unified = Unified { session, roots: self };
        let tables = unified.tables(unit.kind);
        let mut made = Vec::new();
        let mut out = Expanded::default();
        match unit.element {
            Part::Plain(root) => {
                let done = unified.plain(root).within(|| in_element(tables.kind, &root.name), root.place);
                unified.take(done, &mut made, &mut out);
            }
            Part::Project(project) => {
                for reference in (tables.list)(project) {
                    let mut items = Vec::new();
                    let used = unified.project_reference(&tables, project, reference, &mut items);
                    let used = used.within(|| in_element("project", &project.name), project.place);
                    unified.take(used.map(|()| items), &mut made, &mut out);
                    if out.stop {
                        break;
                    }
                }
            }
        }
        if unit.kind == "job" {
            out.jobs = made;
        } else {
            out.views = made;
        }
        out
    }

    fn components(&self, session: &Session, memo: &Memo, definition: &Map) -> Result<Arc<[Component]>> {
        Dispatcher::new(session, self, memo).job(definition)
    }
}

impl<'u> Unified<'u, '_> {
    fn tables(&self, kind: &'static str) -> Tables<'u> {
        let roots = self.roots;
        if kind == "job" {
            Tables {
                kind,
                template: "job-template",
                group: "job-group",
                plain: &roots.jobs,
                templates: &roots.job_templates,
                groups: &roots.job_groups,
                list: |bundle| &bundle.jobs,
            }
        } else {
            Tables {
                kind,
                template: "view-template",
                group: "view-group",
                plain: &roots.views,
                templates: &roots.view_templates,
                groups: &roots.view_groups,
                list: |bundle| &bundle.views,
            }
        }
    }

    fn take(&self, made: Result<Vec<Made>>, items: &mut Vec<Made>, out: &mut Expanded) {
        match made {
            Ok(made) => items.extend(made),
            Err(problem) => {
                out.stop = problem.code == "too-many-jobs" || !self.session.options.collect;
                out.problems.push(*problem);
            }
        }
    }

    /// Notes what is looked up among jobs, templates and groups.
    fn uses(&self, kind: &str, name: &Node) {
        self.session.uses_element(kind, name);
    }

    fn defaults(&self, name: &Node) -> Result<Defaults> {
        self.roots.pick_defaults(self.session, name)
    }

    /// A plain job or view is expanded too; its parameters are those of its defaults and its own, as written.
    fn plain(&self, root: &Root) -> Result<Vec<Made>> {
        let mut defaults = self.defaults(&root.defaults)?;
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
        self.uses(tables.kind, &reference.name);
        self.uses(tables.template, &reference.name);
        self.uses(tables.group, &reference.name);
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
        self.uses(tables.kind, &inner.name);
        self.uses(tables.template, &inner.name);
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
        let defaults = self.defaults(chosen)?;
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
        finish::count(self.session, origin.place)?;
        finish::share(self.session, &mut definition);
        Ok(Made::new(definition, origin))
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
