//! What a workspace keeps between two readings, and a reading that uses it (design: only what a changed file can affect is
//! expanded again).

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::thread::available_parallelism;

use rustc_hash::{FxHashMap, FxHashSet};

use super::difference::Compare;
use super::load::{self, Parsed, Take};
use super::spread::spread;
use super::work::{Done, Gathered, Work};
use crate::components::Memo;
use crate::expand::unified::Roots;
use crate::expand::{Elements, Expand, zuul};
use crate::files;
use crate::options::{Dialect, Options};
use crate::outcome::Outcome;
use crate::place::Files;
use crate::problem::{Problem, Result};
use crate::session::{Common, Session};
use crate::source::Source;
use crate::trace::{Changed, Key, path_key};
use crate::yaml::Scope;

/// A tree as the last reading left it.
#[derive(Default)]
pub(crate) struct State {
    pub(super) common: Common,
    parsed: FxHashMap<PathBuf, Parsed>,
    tree: Option<Tree>,
    units: FxHashMap<Key, Done>,
    pub(super) memo: Memo,
    /// What has changed since the units were expanded.
    changed: FxHashSet<Key>,
    /// Nothing can be kept, because something depends on the order of the work.
    ordered: bool,
}

enum Tree {
    Classic(Elements),
    Unified(Box<Roots>),
}

/// What is done once the elements are known.
pub(super) trait WithElements {
    fn expand<D: Expand>(
        &mut self,
        state: &mut State,
        request: Request,
        threads: usize,
        elements: &D,
        gathered: &mut Gathered,
    );
}

/// All is expanded and kept.
struct Keeping;

impl WithElements for Keeping {
    fn expand<D: Expand>(
        &mut self,
        state: &mut State,
        request: Request,
        threads: usize,
        elements: &D,
        gathered: &mut Gathered,
    ) {
        state.expand(request, threads, elements, gathered);
    }
}

/// What a reading is about.
#[derive(Clone, Copy)]
pub(super) struct Request<'r> {
    pub(super) source: &'r dyn Source,
    pub(super) paths: &'r [PathBuf],
    pub(super) options: &'r Options,
}

impl State {
    /// Reads the tree, and does again only what must be.
    pub(super) fn read(&mut self, request: Request) -> Outcome {
        let options = request.options;
        let careful = self.ordered || options.retain_anchors || !options.collect;
        if careful {
            *self = State { ordered: self.ordered, ..State::default() };
        }
        let gathered = self.attempt(request, careful, &mut Keeping);
        if careful || !self.common.ordered.load(Ordering::Relaxed) {
            return self.outcome(gathered);
        }
        *self = State { ordered: true, ..State::default() };
        let gathered = self.attempt(request, true, &mut Keeping);
        self.outcome(gathered)
    }

    /// Reads a tree of which nothing is kept; `None` when it must be read with care for the order.
    pub(super) fn read_once(&mut self, request: Request, expand: &mut impl WithElements) -> Option<Outcome> {
        let gathered = self.attempt(request, false, expand);
        (!self.common.ordered.load(Ordering::Relaxed)).then(|| self.outcome(gathered))
    }

    fn attempt(&mut self, request: Request, careful: bool, then: &mut impl WithElements) -> Gathered {
        let threads = match request.options.threads {
            _ if careful => 1,
            0 => available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        self.look_again(request);
        let mut gathered = Gathered::default();
        let files = match self.files(request, threads, &mut gathered) {
            Ok(files) => files,
            Err(problem) => {
                gathered.outcome.problems.push(*problem);
                return gathered;
            }
        };
        match request.options.dialect {
            Dialect::Classic => self.classic(request, threads, &files, &mut gathered, then),
            Dialect::Unified => self.unified(request, threads, &files, &mut gathered, then),
        }
        gathered
    }

    pub(super) fn session<'s>(&'s self, request: Request<'s>) -> Session<'s> {
        Session::new(&self.common, request.source, request.paths, request.options)
    }

    fn look_again(&mut self, request: Request) {
        let changed = self.common.texts.look_again(request.source, request.options.limits.file_bytes);
        let listed: FxHashSet<Key> = self.parsed.keys().map(|path| path_key(path)).collect();
        if changed.iter().any(|key| !listed.contains(key)) {
            // A template may have included it.
            self.common.templates = Default::default();
        }
        let mut touching = Changed::new(&changed);
        self.parsed.retain(|_, parsed| !touching.touches(&parsed.trace));
        self.changed.extend(changed);
    }

    /// Finds and parses the files.
    fn files(&mut self, request: Request, threads: usize, gathered: &mut Gathered) -> Result<Vec<PathBuf>> {
        let session = self.session(request);
        let files = files::expand(&session, request.paths);
        gathered.own(session.take_trace());
        let files = files?;
        let missing: Vec<&Path> =
            files.iter().map(PathBuf::as_path).filter(|path| !self.parsed.contains_key(*path)).collect();
        let fresh: Vec<Parsed> = if request.options.retain_anchors {
            let mut scope = Scope::default();
            let parse = |path: &&Path| {
                let (parsed, after) = load::parse(&session, path, std::mem::take(&mut scope));
                scope = after;
                parsed
            };
            missing.iter().map(parse).collect()
        } else {
            let worker = || self.session(request);
            spread(threads, missing.len(), worker, |session, index| {
                load::parse(session, missing[index], Scope::default()).0
            })
        };
        drop(session);
        let fresh: Vec<(PathBuf, Parsed)> =
            missing.iter().map(|path| path.to_path_buf()).zip(fresh).collect();
        self.parsed.extend(fresh);
        if self.parsed.len() > files.len() {
            let listed: FxHashSet<&PathBuf> = files.iter().collect();
            self.parsed.retain(|path, _| listed.contains(path));
        }
        for parsed in files.iter().filter_map(|path| self.parsed.get(path)) {
            gathered.trace(&parsed.trace);
            parsed.root().into_iter().for_each(|root| gathered.outcome.sections.add(root));
        }
        gathered.outcome.sections.sort();
        Ok(files)
    }

    fn elements<T: Take + Default>(
        &self,
        request: Request,
        files: &[PathBuf],
        gathered: &mut Gathered,
    ) -> Option<T> {
        let session = self.session(request);
        let parsed = files.iter().filter_map(|path| self.parsed.get(path));
        let elements = load::elements(&session, parsed);
        gathered.own(session.take_trace());
        elements.map_err(|problems| gathered.outcome.problems.extend(problems)).ok()
    }

    fn classic(
        &mut self,
        request: Request,
        threads: usize,
        files: &[PathBuf],
        gathered: &mut Gathered,
        then: &mut impl WithElements,
    ) {
        let Some(mut elements) = self.elements::<Elements>(request, files, gathered) else { return };
        gathered.outcome.elements = elements.counts();
        if let Err(problem) = zuul::apply(&mut elements) {
            gathered.outcome.problems.push(*problem);
            return;
        }
        if let Some(Tree::Classic(before)) = &self.tree {
            elements.changed(before, &mut self.changed);
        }
        then.expand(self, request, threads, &elements, gathered);
        self.tree = Some(Tree::Classic(elements));
    }

    fn unified(
        &mut self,
        request: Request,
        threads: usize,
        files: &[PathBuf],
        gathered: &mut Gathered,
        then: &mut impl WithElements,
    ) {
        let Some(roots) = self.elements::<Roots>(request, files, gathered) else { return };
        gathered.outcome.elements = roots.counts();
        if let Some(Tree::Unified(before)) = &self.tree {
            roots.changed(before, &mut self.changed);
        }
        then.expand(self, request, threads, &roots, gathered);
        self.tree = Some(Tree::Unified(Box::new(roots)));
    }

    fn expand<D: Expand>(&mut self, request: Request, threads: usize, elements: &D, gathered: &mut Gathered) {
        let mut units = self.keep_units();
        let made = units.values().map(|unit| unit.expanded.jobs.len() + unit.expanded.views.len()).sum();
        self.common.made.store(made, Ordering::Relaxed);
        let worker = || self.session(request);
        Work { worker: &worker, threads, elements, memo: &self.memo, options: request.options }
            .run(&mut units, gathered);
        self.units = units;
        self.changed.clear();
    }

    /// The units that still count, without the components that do not.
    fn keep_units(&mut self) -> FxHashMap<Key, Done> {
        let mut units = std::mem::take(&mut self.units);
        if self.changed.is_empty() {
            return units;
        }
        let mut changed = Changed::new(&self.changed);
        units.retain(|key, unit| !self.changed.contains(key) && !changed.touches(&unit.trace));
        for unit in units.values_mut() {
            for job in &mut unit.jobs {
                if job.as_ref().is_some_and(|job| changed.touches(&job.trace)) {
                    *job = None;
                }
            }
        }
        self.memo.forget(&mut changed);
        self.common.pool.tidy();
        units
    }

    fn outcome(&self, gathered: Gathered) -> Outcome {
        let Gathered { mut outcome, warnings, paths, .. } = gathered;
        outcome.files = self.common.files.snapshot(|path| paths.contains(&path_key(path)));
        let mut problems = warnings;
        problems.append(&mut outcome.problems);
        outcome.problems = in_order(problems, &outcome.files);
        outcome
    }
}

/// Problems by file, line and column; what is said twice counts once.
fn in_order(mut problems: Vec<Problem>, files: &Files) -> Vec<Problem> {
    let rank = |problem: &Problem| {
        problem.place.map(|place| {
            let path = files.path(place.file);
            (path.is_none(), path.map(Path::to_path_buf), place.line, place.column)
        })
    };
    problems.sort_by_cached_key(|problem| {
        (rank(problem), problem.severity, problem.code, problem.message.clone())
    });
    problems.dedup_by(|later, first| !later.is_error() && later == first);
    problems
}
