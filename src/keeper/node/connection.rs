//! A stream to Causeway: bytes in, bytes out, never waiting.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::channel::Channel;
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

    /// Whether data may be added.
    pub fn has_room(&self) -> bool {
        self.waiting() < OUTBOX_FULL
    }
}
