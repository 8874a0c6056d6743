//! The units of a tree expanded, and their jobs' components: over several threads, and only where nothing is kept.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::spread::{spread, spread_heavy};
use crate::components::Memo;
use crate::expand::{Expand, Expanded, Made, Named, Unit, wanted, without_duplicates};
use crate::node::{Node, Value};
use crate::options::Options;
use crate::outcome::{Expansion, Job, Outcome, View};
use crate::problem::{Problem, Within};
use crate::session::Session;
use crate::trace::{Kept, Key, Seen, Trace};

/// A unit that is expanded.
pub(super) struct Done {
    pub(super) expanded: Expanded,
    pub(super) trace: Kept,
    /// For each job of the unit its components, once they were asked for.
    pub(super) jobs: Vec<Option<Finished>>,
}

/// A job with its components, or why it has none.
#[derive(Clone)]
pub(super) struct Finished {
    pub(super) job: Result<Job, Problem>,
    pub(super) trace: Kept,
}

/// What comes together on the way.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) outcome: Outcome,
    pub(super) warnings: Vec<Problem>,
    /// The paths that count for this reading.
    pub(super) paths: FxHashSet<Key>,
    /// Lists of paths that are taken in already.
    seen: Seen,
}

impl Gathered {
    /// Takes in what a piece of work has traced.
    pub(super) fn trace(&mut self, trace: &Kept) {
        self.warnings.extend(trace.warnings.iter().cloned());
        if self.seen.is_new(&trace.paths) {
            self.paths.extend(trace.paths.iter().copied());
        }
    }

    /// Takes in what was traced on the way from piece to piece.
    pub(super) fn own(&mut self, trace: Trace) {
        self.warnings.extend(trace.warnings);
        self.paths.extend(trace.paths);
    }
}

/// A job in its unit.
type Slot = (Key, usize);

/// What the work needs.
pub(super) struct Work<'w, 's, D: Expand> {
    /// Makes the view of a thread on the reading.
    pub(super) worker: &'w (dyn Fn() -> Session<'s> + Sync),
    pub(super) threads: usize,
    pub(super) elements: &'w D,
    pub(super) memo: &'w Memo,
    pub(super) options: &'w Options,
}

impl<D: Expand> Work<'_, '_, D> {
    /// Expands what is missing in `units`, takes out what is no unit any more, and gathers jobs, views and problems.
    pub(super) fn run(&self, units: &mut FxHashMap<Key, Done>, gathered: &mut Gathered) {
        let order = self.expand(&self.elements.units(), units);
        let mut stopped = false;
        for key in &order {
            let Some(unit) = units.get(key) else { continue };
            gathered.trace(&unit.trace);
            gathered.outcome.problems.extend(unit.expanded.problems.iter().cloned());
            stopped |= unit.expanded.stop || (!self.options.collect && !unit.expanded.problems.is_empty());
        }
        let session = (self.worker)();
        let jobs = self.survivors(&session, "job", stopped, &order, units, gathered);
        let views = self.survivors(&session, "view", stopped, &order, units, gathered);
        gathered.own(session.take_trace());
        if !gathered.outcome.problems.is_empty() && !self.options.collect {
            return;
        }
        self.finish(&jobs, units);
        self.collect(&jobs, units, gathered);
        gathered.outcome.views = views.iter().filter_map(|slot| self.view(slot, units)).collect();
    }

    /// Expands the units that are missing. Gives the keys of those that count, in order.
    fn expand(&self, listed: &[Unit<D::Element<'_>>], units: &mut FxHashMap<Key, Done>) -> Vec<Key> {
        let missing: Vec<&Unit<D::Element<'_>>> =
            listed.iter().filter(|unit| !units.contains_key(&unit.key)).collect();
        if self.threads == 1 {
            let session = (self.worker)();
            for unit in missing {
                let done = self.unit(&session, unit);
                let stop =
                    done.expanded.stop || (!self.options.collect && !done.expanded.problems.is_empty());
                units.insert(unit.key, done);
                if stop {
                    break;
                }
            }
        } else {
            let weights: Vec<usize> = missing.iter().map(|unit| unit.weight).collect();
            let done = spread_heavy(self.threads, &weights, self.worker, |session, index| {
                self.unit(session, missing[index])
            });
            units.extend(missing.iter().map(|unit| unit.key).zip(done));
        }
        if units.len() > listed.len() {
            let keys: FxHashSet<Key> = listed.iter().map(|unit| unit.key).collect();
            units.retain(|key, _| keys.contains(key));
        }
        let mut order = Vec::with_capacity(listed.len());
        for unit in listed {
            order.push(unit.key);
            if units.get(&unit.key).is_none_or(|done| done.expanded.stop) {
                break;
            }
        }
        order
    }

    fn unit(&self, session: &Session, unit: &Unit<D::Element<'_>>) -> Done {
        let (expanded, trace) = expanded(self.elements, session, unit);
        let jobs = vec![None; expanded.jobs.len()];
        Done { expanded, trace, jobs }
    }

    /// The jobs or views that count: of several with one name the last.
    fn survivors(
        &self,
        session: &Session,
        kind: &str,
        stopped: bool,
        order: &[Key],
        units: &FxHashMap<Key, Done>,
        gathered: &mut Gathered,
    ) -> Vec<Slot> {
        let mut slots: Vec<Slot> = Vec::new();
        let mut made: Vec<&Made> = Vec::new();
        let mut names: Vec<&Named> = Vec::new();
        for key in order {
            let Some(unit) = units.get(key) else { continue };
            let items = if kind == "job" { &unit.expanded.jobs } else { &unit.expanded.views };
            slots.extend((0..items.len()).map(|index| (*key, index)));
            made.extend(items);
            names.extend(items.iter().map(Made::named));
        }
        if stopped {
            return slots;
        }
        match without_duplicates(session, kind, &names) {
            Ok(kept) => kept
                .into_iter()
                .filter(|&at| !D::FILTERS_LAST || wanted(session, &made[at].definition, D::STYLE))
                .map(|at| slots[at])
                .collect(),
            Err(problem) => {
                gathered.outcome.problems.push(*problem);
                Vec::new()
            }
        }
    }

    /// Makes the components of the jobs that have none yet.
    fn finish(&self, jobs: &[Slot], units: &mut FxHashMap<Key, Done>) {
        let missing: Vec<(Slot, Made)> = jobs
            .iter()
            .filter_map(|&(key, index)| {
                let unit = units.get(&key)?;
                unit.jobs[index].is_none().then(|| ((key, index), unit.expanded.jobs[index].clone()))
            })
            .collect();
        let finished: Vec<Finished> = if self.options.collect {
            spread(self.threads, missing.len(), self.worker, |session, index| {
                finished(self.elements, self.memo, session, &missing[index].1)
            })
        } else {
            let session = (self.worker)();
            let mut failed = false;
            let done = missing.iter().map(|(_, made)| finished(self.elements, self.memo, &session, made));
            done.take_while(|job| !std::mem::replace(&mut failed, job.job.is_err())).collect()
        };
        for (((key, index), _), job) in missing.into_iter().zip(finished) {
            if let Some(unit) = units.get_mut(&key) {
                unit.jobs[index] = Some(job);
            }
        }
    }

    /// Jobs in order; each that has a problem is left out.
    fn collect(&self, jobs: &[Slot], units: &FxHashMap<Key, Done>, gathered: &mut Gathered) {
        gathered.outcome.jobs.reserve(jobs.len());
        for (key, index) in jobs {
            let Some(finished) = units.get(key).and_then(|unit| unit.jobs[*index].as_ref()) else { continue };
            gathered.trace(&finished.trace);
            match &finished.job {
                Ok(job) => gathered.outcome.jobs.push(job.clone()),
                Err(problem) => gathered.outcome.problems.push(problem.clone()),
            }
        }
    }

    fn view(&self, (key, index): &Slot, units: &FxHashMap<Key, Done>) -> Option<View> {
        Some(view::<D>(units.get(key)?.expanded.views.get(*index)?))
    }
}

/// Expands a unit, and what it asked for.
pub(super) fn expanded<D: Expand>(
    elements: &D,
    session: &Session,
    unit: &Unit<D::Element<'_>>,
) -> (Expanded, Kept) {
    let done = session.traced(|| {
        session.uses(unit.own);
        elements.expand(session, unit)
    });
    session.take_trace();
    done
}

/// A job with its components.
pub(super) fn finished<D: Expand>(elements: &D, memo: &Memo, session: &Session, made: &Made) -> Finished {
    let name = made.name(D::STYLE);
    let (components, trace) = session.traced(|| {
        elements
            .components(session, memo, &made.definition)
            .within(|| format!("in job '{name}'"), made.origin.place)
    });
    session.take_trace();
    let job = components.map_err(|problem| *problem).map(|components| {
        let definition = Node::new(Value::Map(Arc::clone(&made.definition)), made.origin.place);
        Job::new(Expansion { name, definition, components, origin: made.origin.clone() })
    });
    Finished { job, trace }
}

pub(super) fn view<D: Expand>(made: &Made) -> View {
    let definition = Node::new(Value::Map(Arc::clone(&made.definition)), made.origin.place);
    View { name: made.name(D::STYLE), definition, origin: made.origin.clone() }
}
