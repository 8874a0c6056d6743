//! A stream to Causeway: bytes in, bytes out, never waiting.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::channel::{Channel, Pump};
use crate::keeper::wire::FromNode;
use crate::keeper::wire::frame::Collector;

/// Data frames are added to what waits to be sent up to this size.
pub(super) const OUTBOX_FULL: usize = 256 * 1024;

/// With so much waiting, nothing more is read: whoever asks without reading the answers is not answered.
const OUTBOX_STUCK: usize = 1024 * 1024;

/// An outbox that grew beyond this is not kept.
const OUTBOX_KEEP: usize = 16 * 1024;

pub(super) struct Connection {
    pub input: OwnedFd,
    pub output: OwnedFd,
    pub collector: Collector,
    pub peer: Peer,
}

/// What belongs to the one at the other end.
pub(super) struct Peer {
    pub id: u32,
    pub greeted: bool,
    pub channels: BTreeMap<u32, Channel>,
    pub next_incoming: u32,
    pub outbox: Vec<u8>,
    /// How much of it is sent already.
    pub sent: usize,
    /// The stream is of no use any more.
    pub broken: bool,
}

impl Connection {
    pub fn new(id: u32, input: OwnedFd, output: OwnedFd) -> Connection {
        Connection {
            input,
            output,
            collector: Collector::default(),
            peer: Peer {
                id,
                greeted: false,
                channels: BTreeMap::new(),
                next_incoming: 2,
                outbox: Vec::new(),
                sent: 0,
                broken: false,
            },
        }
    }

    /// Writes as much as the stream takes now.
    pub fn flush(&mut self) {
        let peer = &mut self.peer;
        while peer.sent < peer.outbox.len() && !peer.broken {
            match rustix::io::write(&self.output, &peer.outbox[peer.sent..]) {
                Ok(count) => peer.sent += count,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(_) => peer.broken = true,
            }
        }
        if peer.sent == peer.outbox.len() {
            peer.outbox.clear();
            peer.outbox.shrink_to(OUTBOX_KEEP);
            peer.sent = 0;
        } else if peer.sent >= OUTBOX_FULL {
            peer.outbox.drain(..peer.sent);
            peer.sent = 0;
        }
    }

    /// Whether requests are read at the moment.
    pub fn listens(&self) -> bool {
        self.peer.waiting() < OUTBOX_STUCK
    }
}

impl Peer {
    /// Bytes that wait to be sent.
    pub fn waiting(&self) -> usize {
        self.outbox.len() - self.sent
    }

    /// Opens a channel for a connection to a listener.
    pub fn incoming(&mut self, pump: Box<Pump>, listener: u32) {
        let channel = self.next_incoming;
        self.next_incoming = self.next_incoming.wrapping_add(2);
        self.channels.insert(channel, Channel::Pump(pump));
        FromNode::Incoming { channel, listener }.write(&mut self.outbox);
    }

    /// Another peer listens now. A stream that broke is not always seen to break (an engine keeps a container's input open), so this
    /// one may be dead: what it has not touched goes over, what it has begun ends here.
    pub fn hand_over(&mut self, listener: u32, to: &mut Peer) {
        let is_of =
            |channel: &Channel| matches!(channel, Channel::Pump(pump) if pump.listener == Some(listener));
        let numbers: Vec<u32> =
            self.channels.iter().filter(|(_, channel)| is_of(channel)).map(|(number, _)| *number).collect();
        for number in numbers {
            if let Some(Channel::Pump(pump)) = self.channels.remove(&number)
                && !pump.touched
            {
                to.incoming(pump, listener);
            }
        }
    }

    /// Whether data may be added.
    pub fn has_room(&self) -> bool {
        self.waiting() < OUTBOX_FULL
    }
}
