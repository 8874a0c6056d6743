//! The queue: what the server answers. A pure state machine without I/O, clock or randomness of its own.
//!
//! Frames go in by [`Queue::frame`], commands by [`Queue::command`], the end of a turn with the time by [`Queue::end_turn`].
//! What is to be sent stands in outboxes ([`Queue::pop_dirty`], [`Queue::take_outbox`]), what the process is to be told in
//! [`Queue::take_events`], and a connection is to be closed when [`Queue::frame`] says so. Order of service is strict: level,
//! then arrival, across all functions (zuul-S-9).
//!
//! Invariants:
//! - a job is in exactly one list: a function's queue (Queued), its worker's (Running), or none (Held, RunningLocal);
//! - a connection that sleeps or was woken is a member of the class of its functions, or stands in `to_settle` until the end
//!   of the turn;
//! - for each class, function and level with waiting jobs there is a head in the class's heap that is not newer than the
//!   first waiting job, unless the function is wide or local.

mod abilities;
mod bodies;
mod classes;
mod connections;
mod grab;
mod heads;
mod jobs;
mod local;
mod merging;
mod names;
mod rooms;
mod spans;
mod status;
mod submit;
mod text;
mod time;
mod wake;
mod work;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::IpAddr;

use bytes::Bytes;

use super::api::{ConnectionId, Event, Handle, LocalNames, Options, PayloadFilter, Stats};
use crate::gearman::codec::Frame;
use crate::gearman::limits::Limits;
use crate::gearman::packet::{self, kind};
use classes::Classes;
use connections::Connections;
use jobs::Jobs;
use names::Names;

/// "No slot" in the lists that run through slabs.
const NONE: u32 = u32::MAX;

/// Why a peer is to be disconnected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// A packet with too few arguments (zuul-S-18).
    #[error("{0} with too few arguments")]
    TooFewArguments(&'static str),
}

/// What the local worker is, and how much it may take.
#[derive(Debug, Default)]
struct Local {
    /// The bounded local functions by group.
    groups: Vec<rooms::Group>,
    rooms: Vec<rooms::Room>,
    bounded: Vec<u32>,
    immediate: Vec<u32>,
    /// Those of them that a worker serves as well, as was told.
    contested: Vec<u32>,
    credits: u32,
    assigned: u64,
    paused: bool,
    running: u64,
}

/// The job server's whole state.
#[derive(Debug)]
pub(crate) struct Queue {
    limits: Limits,
    handle_prefix: String,
    version: String,
    filter: Option<PayloadFilter>,
    names: Names,
    jobs: Jobs,
    classes: Classes,
    connections: Connections,
    local: Local,
    events: Vec<Event>,
    to_settle: Vec<u32>,
    watches: wake::Watches,
    timeouts: time::Timeouts,
    /// Slots by unique; made at the first GET_STATUS_UNIQUE and given up when the queue runs empty.
    by_unique: Option<HashMap<Box<[u8]>, Vec<u32>>>,
    /// Jobs by function and unique, where they are merged (zuul-S-8).
    merging: Option<Box<merging::Merging>>,
    /// The text of `status`, until something in it changes.
    status_text: Option<Vec<u8>>,
    /// What the counters of `status` went through since its text was made.
    stats: Stats,
}

impl Queue {
    pub(crate) fn new(options: Options) -> Self {
        let prefix: String =
            options.boot_prefix.chars().filter(char::is_ascii_alphanumeric).take(24).collect();
        let mut queue = Self {
            limits: options.limits,
            handle_prefix: format!("H:{prefix}:"),
            version: options.version,
            filter: options.filter,
            names: Names::default(),
            jobs: Jobs::default(),
            classes: Classes::default(),
            connections: Connections::default(),
            local: Local::default(),
            events: Vec::new(),
            to_settle: Vec::new(),
            watches: wake::Watches::default(),
            timeouts: time::Timeouts::default(),
            by_unique: None,
            merging: options.merge.then(Box::default),
            status_text: None,
            stats: Stats::default(),
        };
        for name in &options.known_names {
            if queue.names.find(name).is_none() {
                queue.names.insert(name);
            }
        }
        queue.set_local(&options.local);
        queue
    }

    /// A peer has connected.
    pub(crate) fn connect(&mut self, address: IpAddr) -> ConnectionId {
        self.stats.accepted += 1;
        self.connections.open(address)
    }

    /// A peer is gone, whichever side closed (zuul-S-15, zuul-S-16).
    pub(crate) fn disconnect(&mut self, id: ConnectionId) {
        if !self.connections.is_open(id) {
            return;
        }
        let slot = id.slot;
        self.leave_all(slot);
        self.lose_worker_jobs(slot);
        self.lose_client_jobs(slot);
        self.connections.close(slot);
        if self.connections.open == 0 {
            self.classes.trim();
        }
    }

    /// One frame from a peer. An error means: close it, it broke the protocol.
    pub(crate) fn frame(&mut self, id: ConnectionId, frame: Frame<'_>) -> Result<(), Refused> {
        self.stats.frames_in += 1;
        match frame {
            // Packets with RES magic are taken as requests, as gear does.
            Frame::Packet { kind, body, .. } => self.packet(id.slot, kind, body),
            Frame::Line(line) => {
                self.line(id.slot, line);
                Ok(())
            }
        }
    }

    fn packet(&mut self, from: u32, kind: u32, body: &[u8]) -> Result<(), Refused> {
        match kind {
            kind::SUBMIT_JOB
            | kind::SUBMIT_JOB_BG
            | kind::SUBMIT_JOB_HIGH
            | kind::SUBMIT_JOB_HIGH_BG
            | kind::SUBMIT_JOB_LOW
            | kind::SUBMIT_JOB_LOW_BG => return self.submit(from, kind, body),
            kind::SUBMIT_JOB_EPOCH => return self.submit_epoch(from, body),
            kind::SUBMIT_REDUCE_JOB | kind::SUBMIT_REDUCE_JOB_BACKGROUND => {
                return self.submit_reduce(from, kind, body);
            }
            kind::SUBMIT_JOB_SCHED | kind::ALL_YOURS => {
                self.error(from, b"UNSUPPORTED", b"this packet is not supported")
            }
            kind::GRAB_JOB | kind::GRAB_JOB_UNIQ | kind::GRAB_JOB_ALL => self.grab(from, kind),
            kind::PRE_SLEEP => self.pre_sleep(from),
            kind::CAN_DO => self.can_do(from, body),
            kind::CAN_DO_TIMEOUT => return self.can_do_timeout(from, body),
            kind::CANT_DO => self.cant_do(from, body),
            kind::RESET_ABILITIES => self.reset_abilities(from),
            kind::MASS_DO => self.mass_do(from, body),
            kind::WORK_DATA | kind::WORK_WARNING | kind::WORK_COMPLETE | kind::WORK_EXCEPTION => {
                return self.work_data(from, kind, body);
            }
            kind::WORK_STATUS => return self.work_status(from, body),
            kind::WORK_FAIL => self.work_fail(from, body),
            kind::GET_STATUS => self.get_status(from, body),
            kind::GET_STATUS_UNIQUE => self.get_status_unique(from, body),
            kind::SET_CLIENT_ID => self.set_client_id(from, body),
            kind::ECHO_REQ => self.connections.send(from, kind::ECHO_RES, &[body]),
            kind::OPTION_REQ => self.option(from, body),
            // Unknown types, and those that only a server sends, are ignored (zuul-S-17).
            _ => {}
        }
        Ok(())
    }

    fn set_client_id(&mut self, from: u32, body: &[u8]) {
        let kept = &body[..body.len().min(self.limits.client_id_bytes)];
        self.connections[from].client_id = Some(kept.into());
    }

    fn option(&mut self, from: u32, body: &[u8]) {
        match packet::without_trailing_nul(body) {
            b"exceptions" => self.connections.send(from, kind::OPTION_RES, &[b"exceptions"]),
            _ => self.error(from, b"UNKNOWN_OPTION", b"the server does not know this option"),
        }
    }

    /// Answers a request that is refused. Never sent to a peer that asked nothing: both Zuul and the Jenkins plugin drop their
    /// connection on an ERROR (zuul-gearman 5.8, 6.7).
    fn error(&mut self, to: u32, code: &[u8], text: &[u8]) {
        self.connections.send(to, kind::ERROR, &[code, text]);
    }

    /// The number of a name, entered if it is new and there is room for it.
    fn intern(&mut self, name: &[u8]) -> Option<u32> {
        if let Some(number) = self.names.find(name) {
            if !self.names[number].listed {
                self.list(number);
            }
            return Some(number);
        }
        if self.names.len() >= self.limits.names || name.is_empty() || name.len() > self.limits.name_bytes {
            return None;
        }
        let number = self.names.insert(name);
        self.list(number);
        Some(number)
    }

    fn list(&mut self, number: u32) {
        self.names[number].listed = true;
        self.status_text = None;
        let name = Bytes::copy_from_slice(&self.names[number].name);
        self.events.push(Event::NewName { name });
    }

    fn unlist(&mut self, number: u32) {
        self.names[number].listed = false;
        self.status_text = None;
        let name = Bytes::copy_from_slice(&self.names[number].name);
        self.events.push(Event::DroppedName { name });
    }

    /// The handle of a job as peers see it.
    fn handle(&self, job: u32) -> Handle {
        Handle::new(&format!("{}{}", self.handle_prefix, self.jobs.number(job)))
    }

    /// The job with this handle, if it lives.
    fn find_job(&self, handle: &[u8]) -> Option<u32> {
        let digits = handle.strip_prefix(self.handle_prefix.as_bytes())?;
        // Twenty digits hold every 64-bit number; a leading zero would make two texts of one handle.
        if digits.is_empty() || digits.len() > 20 || digits[0] == b'0' {
            return None;
        }
        let mut number: u64 = 0;
        for digit in digits {
            let value = digit.wrapping_sub(b'0');
            if value > 9 {
                return None;
            }
            number = number.checked_mul(10)?.checked_add(u64::from(value))?;
        }
        self.jobs.find(number)
    }

    /// Whether the end of a turn has something to do: to send, to tell, or to settle.
    pub(crate) fn wants_turn(&self) -> bool {
        self.connections.has_dirty()
            || self.has_events()
            || !self.to_settle.is_empty()
            || self.timeouts.has_fresh()
    }

    /// The next connection with something to send.
    pub(crate) fn pop_dirty(&mut self) -> Option<ConnectionId> {
        self.connections.pop_dirty()
    }

    /// Bytes that wait to be sent to a connection.
    pub(crate) fn outbox_len(&self, id: ConnectionId) -> usize {
        self.connections.outbox_len(id.slot)
    }

    /// Takes the bytes that wait for a connection.
    pub(crate) fn take_outbox(&mut self, id: ConnectionId) -> Vec<u8> {
        self.connections.take_outbox(id.slot)
    }

    /// Gives a buffer that was sent back for the next outbox.
    pub(crate) fn keep(&mut self, outbox: Vec<u8>) {
        self.connections.keep(outbox);
    }

    /// Whether there are events.
    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Takes what the rest of the process is to be told.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Open connections.
    pub(crate) fn open_connections(&self) -> usize {
        self.connections.open
    }

    /// Counters of this moment; what only the sockets know is left at what `sockets` says.
    pub(crate) fn stats(&self, sockets: &Stats) -> Stats {
        let mut queued = [0; 3];
        for (_, function) in self.names.iter() {
            for (sum, count) in queued.iter_mut().zip(function.queued) {
                *sum += u64::from(count);
            }
        }
        let waiting: u64 = queued.iter().sum();
        Stats {
            connections: self.connections.open as u64,
            workers: self
                .connections
                .iter()
                .filter(|(_, connection)| connection.class != NONE || connection.set.is_some())
                .count() as u64,
            names: self.names.len() as u64,
            classes: self.classes.len() as u64,
            queued,
            running: self.jobs.live as u64 - waiting,
            running_local: self.local.running,
            queued_bytes: self.jobs.bytes as u64,
            waiting_events: self.events.len() as u64,
            unsent_bytes: sockets.unsent_bytes,
            connections_refused: sockets.connections_refused,
            bytes_in: sockets.bytes_in,
            bytes_out: sockets.bytes_out,
            slow_readers_closed: sockets.slow_readers_closed,
            protocol_errors: sockets.protocol_errors,
            ..self.stats.clone()
        }
    }

    /// Frees what a past backlog needed, once no job is left. True when it was much.
    pub(crate) fn trim(&mut self) -> bool {
        if self.jobs.live > 0 {
            return false;
        }
        self.by_unique = None;
        self.trim_merging();
        let worth = self.jobs.trim();
        if worth {
            self.connections.trim();
        }
        worth
    }
}

/// The names of a set, as text for the local owner.
impl LocalNames {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], bool)> {
        let bounded = self.bounded.iter().map(|name| (name.as_slice(), true));
        bounded.chain(self.immediate.iter().map(|name| (name.as_slice(), false)))
    }
}
