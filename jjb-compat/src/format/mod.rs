//! Python's format language, as Job Builder uses it (contract section 5).

mod field;
mod parse;
mod spec;
mod whole;

use std::sync::Arc;

use crate::components::Pool;
use crate::node::{Map, Node, Style, Value};
use crate::place::Place;
use crate::problem::{Problem, Result};

pub(crate) use parse::{Part, first_name, parts};
pub(crate) use spec::format as format_spec;
pub(crate) use whole::{defaults_of, fields_as_names};

/// The variables in force, and what a missing one means.
pub(crate) struct Params<'a> {
    /// Looked at last.
    pub(crate) map: &'a Map,
    /// Wins over `map` (rule jjb-J82).
    pub(crate) over: Option<&'a Map>,
    /// A missing variable is an empty text (rule jjb-J44).
    pub(crate) allow_empty: bool,
    /// How mappings print.
    pub(crate) style: Style,
    /// Longest text in bytes.
    pub(crate) text_limit: usize,
    /// A missing variable is there, in a way: release 6.5.0 expands parameters with objects that only `!r` can print.
    pub(crate) undefined: bool,
    /// Holds each text once.
    pub(crate) pool: &'a Pool,
}

impl Params<'_> {
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.over.and_then(|over| over.get(key)).or_else(|| self.map.get(key))
    }

    /// Python takes variables as keyword arguments, and even a text without fields is formatted.
    pub(crate) fn check_names(&self) -> Result<()> {
        let named = [Some(self.map), self.over];
        match named.into_iter().flatten().find_map(Map::key_without_text) {
            None => Ok(()),
            Some(key) => Problem::error(
                "bad-key",
                key.place,
                format!("the name of a variable is {}, not text", key.kind()),
            )
            .cure("write the key in quotes")
            .fail(),
        }
    }

    /// Names near to a missing one, for the cure.
    fn similar(&self, name: &str) -> Option<String> {
        let plain = |text: &str| text.replace(['-', '_'], "").to_lowercase();
        let wanted = plain(name);
        let all = self.map.keys().chain(self.over.into_iter().flat_map(Map::keys));
        all.filter_map(Node::as_str).find(|key| *key != name && plain(key) == wanted).map(str::to_string)
    }
}

/// False for a text that stays what it is.
pub(crate) fn has_braces(text: &str) -> bool {
    memchr::memchr2(b'{', b'}', text.as_bytes()).is_some()
}

/// Expands a text: a whole-string field keeps its type (rule jjb-J40), anything else is text (rule jjb-J41).
pub(crate) fn format_text(text: &Arc<str>, place: Place, params: &Params) -> Result<Node> {
    params.check_names()?;
    if !has_braces(text) {
        return Ok(Node::new(Value::Str(Arc::clone(text)), place));
    }
    if let Some(field) = whole::whole(text)
        && let Some(value) = params.get(field.key)
    {
        return Ok(value.clone());
    }
    let settled = whole::settle_defaults(text, |key| params.get(key).is_some());
    let out = format_plain(settled.as_deref().unwrap_or(text), place, params)?;
    Ok(Node::str(params.pool.text(out), place))
}

/// Python's `str.format` alone, without whole-string fields and defaults.
pub(crate) fn format_plain(text: &str, place: Place, params: &Params) -> Result<String> {
    let mut out = String::with_capacity(text.len() + 32);
    write_parts(text, place, params, 2, &mut out)?;
    if out.len() > params.text_limit {
        return Problem::error(
            "too-large",
            place,
            format!("the expanded text is longer than {} bytes", params.text_limit),
        )
        .fail();
    }
    Ok(out)
}

fn write_parts(text: &str, place: Place, params: &Params, depth: usize, out: &mut String) -> Result<()> {
    if depth == 0 {
        return Problem::error("bad-format", place, "fields are nested too deep in a format specification")
            .fail();
    }
    for part in parts(text) {
        match part {
            Err(fault) => return fault.problem(text, place).fail(),
            Ok(Part::Literal(literal)) => out.push_str(literal),
            Ok(Part::Field(field)) => field::write(&field, place, params, depth, out)?,
        }
    }
    Ok(())
}

/// True when a path of an include tag has variables, so that it must wait for them (rule jjb-J32).
pub(crate) fn path_has_fields(path: &str, place: Place) -> Result<bool> {
    for part in parts(path) {
        match part {
            Err(fault) => return fault.problem(path, place).fail(),
            Ok(Part::Literal(_)) => {}
            Ok(Part::Field(field)) => {
                let name = first_name(field.name);
                if name.is_empty() || name.bytes().all(|byte| byte.is_ascii_digit()) {
                    return positional(place).fail();
                }
                return Ok(true);
            }
        }
    }
    Ok(false)
}

pub(crate) fn positional(place: Place) -> Problem {
    Problem::error("positional-field", place, "a field needs a name: '{}' and '{0}' have no meaning here")
        .cure("double the braces to keep them as text: '{{}}'")
}

pub(crate) fn missing(name: &str, place: Place, params: &Params) -> Problem {
    let problem = Problem::error("missing-variable", place, format!("the variable '{name}' is not defined"));
    match params.similar(name) {
        Some(near) => problem.cure(format!("there is a variable '{near}'; use that, or define '{name}'")),
        None => problem.cure(format!(
            "define '{name}', give a default as in '{{{name}|text}}', or double the braces if it is no variable"
        )),
    }
}
