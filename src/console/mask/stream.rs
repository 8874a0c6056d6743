//! Masking what comes in pieces.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::Masks;
use super::table::START;

/// Masks a stream. What may be the beginning of a secret is held back until it is known: never more than the longest pattern,
/// and never a byte that cannot belong to one.
pub struct Masker {
    masks: Masks,
    state: u32,
    held: BytesMut,
    /// Bytes that are read for what they tell of later ones, and not given out.
    skip: u64,
}

impl Masker {
    /// A stream of which the first `skip` bytes are known already: they come again, so that a secret that lies across that place is
    /// seen whole.
    pub fn new(masks: &Masks, skip: u64) -> Masker {
        Masker { masks: masks.clone(), state: START, held: BytesMut::new(), skip }
    }

    /// The next bytes in, those that are decided out.
    pub fn push(&mut self, bytes: Bytes) -> Bytes {
        let Some(table) = &self.masks.table else { return self.known(bytes) };
        let held = self.held.len();
        let mut ranges: Vec<Range<usize>> = Vec::new();
        table.find(&mut self.state, &bytes, |range, before| {
            // A pattern that began in a former piece: all of it is still held.
            let start = (held + range.start).saturating_sub(before);
            ranges.push(start..held + range.end);
        });
        let keep = table.open(self.state).min(held + bytes.len());
        if held == 0 && ranges.is_empty() {
            let decided = bytes.len() - keep;
            self.held.extend_from_slice(&bytes[decided..]);
            return self.known(bytes.slice(..decided));
        }
        self.held.extend_from_slice(&bytes);
        ranges.into_iter().for_each(|range| self.held[range].fill(b'*'));
        let decided = self.held.len() - keep;
        let out = self.held.split_to(decided).freeze();
        self.known(out)
    }

    /// Nothing more comes: what was held is no secret.
    pub fn finish(&mut self) -> Bytes {
        self.state = START;
        let rest = self.held.split().freeze();
        self.known(rest)
    }

    fn known(&mut self, mut bytes: Bytes) -> Bytes {
        let known = bytes.len().min(usize::try_from(self.skip).unwrap_or(usize::MAX));
        self.skip -= known as u64;
        bytes.split_off(known)
    }
}
