//! The only doors to clock, randomness and the environment. Whoever needs the time is handed a [`Clock`]; tests hand in their own.

mod backoff;
pub mod failpoint;
mod steady;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub use backoff::Backoff;
pub use steady::SteadyClock;

use crate::model::{BuildId, LeaseId, Millis, NodeId};

/// A source of wall-clock time and of random numbers.
pub trait Clock: Send + Sync {
    /// The wall clock.
    fn now(&self) -> Millis;
    /// 64 random bits.
    fn random(&self) -> u64;
}

/// The clock that is shared by all parts of a process.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's own clock and randomness.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis(elapsed.as_millis().try_into().unwrap_or(u64::MAX))
    }

    fn random(&self) -> u64 {
        rand::random()
    }
}

/// A new build's id.
pub fn new_build_id(clock: &dyn Clock) -> BuildId {
    BuildId::new(clock.now().0, clock.random())
}

/// A new node's id.
pub fn new_node_id(clock: &dyn Clock) -> NodeId {
    NodeId::new(clock.now().0, clock.random())
}

/// A new lease's id.
pub fn new_lease_id(clock: &dyn Clock) -> LeaseId {
    LeaseId::new(clock.now().0, clock.random())
}

/// An environment variable, when it is set and is text. Settings come from the configuration; this is for what terminals and
/// operating systems agree on (`NO_COLOR`, `TERM`).
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
