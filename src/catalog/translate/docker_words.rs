//! What the components that speak of Docker have in common.

use super::options::Options;
use crate::catalog::finding::Weight;
use crate::image::{Reference, is_variable};
use crate::model::Problem;

/// Whether an option is a reference of an image, or may become one when its variables are replaced; else that is found (docker-27.10).
pub(super) fn reference(options: &Options<'_>, key: &'static str, text: &str) -> bool {
    if text.is_empty() {
        let problem = Problem::error("missing-option", format!("'{key}' names no image"));
        options.find(Weight::Error, key, problem.cure("write NAME:TAG"));
        return false;
    }
    if is_variable(text) {
        return true;
    }
    let read = Reference::parse(text);
    if let Err(error) = &read {
        options.find(
            Weight::Error,
            key,
            Problem::error("no-reference", error.to_string()).cure("write NAME:TAG"),
        );
    }
    read.is_ok()
}

/// Whether a path that a job wrote cannot be below the workspace (docker-M11): it is absolute, or goes up.
pub(super) fn leads_out(path: &str) -> bool {
    let below = path.strip_prefix("${WORKSPACE}").or_else(|| path.strip_prefix("$WORKSPACE"));
    let path = below.map_or(path, |rest| rest.trim_start_matches('/'));
    path.starts_with('/') || path.split('/').any(|part| part == "..")
}

/// Refuses a directory that cannot be sent to the engine.
pub(super) fn context(options: &Options<'_>, key: &'static str, path: &str) {
    if leads_out(path) {
        let message = format!("'{}' is not below the workspace", path.escape_debug());
        let problem = Problem::error("context-outside", message)
            .because("only what lies in the workspace is sent to the engine")
            .cure("copy what the image needs into the workspace, or leave the job on Jenkins");
        options.find(Weight::Stays, key, problem);
    }
}
