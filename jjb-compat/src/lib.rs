//! Reads Jenkins Job Builder YAML as Jenkins Job Builder does, and says what it cannot.
//!
//! ```
//! use jjb_compat::{Memory, Options, read};
//!
//! let mut tree = Memory::new();
//! tree.add("jobs.yaml", "- job:\n    name: hello\n    builders:\n      - shell: echo hello\n");
//! let outcome = read(&tree, &["jobs.yaml".into()], &Options::default());
//! assert!(outcome.problems.is_empty());
//! assert_eq!(&*outcome.jobs[0].name, "hello");
//! assert_eq!(outcome.jobs[0].components[0].arguments.as_str(), Some("echo hello"));
//! ```
//!
//! Two dialects exist (rule jjb-J1): [`Dialect::Classic`] follows release 4.3.0, [`Dialect::Unified`] release 6.5.0.
//! Files come only through a [`Source`]. [`read`] never panics and, with [`Options::collect`], never stops at the first
//! problem. Values are [`Node`]s: cheap to copy, and each knows its file, line and column.

mod components;
mod engine;
mod expand;
mod files;
mod format;
mod glob;
mod jinja;
mod node;
mod options;
pub mod oracle;
mod outcome;
mod place;
mod problem;
#[cfg(test)]
mod rules;
mod sections;
mod session;
mod source;
mod tags;
mod texts;
mod trace;
mod workspace;
mod yaml;

use std::path::PathBuf;

pub use node::{Clock, Map, Node, Style, Timestamp, Value};
pub use options::{Dialect, Limits, Options, UnknownDialect};
pub use outcome::{Component, Job, MacroCall, Origin, Outcome, Parts, View};
pub use place::{FileId, Files, Place, SourceFile};
pub use problem::{Frame, Problem, Severity};
pub use sections::{Section, Sections};
pub use source::{FileSystem, Kind, Memory, Source};
pub use tags::{Include, Tag, TagKind};
pub use workspace::{Changes, Workspace};

/// Reads a tree: files and folders in, jobs, views and problems out. Never panics.
pub fn read(source: &dyn Source, paths: &[PathBuf], options: &Options) -> Outcome {
    engine::run(&mut engine::State::default(), source, paths, options)
}

/// Reads a tree and hands each job over as soon as it is done, so that a large tree never stands in memory as a whole:
/// `worker` makes something for each thread, `work` makes something of a job. Gives everything but the jobs, and what became
/// of those, in Job Builder's order. What becomes of a job that another of its name replaces (rule jjb-J113) is dropped.
///
/// ```
/// use jjb_compat::{Memory, Options, read_each};
///
/// let mut tree = Memory::new();
/// tree.add("jobs.yaml", "- job: {name: one}\n- job: {name: two}\n");
/// let (outcome, names) = read_each(&tree, &["jobs.yaml".into()], &Options::default(), || (), |(), job, files| {
///     (job.name.to_string(), files.show(job.origin.place))
/// });
/// assert!(outcome.problems.is_empty() && outcome.jobs.is_empty());
/// assert_eq!(names[1], ("two".to_owned(), "jobs.yaml:2:3".to_owned()));
/// ```
pub fn read_each<W, T: Send>(
    source: &dyn Source,
    paths: &[PathBuf],
    options: &Options,
    worker: impl Fn() -> W + Sync,
    work: impl Fn(&W, Job, &Files) -> T + Sync,
) -> (Outcome, Vec<T>) {
    engine::run_each(source, paths, options, &engine::Each { worker: &worker, work: &work })
}
