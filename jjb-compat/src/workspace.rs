//! A tree that is read again and again: what a change does not touch is kept.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::engine::{self, State};
use crate::options::Options;
use crate::outcome::{Job, Outcome};
use crate::source::Source;

/// A tree, opened. [`Workspace::refresh`] looks at all its files again and expands only what a changed file can affect; the
/// result is the same as that of [`crate::read`].
///
/// ```
/// use jjb_compat::{Memory, Options, Workspace};
///
/// let job = |step: &str| format!("- job:\n    name: hello\n    builders:\n      - shell: {step}\n");
/// let mut tree = Memory::new();
/// tree.add("hello.yaml", job("one")).add("other.yaml", "- job: {name: other}\n");
/// let mut workspace = Workspace::open(tree, vec!["".into()], Options::default());
/// assert_eq!(workspace.outcome().jobs.len(), 2);
///
/// workspace.source_mut().add("hello.yaml", job("two"));
/// let changes = workspace.refresh();
/// assert_eq!(changes.again.iter().map(|name| &**name).collect::<Vec<_>>(), ["hello"]);
/// ```
pub struct Workspace<S> {
    source: S,
    paths: Vec<PathBuf>,
    options: Options,
    state: State,
    outcome: Arc<Outcome>,
}

/// What a refresh did.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Changes {
    /// Names of jobs that were not there before.
    pub added: Vec<Arc<str>>,
    /// Names of jobs that were expanded again. They may have come out as before, for example on another line.
    pub again: Vec<Arc<str>>,
    /// Names of jobs that are gone.
    pub removed: Vec<Arc<str>>,
}

impl Changes {
    /// True when every job is the one that it was.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.again.is_empty() && self.removed.is_empty()
    }
}

impl<S: Source> Workspace<S> {
    /// Reads the files and folders.
    pub fn open(source: S, paths: Vec<PathBuf>, options: Options) -> Workspace<S> {
        let mut state = State::default();
        let outcome = Arc::new(engine::run(&mut state, &source, &paths, &options));
        Workspace { source, paths, options, state, outcome }
    }

    /// What the last reading gave. Whoever holds it keeps it: a refresh makes another one, which shares what is the same.
    pub fn outcome(&self) -> &Arc<Outcome> {
        &self.outcome
    }

    /// Reads again what has changed.
    pub fn refresh(&mut self) -> Changes {
        let next = engine::run(&mut self.state, &self.source, &self.paths, &self.options);
        let changes = changes(&self.outcome, &next);
        let before = std::mem::replace(&mut self.outcome, Arc::new(next));
        // The last holder of many small values gives them back, and nobody waits for that.
        let _ = std::thread::Builder::new().spawn(move || drop(before));
        changes
    }

    /// What it is read by.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The files and folders that it is made of.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Where its files come from, for sources that can change.
    pub fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }
}

impl<S> fmt::Debug for Workspace<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Workspace")
            .field("paths", &self.paths)
            .field("jobs", &self.outcome.jobs.len())
            .finish_non_exhaustive()
    }
}

fn changes(before: &Outcome, next: &Outcome) -> Changes {
    // Mostly all is as it was but for one stretch.
    let same = |(old, new): (&Job, &Job)| new.is_same_as(old);
    let front = before.jobs.iter().zip(&next.jobs).take_while(|&pair| same(pair)).count();
    let (old, new) = (&before.jobs[front..], &next.jobs[front..]);
    let back = old.iter().rev().zip(new.iter().rev()).take_while(|&pair| same(pair)).count();
    let (old, new) = (&old[..old.len() - back], &new[..new.len() - back]);
    let mut changes = Changes::default();
    let mut left: FxHashMap<&str, &Job> = old.iter().map(|job| (&*job.name, job)).collect();
    for job in new {
        match left.remove(&*job.name) {
            None => changes.added.push(Arc::clone(&job.name)),
            Some(before) if job.is_same_as(before) => {}
            Some(_) => changes.again.push(Arc::clone(&job.name)),
        }
    }
    let gone = old.iter().filter(|job| left.contains_key(&*job.name));
    changes.removed = gone.map(|job| Arc::clone(&job.name)).collect();
    changes
}
