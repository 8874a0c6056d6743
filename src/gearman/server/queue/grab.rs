//! Jobs go out: PRE_SLEEP and the GRAB packets (zuul-gearman 2.4).

use super::connections::Rest;
use super::heads::Taker;
use super::jobs::State;
use super::submit::{decimal, write_handle};
use super::{NONE, Queue};
use crate::gearman::packet::kind;

impl Queue {
    pub(super) fn pre_sleep(&mut self, from: u32) {
        self.settle(from);
        self.set_rest(from, Rest::Asleep);
        if self.has_job_for(from) {
            self.wake(from);
        }
    }

    pub(super) fn grab(&mut self, from: u32, kind: u32) {
        self.settle(from);
        self.set_rest(from, Rest::Awake);
        let class = self.connections[from].class;
        let next = if class == NONE { None } else { self.next_job(Taker::Class(class)) };
        let Some(job) = next else {
            self.connections.send(from, kind::NO_JOB, &[]);
            return;
        };
        self.take_out(Taker::Class(class), job);
        self.names[self.jobs[job].function].running += 1;
        self.jobs[job].state = State::Running;
        self.jobs[job].worker = from;
        self.jobs.link_worker(&mut self.connections[from].worker_jobs, job);
        self.assign(from, kind, job);
        self.jobs.drop_data(job);
        self.limit_time(from, job);
        self.wake_after_grab(class);
    }

    /// Takes a waiting job out of its queue for someone who will run it.
    pub(super) fn take_out(&mut self, taker: Taker, job: u32) {
        let (function, level, key) = (self.jobs[job].function, self.jobs[job].level(), self.jobs[job].key);
        let entry = &mut self.names[function];
        self.jobs.dequeue(&mut entry.queues[level.index()], job);
        entry.queued[level.index()] -= 1;
        entry.grabs = entry.grabs.wrapping_add(1);
        self.status_text = None;
        self.advance_head(taker, key, function, level);
        self.calm(function);
    }

    /// Answers each GRAB with the packet that belongs to it (zuul-S-10).
    fn assign(&mut self, to: u32, grab: u32, job: u32) {
        let mut digits = [0; 20];
        let mut handle = [0; 64];
        let handle =
            write_handle(&self.handle_prefix, decimal(self.jobs.number(job), &mut digits), &mut handle);
        let reducer = self.jobs[job].rare.as_ref().and_then(|rare| rare.reducer.as_deref());
        let (name, unique, data) = (self.jobs.name(job), self.jobs.unique(job), self.jobs.data(job));
        match (grab, reducer) {
            (kind::GRAB_JOB, _) => self.connections.send(to, kind::JOB_ASSIGN, &[handle, name, data]),
            (kind::GRAB_JOB_ALL, Some(reducer)) => {
                self.connections.send(to, kind::JOB_ASSIGN_ALL, &[handle, name, unique, reducer, data]);
            }
            // The body is function, unique and data as they are wanted here.
            _ => self.connections.send(to, kind::JOB_ASSIGN_UNIQ, &[handle, self.jobs.body(job)]),
        }
    }

    /// Whether a job waits that this connection could take.
    pub(super) fn has_job_for(&mut self, slot: u32) -> bool {
        match self.connections[slot].class {
            NONE => false,
            class => self.next_job(Taker::Class(class)).is_some(),
        }
    }

    /// Moves a settled connection between awake, asleep and woken, with the counters of its class.
    pub(super) fn set_rest(&mut self, slot: u32, rest: Rest) {
        let connection = &mut self.connections[slot];
        let before = std::mem::replace(&mut connection.rest, rest);
        if before == rest {
            return;
        }
        // Whatever was noted about an earlier sleep is stale.
        connection.sleep = connection.sleep.wrapping_add(1);
        let class = connection.class;
        if class == NONE {
            return;
        }
        match before {
            Rest::Awake => {}
            Rest::Woken => self.classes[class].woken -= 1,
            Rest::Asleep => self.classes[class].asleep -= 1,
        }
        match rest {
            Rest::Awake => {}
            Rest::Woken => self.classes[class].woken += 1,
            Rest::Asleep => self.add_sleeper(slot),
        }
    }
}
