//! Components in the unified dialect (rules jjb-J81 to jjb-J83).

use std::cell::Cell;
use std::sync::Arc;

use super::choices::{is_choice, with_job_name};
use super::hipchat;
use super::memo::Memo;
use super::names::{PARAMETER, PUBLISHER, WRAPPER};
use super::nested::nested;
use super::{
    Call, JobList, Kind, PROPERTY, arguments, call, children, job_lists, list_items, longer, masking,
    shared_name, spend, unknown,
};
use crate::expand::unified::{Deep, Macro, Mode, Roots, STYLE, params};
use crate::node::{Map, Node, Value};
use crate::outcome::{Component, MacroCall, Parts};
use crate::problem::{Problem, Result, Within};
use crate::session::Session;

/// Replaces macros for the jobs of a tree.
pub(crate) struct Dispatcher<'d, 's> {
    session: &'d Session<'s>,
    roots: &'d Roots,
    memo: &'d Memo,
}

/// What surrounds an item.
struct Around<'a> {
    /// The job's definition, for properties.
    job: Option<&'a Map>,
    /// The job whose name the choice parameters of the outermost macro get.
    choice: Option<&'a Map>,
    chain: &'a Arc<[MacroCall]>,
    steps: &'a Cell<usize>,
}

impl<'d, 's> Dispatcher<'d, 's> {
    pub(crate) fn new(session: &'d Session<'s>, roots: &'d Roots, memo: &'d Memo) -> Dispatcher<'d, 's> {
        Dispatcher { session, roots, memo }
    }

    /// The macro of a name, if there is one.
    fn find(&self, kind: &Kind, name: &Node) -> Option<&'d Macro> {
        self.session.uses_element(kind.name, name);
        self.roots.macro_of(kind.name, name)
    }

    /// All components of a job.
    pub(crate) fn job(&self, definition: &Map) -> Result<Arc<[Component]>> {
        let steps = Cell::new(self.session.options.limits.steps);
        let lists = job_lists(definition)?;
        let items = |list: &JobList| list.list.as_seq().map_or(0, <[Node]>::len);
        let mut out = Vec::with_capacity(lists.iter().map(items).sum::<usize>() * 2);
        let mut hipchat = hipchat::publisher(definition, self.session.options);
        for list in lists {
            if std::ptr::eq(list.kind, &WRAPPER)
                && let Some(item) = hipchat.take()
            {
                out.extend(self.remembered(&PUBLISHER, &item, None, &steps)?.iter().cloned());
            }
            if !list.list.truth() {
                continue;
            }
            let job = std::ptr::eq(list.kind, &PROPERTY).then_some(definition);
            let path = self.session.word(list.path);
            for (index, item) in list_items(list.list, list.path)?.iter().enumerate() {
                let found = if self.has_choices(list.kind, item) {
                    self.with_choices(list.kind, item, definition, &steps)?
                } else {
                    self.remembered(list.kind, item, job, &steps)?
                };
                out.extend(found.iter().map(|component| component.at(&path, index)));
            }
        }
        if let Some(item) = hipchat {
            out.extend(self.remembered(&PUBLISHER, &item, None, &steps)?.iter().cloned());
        }
        Ok(out.into())
    }

    fn remembered(
        &self,
        kind: &'static Kind,
        item: &Node,
        job: Option<&Map>,
        steps: &Cell<usize>,
    ) -> Result<Arc<[Component]>> {
        let around = Around { job, choice: None, chain: &Arc::default(), steps };
        let make = |out: &mut Vec<Component>| self.item(kind, item, &around, out);
        self.memo.remembered(self.session, kind.name, item, job.is_none(), make)
    }

    fn has_choices(&self, kind: &Kind, item: &Node) -> bool {
        if !std::ptr::eq(kind, &PARAMETER) {
            return false;
        }
        let name = item.as_map().and_then(Map::first).map_or(item, |(name, _)| name);
        match self.find(kind, name) {
            Some(found) => {
                found.elements.as_seq().is_some_and(|items| items.iter().any(|item| is_choice(kind, item)))
            }
            None => is_choice(kind, item),
        }
    }

    fn with_choices(
        &self,
        kind: &'static Kind,
        item: &Node,
        job: &Map,
        steps: &Cell<usize>,
    ) -> Result<Arc<[Component]>> {
        let mut out = Vec::new();
        let around = Around { job: None, choice: Some(job), chain: &Arc::default(), steps };
        self.item(kind, &with_job_name(item, job), &around, &mut out)?;
        Ok(out.into())
    }

    fn item(
        &self,
        kind: &'static Kind,
        item: &Node,
        around: &Around,
        out: &mut Vec<Component>,
    ) -> Result<()> {
        spend(around.steps, item)?;
        let call = call(item)?;
        if let Some(found) = self.find(kind, &call.name) {
            let within = || format!("in the call of {} macro '{}'", kind.name, call.name.text(STYLE));
            return self.macro_call(kind, &call, found, around, out).within(within, call.place);
        }
        let name = call.name.text(STYLE);
        if call.name.as_str().is_none() || !kind.has(&name, true) {
            return unknown(kind, &call.name).fail();
        }
        let within = || format!("in {} '{name}'", kind.name);
        let arguments = call.arguments.clone().unwrap_or_else(|| Node::map(Map::new(), call.place));
        arguments::check(kind, &name, &arguments).within(within, call.place)?;
        let lists = nested(kind, &name, &arguments, self.session.options).within(within, call.place)?;
        let children = children(self.session, &lists, |listed, item| {
            self.remembered(listed, item, None, around.steps).within(within, call.place)
        })?;
        out.push(Component::new(Parts {
            kind: kind.name,
            name: shared_name(&call.name, STYLE),
            arguments,
            macros: Arc::clone(around.chain),
            children,
            place: call.place,
        }));
        Ok(())
    }

    fn macro_call(
        &self,
        kind: &'static Kind,
        call: &Call,
        found: &Macro,
        around: &Around,
        out: &mut Vec<Component>,
    ) -> Result<()> {
        let name = call.name.text(STYLE);
        if kind.has(&name, true) {
            self.session.warn(masking(kind, &name, found.place));
        }
        if around.chain.len() >= self.session.options.limits.macro_depth {
            return Problem::error(
                "endless-macro",
                call.place,
                format!("the {} macro '{name}' calls itself without end", kind.name),
            )
            .because(format!("more than {} macro calls stand inside each other", around.chain.len()))
            .cure("break the circle")
            .fail();
        }
        let full = self.variables(call, found, around)?;
        let options = self.session.options;
        let deep = |mode| Deep {
            session: self.session,
            params: params(self.session, &full, options.allow_empty_variables),
            mode,
            steps: around.steps,
        };
        // A tag directly below the macro gives the list; tags inside it are expanded with their items.
        let elements = match &found.elements.value {
            Value::Tag(tag) => deep(Mode::Texts).tag(&found.elements, tag)?,
            _ => found.elements.clone(),
        };
        if !elements.truth() {
            return Ok(());
        }
        let name = shared_name(&call.name, STYLE);
        let chain = longer(around.chain, MacroCall { name, called: call.place, defined: found.place });
        let inner = Around { job: around.job, choice: None, chain: &chain, steps: around.steps };
        for item in list_items(&elements, kind.list)? {
            let extended =
                around.choice.filter(|_| is_choice(kind, item)).map(|job| with_job_name(item, job));
            let expanded = deep(Mode::All).node(extended.as_ref().unwrap_or(item))?;
            self.item(kind, &expanded, &inner, out)?;
        }
        Ok(())
    }

    /// Defaults, the macro's own keys, the call's arguments, and for properties the job (rules jjb-J81, jjb-J82).
    fn variables(&self, call: &Call, found: &Macro, around: &Around) -> Result<Map> {
        let mut full = self.roots.pick_defaults(self.session, &found.defaults)?.params;
        full.overlay(&found.params);
        match call.arguments.as_ref().map(|arguments| (arguments, &arguments.value)) {
            None | Some((_, Value::Null)) => {}
            Some((_, Value::Map(map))) => full.overlay(map),
            Some((arguments, _)) => {
                return Problem::error(
                    "bad-arguments",
                    arguments.place,
                    format!("the arguments of a macro are {}, not a mapping", arguments.kind()),
                )
                .cure("write them below the macro's name as keys with values")
                .fail();
            }
        }
        if let Some(job) = around.job {
            full.overlay(job);
        }
        Ok(full)
    }
}
