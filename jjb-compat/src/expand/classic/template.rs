//! One use of a template: all combinations of its axes (rules jjb-J62 to jjb-J64).

use std::cell::Cell;
use std::sync::Arc;

use super::kind::Kind;
use super::{Classic, STYLE, axes, full_name, shown_name};
use crate::expand::finish::Made;
use crate::expand::{Deep, Element, Expanded};
use crate::format::Params;
use crate::node::{Map, Node};
use crate::outcome::Origin;
use crate::place::Place;
use crate::problem::{Problem, Result, Within};

/// Who uses which template.
pub(super) struct Use<'u> {
    pub(super) kind: &'u Kind,
    pub(super) project: &'u Element,
    pub(super) group: Option<&'u Element>,
    /// The template on its own defaults.
    pub(super) template: &'u (Map, Place),
    pub(super) reference: &'u Node,
}

impl Classic<'_, '_> {
    pub(super) fn use_template(&self, used: &Use, mut mapping: Map, out: &mut Expanded) -> Result<()> {
        let within = || format!("in {} '{}'", used.kind.template, shown_name(&used.template.0));
        let place = used.template.1;
        mapping.remove(used.kind.list);
        let exclude = mapping.remove("exclude");
        let Some(name) = used.template.0.get("name").and_then(Node::as_str) else {
            return Problem::error("bad-name", place, "the name of a template must be text")
                .fail()
                .within(within, place);
        };
        let name: Arc<str> = name.into();
        let axes = axes::axes(&mapping, &name);
        let limits = &self.session.options.limits;
        let count = axes::count(&axes).filter(|count| *count <= limits.combinations);
        let Some(count) = count else {
            return Problem::error(
                "too-many-jobs",
                used.reference.place,
                format!("this use of the template has more than {} combinations", limits.combinations),
            )
            .cure("shorten the lists that the template's name uses")
            .fail()
            .within(within, place);
        };
        for number in 0..count {
            let values = axes::combination(&axes, number);
            let made = self.combination(used, &mapping, &name, &values, exclude.as_ref());
            match made.within(within, place) {
                Ok(made) if used.kind.is_job => out.jobs.extend(made),
                Ok(made) => out.views.extend(made),
                Err(problem) if problem.code == "too-many-jobs" || !self.session.options.collect => {
                    return Err(problem);
                }
                Err(problem) => {
                    // What is wrong with a template is wrong for all its combinations: one message is enough.
                    return Err(problem);
                }
            }
        }
        Ok(())
    }

    fn combination(
        &self,
        used: &Use,
        mapping: &Map,
        name: &Arc<str>,
        values: &[(&Node, &Node)],
        exclude: Option<&Node>,
    ) -> Result<Option<Made>> {
        let (template, place) = (&used.template.0, used.template.1);
        let steps = Cell::new(self.session.options.limits.steps);
        let mut params = self.with_defaults(mapping, used.project.place, Some(template))?;
        if used.kind.is_job {
            let doubled = name.replace('{', "{{").replace('}', "}}");
            params.insert(Node::str("template-name", place), Node::str(doubled, place));
        }
        axes::overlay(&mut params, values)?;
        let mut params = self.single_pass(params, &steps, used)?;
        if let Some(exclude) = exclude
            && axes::excluded(&params, exclude)?
        {
            return Ok(None);
        }
        for (key, value) in template.iter() {
            if !params.has_node(key) {
                params.insert(key.clone(), value.clone());
            }
        }
        if !used.kind.is_job {
            params.insert(Node::str("template-name", place), Node::str(Arc::clone(name), place));
        }
        let deep = Deep {
            session: self.session,
            params: self.params(&params, self.session.options.allow_empty_variables),
            steps: &steps,
        };
        let mut definition = deep.entries(template, place)?.unwrap_or_else(|| template.clone());
        if used.kind.is_job {
            full_name(&mut definition, STYLE);
        }
        self.finished(definition, self.origin_of(used))
    }

    /// Every value once, with the unexpanded values as variables (rule jjb-J63).
    fn single_pass(&self, params: Map, steps: &Cell<usize>, used: &Use) -> Result<Map> {
        let deep = Deep { session: self.session, params: self.params(&params, false), steps };
        let expanded = deep
            .entries(&params, used.project.place)
            .within(|| "while the variables are expanded by each other".into(), used.reference.place)?;
        Ok(expanded.unwrap_or(params))
    }

    fn params<'p>(&'p self, map: &'p Map, allow_empty: bool) -> Params<'p> {
        Params {
            map,
            over: None,
            allow_empty,
            style: STYLE,
            text_limit: self.session.options.limits.text_bytes,
            undefined: false,
            pool: self.session.pool,
        }
    }

    fn origin_of(&self, used: &Use) -> Origin {
        let named = |element: &Element| (Arc::from(shown_name(&element.body)), element.place);
        Origin {
            place: used.template.1,
            template: Some(used.reference.text(STYLE).into()),
            project: Some(named(used.project)),
            group: used.group.map(named),
        }
    }
}
