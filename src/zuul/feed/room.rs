//! How many builds may be in the house. A full house leaves jobs in Gearman's queue, where `cancel job` still finds them.

use std::sync::Mutex;

use bytes::Bytes;
use tracing::debug;

use crate::gearman::server::{Command, Server};

/// The house's room.
pub(super) struct Room {
    server: Server,
    places: Mutex<Places>,
}

#[derive(Debug, Clone, Copy)]
struct Places {
    /// How many builds may be inside at once.
    max: u32,
    /// How many are.
    inside: u32,
    /// Assignments received since the start: what the server has handed out beyond these is still under way to us.
    seen: u64,
}

impl Room {
    /// A house for `max` builds, of which `taken` (of a former process) are inside already.
    pub fn new(server: Server, max: u32, taken: usize) -> Room {
        let inside = u32::try_from(taken).unwrap_or(u32::MAX);
        Room { server, places: Mutex::new(Places { max, inside, seen: 0 }) }
    }

    /// A build was assigned.
    pub fn enter(&self) {
        self.change(|places| {
            places.inside = places.inside.saturating_add(1);
            places.seen += 1;
        });
    }

    /// A build of a former process is inside; it was counted from the start.
    pub async fn entered(&self, function: Bytes) {
        self.send(Command::Entered { function }).await;
    }

    /// A build of this function has ended: one more may come.
    pub async fn leave(&self, function: Bytes) {
        self.send(Command::Left { function }).await;
        let places = self.change(|places| places.inside = places.inside.saturating_sub(1));
        self.tell(places).await;
    }

    /// Changes how many may be inside.
    pub async fn set_max(&self, max: u32) {
        let places = self.change(|places| places.max = max);
        self.tell(places).await;
    }

    /// Tells the server for the first time.
    pub async fn open(&self) {
        let places = self.change(|_| {});
        self.tell(places).await;
    }

    fn change(&self, change: impl FnOnce(&mut Places)) -> Places {
        // A poisoned lock only means that another thread panicked between two plain assignments.
        let mut places = self.places.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut places);
        *places
    }

    async fn tell(&self, places: Places) {
        let credits = places.max.saturating_sub(places.inside);
        self.send(Command::Room { credits, seen: places.seen }).await;
    }

    async fn send(&self, command: Command) {
        if self.server.send(command).await.is_err() {
            debug!("the Gearman server has ended");
        }
    }
}
