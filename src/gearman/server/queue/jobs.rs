//! The slab of jobs, and the lists that run through it: by function and level, by client, by worker.

use super::NONE;
use super::bodies::{Bodies, Place};
use super::names::Ends;
use crate::gearman::packet::Level;

/// Bits of a handle's number that are the slot; the rest is the job's sequence number, which is never used again.
const SLOT_BITS: u32 = 24;
/// Jobs that fit, whatever the limits say.
pub(super) const MAX_JOBS: usize = (1 << SLOT_BITS) - 1;
/// Bits of a key that are the arrival; above them stands the level.
pub(super) const ARRIVAL_BITS: u32 = 56;
/// A slab with room for more than this many jobs is freed when the last job ends.
const KEPT_JOBS: usize = 4_096;

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The slot is free.
    Free,
    /// Waits for its time (SUBMIT_JOB_EPOCH).
    Held,
    /// Waits for a worker.
    Queued,
    /// A connection holds it.
    Running,
    /// This process holds it.
    RunningLocal,
}

/// Neighbours in a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    prev: u32,
    next: u32,
}

const UNLINKED: Link = Link { prev: NONE, next: NONE };

/// One job.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) sequence: u64,
    /// Level and arrival: the order of service (zuul-S-9).
    pub(super) key: u64,
    pub(super) state: State,
    /// Nobody is told how it goes.
    pub(super) background: bool,
    /// Its worker has sent something about it: the gap of zuul-gearman 8.3 is over.
    pub(super) spoken: bool,
    /// Cancelled in the gap: nothing of it is forwarded any more.
    pub(super) cancelled: bool,
    /// The first data after a cancel was handed on.
    pub(super) gap_told: bool,
    /// What its worker says goes through the filter.
    pub(super) filtered: bool,
    pub(super) function: u32,
    /// Where unique and data start in the body.
    pub(super) unique_at: u32,
    pub(super) data_at: u32,
    /// Length of the body as submitted, for the accounts.
    pub(super) bytes: u32,
    /// Function, unique and data as they came, NUL bytes between them; without the data once a worker has it.
    pub(super) body: Place,
    /// Who submitted it; NONE for background jobs and when the client is gone.
    pub(super) client: u32,
    /// Who holds it.
    pub(super) worker: u32,
    /// Its place in the queue, or among the jobs of its worker.
    link: Link,
    client_link: Link,
    /// Numerator and denominator as the worker last sent them, a NUL between (zuul-B-9), the reducer of a reduce job, and who else waits for it.
    pub(super) rare: Option<Box<Rare>>,
}

/// What few jobs have.
#[derive(Debug, Default)]
pub(super) struct Rare {
    pub(super) numerator: Vec<u8>,
    pub(super) denominator: Vec<u8>,
    pub(super) reducer: Option<Box<[u8]>>,
    /// Who else waits for it, in the order of their submits (zuul-S-8).
    pub(super) followers: Vec<u32>,
    /// What it is found by when jobs are merged.
    pub(super) merge_key: Option<u64>,
    /// Somebody submitted it in the background as well: it needs no client.
    pub(super) outlives: bool,
    /// Its data is compared as long as it lives.
    pub(super) whole: bool,
}

impl Job {
    pub(super) fn level(&self) -> Level {
        Level::ALL[(self.key >> ARRIVAL_BITS) as usize]
    }
}

/// What is known about a job when it is made.
pub(super) struct Draft<'a> {
    pub(super) level: Level,
    pub(super) background: bool,
    pub(super) function: u32,
    /// Function, unique and data.
    pub(super) parts: [&'a [u8]; 3],
    pub(super) client: u32,
}

/// All jobs, queued and running.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    slots: Vec<Job>,
    free: Vec<u32>,
    bodies: Bodies,
    sequence: u64,
    arrival: u64,
    pub(super) live: usize,
    pub(super) bytes: usize,
}

impl Jobs {
    /// The number that the next job's handle will carry.
    pub(super) fn next_number(&self) -> u64 {
        let slot = self.free.last().copied().unwrap_or(self.slots.len() as u32);
        ((self.sequence + 1) << SLOT_BITS) | u64::from(slot)
    }

    /// Stores a job, in no list yet.
    pub(super) fn insert(&mut self, draft: Draft<'_>) -> u32 {
        self.sequence += 1;
        self.live += 1;
        let slot = self.free.pop().unwrap_or(self.slots.len() as u32);
        let [name, unique, data] = draft.parts;
        let body = self.bodies.put(slot, &[name, b"\0", unique, b"\0", data]);
        self.bytes += body.len();
        let job = Job {
            sequence: self.sequence,
            key: (draft.level.index() as u64) << ARRIVAL_BITS,
            state: State::Held,
            background: draft.background,
            spoken: false,
            cancelled: false,
            gap_told: false,
            filtered: false,
            function: draft.function,
            unique_at: (name.len() + 1) as u32,
            data_at: (name.len() + unique.len() + 2) as u32,
            bytes: body.len() as u32,
            body,
            client: draft.client,
            worker: NONE,
            link: UNLINKED,
            client_link: UNLINKED,
            rare: None,
        };
        match self.slots.get_mut(slot as usize) {
            Some(free) => *free = job,
            None => self.slots.push(job),
        }
        slot
    }

    /// Function, unique and data as they are sent to workers, NUL bytes between them.
    pub(super) fn body(&self, slot: u32) -> &[u8] {
        self.bodies.get(self[slot].body)
    }

    pub(super) fn name(&self, slot: u32) -> &[u8] {
        &self.body(slot)[..self[slot].unique_at as usize - 1]
    }

    pub(super) fn unique(&self, slot: u32) -> &[u8] {
        let job = &self[slot];
        &self.body(slot)[job.unique_at as usize..job.data_at as usize - 1]
    }

    pub(super) fn data(&self, slot: u32) -> &[u8] {
        self.body(slot).get(self[slot].data_at as usize..).unwrap_or_default()
    }

    /// A running job needs its name and unique only; what a worker holds for hours need not hold the arguments as well.
    pub(super) fn drop_data(&mut self, slot: u32) {
        const WORTH_A_COPY: usize = 4 << 10;
        let (body, data_at) = (self[slot].body, self[slot].data_at as usize);
        let whole = self[slot].rare.as_ref().is_some_and(|rare| rare.whole);
        if !whole && body.len() > WORTH_A_COPY && body.len() > data_at {
            let kept = self.bodies.get(body)[..data_at].to_vec();
            self[slot].body = self.bodies.put(slot, &[&kept]);
            self.release(body);
        }
    }

    /// Gives a body back. When its segment is nearly empty, what is left there moves, so that a few long-lived jobs do not
    /// hold the memory of a backlog that is gone.
    fn release(&mut self, body: Place) {
        for slot in self.bodies.release(body).into_iter().flatten() {
            let Some(job) = self.slots.get(slot as usize) else { continue };
            let old = job.body;
            if job.state == State::Free || !Bodies::same_segment(old, body) {
                continue;
            }
            let copy = self.bodies.get(old).to_vec();
            self.slots[slot as usize].body = self.bodies.put(slot, &[&copy]);
            self.bodies.release(old);
        }
    }

    /// Gives the slot back. The caller has taken the job out of its lists.
    pub(super) fn remove(&mut self, slot: u32) {
        let job = &mut self.slots[slot as usize];
        job.state = State::Free;
        job.rare = None;
        self.bytes -= job.bytes as usize;
        let body = std::mem::replace(&mut job.body, Place::EMPTY);
        self.live -= 1;
        self.free.push(slot);
        self.release(body);
    }

    /// Frees what an earlier backlog needed. Only when no job is left.
    pub(super) fn trim(&mut self) -> bool {
        let worth = self.live == 0 && self.slots.capacity() > KEPT_JOBS;
        if worth {
            // Sequence numbers go on, so that a handle of an earlier slab never fits a later job.
            self.slots = Vec::new();
            self.free = Vec::new();
            self.bodies.trim();
        }
        worth
    }

    /// The number in a job's handle.
    pub(super) fn number(&self, slot: u32) -> u64 {
        (self.slots[slot as usize].sequence << SLOT_BITS) | u64::from(slot)
    }

    /// The slot of the job with this number, if it still lives.
    pub(super) fn find(&self, number: u64) -> Option<u32> {
        let slot = (number & ((1 << SLOT_BITS) - 1)) as u32;
        let job = self.slots.get(slot as usize)?;
        (job.state != State::Free && job.sequence == number >> SLOT_BITS).then_some(slot)
    }

    /// The live jobs, by slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Job)> {
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, job)| job.state != State::Free)
            .map(|(slot, job)| (slot as u32, job))
    }

    /// Appends the job to a queue: it arrives now.
    pub(super) fn enqueue(&mut self, ends: &mut Ends, slot: u32) {
        self.arrival += 1;
        let job = &mut self.slots[slot as usize];
        job.key = (job.key >> ARRIVAL_BITS << ARRIVAL_BITS) | self.arrival;
        job.state = State::Queued;
        job.link = Link { prev: ends.tail, next: NONE };
        match ends.tail {
            NONE => ends.head = slot,
            tail => self.slots[tail as usize].link.next = slot,
        }
        ends.tail = slot;
    }

    /// Takes the job out of a queue.
    pub(super) fn dequeue(&mut self, ends: &mut Ends, slot: u32) {
        let Link { prev, next } = std::mem::replace(&mut self.slots[slot as usize].link, UNLINKED);
        match prev {
            NONE => ends.head = next,
            prev => self.slots[prev as usize].link.next = next,
        }
        match next {
            NONE => ends.tail = prev,
            next => self.slots[next as usize].link.prev = prev,
        }
    }

    /// Puts a running job in front of its worker's list.
    pub(super) fn link_worker(&mut self, head: &mut u32, slot: u32) {
        self.slots[slot as usize].link = Link { prev: NONE, next: *head };
        if *head != NONE {
            self.slots[*head as usize].link.prev = slot;
        }
        *head = slot;
    }

    /// Takes a running job out of its worker's list.
    pub(super) fn unlink_worker(&mut self, head: &mut u32, slot: u32) {
        let Link { prev, next } = std::mem::replace(&mut self.slots[slot as usize].link, UNLINKED);
        match prev {
            NONE => *head = next,
            prev => self.slots[prev as usize].link.next = next,
        }
        if next != NONE {
            self.slots[next as usize].link.prev = prev;
        }
    }

    /// Puts a job in front of its client's list.
    pub(super) fn link_client(&mut self, head: &mut u32, slot: u32) {
        self.slots[slot as usize].client_link = Link { prev: NONE, next: *head };
        if *head != NONE {
            self.slots[*head as usize].client_link.prev = slot;
        }
        *head = slot;
    }

    /// Takes a job out of its client's list.
    pub(super) fn unlink_client(&mut self, head: &mut u32, slot: u32) {
        let Link { prev, next } = std::mem::replace(&mut self.slots[slot as usize].client_link, UNLINKED);
        match prev {
            NONE => *head = next,
            prev => self.slots[prev as usize].client_link.next = next,
        }
        if next != NONE {
            self.slots[next as usize].client_link.prev = prev;
        }
    }
}

impl std::ops::Index<u32> for Jobs {
    type Output = Job;
    fn index(&self, slot: u32) -> &Job {
        &self.slots[slot as usize]
    }
}

impl std::ops::IndexMut<u32> for Jobs {
    fn index_mut(&mut self, slot: u32) -> &mut Job {
        &mut self.slots[slot as usize]
    }
}
