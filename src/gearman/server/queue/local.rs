//! This process as a worker: the names that are ours, what we are handed, and what we say about it.

use bytes::Bytes;

use super::jobs::State;
use super::names::Owner;
use super::{NONE, Queue};
use crate::gearman::packet::{Level, kind};
use crate::gearman::server::api::{Command, Event, Handle, LocalNames};

impl Queue {
    /// Carries out a command, but for those that concern the thread and its sockets.
    pub(crate) fn command(&mut self, command: Command) {
        match command {
            Command::SetLocal(names) => self.set_local(&names),
            Command::Room { credits, seen } => {
                let under_way = self.local.assigned.saturating_sub(seen);
                self.local.credits = credits.saturating_sub(under_way.try_into().unwrap_or(u32::MAX));
                self.assign_bounded();
            }
            Command::Entered { function } => self.enter_by_name(&function),
            Command::Left { function } => {
                self.leave_by_name(&function);
                self.assign_bounded();
            }
            Command::PauseLocal(paused) => {
                self.local.paused = paused;
                self.assign_bounded();
            }
            Command::Data { handle, data } => self.say(&handle, kind::WORK_DATA, &[&data]),
            Command::Warning { handle, data } => self.say(&handle, kind::WORK_WARNING, &[&data]),
            Command::Status { handle, numerator, denominator } => {
                let (numerator, denominator) = (numerator.to_string(), denominator.to_string());
                if let Some(job) = self.local_job(&handle) {
                    self.remember_status(job, numerator.as_bytes(), denominator.as_bytes());
                }
                self.say(&handle, kind::WORK_STATUS, &[numerator.as_bytes(), denominator.as_bytes()]);
            }
            Command::Complete { handle, data } => self.finish(&handle, kind::WORK_COMPLETE, &[&data]),
            Command::Exception { handle, data } => self.finish(&handle, kind::WORK_EXCEPTION, &[&data]),
            Command::Fail { handle } => self.finish(&handle, kind::WORK_FAIL, &[]),
            Command::Forget { handle } => {
                if let Some(job) = self.local_job(&handle) {
                    self.forget(job);
                }
            }
            Command::Submit { function, unique, data, level } => {
                self.submit_own(level, [&function, &unique, &data]);
            }
            // The thread answers these.
            Command::Stats(_) | Command::Shutdown => {}
        }
    }

    fn local_job(&self, handle: &Handle) -> Option<u32> {
        let job = self.find_job(handle.as_str().as_bytes())?;
        (self.jobs[job].state == State::RunningLocal).then_some(job)
    }

    fn say(&mut self, handle: &Handle, kind: u32, rest: &[&[u8]]) {
        if let Some(job) = self.local_job(handle) {
            self.jobs[job].spoken = true;
            self.send_about(job, kind, rest);
        }
    }

    fn finish(&mut self, handle: &Handle, kind: u32, rest: &[&[u8]]) {
        if let Some(job) = self.local_job(handle) {
            self.send_about(job, kind, rest);
            self.stats.ended += 1;
            self.forget(job);
        }
    }

    /// Replaces the names that are ours. Queued jobs change hands with their name.
    pub(super) fn set_local(&mut self, names: &LocalNames) {
        let mut wanted: Vec<(u32, Owner)> = Vec::new();
        for (name, bounded) in names.iter() {
            // Names of our own configuration are listed whatever the limit on names that peers invent.
            let number = match self.names.find(name) {
                Some(number) => number,
                None => {
                    let number = self.names.insert(name);
                    self.list(number);
                    number
                }
            };
            self.names[number].listed = true;
            wanted.push((number, if bounded { Owner::LocalBounded } else { Owner::LocalImmediate }));
        }
        let earlier: Vec<u32> = self.local.bounded.drain(..).chain(self.local.immediate.drain(..)).collect();
        for &number in &earlier {
            self.names[number].owner = Owner::Workers;
            self.names[number].group = NONE;
        }
        for &(number, owner) in &wanted {
            self.names[number].owner = owner;
        }
        let of = |owner| wanted.iter().filter(move |(_, other)| *other == owner).map(|(number, _)| *number);
        self.local.bounded = of(Owner::LocalBounded).collect();
        self.local.immediate = of(Owner::LocalImmediate).collect();
        self.set_rooms(&names.rooms);
        self.status_text = None;
        for number in earlier {
            if self.names[number].owner == Owner::Workers {
                self.release(number);
            }
        }
        self.local.contested.clear();
        for number in self.local.immediate.clone() {
            if self.names[number].workers > 0 {
                self.contest(number, None);
            }
            self.assign_immediate(number);
        }
        self.assign_bounded();
    }

    /// Tells, once a name, that a worker serves it as well (decision 12).
    pub(super) fn contest(&mut self, number: u32, worker: Option<u32>) {
        if self.local.contested.contains(&number) {
            return;
        }
        self.local.contested.push(number);
        let name = Bytes::copy_from_slice(&self.names[number].name);
        let worker =
            worker.and_then(|slot| self.connections[slot].client_id.as_deref()).map(Bytes::copy_from_slice);
        self.events.push(Event::Contested { name, worker });
    }

    /// A name is not ours any more: its waiting jobs go to whoever serves it.
    fn release(&mut self, function: u32) {
        Level::ALL.into_iter().for_each(|level| self.announce_head(function, level));
        let waiting = self.names[function].queued_all();
        for _ in 0..waiting.min(self.names[function].workers) {
            self.wake_one(function);
        }
    }

    /// Hands out bounded jobs while there is room, and while the process keeps up with what it was told.
    pub(super) fn assign_bounded(&mut self) {
        while self.local.credits > 0 && !self.local.paused && self.events.len() < self.limits.waiting_events {
            let Some((taker, job)) = self.next_bounded() else { return };
            self.take_out(taker, job);
            self.enter(self.jobs[job].function);
            self.local.credits -= 1;
            self.local.assigned += 1;
            self.assign_local(job, true);
        }
    }

    pub(super) fn assign_immediate(&mut self, function: u32) {
        for level in Level::ALL {
            while self.events.len() < self.limits.waiting_events {
                let job = self.names[function].head(level);
                if job == NONE {
                    break;
                }
                let entry = &mut self.names[function];
                self.jobs.dequeue(&mut entry.queues[level.index()], job);
                entry.queued[level.index()] -= 1;
                self.assign_local(job, false);
            }
        }
    }

    /// After events were taken: what had to wait for that.
    pub(crate) fn assign_waiting(&mut self) {
        for position in 0..self.local.immediate.len() {
            self.assign_immediate(self.local.immediate[position]);
        }
        self.assign_bounded();
    }

    fn assign_local(&mut self, slot: u32, bounded: bool) {
        let handle = self.handle(slot);
        let job = &mut self.jobs[slot];
        job.state = State::RunningLocal;
        let client = job.client;
        let (level, background) = (job.level(), job.background);
        let (unique, data) =
            (Bytes::copy_from_slice(self.jobs.unique(slot)), Bytes::copy_from_slice(self.jobs.data(slot)));
        self.jobs.drop_data(slot);
        let function = self.jobs[slot].function;
        self.names[function].running += 1;
        self.local.running += 1;
        self.status_text = None;
        self.events.push(Event::Assigned {
            handle,
            function: Bytes::copy_from_slice(&self.names[function].name),
            unique,
            data,
            level,
            client: if background || client == NONE { None } else { Some(self.connections.id(client)) },
            bounded,
        });
    }

    /// `cancel job` (zuul-T-4, zuul-gearman 8.3). True when the job is gone or will be heard of no more.
    pub(super) fn cancel(&mut self, handle: &[u8]) -> bool {
        let Some(job) = self.find_job(handle) else { return false };
        if self.jobs[job].cancelled {
            return false;
        }
        match self.jobs[job].state {
            State::Free => return false,
            State::Queued | State::Held => self.drop_queued(job),
            // The worker has spoken: its number is known, and Zuul stops the build by `stop:MANAGER`.
            State::Running | State::RunningLocal if self.jobs[job].spoken => return false,
            State::Running => {
                self.detach_client(job);
                self.jobs[job].cancelled = true;
            }
            State::RunningLocal => {
                let handle = self.handle(job);
                self.forget(job);
                self.events.push(Event::Cancelled { handle });
            }
        }
        self.stats.cancelled += 1;
        true
    }
}
