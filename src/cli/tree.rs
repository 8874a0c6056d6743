//! What the commands that read files have in common: the tree that is meant, and problems as JSON.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::Global;
use super::failure::{Failure, Kind};
use crate::catalog::{CatalogConfig, Finding, OpenTree, Tree};
use crate::config::{Config, Overrides, Problems};
use crate::model::Problem;

/// The configuration of `--config`, if it is given.
pub(super) fn configuration(global: &Global) -> Option<Result<Config, Problems>> {
    let overrides = Overrides { state: global.state.clone(), ..Overrides::default() };
    global.config.as_ref().map(|path| Config::load(path, &overrides))
}

/// How the tree is read: by the configuration, and from folders that are named instead of its own.
pub(super) fn catalog(global: &Global, folders: &[PathBuf]) -> Result<CatalogConfig, Failure> {
    let mut catalog = match configuration(global) {
        None => CatalogConfig::default(),
        Some(Ok(config)) => config.catalog,
        Some(Err(problems)) => {
            return Err(Failure::new(Kind::Usage, format!("the configuration cannot be used\n{problems}"))
                .hint("`causeway check` names everything that is wrong"));
        }
    };
    if !folders.is_empty() {
        catalog.paths = folders.to_vec();
    }
    if catalog.paths.is_empty() {
        return Err(Failure::new(Kind::Usage, "no job definitions are named")
            .hint("name folders or files of Job Builder YAML, or a configuration with --config"));
    }
    for path in &catalog.paths {
        if let Err(error) = std::fs::metadata(path) {
            return Err(Failure::new(Kind::Usage, format!("{} cannot be read: {error}", path.display()))
                .hint("name folders or files of Job Builder YAML"));
        }
    }
    Ok(catalog)
}

/// The outline of the tree of a configuration, for the rest of the process: a command ends sooner than tens of thousands of
/// values are given back.
pub(super) fn outline(config: &CatalogConfig) -> &'static Tree {
    Box::leak(Box::new(Tree::outline(config)))
}

/// The whole tree, with what it was translated from.
pub(super) fn opened(config: &CatalogConfig) -> &'static OpenTree {
    Box::leak(Box::new(OpenTree::open(config)))
}

/// A problem as JSON.
pub(super) fn problem_json(problem: &Problem) -> Value {
    let position = problem.position.as_ref();
    json!({
        "severity": problem.severity.as_str(),
        "code": problem.code,
        "message": problem.message,
        "file": position.map(|position| position.file.as_str()),
        "line": position.map(|position| position.line),
        "column": position.map(|position| position.column),
        "text": problem.excerpt,
        "reason": problem.reason,
        "cure": problem.cure,
        "chain": problem.chain.iter().map(|frame| json!({
            "what": frame.what,
            "file": frame.position.as_ref().map(|position| position.file.as_str()),
            "line": frame.position.as_ref().map(|position| position.line),
        })).collect::<Vec<_>>(),
    })
}

/// A finding as JSON: code, text, file, line, component (jjb 26).
pub(super) fn finding_json(finding: &Finding) -> Value {
    let problem = &finding.problem;
    let position = problem.position.as_ref();
    json!({
        "code": problem.code,
        "text": text(problem),
        "file": position.map(|position| position.file.as_str()),
        "line": position.map(|position| position.line),
        "component": finding.component,
        "cure": problem.cure,
        "macros": problem.chain.iter().map(|frame| frame.what.as_str()).collect::<Vec<_>>(),
    })
}

/// Message and reason in one sentence.
pub(super) fn text(problem: &Problem) -> String {
    if problem.reason.is_empty() {
        problem.message.clone()
    } else {
        format!("{}: {}", problem.message, problem.reason)
    }
}
