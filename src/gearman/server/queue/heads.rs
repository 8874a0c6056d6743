//! Heads of queues in the heaps of classes: who is to be told of a waiting job, and which job is the next for a class.

use std::cmp::Reverse;

use super::classes::Class;
use super::jobs::ARRIVAL_BITS;
use super::names::Owner;
use super::{NONE, Queue};
use crate::gearman::packet::Level;

/// A function in more classes than this is wide: each of its classes looks at it at every grab, instead of being told of each
/// new head. Below this again by half, it is not wide any more.
const WIDE: usize = 64;

/// Whose heap is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taker {
    /// A class of workers.
    Class(u32),
    /// This process, for a group of its bounded functions.
    Local(u32),
}

impl Taker {
    /// Whose functions it takes jobs of.
    fn owner(self) -> Owner {
        match self {
            Self::Class(_) => Owner::Workers,
            Self::Local(_) => Owner::LocalBounded,
        }
    }
}

impl Queue {
    fn taker(&mut self, taker: Taker) -> &mut Class {
        match taker {
            Taker::Class(class) => &mut self.classes[class],
            Taker::Local(group) => &mut self.local.groups[group as usize].class,
        }
    }

    /// A queue that was empty has its first job: those that may take it are told.
    pub(super) fn announce_head(&mut self, function: u32, level: Level) {
        let head = self.names[function].head(level);
        if head == NONE {
            return;
        }
        let key = self.jobs[head].key;
        match self.names[function].owner {
            Owner::LocalImmediate => {}
            Owner::LocalBounded => {
                self.push_head(Taker::Local(self.names[function].group), key, function);
            }
            Owner::Workers if self.names[function].wide => {}
            Owner::Workers => {
                for position in 0..self.names[function].classes.len() {
                    let class = self.names[function].classes[position];
                    self.push_head(Taker::Class(class), key, function);
                }
            }
        }
    }

    fn push_head(&mut self, taker: Taker, key: u64, function: u32) {
        /// A heap is rebuilt when it holds this many heads more than it could need.
        const SLACK: usize = 64;
        let class = self.taker(taker);
        class.heads.push(Reverse((key, function)));
        let needed = class.set.len() * Level::ALL.len();
        if class.heads.len() > 2 * needed + SLACK {
            self.rebuild_heads(taker);
        }
    }

    /// Fills a heap with the heads of all waiting jobs that it may take: a class born over a backlog, a local set that changed.
    pub(super) fn rebuild_heads(&mut self, taker: Taker) {
        let set = std::mem::take(&mut self.taker(taker).set);
        let owner = taker.owner();
        let mut heads = std::mem::take(&mut self.taker(taker).heads).into_vec();
        heads.clear();
        for &function in &set {
            let names = &self.names[function];
            if names.owner != owner || (names.wide && owner == Owner::Workers) {
                continue;
            }
            let waiting = Level::ALL.into_iter().map(|level| names.head(level)).filter(|head| *head != NONE);
            heads.extend(waiting.map(|head| Reverse((self.jobs[head].key, function))));
        }
        let class = self.taker(taker);
        class.set = set;
        class.heads = heads.into();
    }

    /// A new class enters the lists of its functions.
    pub(super) fn register_class(&mut self, class: u32) {
        for position in 0..self.classes[class].set.len() {
            let function = self.classes[class].set[position];
            self.names[function].classes.push(class);
            if self.names[function].wide {
                self.classes[class].wide.push(function);
            } else if self.names[function].classes.len() > WIDE {
                self.names[function].wide = true;
                for position in 0..self.names[function].classes.len() {
                    let other = self.names[function].classes[position];
                    self.classes[other].wide.push(function);
                }
            }
        }
        self.rebuild_heads(Taker::Class(class));
    }

    /// A class that is gone leaves the lists of its functions.
    pub(super) fn unregister_class(&mut self, class: u32, set: &[u32]) {
        for &function in set {
            let classes = &mut self.names[function].classes;
            if let Some(position) = classes.iter().position(|other| *other == class) {
                classes.swap_remove(position);
            }
            if classes.is_empty() {
                *classes = Vec::new();
            }
            if self.names[function].wide && self.names[function].classes.len() <= WIDE / 2 {
                self.names[function].wide = false;
                for position in 0..self.names[function].classes.len() {
                    let other = self.names[function].classes[position];
                    self.classes[other].wide.retain(|wide| *wide != function);
                }
                Level::ALL.into_iter().for_each(|level| self.announce_head(function, level));
            }
        }
    }

    /// The job that comes next for a taker; it stays where it is.
    pub(super) fn next_job(&mut self, taker: Taker) -> Option<u32> {
        let top = self.valid_top(taker);
        let Taker::Class(class) = taker else { return top };
        let mut best = top;
        for position in 0..self.classes[class].wide.len() {
            let function = &self.names[self.classes[class].wide[position]];
            if function.owner != Owner::Workers {
                continue;
            }
            let first = Level::ALL.into_iter().map(|level| function.head(level)).find(|head| *head != NONE);
            let Some(first) = first else { continue };
            if best.is_none_or(|best| self.jobs[first].key < self.jobs[best].key) {
                best = Some(first);
            }
        }
        best
    }

    /// The first job of a heap, after its outdated heads were corrected.
    fn valid_top(&mut self, taker: Taker) -> Option<u32> {
        let owner = taker.owner();
        loop {
            let (classes, local) = (&mut self.classes, &mut self.local);
            let heads = match taker {
                Taker::Class(class) => &mut classes[class].heads,
                Taker::Local(group) => &mut local.groups[group as usize].class.heads,
            };
            let mut top = heads.peek_mut()?;
            let Reverse((key, function)) = *top;
            let level = Level::ALL[(key >> ARRIVAL_BITS) as usize];
            let function_now = &self.names[function];
            let head = function_now.head(level);
            if function_now.owner != owner || head == NONE || (function_now.wide && owner == Owner::Workers) {
                std::collections::binary_heap::PeekMut::pop(top);
                continue;
            }
            let now = self.jobs[head].key;
            if now == key {
                return Some(head);
            }
            *top = Reverse((now, function));
        }
    }

    /// The first job of a queue was taken by this taker: its head moves on, so that the heap does not grow.
    pub(super) fn advance_head(&mut self, taker: Taker, taken_key: u64, function: u32, level: Level) {
        let next = self.names[function].head(level);
        let next_key = if next == NONE { None } else { Some(self.jobs[next].key) };
        let class = self.taker(taker);
        let Some(mut top) = class.heads.peek_mut() else { return };
        if top.0 != (taken_key, function) {
            return;
        }
        match next_key {
            Some(key) => *top = Reverse((key, function)),
            None => {
                std::collections::binary_heap::PeekMut::pop(top);
            }
        }
    }
}
