//! Which keys are contents; all others are parameters (rule jjb-J70).

use crate::node::{Map, Node};

/// Whose keys they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Of {
    Job,
    View,
    /// A defaults set holds both.
    Both,
}

/// Contents and parameters of an element.
pub(super) fn split(of: Of, fields: &Map) -> (Map, Map) {
    let (mut contents, mut params) = (Map::new(), Map::new());
    for (key, value) in fields.iter() {
        let target = if is_content(of, key) { &mut contents } else { &mut params };
        target.insert(key.clone(), value.clone());
    }
    (contents, params)
}

fn is_content(of: Of, key: &Node) -> bool {
    let Some(key) = key.as_str() else { return false };
    (of != Of::View && JOB.binary_search(&key).is_ok()) || (of != Of::Job && VIEW.binary_search(&key).is_ok())
}

/// Of jobs and their templates, sorted.
const JOB: &[&str] = &[
    "abort-builds",
    "actions",
    "auth-token",
    "axes",
    "block-downstream",
    "block-upstream",
    "builders",
    "child-workspace",
    "concurrent",
    "days-to-keep",
    "description",
    "disabled",
    "display-name",
    "dsl",
    "dsl-file",
    "execution-strategy",
    "folder",
    "github-org",
    "hipchat",
    "jdk",
    "logrotate",
    "maven",
    "needs-workspace",
    "node",
    "notifications",
    "number-to-keep",
    "p4-strategy",
    "parameters",
    "per-module-email",
    "periodic-folder-trigger",
    "pipeline-scm",
    "postbuilders",
    "prebuilders",
    "project-type",
    "properties",
    "prune-dead-branches",
    "publishers",
    "quiet-period",
    "raw",
    "reporters",
    "retry-count",
    "sandbox",
    "scm",
    "script-id",
    "script-path",
    "triggers",
    "workspace",
    "wrappers",
    "yaml-strategy",
];

/// Of views and their templates, sorted.
const VIEW: &[&str] = &[
    "aggregated-changes-grouping-pattern",
    "alignment",
    "allow-abort",
    "allow-manual-triggers",
    "allow-pipeline-start",
    "allow-rebuild",
    "bottom-portlets",
    "categorization_criteria",
    "columns",
    "components",
    "css-Url",
    "default-view",
    "definition-header",
    "description",
    "embedded-css",
    "filter-executors",
    "filter-queue",
    "first-job",
    "full-screen-css",
    "hide-jenkins-panels",
    "include-std-job-list",
    "job-filters",
    "job-name",
    "latest-job-only",
    "left-portlet-width",
    "left-portlets",
    "link-relative",
    "link-style",
    "link-to-console-log",
    "manual-trigger",
    "max-number-of-visible-pipelines",
    "name",
    "no-of-columns",
    "no-of-displayed-builds",
    "no-of-pipelines",
    "paging-enabled",
    "parameters-in-headers",
    "recurse",
    "refresh-frequency",
    "regex",
    "regex_to_ignore_on_color_computing",
    "regexps",
    "right-portlet-width",
    "right-portlets",
    "sections",
    "show-absolute-date-time",
    "show-aggregated-changes",
    "show-aggregated-pipeline",
    "show-avatars",
    "show-changes",
    "show-description",
    "show-parameters",
    "show-promotions",
    "show-static-analysis-results",
    "show-test-results",
    "show-total-build-time",
    "sorting",
    "start-with-parameters",
    "style",
    "text",
    "title",
    "top-portlets",
    "update-interval",
    "use-css-style",
    "views",
    "width",
];
