//! One task for all consoles that tells readers, at most each 20 ms, of bytes they were not told of at once.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;

use super::live::{SharedLive, TELL_EVERY};

/// The list of consoles that wait for the next turn. A console is on it once at most, so it is as long as there are builds.
#[derive(Default)]
struct Waiting {
    consoles: Mutex<Vec<SharedLive>>,
    some: Notify,
}

impl Waiting {
    fn take(&self) -> Vec<SharedLive> {
        std::mem::take(&mut *self.consoles.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The task, ended with this value.
pub(super) struct Ticker {
    waiting: Arc<Waiting>,
    _task: AbortOnDropHandle<()>,
}

impl Ticker {
    /// Starts the task on the runtime that is entered.
    pub(super) fn start() -> Ticker {
        let waiting = Arc::new(Waiting::default());
        let task = AbortOnDropHandle::new(tokio::spawn(run(waiting.clone())));
        Ticker { waiting, _task: task }
    }

    /// Has `console`'s readers told in a moment.
    pub(super) fn later(&self, console: SharedLive) {
        self.waiting.consoles.lock().unwrap_or_else(PoisonError::into_inner).push(console);
        self.waiting.some.notify_one();
    }
}

/// Runs as long as the ticker lives: each turn ends with every waiting console told.
async fn run(waiting: Arc<Waiting>) {
    loop {
        waiting.some.notified().await;
        tokio::time::sleep(TELL_EVERY).await;
        for console in waiting.take() {
            console.tick();
        }
    }
}
