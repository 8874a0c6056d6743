//! Components in the classic dialect (rules jjb-J80, jjb-J82 to jjb-J84).

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
use crate::expand::classic::STYLE;
use crate::expand::{Deep, Element, Elements};
use crate::format::Params;
use crate::node::{Map, Node, Value};
use crate::outcome::{Component, MacroCall, Parts};
use crate::problem::{Problem, Result, Within};
use crate::session::Session;
use crate::tags::TagKind;

/// Replaces macros for the jobs of a tree.
pub(crate) struct Dispatcher<'d, 's> {
    session: &'d Session<'s>,
    elements: &'d Elements,
    memo: &'d Memo,
}

/// What surrounds an item: the macro's arguments, the job (for properties), the macros so far.
struct Around<'a> {
    arguments: Option<&'a Node>,
    job: Option<&'a Map>,
    /// The job whose name the choice parameters of the outermost macro get.
    choice: Option<&'a Map>,
    chain: &'a Arc<[MacroCall]>,
    steps: &'a Cell<usize>,
}

impl<'d, 's> Dispatcher<'d, 's> {
    pub(crate) fn new(
        session: &'d Session<'s>,
        elements: &'d Elements,
        memo: &'d Memo,
    ) -> Dispatcher<'d, 's> {
        Dispatcher { session, elements, memo }
    }

    /// The macro of a name, if there is one.
    fn find(&self, kind: &Kind, name: &Node) -> Option<&'d Element> {
        self.session.uses_element(kind.name, name);
        self.elements.get(kind.name, name)
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
            if list.kind.list == "triggers" && !list.list.truth() {
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

    /// The components of an item at the top of a list; properties depend on the job and are made anew.
    fn remembered(
        &self,
        kind: &'static Kind,
        item: &Node,
        job: Option<&Map>,
        steps: &Cell<usize>,
    ) -> Result<Arc<[Component]>> {
        let around = Around { arguments: None, job, choice: None, chain: &Arc::default(), steps };
        let make = |out: &mut Vec<Component>| self.item(kind, item, &around, out);
        self.memo.remembered(self.session, kind.name, item, job.is_none(), make)
    }

    /// True for a choice parameter, or a macro that has one.
    fn has_choices(&self, kind: &Kind, item: &Node) -> bool {
        if !std::ptr::eq(kind, &PARAMETER) {
            return false;
        }
        let name = item.as_map().and_then(Map::first).map_or(item, |(name, _)| name);
        let listed = self.find(kind, name).and_then(|found| found.body.get(kind.list));
        match listed.and_then(Node::as_seq) {
            Some(items) => items.iter().any(|item| is_choice(kind, item)),
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
        let around = Around { arguments: None, job: None, choice: Some(job), chain: &Arc::default(), steps };
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
        let arguments = match &call.arguments {
            Some(data) => self.expanded(data, around).within(|| component_frame(kind, &call), call.place)?,
            None => Node::map(Map::new(), call.place),
        };
        if let Some(found) = self.find(kind, &call.name) {
            return self.macro_call(kind, &call, &arguments, found, around, out);
        }
        let name = call.name.text(STYLE);
        if call.name.as_str().is_none() || !kind.has(&name, false) {
            return unknown(kind, &call.name).fail();
        }
        arguments::check(kind, &name, &arguments).within(|| component_frame(kind, &call), call.place)?;
        let lists = nested(kind, &name, &arguments, self.session.options);
        let lists = lists.within(|| component_frame(kind, &call), call.place)?;
        let children = children(self.session, &lists, |listed, item| {
            let found = self.remembered(listed, item, None, around.steps);
            found.within(|| component_frame(kind, &call), call.place)
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

    /// An item's data under the arguments of the macro around it, if there are any (rule jjb-J80).
    fn expanded(&self, data: &Node, around: &Around) -> Result<Node> {
        let template = matches!(&data.value, Value::Tag(tag) if matches!(tag.kind, TagKind::Jinja(_) | TagKind::JinjaYaml(_)));
        let given = around.arguments.filter(|arguments| arguments.truth());
        let empty = Map::new();
        let map = match given {
            Some(arguments) => match arguments.as_map() {
                Some(map) => map,
                None => {
                    return Problem::error(
                        "bad-arguments",
                        arguments.place,
                        format!("the arguments of a macro are {}, not a mapping", arguments.kind()),
                    )
                    .cure("write them below the macro's name as keys with values")
                    .fail();
                }
            },
            None if template => &empty,
            None => return Ok(data.clone()),
        };
        let options = self.session.options;
        let params = Params {
            map,
            over: around.job,
            allow_empty: options.allow_empty_variables,
            style: STYLE,
            text_limit: options.limits.text_bytes,
            undefined: false,
            pool: self.session.pool,
        };
        Deep { session: self.session, params, steps: around.steps }.node(data)
    }

    fn macro_call(
        &self,
        kind: &'static Kind,
        call: &Call,
        arguments: &Node,
        found: &Element,
        around: &Around,
        out: &mut Vec<Component>,
    ) -> Result<()> {
        let name = call.name.text(STYLE);
        if kind.has(&name, false) {
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
        let within = || format!("in the call of {} macro '{name}'", kind.name);
        let Some(list) = found.body.get(kind.list) else {
            return Problem::error(
                "not-a-list",
                found.place,
                format!("the {} macro '{name}' has no '{}'", kind.name, kind.list),
            )
            .fail()
            .within(within, call.place);
        };
        let name = shared_name(&call.name, STYLE);
        let chain = longer(around.chain, MacroCall { name, called: call.place, defined: found.place });
        let inner = Around {
            arguments: Some(arguments),
            job: around.job,
            choice: None,
            chain: &chain,
            steps: around.steps,
        };
        for item in list_items(list, kind.list).within(within, call.place)? {
            let extended =
                around.choice.filter(|_| is_choice(kind, item)).map(|job| with_job_name(item, job));
            self.item(kind, extended.as_ref().unwrap_or(item), &inner, out).within(within, call.place)?;
        }
        Ok(())
    }
}

fn component_frame(kind: &Kind, call: &Call) -> String {
    format!("in {} '{}'", kind.name, call.name.text(STYLE))
}
