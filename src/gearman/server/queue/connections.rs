//! The table of connections: what the queue knows about each peer, and the bytes that wait to be sent to it.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::NONE;
use super::spans::Spans;
use crate::gearman::packet;
use crate::gearman::server::api::ConnectionId;

/// Outboxes up to this size are kept for the next connection that has something to send; larger ones are freed.
const POOLED_OUTBOX_BYTES: usize = 1 << 20;
/// Kept outboxes together.
const POOL_BYTES: usize = 4 << 20;

/// Whether a worker waits for a NOOP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// It works, or has never slept.
    Awake,
    /// It sent PRE_SLEEP and was sent no NOOP since.
    Asleep,
    /// It was sent a NOOP and has not grabbed since.
    Woken,
}

/// One peer.
#[derive(Debug)]
pub(super) struct Connection {
    generation: u32,
    open: bool,
    dirty: bool,
    pub(super) rest: Rest,
    /// Whether the connection stands in the list of those to be settled at the end of the turn.
    pub(super) unsettled: bool,
    /// The class whose member it is; NONE without functions or while `set` is newer.
    pub(super) class: u32,
    /// Distinguishes this sleep from earlier ones in a class's list of sleepers.
    pub(super) sleep: u32,
    /// First of the jobs that it submitted.
    pub(super) client_jobs: u32,
    /// First of the jobs that it holds.
    pub(super) worker_jobs: u32,
    /// Its functions, since they last changed; None when the class has them.
    pub(super) set: Option<Box<Spans>>,
    /// Time limits from CAN_DO_TIMEOUT: function and milliseconds.
    pub(super) timeouts: Vec<(u32, u64)>,
    pub(super) client_id: Option<Box<[u8]>>,
    pub(super) address: IpAddr,
    outbox: Vec<u8>,
}

/// All peers, by slot.
#[derive(Debug, Default)]
pub(super) struct Connections {
    slots: Vec<Connection>,
    free: Vec<u32>,
    dirty: VecDeque<u32>,
    pool: Vec<Vec<u8>>,
    pool_bytes: usize,
    pub(super) open: usize,
}

impl Connections {
    /// A slot for a new peer.
    pub(super) fn open(&mut self, address: IpAddr) -> ConnectionId {
        self.open += 1;
        let fresh = |generation| Connection {
            generation,
            open: true,
            dirty: false,
            rest: Rest::Awake,
            unsettled: false,
            class: NONE,
            sleep: 0,
            client_jobs: NONE,
            worker_jobs: NONE,
            set: None,
            timeouts: Vec::new(),
            client_id: None,
            address,
            outbox: Vec::new(),
        };
        if let Some(slot) = self.free.pop() {
            let generation = self.slots[slot as usize].generation.wrapping_add(1);
            // The mark stays while the slot stands in the list of dirty ones, or it would be listed twice.
            let dirty = self.slots[slot as usize].dirty;
            self.slots[slot as usize] = Connection { dirty, ..fresh(generation) };
            return ConnectionId { slot, generation };
        }
        let slot = self.slots.len() as u32;
        self.slots.push(fresh(0));
        ConnectionId { slot, generation: 0 }
    }

    /// Gives the slot back. The caller has emptied its lists.
    pub(super) fn close(&mut self, slot: u32) {
        let connection = &mut self.slots[slot as usize];
        connection.open = false;
        connection.set = None;
        connection.timeouts = Vec::new();
        connection.client_id = None;
        let outbox = std::mem::take(&mut connection.outbox);
        self.keep(outbox);
        self.open -= 1;
        self.free.push(slot);
    }

    /// Whether this very connection is still open.
    pub(super) fn is_open(&self, id: ConnectionId) -> bool {
        self.slots
            .get(id.slot as usize)
            .is_some_and(|connection| connection.open && connection.generation == id.generation)
    }

    pub(super) fn id(&self, slot: u32) -> ConnectionId {
        ConnectionId { slot, generation: self.slots[slot as usize].generation }
    }

    /// The open connections, by slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Connection)> {
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, connection)| connection.open)
            .map(|(slot, connection)| (slot as u32, connection))
    }

    /// Where to append what this peer is to be sent.
    pub(super) fn outbox(&mut self, slot: u32) -> &mut Vec<u8> {
        let connection = &mut self.slots[slot as usize];
        if !connection.dirty {
            connection.dirty = true;
            self.dirty.push_back(slot);
        }
        if connection.outbox.capacity() == 0
            && let Some(kept) = self.pool.pop()
        {
            self.pool_bytes -= kept.capacity();
            connection.outbox = kept;
        }
        &mut connection.outbox
    }

    /// Sends a packet: its arguments joined by NUL bytes.
    pub(super) fn send(&mut self, slot: u32, kind: u32, arguments: &[&[u8]]) {
        packet::put_response(self.outbox(slot), kind, arguments);
    }

    pub(super) fn has_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// The next connection with something to send, in the order in which they came to have it; its mark is cleared. A client
    /// hears of its job before the worker is sent the next one: the other way round, the worker's answers split what goes to
    /// the client into more sends.
    pub(super) fn pop_dirty(&mut self) -> Option<ConnectionId> {
        loop {
            let slot = self.dirty.pop_front()?;
            let connection = &mut self.slots[slot as usize];
            connection.dirty = false;
            if connection.open && !connection.outbox.is_empty() {
                return Some(ConnectionId { slot, generation: connection.generation });
            }
        }
    }

    /// Bytes that wait for a peer.
    pub(super) fn outbox_len(&self, slot: u32) -> usize {
        self.slots[slot as usize].outbox.len()
    }

    /// Takes the bytes that wait for a peer.
    pub(super) fn take_outbox(&mut self, slot: u32) -> Vec<u8> {
        std::mem::take(&mut self.slots[slot as usize].outbox)
    }

    /// Puts an outbox that was sent back into use.
    pub(super) fn keep(&mut self, mut outbox: Vec<u8>) {
        let capacity = outbox.capacity();
        if capacity > 0 && capacity <= POOLED_OUTBOX_BYTES && self.pool_bytes + capacity <= POOL_BYTES {
            outbox.clear();
            self.pool_bytes += capacity;
            self.pool.push(outbox);
        }
    }

    /// Frees what is kept for speed only.
    pub(super) fn trim(&mut self) {
        self.pool = Vec::new();
        self.pool_bytes = 0;
        self.dirty.shrink_to(64);
    }
}

impl std::ops::Index<u32> for Connections {
    type Output = Connection;
    fn index(&self, slot: u32) -> &Connection {
        &self.slots[slot as usize]
    }
}

impl std::ops::IndexMut<u32> for Connections {
    fn index_mut(&mut self, slot: u32) -> &mut Connection {
        &mut self.slots[slot as usize]
    }
}
