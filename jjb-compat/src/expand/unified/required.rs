//! Which variables a value needs (rule jjb-J73).

use crate::format::{Part, fields_as_names, first_name, parts, positional};
use crate::node::{Node, Value};
use crate::place::Place;
use crate::problem::{Problem, Result};
use crate::session::Session;
use crate::tags::{Include, TagKind};

/// The variables that a value needs, in order, with repeats.
pub(super) fn of_value(session: &Session, node: &Node, out: &mut Vec<String>) -> Result<()> {
    match &node.value {
        Value::Str(text) => of_text(text, node.place, out),
        Value::Seq(items) | Value::Tuple(items) => {
            items.iter().try_for_each(|item| of_value(session, item, out))
        }
        Value::Map(map) => {
            for (key, value) in map.iter() {
                of_value(session, key, out)?;
                of_value(session, value, out)?;
            }
            Ok(())
        }
        Value::Tag(tag) => match &tag.kind {
            TagKind::Jinja(text) | TagKind::JinjaYaml(text) => {
                out.extend(session.templates.variables(session, text, &tag.home, node.place));
                Ok(())
            }
            TagKind::Include(Include::Jinja, _) => Ok(()),
            TagKind::Include(_, path) => of_text(path, node.place, out),
            TagKind::Collection(parts) => parts.iter().try_for_each(|part| of_value(session, part, out)),
        },
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => Ok(()),
        Value::Timestamp(_) | Value::Binary(_) | Value::Set(_) => {
            Problem::error("cannot-expand", node.place, format!("{} cannot be expanded", node.kind()))
                .cure("write it in quotes to make it text")
                .fail()
        }
    }
}

/// The variables of a text: fields with defaults count like others.
pub(super) fn of_text(text: &str, place: Place, out: &mut Vec<String>) -> Result<()> {
    if !text.as_bytes().iter().any(|byte| matches!(byte, b'{' | b'}')) {
        return Ok(());
    }
    let prepared = fields_as_names(text);
    for part in parts(&prepared) {
        match part {
            Err(fault) => return fault.problem(text, place).fail(),
            Ok(Part::Literal(_)) => {}
            Ok(Part::Field(field)) => {
                let name = first_name(field.name);
                if name.is_empty() || name.bytes().all(|byte| byte.is_ascii_digit()) {
                    return positional(place).fail();
                }
                out.push(name.to_string());
            }
        }
    }
    Ok(())
}
