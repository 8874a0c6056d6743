//! Publisher `postbuildscript`: steps after the build. Options of the form of plugin releases from 2.0: `builders` (groups, each with
//! `build-on`, default `SUCCESS`; `build-steps`; `role`, `BOTH`; `execute-on`), `mark-unstable-if-failed` (false), `generic-script`,
//! `groovy-script`, `groovy`. Older form: `builders` is a list of builders, with `script-only-if-succeeded` (true) and
//! `script-only-if-failed` (false), or `onsuccess` and `onfailure`.

use jjb_compat::{Component, Node};

use super::options::{Options, text};
use super::scope::Scope;
use super::step;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::{PostBuildScript, PostGroup, Step};
use crate::model::{Problem, ResultWord};

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Option<PostBuildScript> {
    let mut options = Options::of(scope, component);
    let mark_unstable_if_failed = options.flag("mark-unstable-if-failed", false);
    for key in ["generic-script", "groovy-script", "groovy"] {
        if options.node(key).is_some_and(Node::truth) {
            let problem = Problem::error("option-not-carried", format!("'{key}' is not carried"))
                .because("only builders run after a build here")
                .cure("write a 'shell' builder under 'build-steps'");
            options.find(Weight::Stays, key, problem);
        }
    }
    let builders = options.list("builders");
    // In the new form the steps stand inside groups, in the old one in the list itself.
    let old = component.children.iter().any(|child| &*child.path == "builders");
    let groups = if old {
        vec![old_group(scope, component, &mut options)]
    } else {
        builders
            .iter()
            .enumerate()
            .filter_map(|(index, group)| new_group(scope, component, index, group))
            .collect()
    };
    if !old {
        for key in ["onsuccess", "onfailure", "script-only-if-succeeded", "script-only-if-failed"] {
            options.without_effect(key, "it belongs to plugin releases before 2.0; 'build-on' counts");
        }
    }
    options.without_effect("execute-on", "it only matters for matrix jobs");
    options.close();
    Some(PostBuildScript { groups, mark_unstable_if_failed })
}

fn new_group(scope: &Scope<'_>, component: &Component, index: usize, group: &Node) -> Option<PostGroup> {
    let mut options = Options::inside(scope, component, group);
    let build_on = match options.list("build-on") {
        [] => vec!["SUCCESS".to_owned()],
        words => words.iter().map(|word| text(word).into_owned()).collect(),
    };
    for word in &build_on {
        if ResultWord::from_text(word).is_none() {
            let problem =
                Problem::error("unknown-word", format!("'{}' is no result of a build", word.escape_debug()))
                    .because("the group would never run")
                    .cure("write SUCCESS, UNSTABLE, FAILURE, NOT_BUILT or ABORTED");
            options.find(Weight::Error, "build-on", problem);
        }
    }
    match options.text_or("role", "BOTH").as_str() {
        "BOTH" | "SLAVE" => {}
        role => {
            let problem = Problem::error(
                "option-not-carried",
                format!("steps for the role '{}' are not carried", role.escape_debug()),
            )
            .because("a build never runs on the server itself")
            .cure("remove 'role'");
            options.find(Weight::Stays, "role", problem);
        }
    }
    options.without_effect("execute-on", "it only matters for matrix jobs");
    let _ = options.node("build-steps");
    options.close();
    let path = format!("builders[{index}].build-steps");
    let steps: Vec<Step> = component.children_at(&path).filter_map(|child| step(scope, child)).collect();
    Some(PostGroup { build_on, steps })
}

/// The old form has one group; two switches say on which results it runs.
fn old_group(scope: &Scope<'_>, component: &Component, options: &mut Options<'_>) -> PostGroup {
    let on_success = options.flag("onsuccess", true);
    let on_failure = options.flag("onfailure", false);
    let only_success = options.flag("script-only-if-succeeded", on_success);
    let only_failure = options.flag("script-only-if-failed", on_failure);
    let words: &[&str] = match (only_success, only_failure) {
        (true, false) => &["SUCCESS"],
        (false, true) => &["FAILURE"],
        // Both together exclude each other: it never runs.
        (true, true) => &[],
        (false, false) => &["SUCCESS", "UNSTABLE", "FAILURE", "NOT_BUILT", "ABORTED"],
    };
    let steps = component.children_at("builders").filter_map(|child| step(scope, child)).collect();
    PostGroup { build_on: words.iter().map(|word| (*word).to_owned()).collect(), steps }
}
