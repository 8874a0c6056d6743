//! A console that is being written: what writer and readers share.

use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

use super::tail::Tail;
use super::writer::Appended;

/// Readers are told of new bytes at most this often …
pub(super) const TELL_EVERY: Duration = Duration::from_millis(20);
/// … or once so many have come (perf-L2).
const TELL_BYTES: u64 = 64 * 1024;

/// What readers are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) length: u64,
    pub(super) finished: bool,
}

/// The shared state of one console.
pub(super) struct Live {
    /// For reading; readers share it.
    pub(super) file: File,
    length: AtomicU64,
    told: watch::Sender<Progress>,
    notes: Mutex<Notes>,
}

struct Notes {
    tail: Tail,
    told_at: Instant,
    /// The ticker has this console on its list.
    ticking: bool,
}

impl Live {
    pub(super) fn new(file: File, length: u64) -> Live {
        Live {
            file,
            length: AtomicU64::new(length),
            told: watch::Sender::new(Progress { length, finished: false }),
            notes: Mutex::new(Notes { tail: Tail::default(), told_at: Instant::now(), ticking: false }),
        }
    }

    pub(super) fn length(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    pub(super) fn finished(&self) -> bool {
        self.told.borrow().finished
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Progress> {
        self.told.subscribe()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what was appended, `bytes` being all that was to be written, and says whether the ticker has to tell
    /// readers of it later.
    #[must_use]
    pub(super) fn appended(&self, appended: &Appended, bytes: &Bytes, length: u64) -> bool {
        let read_along = self.told.receiver_count() > 0;
        let mut notes = self.notes();
        self.length.store(length, Ordering::Release);
        if !read_along {
            notes.tail.clear();
            self.told.send_replace(Progress { length, finished: false });
            return false;
        }
        if appended.written > 0 {
            notes.tail.push(appended.offset, &bytes.slice(..appended.written));
        }
        let untold = length.saturating_sub(self.told.borrow().length);
        if untold >= TELL_BYTES || notes.told_at.elapsed() >= TELL_EVERY {
            self.tell(&mut notes, false);
            return false;
        }
        untold > 0 && !std::mem::replace(&mut notes.ticking, true)
    }

    /// Tells readers what they were not told yet.
    pub(super) fn tick(&self) {
        let mut notes = self.notes();
        notes.ticking = false;
        if !self.finished() {
            self.tell(&mut notes, false);
        }
    }

    /// Nothing more comes; `length` is the last word.
    pub(super) fn finish(&self, length: u64) {
        let mut notes = self.notes();
        self.length.store(length, Ordering::Release);
        self.tell(&mut notes, true);
    }

    fn tell(&self, notes: &mut Notes, finished: bool) {
        notes.tail.close_block();
        notes.told_at = Instant::now();
        self.told.send_replace(Progress { length: self.length(), finished });
    }

    /// What is in memory of the bytes from `offset` on.
    pub(super) fn recent(&self, offset: u64, max: usize) -> Option<Bytes> {
        self.notes().tail.read(offset, max)
    }
}

/// A console by the way that the registry holds it.
pub(super) type SharedLive = Arc<Live>;
