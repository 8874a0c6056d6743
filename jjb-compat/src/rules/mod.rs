//! One small test for each rule of Part A, through the public interface.

mod classic;
mod elements;
mod errors;
mod files;
mod finer;
mod incremental;
mod jinja;
mod macros;
mod strings;
mod tags;
mod unified;
mod yaml;
mod zuul;

use std::sync::Arc;

use crate::{Dialect, Memory, Node, Options, Outcome, read};

/// Both dialects, for rules that hold for both.
const BOTH: [Dialect; 2] = [Dialect::Classic, Dialect::Unified];

/// Files of a tree: path and text.
type Tree<'t> = &'t [(&'t str, &'t str)];

fn options(dialect: Dialect) -> Options {
    Options { dialect, ..Options::default() }
}

fn memory(tree: Tree) -> Memory {
    let mut memory = Memory::new();
    for (path, text) in tree {
        memory.add(path, *text);
    }
    memory
}

/// Reads the first file of a tree, with these options.
fn read_with(tree: Tree, options: &Options) -> Outcome {
    read(&memory(tree), &[tree[0].0.into()], options)
}

/// Reads one file without any problem.
#[track_caller]
fn good(dialect: Dialect, tree: Tree) -> Outcome {
    let outcome = read_with(tree, &options(dialect));
    let shown: Vec<String> = outcome.problems.iter().map(|problem| problem.render(&outcome.files)).collect();
    assert!(shown.is_empty(), "{dialect}: {}", shown.concat());
    outcome
}

/// The codes of what is wrong.
fn codes(outcome: &Outcome) -> Vec<&'static str> {
    outcome.problems.iter().map(|problem| problem.code).collect()
}

/// The code of the only problem of a file.
#[track_caller]
fn fault(dialect: Dialect, tree: Tree) -> &'static str {
    let outcome = read_with(tree, &options(dialect));
    let found = codes(&outcome);
    assert_eq!(found.len(), 1, "{dialect}: {found:?}");
    assert!(outcome.problems[0].place.is_some(), "{dialect}: a problem has a place");
    found[0]
}

fn names(outcome: &Outcome) -> Vec<&str> {
    outcome.jobs.iter().map(|job| &*job.name).collect()
}

/// A value as JSON.
fn json(node: &Node) -> String {
    crate::oracle::value(node)
}

/// A key of a job as JSON.
#[track_caller]
fn key(outcome: &Outcome, job: &str, key: &str) -> String {
    let job = outcome.job(job).unwrap_or_else(|| panic!("no job {job} in {:?}", names(outcome)));
    json(job.definition.get(key).unwrap_or_else(|| panic!("no key {key}")))
}

/// The components of a job: `name arguments`, children in brackets.
#[track_caller]
fn components(outcome: &Outcome, job: &str) -> Vec<String> {
    let job = outcome.job(job).unwrap_or_else(|| panic!("no job {job} in {:?}", names(outcome)));
    job.components
        .iter()
        .map(|component| format!("{} {}", component.name, json(&component.arguments)))
        .collect()
}
