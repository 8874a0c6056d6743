//! The classic dialect: defaults, templates, groups and projects as Job Builder 4.3.0 expands them (contract section 7).

mod axes;
mod defaults;
mod kind;
mod project;
mod template;

use std::cell::Cell;

use super::Elements;
use super::finish::{self, Expanded, Made, full_name};
use crate::node::{Map, Style};
use crate::outcome::Origin;
use crate::problem::{Problem, Result, Within};
use crate::session::Session;

use kind::{JOBS, VIEWS};

/// How mappings print in this dialect.
pub(crate) const STYLE: Style = Style::Ordered;

/// Expands the elements of a tree.
pub(crate) struct Classic<'c, 's> {
    pub(crate) session: &'c Session<'s>,
    pub(crate) elements: &'c Elements,
    /// Jobs and views made so far.
    made: Cell<usize>,
}

impl<'c, 's> Classic<'c, 's> {
    pub(crate) fn new(session: &'c Session<'s>, elements: &'c Elements) -> Classic<'c, 's> {
        Classic { session, elements, made: Cell::new(0) }
    }

    /// All jobs and views, in Job Builder's order (rule jjb-J112).
    pub(crate) fn expand(&self) -> Expanded {
        let mut out = Expanded::default();
        for (_, element) in self.elements.all("job") {
            let made = self.plain_job(element);
            if !self.keep(made, &mut out.jobs, &mut out.problems) {
                return out;
            }
        }
        for (_, element) in self.elements.all("view") {
            let made = self.plain_view(element);
            if !self.keep(made, &mut out.views, &mut out.problems) {
                return out;
            }
        }
        for (_, project) in self.elements.all("project") {
            if !self.project(project, &JOBS, &mut out) || !self.project(project, &VIEWS, &mut out) {
                return out;
            }
        }
        for (kind, list) in [("job", &mut out.jobs), ("view", &mut out.views)] {
            match finish::drop_duplicates(self.session, kind, std::mem::take(list)) {
                Ok(kept) => *list = kept,
                Err(problem) => out.problems.push(*problem),
            }
        }
        out
    }

    /// Takes a result in; false when the reading must stop.
    fn keep(&self, made: Result<Option<Made>>, list: &mut Vec<Made>, problems: &mut Vec<Problem>) -> bool {
        match made {
            Ok(made) => {
                list.extend(made);
                true
            }
            Err(problem) => {
                problems.push(*problem);
                self.session.options.collect
            }
        }
    }

    /// A plain job is not expanded (rule jjb-J60).
    fn plain_job(&self, element: &super::Element) -> Result<Option<Made>> {
        let name = || format!("in job '{}'", shown_name(&element.body));
        let mut definition =
            self.with_defaults(&element.body, element.place, None).within(name, element.place)?;
        full_name(&mut definition, STYLE);
        self.finished(definition, origin(element)).within(name, element.place)
    }

    fn plain_view(&self, element: &super::Element) -> Result<Option<Made>> {
        let mut definition = Map::clone(&element.body);
        full_name(&mut definition, STYLE);
        self.finished(definition, origin(element))
            .within(|| format!("in view '{}'", shown_name(&element.body)), element.place)
    }

    /// Filter, description, count.
    fn finished(&self, mut definition: Map, origin: Origin) -> Result<Option<Made>> {
        let options = self.session.options;
        if !finish::wanted(self.session, &definition, STYLE) {
            return Ok(None);
        }
        finish::describe(&mut definition, options.keep_descriptions, false, origin.place)?;
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
        Ok(Some(Made { definition, origin }))
    }
}

fn origin(element: &super::Element) -> Origin {
    Origin { place: element.place, template: None, project: None, group: None }
}

/// A name for messages.
fn shown_name(body: &Map) -> String {
    body.get("name").map(|name| name.text(STYLE).into_owned()).unwrap_or_default()
}
