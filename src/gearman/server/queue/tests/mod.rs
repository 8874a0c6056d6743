//! The queue's rules, each by its number, and a comparison with a model that is too simple to be wrong.

mod local;
mod merging;
mod model;
mod names;
mod order;
mod rooms;
mod text;
mod waking;
mod work;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::{Queue, Refused};
use crate::gearman::codec::{Decoded, Frame, Magic, decode};
use crate::gearman::limits::Limits;
use crate::gearman::packet::{kind, name_of, put_request};
use crate::gearman::server::api::{Command, ConnectionId, Event, LocalNames, Options};

/// A queue with a clock of its own, and peers that read what they are sent.
pub(super) struct Bench {
    pub(super) queue: Queue,
    now: Duration,
    epoch: u64,
}

pub(super) fn options() -> Options {
    Options::new("127.0.0.1:0".parse().unwrap(), "boot")
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(options())
    }

    pub(super) fn with(options: Options) -> Self {
        Self { queue: Queue::new(options), now: Duration::ZERO, epoch: 1_000 }
    }

    pub(super) fn connect(&mut self) -> ConnectionId {
        self.queue.connect(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    /// A worker that has registered these functions.
    pub(super) fn worker(&mut self, functions: &[&str]) -> ConnectionId {
        let id = self.connect();
        for function in functions {
            self.send(id, kind::CAN_DO, &[function]);
        }
        id
    }

    /// A worker that sleeps.
    pub(super) fn sleeper(&mut self, functions: &[&str]) -> ConnectionId {
        let id = self.worker(functions);
        self.send(id, kind::PRE_SLEEP, &[]);
        id
    }

    pub(super) fn send(&mut self, id: ConnectionId, kind: u32, arguments: &[&str]) {
        self.try_send(id, kind, arguments).expect("a packet that keeps the protocol");
    }

    pub(super) fn try_send(
        &mut self,
        id: ConnectionId,
        kind: u32,
        arguments: &[&str],
    ) -> Result<(), Refused> {
        let arguments: Vec<&[u8]> = arguments.iter().map(|argument| argument.as_bytes()).collect();
        let mut bytes = Vec::new();
        put_request(&mut bytes, kind, &arguments);
        let Ok(Decoded::Frame(frame, _)) = decode(&bytes, &Limits::default()) else { panic!("not a frame") };
        self.queue.frame(id, frame)
    }

    /// Submits and returns the handle.
    pub(super) fn submit(&mut self, id: ConnectionId, kind: u32, function: &str, unique: &str) -> String {
        let earlier = self.read(id);
        assert!(earlier.is_empty(), "unread before a submit: {earlier:?}");
        self.send(id, kind, &[function, unique, "data"]);
        let answers = self.read(id);
        answers[0].strip_prefix("JOB_CREATED ").unwrap_or_else(|| panic!("{answers:?}")).to_owned()
    }

    pub(super) fn line(&mut self, id: ConnectionId, line: &str) -> String {
        self.queue.frame(id, Frame::Line(line.as_bytes())).unwrap();
        String::from_utf8(self.queue.take_outbox(id)).unwrap()
    }

    /// What the peer was sent since it last read: the packet's name and its arguments, `|` for NUL.
    pub(super) fn read(&mut self, id: ConnectionId) -> Vec<String> {
        let bytes = self.queue.take_outbox(id);
        let (mut rest, mut packets) = (bytes.as_slice(), Vec::new());
        while let Ok(Decoded::Frame(frame, length)) = decode(rest, &Limits::default()) {
            let Frame::Packet { magic, kind, body } = frame else { panic!("text among packets") };
            assert_eq!(magic, Magic::Response, "every packet from the server has RES magic");
            let text = String::from_utf8_lossy(body).replace('\0', "|");
            packets.push(format!("{} {text}", name_of(kind).unwrap()).trim_end().to_owned());
            rest = &rest[length..];
        }
        assert!(rest.is_empty());
        packets
    }

    /// Grabs; the function and unique of the job that came.
    pub(super) fn grab(&mut self, id: ConnectionId) -> Option<(String, String)> {
        self.read(id);
        self.send(id, kind::GRAB_JOB_UNIQ, &[]);
        let answers = self.read(id);
        let last = answers.last().unwrap();
        if last == "NO_JOB" {
            return None;
        }
        let parts: Vec<&str> = last.strip_prefix("JOB_ASSIGN_UNIQ ").unwrap().split('|').collect();
        Some((parts[1].to_owned(), parts[2].to_owned()))
    }

    /// Lets time pass and ends the turn.
    pub(super) fn turn(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
        self.epoch += milliseconds / 1_000;
        self.queue.end_turn(self.now, self.epoch);
    }

    /// Events but for new names.
    pub(super) fn events(&mut self) -> Vec<Event> {
        let events = self.queue.take_events();
        events.into_iter().filter(|event| !matches!(event, Event::NewName { .. })).collect()
    }

    pub(super) fn set_local(&mut self, bounded: &[&str], immediate: &[&str]) {
        let names = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect();
        self.queue.command(Command::SetLocal(LocalNames {
            bounded: names(bounded),
            immediate: names(immediate),
            ..LocalNames::default()
        }));
    }

    /// The `status` line of a function: total, running, workers.
    pub(super) fn counts(&mut self, function: &str) -> Option<String> {
        let id = self.connect();
        let text = self.line(id, "status");
        self.queue.disconnect(id);
        text.lines()
            .find_map(|line| line.strip_prefix(&format!("{function}\t")).map(|rest| rest.replace('\t', " ")))
    }
}
