//! What a lease's containers and execs are known by, and the directories and files that are held for them.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::pins::Held;

/// Containers that a lease may have at once.
pub(super) const CONTAINERS_MAX: usize = 64;
/// Directories and files that are held for containers of one lease.
const PINS_MAX: usize = 256;
/// Execs that are remembered; a job that makes more has to start them sooner.
const EXECS_MAX: usize = 1_000;
/// Ids that are remembered, so that they need not be looked up.
const KNOWN_MAX: usize = 4_096;

#[derive(Default)]
pub(super) struct Objects(Mutex<State>);

#[derive(Default)]
struct State {
    /// Whole ids of containers that carry the marks.
    known: HashSet<String>,
    execs: HashSet<String>,
    made: HashMap<String, Made>,
    /// How many there may be at most; counted anew at the engine when it reaches the limit.
    at_most: usize,
}

/// A container that was made here.
struct Made {
    pins: Vec<Held>,
    /// It goes by itself when it ends, so it is started once.
    auto_remove: bool,
}

impl Objects {
    /// Whether another container surely fits; else they are to be counted.
    pub fn has_room(&self) -> bool {
        self.lock().at_most < CONTAINERS_MAX
    }

    /// So many were counted.
    pub fn counted(&self, count: usize) {
        self.lock().at_most = count;
    }

    /// Whether so many more directories can be held.
    pub fn can_hold(&self, count: usize) -> bool {
        self.lock().made.values().map(|made| made.pins.len()).sum::<usize>() + count <= PINS_MAX
    }

    /// A container was made.
    pub fn made(&self, id: &str, pins: Vec<Held>, auto_remove: bool) {
        let mut state = self.lock();
        state.at_most += 1;
        state.know(id);
        state.made.insert(id.to_owned(), Made { pins, auto_remove });
    }

    /// Whether it can be started: only as long as its directories are held, since another may have their numbers afterwards.
    pub fn may_start(&self, id: &str) -> bool {
        self.lock().made.contains_key(id)
    }

    /// It was started: one that is never started again needs its directories no more.
    pub fn started(&self, id: &str) {
        let mut state = self.lock();
        if state.made.get(id).is_some_and(|made| made.auto_remove) {
            state.made.remove(id);
        }
    }

    /// It is gone.
    pub fn removed(&self, id: &str) {
        let mut state = self.lock();
        state.made.remove(id);
        state.known.remove(id);
    }

    /// Whether this whole id is known to be the lease's own.
    pub fn knows(&self, id: &str) -> bool {
        self.lock().known.contains(id)
    }

    /// It was seen to be the lease's own.
    pub fn know(&self, id: &str) {
        self.lock().know(id);
    }

    /// An exec was made.
    pub fn exec(&self, id: &str) {
        let mut state = self.lock();
        if state.execs.len() >= EXECS_MAX {
            state.execs.clear();
        }
        state.execs.insert(id.to_owned());
    }

    /// Whether an exec is the lease's own.
    pub fn knows_exec(&self, id: &str) -> bool {
        self.lock().execs.contains(id)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn know(&mut self, id: &str) {
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.insert(id.to_owned());
    }
}
