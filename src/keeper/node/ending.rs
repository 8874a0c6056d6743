//! Ending a step: TERM, a time of grace, KILL, down to the last process (pools-D65).

use std::collections::HashSet;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::processes::{Process, descendants, signal};
use crate::keeper::wire::EndedBy;

/// How often an end under way is looked at.
pub(super) const TICK: Duration = Duration::from_millis(20);

/// After KILL a process is gone at once, unless the kernel itself holds it; then the step's end does not wait longer for
/// processes other than its own (pools-D65).
pub(super) const KILL_LIMIT: Duration = Duration::from_secs(5);

/// An end under way.
#[derive(Debug)]
pub(super) struct Ending {
    /// Whose wish it is.
    pub by: EndedBy,
    kill_at: Instant,
    asked: bool,
}

impl Ending {
    pub fn new(by: EndedBy, kill_at: Instant) -> Ending {
        Ending { by, kill_at, asked: false }
    }

    /// An earlier KILL counts, a later one does not.
    pub fn hasten(&mut self, kill_at: Instant) {
        self.kill_at = self.kill_at.min(kill_at);
    }

    /// Sends what is due. Returns whether everything in `left` that has to end has ended, or cannot be ended.
    pub fn advance(&mut self, left: &[Process], now: Instant) -> bool {
        if left.is_empty() {
            return true;
        }
        if now >= self.kill_at {
            // New ones may have been forked since: all of them, every time.
            for process in left {
                signal(process.pid, Signal::KILL);
            }
            return now >= self.kill_at + KILL_LIMIT;
        }
        if !self.asked {
            self.asked = true;
            for process in left {
                signal(process.pid, Signal::TERM);
            }
        }
        false
    }
}

/// Everything that runs on the node but for the keeper, its own children for files, and other steps: what a step's end takes along, also those
/// that left its session and its parents.
pub(super) fn all_but(keeper: i32, spared: &[i32]) -> Vec<Process> {
    let mut kept: HashSet<i32> = spared.iter().copied().collect();
    descendants(keeper)
        .into_iter()
        .filter(|process| {
            // Parents come before children, so a spared process spares all below it.
            let keep = kept.contains(&process.pid)
                || kept.contains(&process.parent)
                || kept.contains(&process.session);
            if keep {
                kept.insert(process.pid);
            }
            !keep
        })
        .collect()
}
