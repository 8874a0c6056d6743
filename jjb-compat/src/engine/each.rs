//! A reading that hands each job over as soon as it is done and keeps none.

use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::thread::Builder;

use super::spread::spread_heavy;
use super::state::{Request, State, WithElements};
use super::work::{Gathered, expanded, finished, view};
use crate::expand::{Expand, Made, Named, Unit, wanted, without_duplicates};
use crate::outcome::{Job, Outcome};
use crate::place::Files;
use crate::problem::Problem;
use crate::session::Session;
use crate::trace::Kept;

/// What the caller does with jobs: for each thread something of its own, and what becomes of a job.
pub(crate) struct Each<'e, W, T> {
    pub(crate) worker: &'e (dyn Fn() -> W + Sync),
    pub(crate) work: &'e (dyn Fn(&W, Job, &Files) -> T + Sync),
}

/// Reads, and gives what became of the jobs, in Job Builder's order.
pub(super) fn read<W, T: Send>(request: Request, each: &Each<'_, W, T>) -> (Outcome, Vec<T>) {
    let options = request.options;
    if options.collect && !options.retain_anchors {
        let mut stream = Stream { each, done: Vec::new() };
        let mut state = State::default();
        let outcome = state.read_once(request, &mut stream);
        // Many small values are given back while the caller goes on.
        let _ = Builder::new().spawn(move || drop(state));
        if let Some(outcome) = outcome {
            return (outcome, stream.done);
        }
    }
    let mut outcome = State::default().read(request);
    let worker = (each.worker)();
    let jobs = std::mem::take(&mut outcome.jobs);
    let done = jobs.into_iter().map(|job| (each.work)(&worker, job, &outcome.files)).collect();
    (outcome, done)
}

struct Stream<'e, W, T> {
    each: &'e Each<'e, W, T>,
    done: Vec<T>,
}

/// A thread's view, and what it works with.
struct Worker<'s, W> {
    session: Session<'s>,
    own: W,
    files: RefCell<Files>,
}

/// What became of a job.
struct Slot<T> {
    named: Named,
    /// `None` when no filter asks for it.
    done: Option<(Result<T, Problem>, Kept)>,
}

/// What became of a unit.
struct Piece<T> {
    jobs: Vec<Slot<T>>,
    views: Vec<Made>,
    problems: Vec<Problem>,
    stop: bool,
    trace: Kept,
}

impl<W, T: Send> WithElements for Stream<'_, W, T> {
    fn expand<D: Expand>(
        &mut self,
        state: &mut State,
        request: Request,
        threads: usize,
        elements: &D,
        gathered: &mut Gathered,
    ) {
        let (state, each) = (&*state, self.each);
        let units = elements.units();
        let worker = || Worker {
            session: state.session(request).fleeting(),
            own: (each.worker)(),
            files: RefCell::default(),
        };
        let weights: Vec<usize> = units.iter().map(|unit| unit.weight).collect();
        let pieces = spread_heavy(threads, &weights, worker, |worker, index| {
            each.piece(state, elements, worker, &units[index])
        });
        if !state.common.ordered.load(Ordering::Relaxed) {
            self.gather::<D>(&state.session(request), pieces, gathered);
        }
    }
}

impl<W, T: Send> Each<'_, W, T> {
    fn piece<D: Expand>(
        &self,
        state: &State,
        elements: &D,
        worker: &Worker<'_, W>,
        unit: &Unit<D::Element<'_>>,
    ) -> Piece<T> {
        let (expanded, trace) = expanded(elements, &worker.session, unit);
        let slot = |made: Made| {
            let named = made.named().clone();
            if D::FILTERS_LAST && !wanted(&worker.session, &made.definition, D::STYLE) {
                return Slot { named, done: None };
            }
            let finished = finished(elements, &state.memo, &worker.session, &made);
            drop(made);
            let job = finished.job.map(|job| {
                let files = &mut *worker.files.borrow_mut();
                state.common.files.follow(files);
                (self.work)(&worker.own, job, files)
            });
            Slot { named, done: Some((job, finished.trace.without_elements())) }
        };
        Piece {
            jobs: expanded.jobs.into_iter().map(slot).collect(),
            views: expanded.views,
            problems: expanded.problems,
            stop: expanded.stop,
            trace: trace.without_elements(),
        }
    }
}

impl<W, T: Send> Stream<'_, W, T> {
    /// What counts of all that was made.
    fn gather<D: Expand>(&mut self, session: &Session, pieces: Vec<Piece<T>>, gathered: &mut Gathered) {
        let (mut names, mut jobs, mut views, mut stopped) = (Vec::new(), Vec::new(), Vec::new(), false);
        for piece in pieces {
            gathered.trace(&piece.trace);
            gathered.outcome.problems.extend(piece.problems);
            for slot in piece.jobs {
                names.push(slot.named);
                jobs.push(slot.done);
            }
            views.extend(piece.views);
            if piece.stop {
                stopped = true;
                break;
            }
        }
        let claims: Vec<&Named> = names.iter().collect();
        for index in self.survivors(session, "job", stopped, &claims, gathered) {
            let Some((done, trace)) = jobs[index].take() else { continue };
            gathered.trace(&trace);
            match done {
                Ok(done) => self.done.push(done),
                Err(problem) => gathered.outcome.problems.push(problem),
            }
        }
        let claims: Vec<&Named> = views.iter().map(Made::named).collect();
        let kept = self.survivors(session, "view", stopped, &claims, gathered);
        let kept = kept.into_iter().map(|index| &views[index]);
        let asked = kept.filter(|made| !D::FILTERS_LAST || wanted(session, &made.definition, D::STYLE));
        gathered.outcome.views = asked.map(view::<D>).collect();
        gathered.own(session.take_trace());
    }

    fn survivors(
        &self,
        session: &Session,
        kind: &str,
        stopped: bool,
        names: &[&Named],
        gathered: &mut Gathered,
    ) -> Vec<usize> {
        if stopped {
            return (0..names.len()).collect();
        }
        without_duplicates(session, kind, names).unwrap_or_else(|problem| {
            gathered.outcome.problems.push(*problem);
            Vec::new()
        })
    }
}
