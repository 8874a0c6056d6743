//! Wrong jobs through the real executable: what `check` says of them and its exit code are snapshots.

use std::path::Path;

use crate::support::{repository, run, says};

/// A configuration that owns all jobs of one tree; what they would run on is not looked at.
fn with_jobs(folder: &Path, tree: &str) -> String {
    let config = folder.join("causeway.yaml");
    let jobs = repository().join("fixtures/bad").join(tree);
    let text = format!("catalog:\n  jjb: [{}]\n  own: ['*']\n", jobs.display());
    std::fs::write(&config, text).expect("the configuration is written");
    config.display().to_string()
}

#[test]
fn jobs_that_are_not_yaml() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    says!("jobs-not-yaml", run(&["check", "--config", &with_jobs(folder.path(), "syntax")]), [folder.path() => "FOLDER"]);
}

#[test]
fn jobs_with_components_nobody_knows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let finished = run(&["check", "--config", &with_jobs(folder.path(), "component")]);
    says!("jobs-unknown-component", finished, [folder.path() => "FOLDER"]);
}

#[test]
fn jobs_with_variables_that_nobody_sets() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let finished = run(&["check", "--config", &with_jobs(folder.path(), "macro")]);
    says!("jobs-missing-variable", finished, [folder.path() => "FOLDER"]);
}

#[test]
fn jobs_that_are_there_twice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let finished = run(&["check", "--config", &with_jobs(folder.path(), "duplicate")]);
    says!("jobs-twice", finished, [folder.path() => "FOLDER"]);
}
