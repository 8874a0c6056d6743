//! The component lists of a job, in the order in which Job Builder's modules visit them.

use super::names::{
    BUILDER, Kind, METADATA, NOTIFICATION, PARAMETER, PROPERTY, PUBLISHER, REPORTER, SCM, TRIGGER, WRAPPER,
};
use crate::node::{Map, Node};
use crate::problem::{Problem, Result};

/// A list of a job's definition.
pub(crate) struct JobList<'n> {
    pub(crate) kind: &'static Kind,
    /// The way to the list in the definition.
    pub(crate) path: &'static str,
    pub(crate) list: &'n Node,
}

/// The project types (rule jjb-J115).
const PROJECT_TYPES: &[&str] = &[
    "externaljob",
    "flow",
    "folder",
    "freestyle",
    "githuborg",
    "matrix",
    "maven",
    "multibranch",
    "multibranch-defaults",
    "multijob",
    "pipeline",
    "workflow",
];

/// The lists that count for this job's type, in order.
pub(crate) fn job_lists(definition: &Map) -> Result<Vec<JobList<'_>>> {
    let project_type = project_type(definition)?;
    let pipeline = project_type == "pipeline";
    let no_scm = matches!(project_type, "githuborg" | "multibranch" | "multibranch-defaults" | "pipeline");
    let mut out = Vec::with_capacity(8);
    let mut add = |kind: &'static Kind, path: &'static str| {
        if let Some(list) = definition.get(path) {
            out.push(JobList { kind, path, list });
        }
    };
    add(&PROPERTY, "properties");
    add(&METADATA, "metadata");
    add(&PARAMETER, "parameters");
    add(&NOTIFICATION, "notifications");
    if let Some(list) = definition.get("pipeline-scm").and_then(|scm| scm.get("scm"))
        && list.truth()
    {
        out.push(JobList { kind: &SCM, path: "pipeline-scm.scm", list });
    }
    let mut add = |kind: &'static Kind, path: &'static str| {
        if let Some(list) = definition.get(path) {
            out.push(JobList { kind, path, list });
        }
    };
    if !no_scm {
        add(&SCM, "scm");
    }
    add(&TRIGGER, "triggers");
    if let Some(list) = definition.get("reporters")
        && project_type != "maven"
    {
        return Problem::error(
            "reporters-need-maven",
            list.place,
            "reporters may only be used in jobs of the type 'maven'",
        )
        .cure("remove the reporters, or set 'project-type: maven'")
        .fail();
    }
    add(&REPORTER, "reporters");
    for builders in ["prebuilders", "builders", "postbuilders"] {
        add(&BUILDER, builders);
    }
    if !pipeline {
        add(&PUBLISHER, "publishers");
        add(&WRAPPER, "wrappers");
    }
    Ok(out)
}

fn project_type(definition: &Map) -> Result<&str> {
    let Some(node) = definition.get("project-type") else {
        return Ok("freestyle");
    };
    let Some(known) = node.as_str().filter(|name| PROJECT_TYPES.contains(name)) else {
        return Problem::error(
            "unknown-project-type",
            node.place,
            format!("there is no project type '{}'", node.text(crate::node::Style::Plain)),
        )
        .cure(format!("use one of: {}", PROJECT_TYPES.join(", ")))
        .fail();
    };
    if known == "pipeline" && definition.has("dsl") == definition.has("pipeline-scm") {
        return Problem::error(
            "pipeline-script",
            node.place,
            "a pipeline job needs either 'dsl' or 'pipeline-scm', not both",
        )
        .fail();
    }
    Ok(known)
}
