//! Reads Jenkins Job Builder YAML as Jenkins Job Builder does, and says what it cannot.
//!
//! A tree of YAML goes in; jobs, views and problems come out. No Jenkins is asked, no Python is run, and files are opened only
//! through a [`Source`]. The crate does not write Jenkins' XML: it gives each job's definition after expansion, and the built-in
//! components that its lists stand for, macros replaced.
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
//! # Choosing the dialect
//!
//! Two dialects exist, and the same file may mean different things in them, so nothing is guessed: [`Dialect::Classic`] follows
//! release 4.3.0 (and what came before), [`Dialect::Unified`] release 6.5.0 (and 5.0 on). All other choices of a reading are
//! [`Options`] too; their names are those of Job Builder's options.
//!
//! ```
//! use jjb_compat::{Dialect, Memory, Options, read};
//!
//! let mut tree = Memory::new();
//! tree.add("a.yaml", "- job: {name: braces, node: '{{x}}'}\n");
//! let node = |dialect| {
//!     let options = Options { dialect, keep_descriptions: true, ..Options::default() };
//!     let outcome = read(&tree, &["a.yaml".into()], &options);
//!     outcome.jobs[0].definition.get("node").and_then(|node| node.as_str()).map(str::to_owned)
//! };
//! // Only the unified dialect expands plain jobs.
//! assert_eq!(node(Dialect::Classic).as_deref(), Some("{{x}}"));
//! assert_eq!(node(Dialect::Unified).as_deref(), Some("{x}"));
//! ```
//!
//! # Files
//!
//! [`FileSystem`] is the disk and [`Memory`] a tree in memory; anything else (a revision of a repository, an archive) implements
//! [`Source`]. Paths are files, or folders whose `*.yml` and `*.yaml` are read. [`Options::confine`] keeps a tree that nobody
//! trusts from reading files outside of itself.
//!
//! # Jobs, components, views
//!
//! A [`Job`] has its definition as a [`Node`], whose lists still hold macro calls, and the [`Component`]s that these stand for.
//! A component knows the macros that it came through, and the components inside it.
//!
//! ```
//! use jjb_compat::{Memory, Options, read};
//!
//! let mut tree = Memory::new();
//! tree.add("a.yaml", "\
//! - builder: {name: greet, builders: [{shell: 'echo {whom}'}]}
//! - job-template: {name: '{name}-job', builders: [{greet: {whom: '{name}'}}]}
//! - view-template: {name: '{name}-view', view-type: list}
//! - project: {name: world, jobs: ['{name}-job'], views: ['{name}-view']}
//! ");
//! let outcome = read(&tree, &["a.yaml".into()], &Options::default());
//! let step = &outcome.job("world-job").expect("the job").components[0];
//! assert_eq!((step.kind, &*step.name), ("builder", "shell"));
//! assert_eq!(step.arguments.as_str(), Some("echo world"));
//! assert_eq!(&*step.macros[0].name, "greet");
//! assert_eq!(&*outcome.views[0].name, "world-view");
//! ```
//!
//! # Where a value was written
//!
//! Each node has a [`Place`]: file, line and column, which [`Outcome::files`] shows and [`Outcome::sections`] names the element of.
//! [`Expansion::origin`] has template, group and project of a job.
//!
//! ```
//! use jjb_compat::{Memory, Options, read};
//!
//! let mut tree = Memory::new();
//! tree.add("a.yaml", "\
//! - defaults: {name: global, concurrent: true}
//! - job-template: {name: '{name}-job', node: '{where}'}
//! - project: {name: p, where: big, jobs: ['{name}-job']}
//! ");
//! let outcome = read(&tree, &["a.yaml".into()], &Options::default());
//! let job = &outcome.jobs[0];
//! let written = |key: &str| {
//!     let place = job.definition.get(key).expect("the key").place;
//!     format!("{} in {}", outcome.files.show(place), outcome.sections.at(place).expect("an element"))
//! };
//! assert_eq!(written("concurrent"), "a.yaml:1:40 in defaults global");
//! assert_eq!(written("node"), "a.yaml:3:29 in project p");
//! assert_eq!(job.origin.template.as_deref(), Some("{name}-job"));
//! ```
//!
//! # Problems
//!
//! [`read`] never panics and, with [`Options::collect`] (the default), never stops at the first problem: a job with an error is left
//! out, all others are read. A [`Problem`] has a code for programs, a place, a message, a reason, a cure, and the way from the text
//! outwards; [`Problem::render`] writes all of that for people, with the line.
//!
//! ```
//! use jjb_compat::{Memory, Options, read};
//!
//! let mut tree = Memory::new();
//! tree.add("a.yaml", "- job: {name: bad, builders: [Shell: make]}\n- job: {name: good}\n");
//! let outcome = read(&tree, &["a.yaml".into()], &Options::default());
//! assert_eq!(outcome.jobs.len(), 1);
//! let problem = &outcome.problems[0];
//! assert!(problem.is_error());
//! assert_eq!((problem.code, problem.cure.as_str()), ("unknown-component", "did you mean 'shell'?"));
//! assert!(problem.render(&outcome.files).starts_with("a.yaml:1:31: error: there is no builder"));
//! ```
//!
//! Hostile trees end in bounds, too: [`Limits`] says how many jobs, how deep, how long, and a definition that goes beyond is a problem
//! like any other.
//!
//! # Large trees, and trees that change
//!
//! [`read_each`] hands each job over as soon as it is done and keeps none. A [`Workspace`] is a tree that is read again and again, where
//! only what a changed file can affect is expanded anew. Both work on all processors. [`oracle::export`] writes a reading in the form
//! in which it can be compared with Job Builder's own.

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
pub use outcome::{Component, Expansion, Job, MacroCall, Origin, Outcome, Parts, View};
pub use place::{FileId, Files, Place, SourceFile};
pub use problem::{Frame, Problem, Severity};
pub use sections::{Section, Sections};
pub use source::{Entry, FileSystem, Kind, Memory, Source, Stamp};
pub use tags::{Include, Tag, TagKind};
pub use workspace::{Changes, Workspace};

/// Reads a tree: files and folders in, jobs, views and problems out. Never panics.
///
/// The [documentation of the crate](crate) shows how.
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
