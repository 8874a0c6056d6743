//! The end of a turn: what waits for a time gets it, and what waited long enough happens.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::Queue;
use super::jobs::State;
use crate::gearman::packet::kind;

/// Jobs whose time is limited or has not come.
#[derive(Debug, Default)]
pub(super) struct Timeouts {
    /// Assigned in this turn with a limit: milliseconds and the handle's number.
    fresh: Vec<(u64, u64)>,
    limits: BinaryHeap<Reverse<(Duration, u64)>>,
    /// Seconds since 1970 and the handle's number.
    held: BinaryHeap<Reverse<(u64, u64)>>,
}

impl Timeouts {
    /// Whether a time limit began in this turn.
    pub(super) fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Keeps a job until this second.
    pub(super) fn hold(&mut self, epoch: u64, number: u64) {
        self.held.push(Reverse((epoch, number)));
    }
}

impl Queue {
    /// Whether jobs wait for their time: then [`Self::end_turn`] needs the wall clock.
    pub(crate) fn holds_jobs(&self) -> bool {
        !self.timeouts.held.is_empty()
    }

    /// Starts the time limit of a job that was just handed out, if its worker set one (zuul-S-3).
    pub(super) fn limit_time(&mut self, worker: u32, job: u32) {
        let timeouts = &self.connections[worker].timeouts;
        let function = self.jobs[job].function;
        if let Some((_, milliseconds)) = timeouts.iter().find(|(other, _)| *other == function) {
            self.timeouts.fresh.push((*milliseconds, self.jobs.number(job)));
        }
    }

    /// Ends a turn. `now` grows and has any start; `epoch` is the wall clock in seconds since 1970, and only looked
    /// at when [`Self::holds_jobs`].
    pub(crate) fn end_turn(&mut self, now: Duration, epoch: u64) {
        self.settle_sleepers();
        while let Some(Reverse((time, number))) = self.timeouts.held.peek().copied() {
            if time > epoch {
                break;
            }
            self.timeouts.held.pop();
            if let Some(job) = self.jobs.find(number).filter(|job| self.jobs[*job].state == State::Held) {
                self.queue_up(job);
            }
        }
        for (milliseconds, number) in std::mem::take(&mut self.timeouts.fresh) {
            let deadline = now.saturating_add(Duration::from_millis(milliseconds));
            self.timeouts.limits.push(Reverse((deadline, number)));
        }
        while let Some(Reverse((deadline, number))) = self.timeouts.limits.peek().copied() {
            let job = self.jobs.find(number);
            if deadline > now && job.is_some() {
                break;
            }
            self.timeouts.limits.pop();
            if let Some(job) = job {
                self.time_out(job);
            }
        }
        self.wake_late(now);
    }

    fn time_out(&mut self, job: u32) {
        if !self.jobs[job].cancelled {
            self.send_about(job, kind::WORK_FAIL, &[]);
        }
        self.forget(job);
    }

    /// How long until [`Self::end_turn`] has something to do by itself.
    pub(crate) fn next_deadline(&self, now: Duration, epoch: u64) -> Option<Duration> {
        let limit = self.timeouts.limits.peek().map(|Reverse((deadline, _))| *deadline);
        let held = self
            .timeouts
            .held
            .peek()
            .map(|Reverse((time, _))| now + Duration::from_secs(time.saturating_sub(epoch).min(60)));
        [limit, held, self.watches.next_deadline()].into_iter().flatten().min()
    }
}
