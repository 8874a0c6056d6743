//! Function names: each is interned once and is a number from then on.

use std::collections::HashMap;
use std::sync::Arc;

use super::NONE;
use crate::gearman::packet::Level;

/// Who gets the jobs of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Any worker that registers it.
    Workers,
    /// This process, while there is room.
    LocalBounded,
    /// This process, at once.
    LocalImmediate,
}

/// First and last of a list of jobs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) head: u32,
    pub(super) tail: u32,
}

/// A function name and its counters.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: Arc<[u8]>,
    pub(super) owner: Owner,
    /// Whether `status` lists it; only `drop function` takes that away.
    pub(super) listed: bool,
    /// Whether so many classes have it that they look at it themselves, instead of being told of each new head.
    pub(super) wide: bool,
    /// Connections that have it registered.
    pub(super) workers: u32,
    pub(super) running: u32,
    /// Jobs queued, by level; those held for a later time count as normal ones.
    pub(super) queued: [u32; 3],
    /// The queued jobs of each level, in order of arrival.
    pub(super) queues: [Ends; 3],
    /// The classes that have it.
    pub(super) classes: Vec<u32>,
    /// Largest number of queued jobs (`maxqueue`).
    pub(super) max_queue: Option<u32>,
    /// Its group among the bounded local functions.
    pub(super) group: u32,
    /// Bounded jobs of it that were handed to this process and are not over.
    pub(super) inside: u32,
    /// Jobs handed out, to see progress (wraps).
    pub(super) grabs: u32,
    /// Nonzero while its waiting jobs are watched for late grabs; the number tells this watch from earlier ones.
    pub(super) watch: u32,
}

impl Function {
    pub(super) fn queued_all(&self) -> u32 {
        self.queued.iter().sum()
    }

    pub(super) fn is_local(&self) -> bool {
        self.owner != Owner::Workers
    }

    pub(super) fn head(&self, level: Level) -> u32 {
        self.queues[level.index()].head
    }

    pub(super) fn has_waiting(&self) -> bool {
        self.queues.iter().any(|ends| ends.head != NONE)
    }
}

/// All names ever seen.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<Arc<[u8]>, u32>,
    functions: Vec<Function>,
}

impl Names {
    pub(super) fn find(&self, name: &[u8]) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.functions.len()
    }

    /// Adds a name that [`Self::find`] does not know.
    pub(super) fn insert(&mut self, name: &[u8]) -> u32 {
        let number = self.functions.len() as u32;
        let name: Arc<[u8]> = name.into();
        self.numbers.insert(name.clone(), number);
        self.functions.push(Function {
            name,
            owner: Owner::Workers,
            listed: true,
            wide: false,
            workers: 0,
            running: 0,
            queued: [0; 3],
            queues: [Ends { head: NONE, tail: NONE }; 3],
            classes: Vec::new(),
            max_queue: None,
            group: NONE,
            inside: 0,
            grabs: 0,
            watch: 0,
        });
        number
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Function)> {
        self.functions.iter().enumerate().map(|(number, function)| (number as u32, function))
    }
}

impl std::ops::Index<u32> for Names {
    type Output = Function;
    fn index(&self, number: u32) -> &Function {
        &self.functions[number as usize]
    }
}

impl std::ops::IndexMut<u32> for Names {
    fn index_mut(&mut self, number: u32) -> &mut Function {
        &mut self.functions[number as usize]
    }
}
