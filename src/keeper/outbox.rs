//! What waits to be written to the stream.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Waiting frames at which a node that only opens channels and reads nothing is given up: thousands of refusals.
const MAX_ANSWERED: usize = 1 << 20;

/// Frames in the order in which they go out. Its size is bounded by those who fill it: requests by
/// [`super::handle::MAX_REQUESTS`], data by each channel's window, credit by what was received, refusals of what the node opens by
/// [`MAX_ANSWERED`].
#[derive(Debug, Default)]
pub(super) struct Outbox {
    frames: Mutex<Vec<u8>>,
    filled: Notify,
}

impl Outbox {
    /// Appends what `write` writes and wakes the writer.
    pub fn push(&self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.lock());
        self.filled.notify_one();
    }

    /// As [`Outbox::push`], for what the node can provoke without end; false when too much waits already.
    pub fn push_answer(&self, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        if self.lock().len() > MAX_ANSWERED {
            return false;
        }
        self.push(write);
        true
    }

    /// Waits for frames and takes them all, leaving `empty` in their place. Safe to cancel.
    pub async fn take(&self, empty: &mut Vec<u8>) {
        loop {
            {
                let mut frames = self.lock();
                if !frames.is_empty() {
                    std::mem::swap(&mut *frames, empty);
                    return;
                }
            }
            self.filled.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
