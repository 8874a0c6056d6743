//! Merging by unique (zuul-S-8): off by default, as in gear; switched on for clients that are used to gearmand.
//!
//! A foreground or background submit whose function and unique are those of a job that lives makes no second job: it is answered with
//! the handle of the first, and its client hears everything that is said from then on. A unique of `-` compares the data; an empty
//! one merges with nothing. The job of a client that is lost goes on for the next one that asked for it.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::jobs::State;
use super::submit::{QUEUE_FULL, Refusal};
use super::{NONE, Queue};
use crate::gearman::packet::kind;

/// The unique that stands for the data.
const COMPARE_DATA: &[u8] = b"-";

/// Which jobs can be merged with, and who was.
#[derive(Debug, Default)]
pub(super) struct Merging {
    hasher: RandomState,
    /// Jobs by what they are compared by; jobs whose hashes are equal stand together.
    jobs: HashMap<u64, Vec<u32>>,
    /// The jobs that a connection follows: once for each submit that was merged.
    followed: HashMap<u32, Vec<u32>>,
    followers: usize,
}

impl Merging {
    fn key(&self, function: u32, unique: &[u8], data: &[u8]) -> u64 {
        let data = if unique == COMPARE_DATA { data } else { &[] };
        self.hasher.hash_one((function, unique, data))
    }
}

/// Takes one occurrence out.
fn take_one(list: &mut Vec<u32>, wanted: u32) {
    if let Some(place) = list.iter().position(|other| *other == wanted) {
        list.remove(place);
    }
}

impl Queue {
    /// The job that a submit is merged with.
    pub(super) fn twin(&self, function: u32, unique: &[u8], data: &[u8]) -> Option<u32> {
        let merging = self.merging.as_ref().filter(|_| !unique.is_empty())?;
        let alike = |job: &u32| {
            let found = &self.jobs[*job];
            found.function == function
                && !found.cancelled
                && found.state != State::Held
                && self.jobs.unique(*job) == unique
                && (unique != COMPARE_DATA || self.jobs.data(*job) == data)
        };
        merging.jobs.get(&merging.key(function, unique, data))?.iter().copied().find(alike)
    }

    /// A new job that others may be merged with.
    pub(super) fn offer_to_merge(&mut self, job: u32) {
        let Some(merging) = &mut self.merging else { return };
        let unique = self.jobs.unique(job);
        if unique.is_empty() {
            return;
        }
        let key = merging.key(self.jobs[job].function, unique, self.jobs.data(job));
        let whole = unique == COMPARE_DATA;
        merging.jobs.entry(key).or_default().push(job);
        let rare = self.jobs[job].rare.get_or_insert_default();
        (rare.merge_key, rare.whole) = (Some(key), whole);
    }

    /// Answers a submit with the job that there is.
    pub(super) fn join(&mut self, from: u32, job: u32, background: bool, data: &[u8]) -> Result<(), Refusal> {
        let Some(merging) = &mut self.merging else { return Ok(()) };
        // Whoever follows costs memory as a job does.
        if self.jobs.live + merging.followers >= self.limits.jobs {
            return Err(QUEUE_FULL);
        }
        self.stats.submitted += 1;
        self.stats.merged += 1;
        let handle = self.handle(job);
        self.connections.send(from, kind::JOB_CREATED, &[handle.as_str().as_bytes()]);
        if background {
            self.jobs[job].rare.get_or_insert_default().outlives = true;
            return Ok(());
        }
        // Nobody heard of a background job until now.
        if let Some(filter) = self.filter.filter(|_| self.jobs[job].client == NONE) {
            self.jobs[job].filtered = (filter.concerns)(self.jobs.name(job), data);
        }
        if self.jobs[job].client == NONE {
            self.jobs[job].client = from;
            self.jobs.link_client(&mut self.connections[from].client_jobs, job);
            return Ok(());
        }
        self.jobs[job].rare.get_or_insert_default().followers.push(from);
        if let Some(merging) = &mut self.merging {
            merging.followed.entry(from).or_default().push(job);
            merging.followers += 1;
        }
        Ok(())
    }

    /// Sends a packet to everybody who waits for a job.
    pub(super) fn send_to_clients(&mut self, job: u32, kind: u32, arguments: &[&[u8]]) {
        let job = &self.jobs[job];
        if job.client == NONE {
            return;
        }
        self.connections.send(job.client, kind, arguments);
        for follower in job.rare.iter().flat_map(|rare| &rare.followers) {
            self.connections.send(*follower, kind, arguments);
        }
    }

    /// A connection is gone: it follows nothing any more.
    pub(super) fn follow_nothing(&mut self, slot: u32) {
        let Some(merging) = &mut self.merging else { return };
        for job in merging.followed.remove(&slot).unwrap_or_default() {
            merging.followers -= 1;
            if let Some(rare) = &mut self.jobs[job].rare {
                take_one(&mut rare.followers, slot);
            }
        }
    }

    /// The client of a job is gone: whoever follows the job takes its place. False when nobody does.
    pub(super) fn promote(&mut self, job: u32) -> bool {
        let next = self.jobs[job].rare.as_mut().filter(|rare| !rare.followers.is_empty());
        let Some(next) = next.map(|rare| rare.followers.remove(0)) else { return false };
        self.stop_following(next, job);
        self.detach_client(job);
        self.jobs[job].client = next;
        self.jobs.link_client(&mut self.connections[next].client_jobs, job);
        true
    }

    /// Whether a job runs although nobody waits for it any more.
    pub(super) fn outlives_clients(&self, job: u32) -> bool {
        let job = &self.jobs[job];
        job.background || job.rare.as_ref().is_some_and(|rare| rare.outlives)
    }

    /// A job ends: nothing is merged with it any more.
    pub(super) fn leave_merging(&mut self, job: u32) {
        let Some(merging) = &mut self.merging else { return };
        let Some(rare) = &mut self.jobs[job].rare else { return };
        if let Some(key) = rare.merge_key
            && let Some(jobs) = merging.jobs.get_mut(&key)
        {
            take_one(jobs, job);
            if jobs.is_empty() {
                merging.jobs.remove(&key);
            }
        }
        for follower in std::mem::take(&mut rare.followers) {
            self.stop_following(follower, job);
        }
    }

    fn stop_following(&mut self, connection: u32, job: u32) {
        let Some(merging) = &mut self.merging else { return };
        merging.followers -= 1;
        if let Some(jobs) = merging.followed.get_mut(&connection) {
            take_one(jobs, job);
            if jobs.is_empty() {
                merging.followed.remove(&connection);
            }
        }
    }

    /// How many wait for a job.
    pub(super) fn clients_of(&self, job: u32) -> usize {
        let job = &self.jobs[job];
        let followers = job.rare.as_ref().map_or(0, |rare| rare.followers.len());
        usize::from(job.client != NONE) + followers
    }

    /// No job is left: the memory of the lists is given back.
    pub(super) fn trim_merging(&mut self) {
        if self.merging.is_some() {
            self.merging = Some(Box::default());
        }
    }
}
