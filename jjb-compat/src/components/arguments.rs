//! What Job Builder refuses in the arguments of a component before it looks at their meaning.

use super::Kind;
use crate::node::{Node, Value};
use crate::problem::{Problem, Result};

/// Checks the arguments of a built-in component.
pub(super) fn check(kind: &Kind, name: &str, arguments: &Node) -> Result<()> {
    if let Value::Tag(tag) = &arguments.value {
        return Problem::error(
            "unresolved-tag",
            arguments.place,
            format!("'{}' is still unresolved here", tag.shown()),
        )
        .because("in a plain job nothing expands the path or the template of a tag")
        .cure("make the job a template, or write the text without variables")
        .fail();
    }
    if kind.name == "builder" && name == "shell" {
        return shell(arguments);
    }
    Ok(())
}

/// A script, or a mapping with `command`.
fn shell(arguments: &Node) -> Result<()> {
    let problem = match &arguments.value {
        Value::Str(_) => return Ok(()),
        Value::Map(map) if map.get("command").is_some_and(|command| !command.is_null()) => return Ok(()),
        Value::Map(_) => Problem::error("missing-argument", arguments.place, "a shell step needs a command"),
        _ => Problem::error(
            "bad-arguments",
            arguments.place,
            format!("the script of a shell step is {}, not text", arguments.kind()),
        ),
    };
    problem.cure("write the script behind 'shell:', or below it as 'command:'").fail()
}
