//! Components that hold lists of components (rule jjb-J83).

use super::list_items;
use super::names::{BUILDER, Kind, PARAMETER, PUBLISHER};
use super::plugins;
use crate::node::Node;
use crate::options::Options;
use crate::problem::{Problem, Result};

/// A list inside a component's arguments.
pub(crate) struct Nested<'n> {
    pub(crate) kind: &'static Kind,
    /// The way through the arguments, for example `builders[0].build-steps`.
    pub(crate) path: String,
    pub(crate) items: &'n [Node],
}

/// The lists in the arguments of a built-in component, in Job Builder's order.
pub(crate) fn nested<'n>(
    kind: &Kind,
    name: &str,
    arguments: &'n Node,
    options: &Options,
) -> Result<Vec<Nested<'n>>> {
    let mut out = Vec::new();
    match (kind.name, name) {
        ("builder", "conditional-step") => {
            let Some(steps) = arguments.get("steps") else {
                return Problem::error(
                    "missing-argument",
                    arguments.place,
                    "a conditional step needs 'steps'",
                )
                .fail();
            };
            add(&mut out, &BUILDER, "steps", steps)?;
        }
        ("publisher", "postbuildscript") => post_build_script(arguments, options, &mut out)?,
        ("publisher", "join-trigger") => add_if(&mut out, &PUBLISHER, "publishers", arguments)?,
        ("publisher", "conditional-publisher") => {
            for (index, condition) in list_items(arguments, name)?.iter().enumerate() {
                let Some(actions) = condition.get("action") else {
                    return Problem::error(
                        "missing-argument",
                        condition.place,
                        "a conditional publisher needs 'action'",
                    )
                    .fail();
                };
                add(&mut out, &PUBLISHER, &format!("[{index}].action"), actions)?;
            }
        }
        ("wrapper", "release") => {
            if arguments.get("parameters").is_some_and(Node::truth) {
                add_if(&mut out, &PARAMETER, "parameters", arguments)?;
            }
            for key in ["pre-build", "post-build", "post-success", "post-fail"] {
                add_if(&mut out, &BUILDER, key, arguments)?;
            }
        }
        ("wrapper", "pre-scm-buildstep") => match arguments.as_seq() {
            Some(_) => add(&mut out, &BUILDER, "", arguments)?,
            None => match arguments.get("buildsteps") {
                Some(steps) => add(&mut out, &BUILDER, "buildsteps", steps)?,
                None => {
                    return Problem::error(
                        "missing-argument",
                        arguments.place,
                        "'pre-scm-buildstep' needs 'buildsteps'",
                    )
                    .fail();
                }
            },
        },
        _ => {}
    }
    Ok(out)
}

fn add<'n>(out: &mut Vec<Nested<'n>>, kind: &'static Kind, path: &str, list: &'n Node) -> Result<()> {
    out.push(Nested { kind, path: path.to_string(), items: list_items(list, path)? });
    Ok(())
}

fn add_if<'n>(out: &mut Vec<Nested<'n>>, kind: &'static Kind, key: &str, arguments: &'n Node) -> Result<()> {
    match arguments.get(key) {
        Some(list) => add(out, kind, key, list),
        None => Ok(()),
    }
}

/// Groups with `build-steps`; plugins before 2.0 have the steps themselves in `builders`.
fn post_build_script<'n>(arguments: &'n Node, options: &Options, out: &mut Vec<Nested<'n>>) -> Result<()> {
    if plugins::version(options, "postbuildscript").is_some_and(|version| version < [2, 0, 0]) {
        return add_if(out, &BUILDER, "builders", arguments);
    }
    let Some(groups) = arguments.get("builders") else {
        return Ok(());
    };
    for (index, group) in list_items(groups, "builders")?.iter().enumerate() {
        let Some(steps) = group.get("build-steps") else {
            return Problem::error(
                "missing-argument",
                group.place,
                "a group of 'postbuildscript' needs 'build-steps'",
            )
            .because("from release 2.0 of the plugin the steps stand in groups")
            .cure("put the steps below 'build-steps:', or name the plugin's older release")
            .fail();
        };
        add(out, &BUILDER, &format!("builders[{index}].build-steps"), steps)?;
    }
    Ok(())
}
