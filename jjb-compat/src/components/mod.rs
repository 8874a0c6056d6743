//! From component lists to built-in components: macros replaced, nested lists followed (contract section 9).

mod arguments;
mod choices;
pub(crate) mod classic;
mod hipchat;
mod lists;
mod memo;
mod names;
mod nested;
mod plugins;
pub(crate) mod unified;

use std::cell::Cell;
use std::sync::Arc;

use self::nested::Nested;
use crate::node::{Node, Style, Value};
use crate::outcome::{Component, MacroCall};
use crate::place::Place;
use crate::problem::{Problem, Result};
use crate::session::Session;

pub(crate) use lists::{JobList, job_lists};
pub(crate) use memo::{Memo, Pool};
pub(crate) use names::{Kind, PROPERTY};

/// Steps that one component costs: a job ends long before its components fill the memory.
const COST: usize = 20;

/// Pays for one item of a list.
pub(crate) fn spend(steps: &Cell<usize>, item: &Node) -> Result<()> {
    match steps.get().checked_sub(COST) {
        Some(rest) => {
            steps.set(rest);
            Ok(())
        }
        None => Problem::error("too-large", item.place, "the macros of this job multiply without bound")
            .because("macros that call others several times grow with each level")
            .cure("call fewer macros, or put their steps into one")
            .fail(),
    }
}

/// An item of a component list: a name, perhaps with arguments.
pub(crate) struct Call {
    pub(crate) name: Node,
    pub(crate) arguments: Option<Node>,
    pub(crate) place: Place,
}

/// Takes an item apart: a name, or a mapping whose first key is the name.
pub(crate) fn call(item: &Node) -> Result<Call> {
    match &item.value {
        Value::Map(map) => match map.first() {
            Some((name, arguments)) => {
                Ok(Call { name: name.clone(), arguments: Some(arguments.clone()), place: name.place })
            }
            None => Problem::error("bad-component", item.place, "an empty mapping is no component").fail(),
        },
        Value::Seq(_) | Value::Set(_) | Value::Tag(_) | Value::Null => {
            Problem::error("bad-component", item.place, format!("{} is no component", item.kind()))
                .cure("write a name, or a name with a colon and arguments")
                .fail()
        }
        _ => Ok(Call { name: item.clone(), arguments: None, place: item.place }),
    }
}

/// The items of a component list.
pub(crate) fn list_items<'n>(list: &'n Node, key: &str) -> Result<&'n [Node]> {
    match list.as_seq() {
        Some(items) => Ok(items),
        None => Problem::error("not-a-list", list.place, format!("'{key}' is {}, not a list", list.kind()))
            .cure("write its components as items that begin with '-'")
            .fail(),
    }
}

/// Nobody knows this component.
pub(crate) fn unknown(kind: &Kind, name: &Node) -> Problem {
    let shown = name.text(Style::Plain);
    let problem = Problem::error(
        "unknown-component",
        name.place,
        format!("there is no {} or {} macro '{shown}'", kind.name, kind.name),
    );
    match kind.similar(&shown) {
        Some(near) => problem.cure(format!("did you mean '{near}'?")),
        None => problem.cure(format!("correct the name, or define a macro '- {}:' with it", kind.name)),
    }
}

/// A macro hides a built-in component.
pub(crate) fn masking(kind: &Kind, name: &str, place: Place) -> Problem {
    Problem::warning(
        "masked-component",
        place,
        format!("the {} macro '{name}' hides the built-in '{name}'", kind.name),
    )
    .cure("rename the macro if the built-in one was meant")
}

/// The name of a component as it was written.
pub(crate) fn shared_name(name: &Node, style: Style) -> Arc<str> {
    match &name.value {
        Value::Str(text) => Arc::clone(text),
        _ => name.text(style).into(),
    }
}

/// What the items of nested lists give, each with its place in them.
fn children(
    session: &Session<'_>,
    lists: &[Nested<'_>],
    of: impl Fn(&'static Kind, &Node) -> Result<Arc<[Component]>>,
) -> Result<Arc<[Component]>> {
    let mut out = Vec::new();
    for list in lists {
        let path = session.word(&list.path);
        for (index, item) in list.items.iter().enumerate() {
            out.extend(of(list.kind, item)?.iter().map(|child| child.at(&path, index)));
        }
    }
    Ok(shared_list(out))
}

/// A list that mostly is empty, and then costs nothing.
pub(crate) fn shared_list<T>(items: Vec<T>) -> Arc<[T]> {
    if items.is_empty() { Arc::default() } else { items.into() }
}

/// The macros so far and one more.
pub(crate) fn longer(chain: &Arc<[MacroCall]>, call: MacroCall) -> Arc<[MacroCall]> {
    chain.iter().cloned().chain([call]).collect()
}
