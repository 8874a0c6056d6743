//! Parameters expanded by each other, in order of need (rule jjb-J73).

use std::cell::Cell;

use super::deep::{Deep, Mode};
use super::required;
use super::{STYLE, params};
use crate::format::Params;
use crate::node::{Map, Node, Style};
use crate::problem::{Problem, Result, Within};
use crate::session::Session;

/// Parameters that need each other in turn, one inside the other: more are taken for a circle.
const CHAIN: usize = 500;

struct Expansion<'e, 's> {
    session: &'e Session<'s>,
    given: &'e Map,
    done: Map,
    /// Names under way, outermost first.
    open: Vec<Node>,
    steps: &'e Cell<usize>,
}

/// Expands all parameters.
pub(super) fn expand(session: &Session, given: &Map, steps: &Cell<usize>) -> Result<Map> {
    let done = Map::with_capacity(given.len());
    let mut expansion = Expansion { session, given, done, open: Vec::new(), steps };
    if let Some((key, _)) = given.get_entry("name") {
        expansion.one(key)?;
    }
    for key in given.keys() {
        expansion.one(key)?;
    }
    Ok(expansion.done)
}

impl Expansion<'_, '_> {
    /// Expands a parameter and what it needs; one that nobody defines stays missing.
    fn one(&mut self, name: &Node) -> Result<()> {
        if self.done.has_node(name) {
            return Ok(());
        }
        let Some(value) = self.given.get_node(name) else {
            return Ok(());
        };
        if self.open.contains(name) || self.open.len() > CHAIN {
            let way: Vec<String> =
                self.open.iter().map(|name| name.text(Style::Plain).into_owned()).collect();
            return Problem::error(
                "recursive-variable",
                value.place,
                format!("the variable '{}' needs itself", name.text(Style::Plain)),
            )
            .because(format!("the circle is: {} <- {}", way.join(" <- "), name.text(Style::Plain)))
            .cure("give one of them a value that does not use the others")
            .fail();
        }
        if name.as_str() == Some("template-name") {
            self.done.insert(name.clone(), value.clone());
            return Ok(());
        }
        let mut needed = Vec::new();
        required::of_value(self.session, value, &mut needed).within(|| frame(name), name.place)?;
        self.open.push(name.clone());
        for needed in needed {
            self.one(&Node::str(needed, value.place))?;
        }
        self.open.pop();
        let deep = Deep {
            session: self.session,
            params: Params { undefined: true, ..params(self.session, &self.done, false) },
            mode: Mode::All,
            steps: self.steps,
        };
        let expanded = deep.node(value).within(|| frame(name), name.place)?;
        self.done.insert(name.clone(), expanded);
        Ok(())
    }
}

fn frame(name: &Node) -> String {
    format!("while the variable '{}' is expanded", name.text(STYLE))
}
