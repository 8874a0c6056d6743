//! The keys of the job itself (jjb 23, job level): `node`, `concurrent`, `disabled`, `project-type`, `description`, `logrotate`.

use jjb_compat::{Job, Node};

use super::build_discarder;
use super::options::text;
use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::Recipe;
use crate::model::Problem;
use crate::pool::serving;

/// What Job Builder puts behind every description.
const MARK: &str = "<!-- Managed by Jenkins Job Builder -->";

/// Keys with a meaning that is not carried: name and reason.
const NOT_CARRIED: &[(&str, &str)] = &[
    ("block-upstream", "builds do not wait for the jobs that start them"),
    ("block-downstream", "builds do not wait for the jobs that they start"),
    ("workspace", "a workspace has a place of its own on its node"),
    ("auth-token", "remote starts have tokens of their own"),
    ("raw", "it is XML for Jenkins, which nobody else can read"),
    ("jdk", "no tools are installed: the image brings them"),
];

/// The description, without Job Builder's mark.
pub(super) fn description(job: &Job) -> String {
    let written = job.definition.get("description").filter(|node| !node.is_null());
    written.map(|node| text(node).replace(MARK, "")).unwrap_or_default()
}

/// Fills in the job's keys, all but the description; false when there is no use in looking further.
pub(super) fn translate(scope: &Scope<'_>, job: &Job, recipe: &mut Recipe) -> bool {
    let definition = &job.definition;
    let get = |key: &str| definition.get(key).filter(|node| !node.is_null());
    recipe.job = job.name.to_string();
    recipe.place = scope.place(job.origin.place);
    recipe.node = get("node").map(|node| text(node).trim().to_owned()).unwrap_or_default();
    recipe.concurrent = get("concurrent").is_some_and(Node::truth);
    // Job Builder prints this one, whatever it is, and Jenkins reads the word (jjb-J123).
    recipe.disabled = get("disabled").is_some_and(|node| text(node).eq_ignore_ascii_case("true"));
    recipe.retention = get("logrotate").map(build_discarder::logrotate).unwrap_or_default();
    recipe.quiet_seconds = whole(scope, job, "quiet-period");
    scope.retries.set(whole(scope, job, "retry-count"));
    for (key, why) in NOT_CARRIED {
        if let Some(node) = get(key).filter(|node| node.truth()) {
            let problem = Problem::error("key-not-carried", format!("'{key}' is not carried"))
                .because(*why)
                .cure("remove it, or leave the job on Jenkins");
            scope.find_job(Weight::Stays, node.place, problem);
        }
    }
    if let Some(written) = get("node") {
        node(scope, &recipe.node, written);
    }
    freestyle(scope, job)
}

/// A number that Jenkins reads from a text; 0 unless it is written.
fn whole(scope: &Scope<'_>, job: &Job, key: &str) -> u32 {
    let Some(node) = job.definition.get(key).filter(|node| !node.is_null()) else { return 0 };
    let written = text(node);
    written.trim().parse().unwrap_or_else(|_| {
        let message = format!("'{key}' is '{}', where a whole number is expected", written.escape_debug());
        let problem = Problem::error("wrong-type", message).cure("write digits only");
        scope.find_job(Weight::Error, node.place, problem);
        0
    })
}

/// A label that nobody offers keeps the job; without a configuration it is only said.
fn node(scope: &Scope<'_>, expression: &str, written: &Node) {
    let cure = "add a label of that name or with that alias to a pool, or map the old name under 'map'";
    let (weight, problem) = match &scope.config.site {
        None => {
            let message = format!("the label '{expression}' is needed");
            (Weight::Difference, Problem::note("unmapped-label", message))
        }
        Some(site) => match serving(&site.labels, &site.providers, expression) {
            Ok(_) => return,
            Err(error) => (Weight::Stays, Problem::error("unmapped-label", error.to_string())),
        },
    };
    scope.find_job(weight, written.place, problem.cure(cure));
}

/// Only freestyle jobs are made of steps that anybody can run.
fn freestyle(scope: &Scope<'_>, job: &Job) -> bool {
    let Some(node) = job.definition.get("project-type") else {
        return true;
    };
    let (code, message, why) = match &*text(node) {
        "freestyle" => return true,
        "pipeline" | "workflow" => {
            ("groovy", "the job is a pipeline", "pipelines are Groovy programs, which only Jenkins can run")
        }
        "matrix" => (
            "matrix",
            "the job is a matrix",
            "a matrix is a parent with one build for each combination of its axes, which is not carried",
        ),
        "maven" => ("project-type", "the job is of type maven", "the Maven plugin is part of Jenkins"),
        _ => (
            "project-type",
            "the job is not freestyle",
            "only freestyle jobs are made of steps that can run here",
        ),
    };
    let cure = "leave it on Jenkins; a job that starts it can move";
    scope.find_job(Weight::Stays, node.place, Problem::error(code, message).because(why).cure(cure));
    false
}
