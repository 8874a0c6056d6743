//! The classic dialect: defaults, templates, groups and projects as Job Builder 4.3.0 expands them (contract section 7).

mod axes;
mod defaults;
mod kind;
mod project;
mod template;

use std::sync::Arc;

use super::finish::{self, Expand, Expanded, Made, Unit, full_name};
use super::{Element, Elements};
use crate::components::Memo;
use crate::components::classic::Dispatcher;
use crate::node::{Map, Node, Style};
use crate::outcome::{Component, Origin};
use crate::problem::{Result, Within};
use crate::session::Session;
use crate::trace::element_key;

use kind::{JOBS, VIEWS};

/// How mappings print in this dialect.
pub(crate) const STYLE: Style = Style::Ordered;

/// Expands an element by the others.
struct Classic<'c, 's> {
    session: &'c Session<'s>,
    elements: &'c Elements,
}

impl Expand for Elements {
    type Element<'e> = &'e Element;

    const STYLE: Style = STYLE;

    const FILTERS_LAST: bool = false;

    /// Job Builder's order (rule jjb-J112).
    fn units(&self) -> Vec<Unit<&Element>> {
        let of = |kind: &'static str| {
            self.all(kind).map(move |(name, element)| {
                let key = element_key(kind, name);
                Unit { kind, key, own: key, weight: weight(element), element }
            })
        };
        of("job").chain(of("view")).chain(of("project")).collect()
    }

    fn expand(&self, session: &Session, unit: &Unit<&Element>) -> Expanded {
        let classic = Classic { session, elements: self };
        let mut out = Expanded::default();
        match unit.kind {
            "job" => keep(classic.plain_job(unit.element), &mut out, |out| &mut out.jobs),
            "view" => keep(classic.plain_view(unit.element), &mut out, |out| &mut out.views),
            _ => {
                let done = classic.project(unit.element, &JOBS, &mut out)
                    && classic.project(unit.element, &VIEWS, &mut out);
                out.stop = !done;
            }
        }
        out
    }

    fn components(&self, session: &Session, memo: &Memo, definition: &Map) -> Result<Arc<[Component]>> {
        Dispatcher::new(session, self, memo).job(definition)
    }
}

/// See [`finish::weight`].
fn weight(element: &Element) -> usize {
    let length = |key: &str| element.body.get(key).and_then(Node::as_seq).map_or(0, <[Node]>::len);
    let lists = |key: &Node| key.as_str().is_some_and(|key| matches!(key, "jobs" | "views" | "exclude"));
    let variables = element.body.iter().filter(|(key, _)| !lists(key)).map(|(_, value)| value);
    finish::weight(length("jobs") + length("views"), variables)
}

/// Takes a result in.
fn keep(made: Result<Option<Made>>, out: &mut Expanded, list: fn(&mut Expanded) -> &mut Vec<Made>) {
    match made {
        Ok(made) => list(out).extend(made),
        Err(problem) => out.problems.push(*problem),
    }
}

impl<'c> Classic<'c, '_> {
    /// An element, if there is one.
    fn find(&self, kind: &str, name: &Node) -> Option<&'c Element> {
        self.session.uses_element(kind, name);
        self.elements.get(kind, name)
    }

    /// A plain job is not expanded (rule jjb-J60).
    fn plain_job(&self, element: &Element) -> Result<Option<Made>> {
        let name = || format!("in job '{}'", shown_name(&element.body));
        let mut definition =
            self.with_defaults(&element.body, element.place, None).within(name, element.place)?;
        full_name(&mut definition, STYLE);
        self.finished(definition, origin(element)).within(name, element.place)
    }

    fn plain_view(&self, element: &Element) -> Result<Option<Made>> {
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
        finish::count(self.session, origin.place)?;
        finish::share(self.session, &mut definition);
        Ok(Some(Made::new(definition, origin)))
    }
}

fn origin(element: &Element) -> Origin {
    Origin { place: element.place, template: None, project: None, group: None }
}

/// A name for messages.
fn shown_name(body: &Map) -> String {
    body.get("name").map(|name| name.text(STYLE).into_owned()).unwrap_or_default()
}
