//! Ending what steps left behind, found by its environment (jjb-T14).

use std::collections::HashSet;
use std::time::Instant;

use rustix::process::Signal;

use super::ending::KILL_LIMIT;
use super::processes::{Process, descendants, has_environment, signal};

/// A sweep under way.
pub(super) struct Sweep {
    /// Who asked.
    pub connection: u32,
    /// The request to answer.
    pub request: u32,
    cookie: Vec<String>,
    kill_at: Instant,
    seen: HashSet<i32>,
}

impl Sweep {
    pub fn new(connection: u32, request: u32, cookie: Vec<String>, kill_at: Instant) -> Sweep {
        Sweep { connection, request, cookie, kill_at, seen: HashSet::new() }
    }

    /// Sends what is due. When nothing is left, how many there were.
    pub fn advance(&mut self, keeper: i32, spared: &[i32], now: Instant) -> Option<u32> {
        let left: Vec<Process> = descendants(keeper)
            .into_iter()
            .filter(|process| {
                !spared.contains(&process.pid)
                    && !spared.contains(&process.session)
                    && has_environment(process.pid, &self.cookie)
            })
            .collect();
        // What the kernel or another user's rights hold back is not waited for.
        if left.is_empty() || now >= self.kill_at + KILL_LIMIT {
            return Some(u32::try_from(self.seen.len()).unwrap_or(u32::MAX));
        }
        for process in left {
            if now >= self.kill_at {
                self.seen.insert(process.pid);
                signal(process.pid, Signal::KILL);
            } else if self.seen.insert(process.pid) {
                signal(process.pid, Signal::TERM);
            }
        }
        None
    }
}
