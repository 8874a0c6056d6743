//! All patterns at once, byte by byte: the automaton of Aho and Corasick.

use std::collections::VecDeque;
use std::ops::Range;

/// The state in which nothing has begun.
pub(super) const START: u32 = 0;

/// One state: a beginning of a pattern.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    byte: u8,
    /// The first longer beginning; 0 is none.
    child: u32,
    /// The next one of the same length.
    sibling: u32,
    /// The longest shorter beginning that also ends here.
    fail: u32,
    depth: u16,
    /// The length of the longest pattern that ends here.
    whole: u16,
    /// How many of the last bytes may still become a pattern.
    open: u16,
}

/// The automaton.
pub(super) struct Table {
    states: Vec<State>,
    /// From the start, by byte.
    first: Box<[u32; 256]>,
    longest: usize,
}

impl Table {
    /// For patterns of at least one and at most 65,535 bytes; others are passed over.
    pub(super) fn new(patterns: &[Vec<u8>]) -> Table {
        let mut table = Table { states: vec![State::default()], first: Box::new([START; 256]), longest: 0 };
        for pattern in patterns {
            if let Ok(length) = u16::try_from(pattern.len())
                && length > 0
            {
                table.add(pattern, length);
            }
        }
        table.link();
        table
    }

    /// The length of the longest pattern.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    fn add(&mut self, pattern: &[u8], length: u16) {
        let mut state = START;
        for (depth, byte) in (1..=length).zip(pattern) {
            state = match self.child(state, *byte) {
                START => self.grow(state, *byte, depth),
                next => next,
            };
        }
        self.states[state as usize].whole = length;
        self.longest = self.longest.max(usize::from(length));
    }

    fn grow(&mut self, parent: u32, byte: u8, depth: u16) -> u32 {
        let new = u32::try_from(self.states.len()).unwrap_or(START);
        let sibling = self.states[parent as usize].child;
        self.states.push(State { byte, sibling, depth, ..State::default() });
        self.states[parent as usize].child = new;
        if parent == START {
            self.first[usize::from(byte)] = new;
        }
        new
    }

    fn child(&self, state: u32, byte: u8) -> u32 {
        if state == START {
            return self.first[usize::from(byte)];
        }
        let mut child = self.states[state as usize].child;
        while child != START && self.states[child as usize].byte != byte {
            child = self.states[child as usize].sibling;
        }
        child
    }

    /// Breadth first, so that all shorter beginnings are complete.
    fn link(&mut self) {
        let mut queue = VecDeque::from([START]);
        while let Some(at) = queue.pop_front() {
            let mut child = self.states[at as usize].child;
            while child != START {
                let State { byte, sibling, whole, depth, child: longer, .. } = self.states[child as usize];
                let fail = if at == START { START } else { self.step(self.states[at as usize].fail, byte) };
                let shorter = self.states[fail as usize];
                let state = &mut self.states[child as usize];
                state.fail = fail;
                state.whole = whole.max(shorter.whole);
                state.open = if longer == START { shorter.open } else { depth };
                queue.push_back(child);
                child = sibling;
            }
        }
    }

    /// The state after one more byte.
    pub(super) fn step(&self, mut state: u32, byte: u8) -> u32 {
        loop {
            match self.child(state, byte) {
                START if state == START => return START,
                START => state = self.states[state as usize].fail,
                next => return next,
            }
        }
    }

    /// How many of the last bytes are a whole pattern; 0 is none.
    pub(super) fn whole(&self, state: u32) -> usize {
        usize::from(self.states[state as usize].whole)
    }

    /// How many of the last bytes may still become a pattern.
    pub(super) fn open(&self, state: u32) -> usize {
        usize::from(self.states[state as usize].open)
    }

    /// Where patterns end in `bytes`, each as its range; the state is moved along. A range may begin before `bytes`: then it is cut.
    pub(super) fn find(&self, state: &mut u32, bytes: &[u8], mut found: impl FnMut(Range<usize>, usize)) {
        for (at, byte) in bytes.iter().enumerate() {
            *state = self.step(*state, *byte);
            let length = self.whole(*state);
            if length > 0 {
                found((at + 1).saturating_sub(length)..at + 1, length.saturating_sub(at + 1));
            }
        }
    }

    /// Masks a whole text; whether there was anything to mask.
    pub(super) fn mask(&self, bytes: &mut [u8]) -> bool {
        let mut ranges = Vec::new();
        self.find(&mut { START }, bytes, |range, _| ranges.push(range));
        ranges.iter().cloned().for_each(|range| bytes[range].fill(b'*'));
        !ranges.is_empty()
    }
}
