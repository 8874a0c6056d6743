//! Classes: the distinct sets of functions that workers have registered. All executors of a Jenkins master share one.
//!
//! A class keeps a heap of *heads*: for each of its functions and levels with waiting jobs, the first of them. A head is
//! pushed when a queue stops being empty, and corrected when a grab finds that it has moved on; so a submit to a long queue
//! costs nothing, and a grab is O(log n) over all functions in strict order (zuul-S-9).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

use super::NONE;
use super::spans::Spans;

/// First waiting job of one function and level: its key (level and arrival) and the function.
pub(super) type Head = Reverse<(u64, u32)>;

/// A set of functions that at least one connection has.
#[derive(Debug, Default)]
pub(super) struct Class {
    /// The functions, sorted.
    pub(super) set: Box<[u32]>,
    hash: u64,
    /// The next class with the same hash.
    same_hash: u32,
    pub(super) members: u32,
    /// Members that were sent a NOOP and have not grabbed since.
    pub(super) woken: u32,
    /// Members that sleep.
    pub(super) asleep: u32,
    pub(super) heads: BinaryHeap<Head>,
    /// Functions of the set that are wide: looked at in each grab.
    pub(super) wide: Vec<u32>,
    /// Connection and sleep number, the longest asleep first; stale entries are skipped.
    pub(super) sleepers: VecDeque<(u32, u32)>,
}

/// All classes, by number.
#[derive(Debug, Default)]
pub(super) struct Classes {
    /// Those in `free` are empty.
    slots: Vec<Class>,
    free: Vec<u32>,
    by_hash: HashMap<u64, u32>,
    hasher: RandomState,
}

impl Classes {
    fn hash(&self, set: &Spans) -> u64 {
        self.hasher.hash_one(set.as_slice())
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The class with exactly this set.
    pub(super) fn find(&self, set: &Spans) -> Option<u32> {
        let mut number = *self.by_hash.get(&self.hash(set))?;
        while number != NONE {
            let class = &self[number];
            if class.set.len() == set.len() && set.iter().eq(class.set.iter().copied()) {
                return Some(number);
            }
            number = class.same_hash;
        }
        None
    }

    /// Makes a class without members for a set that has none.
    pub(super) fn insert(&mut self, set: &Spans) -> u32 {
        let hash = self.hash(set);
        let number = self.free.pop().unwrap_or(self.slots.len() as u32);
        let same_hash = self.by_hash.insert(hash, number).unwrap_or(NONE);
        let class = Class { set: set.iter().collect(), hash, same_hash, ..Class::default() };
        match self.slots.get_mut(number as usize) {
            Some(slot) => *slot = class,
            None => self.slots.push(class),
        }
        number
    }

    /// Takes a class without members away.
    pub(super) fn remove(&mut self, number: u32) -> Class {
        let class = std::mem::take(&mut self.slots[number as usize]);
        self.free.push(number);
        let first = self.by_hash.get(&class.hash).copied().unwrap_or(NONE);
        if first == number {
            match class.same_hash {
                NONE => self.by_hash.remove(&class.hash),
                next => self.by_hash.insert(class.hash, next),
            };
        } else {
            let mut before = first;
            while self[before].same_hash != number {
                before = self[before].same_hash;
            }
            self[before].same_hash = class.same_hash;
        }
        class
    }

    /// Frees what an earlier crowd needed.
    pub(super) fn trim(&mut self) {
        if self.len() == 0 {
            *self = Self { hasher: self.hasher.clone(), ..Self::default() };
        }
    }
}

impl std::ops::Index<u32> for Classes {
    type Output = Class;
    fn index(&self, number: u32) -> &Class {
        &self.slots[number as usize]
    }
}

impl std::ops::IndexMut<u32> for Classes {
    fn index_mut(&mut self, number: u32) -> &mut Class {
        &mut self.slots[number as usize]
    }
}
