//! What workers say about their jobs, and how jobs end (zuul-gearman 2.5 and 2.6).

use std::borrow::Cow;

use bytes::Bytes;

use super::jobs::State;
use super::submit::{decimal, write_handle};
use super::{NONE, Queue, Refused};
use crate::gearman::packet::{arguments, kind, without_trailing_nul};
use crate::gearman::server::api::{Event, Filtered, WorkPacket};

impl Queue {
    /// WORK_DATA, WORK_WARNING, WORK_COMPLETE, WORK_EXCEPTION.
    pub(super) fn work_data(&mut self, from: u32, kind: u32, body: &[u8]) -> Result<(), Refused> {
        let Some([handle, data]) = arguments::<2>(body) else {
            // gear sends WORK_COMPLETE without data as a handle alone.
            return self.work_data_bare(from, kind, body);
        };
        let Some(job) = self.held_by(from, handle) else { return Ok(()) };
        let packet = match kind {
            kind::WORK_DATA => WorkPacket::Data,
            kind::WORK_WARNING => WorkPacket::Warning,
            kind::WORK_COMPLETE => WorkPacket::Complete,
            _ => WorkPacket::Exception,
        };
        if self.jobs[job].cancelled {
            self.tell_gap(job, data);
        } else if self.jobs[job].client != NONE {
            self.forward(job, kind, packet, body, data);
        }
        self.jobs[job].spoken = true;
        if matches!(packet, WorkPacket::Complete | WorkPacket::Exception) {
            self.end(job);
        }
        Ok(())
    }

    fn work_data_bare(&mut self, from: u32, kind: u32, handle: &[u8]) -> Result<(), Refused> {
        let mut body = handle.to_vec();
        body.push(0);
        self.work_data(from, kind, &body)
    }

    /// Sends a worker's packet on, as the filter says (zuul-Z-4).
    fn forward(&mut self, job: u32, kind: u32, packet: WorkPacket, body: &[u8], data: &[u8]) {
        let verdict = match self.filter {
            Some(filter) if self.jobs[job].filtered => (filter.judge)(packet, data),
            _ => Filtered::Pass,
        };
        let data: Cow<'_, [u8]> = match verdict {
            Filtered::Pass => {
                self.send_to_clients(job, kind, &[body]);
                return;
            }
            Filtered::Replace(data) => Cow::Owned(data.to_vec()),
            Filtered::Drop => Cow::Borrowed(&[]),
        };
        self.stats.filtered += 1;
        let ends = matches!(packet, WorkPacket::Complete | WorkPacket::Exception);
        if !data.is_empty() || ends {
            self.send_about(job, kind, &[&data]);
        }
    }

    /// Sends a packet about a job to its clients.
    pub(super) fn send_about(&mut self, job: u32, kind: u32, rest: &[&[u8]]) {
        if self.jobs[job].client == NONE {
            return;
        }
        let mut digits = [0; 20];
        let mut handle = [0; 64];
        let handle =
            write_handle(&self.handle_prefix, decimal(self.jobs.number(job), &mut digits), &mut handle);
        match rest {
            [] => self.send_to_clients(job, kind, &[handle]),
            [data] => self.send_to_clients(job, kind, &[handle, data]),
            [first, second] => self.send_to_clients(job, kind, &[handle, first, second]),
            _ => {}
        }
    }

    fn tell_gap(&mut self, job: u32, data: &[u8]) {
        if std::mem::replace(&mut self.jobs[job].gap_told, true) {
            return;
        }
        let function = Bytes::copy_from_slice(&self.names[self.jobs[job].function].name);
        let handle = self.handle(job);
        self.events.push(Event::GapData { function, handle, data: Bytes::copy_from_slice(data) });
    }

    pub(super) fn work_status(&mut self, from: u32, body: &[u8]) -> Result<(), Refused> {
        let Some([handle, numerator, denominator]) = arguments::<3>(body) else {
            return Err(Refused::TooFewArguments("WORK_STATUS"));
        };
        let Some(job) = self.held_by(from, handle) else { return Ok(()) };
        self.remember_status(job, numerator, denominator);
        self.jobs[job].spoken = true;
        if !self.jobs[job].cancelled {
            self.send_to_clients(job, kind::WORK_STATUS, &[body]);
        }
        Ok(())
    }

    pub(super) fn work_fail(&mut self, from: u32, body: &[u8]) {
        let Some(job) = self.held_by(from, without_trailing_nul(body)) else { return };
        if !self.jobs[job].cancelled {
            self.send_about(job, kind::WORK_FAIL, &[]);
        }
        self.end(job);
    }

    /// The job that this connection holds under this handle. All else is dropped without an answer: an ERROR makes the Jenkins
    /// plugin disconnect (zuul-S-13), and no peer may end another's job (zuul-S-14).
    fn held_by(&mut self, from: u32, handle: &[u8]) -> Option<u32> {
        let found = self.find_job(handle).filter(|job| {
            let job = &self.jobs[*job];
            job.state == State::Running && job.worker == from
        });
        self.stats.stray_work += u64::from(found.is_none());
        found
    }

    /// A worker has ended its job: it is forgotten.
    fn end(&mut self, job: u32) {
        self.stats.ended += 1;
        self.forget(job);
    }

    /// Takes a job out of every list and out of the world. It must not be queued any more.
    pub(super) fn forget(&mut self, job: u32) {
        let function = self.jobs[job].function;
        match self.jobs[job].state {
            State::Running => {
                let worker = self.jobs[job].worker;
                self.jobs.unlink_worker(&mut self.connections[worker].worker_jobs, job);
                self.names[function].running -= 1;
            }
            State::RunningLocal => {
                self.local.running -= 1;
                self.names[function].running -= 1;
            }
            State::Held => self.names[function].queued[1] -= 1,
            State::Queued | State::Free => {}
        }
        self.status_text = None;
        self.detach_client(job);
        self.leave_merging(job);
        if let Some(index) = &mut self.by_unique {
            let unique = self.jobs.unique(job);
            if let Some(jobs) = index.get_mut(unique) {
                jobs.retain(|other| *other != job);
                if jobs.is_empty() {
                    index.remove(unique);
                }
            }
        }
        self.jobs.remove(job);
    }

    /// Takes a job out of its queue and forgets it.
    pub(super) fn drop_queued(&mut self, job: u32) {
        let (function, level) = (self.jobs[job].function, self.jobs[job].level());
        if self.jobs[job].state == State::Queued {
            let entry = &mut self.names[function];
            self.jobs.dequeue(&mut entry.queues[level.index()], job);
            entry.queued[level.index()] -= 1;
            // The state decides what `forget` still has to take apart.
            self.jobs[job].state = State::Free;
            self.calm(function);
        }
        self.forget(job);
    }

    /// The job has no client any more.
    pub(super) fn detach_client(&mut self, job: u32) {
        let client = std::mem::replace(&mut self.jobs[job].client, NONE);
        if client != NONE {
            self.jobs.unlink_client(&mut self.connections[client].client_jobs, job);
        }
    }

    /// A worker is gone: its foreground jobs fail and are never queued again (zuul-S-15), its background jobs die with it, as
    /// in gear (decision 7).
    pub(super) fn lose_worker_jobs(&mut self, slot: u32) {
        while self.connections[slot].worker_jobs != NONE {
            let job = self.connections[slot].worker_jobs;
            match self.jobs[job].background {
                true => self.stats.background_lost += 1,
                false => self.stats.worker_lost += u64::from(!self.jobs[job].cancelled),
            }
            if !self.jobs[job].cancelled {
                self.send_about(job, kind::WORK_FAIL, &[]);
            }
            self.forget(job);
        }
    }

    /// A client is gone: its queued jobs are dropped, its running ones go on without it (zuul-S-16).
    pub(super) fn lose_client_jobs(&mut self, slot: u32) {
        self.follow_nothing(slot);
        while self.connections[slot].client_jobs != NONE {
            let job = self.connections[slot].client_jobs;
            if self.promote(job) {
                continue;
            }
            match self.jobs[job].state {
                _ if self.outlives_clients(job) => self.detach_client(job),
                State::Queued | State::Held | State::Free => self.drop_queued(job),
                State::Running => self.detach_client(job),
                State::RunningLocal => {
                    self.detach_client(job);
                    let handle = self.handle(job);
                    self.events.push(Event::ClientGone { handle });
                }
            }
        }
    }
}
