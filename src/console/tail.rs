//! The last pieces of a console in memory, so that a thousand readers of one build cost one copy and no read of the disk.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// What is kept while somebody reads along: two wake-ups' worth, so that a reader who is one behind still finds its piece.
/// Pools-D46 allows 256 KiB; without readers nothing is kept (perf-M3).
const KEPT: usize = 128 * 1024;

/// Consecutive pieces of a console, the newest last. What readers were not told of yet is gathered into one piece.
#[derive(Debug, Default)]
pub(super) struct Tail {
    blocks: VecDeque<Bytes>,
    /// Where the first block begins in the console.
    start: u64,
    held: usize,
    open: BytesMut,
}

impl Tail {
    /// Where the tail ends in the console.
    fn end(&self) -> u64 {
        self.start + (self.held + self.open.len()) as u64
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Tail::default();
    }

    /// Adds what was written at `offset`. A piece that does not follow the last one (a gap, a first reader) starts anew.
    pub(super) fn push(&mut self, offset: u64, bytes: &Bytes) {
        if self.end() != offset {
            self.clear();
            self.start = offset;
        }
        if self.open.is_empty() && bytes.len() >= KEPT / 4 {
            self.add_block(bytes.clone());
        } else {
            self.open.extend_from_slice(bytes);
        }
    }

    /// Closes the piece under way: called when readers are told of it, so that each of them asks for the same bytes.
    pub(super) fn close_block(&mut self) {
        if !self.open.is_empty() {
            let block = std::mem::take(&mut self.open).freeze();
            self.add_block(block);
        }
    }

    fn add_block(&mut self, block: Bytes) {
        self.held += block.len();
        self.blocks.push_back(block);
        while self.held > KEPT && self.blocks.len() > 1 {
            if let Some(oldest) = self.blocks.pop_front() {
                self.held -= oldest.len();
                self.start += oldest.len() as u64;
            }
        }
    }

    /// What begins at `offset`, at most `max` bytes and never more than one piece; `None` when it is not here.
    pub(super) fn read(&self, offset: u64, max: usize) -> Option<Bytes> {
        let mut skip = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        for block in &self.blocks {
            if skip < block.len() {
                let end = block.len().min(skip.saturating_add(max));
                return Some(block.slice(skip..end));
            }
            skip -= block.len();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pieces_are_read_as_one_after_they_were_closed() {
        let mut tail = Tail::default();
        tail.push(10, &Bytes::from_static(b"one "));
        tail.push(14, &Bytes::from_static(b"two"));
        assert_eq!(tail.read(10, 100), None);
        tail.close_block();
        assert_eq!(tail.read(10, 100).as_deref(), Some(&b"one two"[..]));
        assert_eq!(tail.read(12, 3).as_deref(), Some(&b"e t"[..]));
        assert_eq!(tail.read(9, 1), None);
        assert_eq!(tail.read(17, 1), None);
    }

    #[test]
    fn a_piece_that_does_not_follow_starts_anew() {
        let mut tail = Tail::default();
        tail.push(0, &Bytes::from_static(b"abc"));
        tail.push(100, &Bytes::from_static(b"def"));
        tail.close_block();
        assert_eq!(tail.read(0, 10), None);
        assert_eq!(tail.read(101, 10).as_deref(), Some(&b"ef"[..]));
    }

    #[test]
    fn perf_m3_old_pieces_go() {
        let mut tail = Tail::default();
        let piece = Bytes::from(vec![b'x'; 50_000]);
        for place in 0..100u64 {
            tail.push(place * 50_000, &piece);
            tail.close_block();
            assert!(tail.held <= KEPT + piece.len(), "{}", tail.held);
        }
        assert_eq!(tail.read(0, 1), None);
        assert_eq!(tail.read(99 * 50_000, 1 << 20).map(|bytes| bytes.len()), Some(50_000));
    }
}
