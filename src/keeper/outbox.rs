//! What waits to be written to the stream.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Frames in the order in which they go out. Its size is bounded by those who fill it: requests by
/// [`super::handle::MAX_REQUESTS`], data by each channel's window, credit by what was received.
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
