//! Builder `trigger-builds`: starts other builds. Each item: `project` (text, several with `,`, or a list; an item without one does
//! nothing), `current-parameters` (false), `property-file` (none) with `property-file-fail-on-missing` (true), `predefined-parameters`
//! (none), `bool-parameters` (none; each `name` and `value` false), `block` (false), `block-thresholds`
//! (`build-step-failure-threshold` FAILURE, `unstable-threshold` UNSTABLE, `failure-threshold` FAILURE); not carried: `git-revision`,
//! `svn-revision`, `same-node`, `node-label`, `restrict-matrix-project`, `parameter-factories`. Of parameters with one name the last
//! kind in this order wins.

use jjb_compat::{Component, Node};

use super::options::{Options, text};
use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::catalog::properties;
use crate::catalog::recipe::{BuildStart, PassedParameters, Thresholds, TriggerBuilds};
use crate::model::Problem;

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> TriggerBuilds {
    let items = match component.arguments.as_seq() {
        Some(items) => items,
        None => std::slice::from_ref(&component.arguments),
    };
    let starts = items.iter().filter_map(|item| start(scope, component, item)).collect();
    TriggerBuilds { starts, place: scope.place(component.place) }
}

fn start(scope: &Scope<'_>, component: &Component, item: &Node) -> Option<BuildStart> {
    let mut options = Options::inside(scope, component, item);
    let jobs = projects(scope, &mut options);
    let mut parameters = Vec::new();
    if options.node("current-parameters").is_some_and(Node::truth) {
        parameters.push(PassedParameters::Current);
    }
    let required = options.flag("property-file-fail-on-missing", true);
    if let Some(paths) = options.text("property-file") {
        parameters.push(PassedParameters::Files { paths, required });
    }
    if let Some(lines) = options.text("predefined-parameters") {
        parameters.push(PassedParameters::Predefined(properties::read(&lines)));
    }
    let switches = options.list("bool-parameters");
    if !switches.is_empty() {
        let switches = switches.iter().filter_map(|entry| switch(scope, component, entry)).collect();
        parameters.push(PassedParameters::Predefined(switches));
    }
    let thresholds = thresholds(scope, component, options.node("block-thresholds"));
    let wait = options.node("block").is_some_and(Node::truth).then_some(thresholds);
    for key in [
        "git-revision",
        "svn-revision",
        "node-label",
        "node-label-name",
        "restrict-matrix-project",
        "parameter-factories",
    ] {
        options.not_carried(key, "false");
    }
    if options.node("same-node").is_some_and(Node::truth) {
        let problem = Problem::error("option-not-carried", "'same-node' is not carried")
            .because("a node serves one build only")
            .cure("pass on what the other build needs as parameters or artifacts");
        options.find(Weight::Stays, "same-node", problem);
    }
    options.close();
    (!jobs.is_empty()).then_some(BuildStart { jobs, parameters, wait })
}

/// The jobs that are started: those that the configuration does without are left out.
pub(super) fn projects(scope: &Scope<'_>, options: &mut Options<'_>) -> Vec<String> {
    let mut jobs: Vec<String> = options
        .list("project")
        .iter()
        .flat_map(|node| text(node).split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>())
        .filter(|name| !name.is_empty())
        .collect();
    jobs.retain(|job| !left_out(scope, options, job));
    jobs
}

fn switch(scope: &Scope<'_>, component: &Component, entry: &Node) -> Option<(String, String)> {
    let mut options = Options::inside(scope, component, entry);
    let (name, value) = (options.need("name"), options.flag("value", false));
    options.close();
    name.map(|name| (name, value.to_string()))
}

/// What the configuration does without is said, and counts as if it had succeeded.
fn left_out(scope: &Scope<'_>, options: &Options<'_>, job: &str) -> bool {
    let left_out = scope.config.leave_out.has(job);
    if left_out {
        let problem = Problem::note("start-left-out", format!("the job '{job}' is not started"))
            .because("'catalog.leave_out' names it");
        options.find(Weight::Difference, "project", problem);
    }
    left_out
}

fn thresholds(scope: &Scope<'_>, component: &Component, node: Option<&Node>) -> Thresholds {
    let empty = Node::null(component.place);
    let mut options = Options::inside(scope, component, node.unwrap_or(&empty));
    let mut word = |key: &'static str, default: &str| {
        let written = options.text_or(key, default).to_uppercase();
        match written.as_str() {
            "NEVER" => None,
            "SUCCESS" | "UNSTABLE" | "FAILURE" => Some(written),
            other => {
                let problem =
                    Problem::error("unknown-word", format!("'{}' is no threshold", other.escape_debug()))
                        .cure("write never, SUCCESS, UNSTABLE or FAILURE");
                options.find(Weight::Error, key, problem);
                None
            }
        }
    };
    let thresholds = Thresholds {
        step_failure: word("build-step-failure-threshold", "FAILURE"),
        unstable: word("unstable-threshold", "UNSTABLE"),
        failure: word("failure-threshold", "FAILURE"),
    };
    options.close();
    thresholds
}
