//! One channel as Causeway sees it: bytes that came and are not read yet, room to send, how it ended.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::Notify;

use super::error::KeeperError;
use super::wire::{ChannelEnd, Malformed, WINDOW};

/// Small pieces are joined up to this size, so that a keeper which sends single bytes costs no memory per byte.
const JOIN: usize = 4096;
/// A piece of this size is kept as it came, with the buffer that it came in; a smaller one is copied, so that it holds no more memory
/// than it has bytes.
const SHARE: usize = 16 * 1024;

#[derive(Debug)]
pub(super) struct Channel {
    state: Mutex<State>,
    /// Something came, or the channel ended: for the one who reads.
    readable: Notify,
    /// Room to send, or the channel ended: for the one who writes.
    writable: Notify,
}

#[derive(Debug)]
struct State {
    pieces: VecDeque<Bytes>,
    /// Small pieces that are being joined; behind all others.
    joined: BytesMut,
    waiting: u32,
    /// Read by us, not yet given back as credit.
    read: u32,
    room: u32,
    eof: bool,
    end: Option<Result<ChannelEnd, KeeperError>>,
}

/// What reading gives.
#[derive(Debug)]
pub(super) enum Received {
    /// Bytes, and the credit that is now due to the node (0: none yet).
    Bytes(Bytes, u32),
    /// The other side sends no more; the channel may still be open for what we send.
    Eof,
    /// The channel is over.
    End(Result<ChannelEnd, KeeperError>),
}

impl State {
    fn add(&mut self, bytes: Bytes) {
        if self.joined.len() + bytes.len() > JOIN {
            self.close_joined();
        }
        if bytes.len() >= SHARE {
            self.pieces.push_back(bytes);
        } else if bytes.len() > JOIN {
            self.pieces.push_back(Bytes::copy_from_slice(&bytes));
        } else {
            self.joined.extend_from_slice(&bytes);
        }
    }

    fn take_bytes(&mut self) -> Option<(Bytes, u32)> {
        if self.pieces.is_empty() {
            self.close_joined();
        }
        let piece = self.pieces.pop_front()?;
        let count = u32::try_from(piece.len()).unwrap_or(u32::MAX);
        self.waiting = self.waiting.saturating_sub(count);
        self.read += count;
        // Credit in halves of the window: one small frame for 128 KiB.
        let due = if self.read >= WINDOW / 2 { std::mem::take(&mut self.read) } else { 0 };
        Some((piece, due))
    }

    fn close_joined(&mut self) {
        if !self.joined.is_empty() {
            let joined = std::mem::take(&mut self.joined).freeze();
            self.pieces.push_back(joined);
        }
    }
}

impl Channel {
    pub fn new() -> Channel {
        Channel {
            state: Mutex::new(State {
                pieces: VecDeque::new(),
                joined: BytesMut::new(),
                waiting: 0,
                read: 0,
                room: WINDOW,
                eof: false,
                end: None,
            }),
            readable: Notify::new(),
            writable: Notify::new(),
        }
    }

    /// The stream brought bytes. More than the window is the node's fault.
    pub fn arrived(&self, bytes: Bytes) -> Result<(), Malformed> {
        {
            let mut state = self.lock();
            let count = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            if count.saturating_add(state.waiting + state.read) > WINDOW {
                return Err(Malformed("more data than the window allows"));
            }
            state.waiting += count;
            state.add(bytes);
        }
        self.readable.notify_one();
        Ok(())
    }

    pub fn eof(&self) {
        self.lock().eof = true;
        self.readable.notify_one();
    }

    /// The node has taken bytes. Credit beyond the window is its fault: what it does not read would wait in our memory.
    pub fn credit(&self, bytes: u32) -> Result<(), Malformed> {
        {
            let mut state = self.lock();
            state.room = state
                .room
                .checked_add(bytes)
                .filter(|room| *room <= WINDOW)
                .ok_or(Malformed("more credit than the window"))?;
        }
        self.writable.notify_one();
        Ok(())
    }

    /// The channel is over; the first end counts.
    pub fn end(&self, end: Result<ChannelEnd, KeeperError>) {
        self.lock().end.get_or_insert(end);
        self.readable.notify_one();
        self.writable.notify_one();
    }

    /// The next bytes, if they are there already.
    pub fn receive_now(&self) -> Option<(Bytes, u32)> {
        self.lock().take_bytes()
    }

    /// The next thing that came. Safe to cancel.
    pub async fn receive(&self) -> Received {
        loop {
            if let Some(received) = self.take() {
                return received;
            }
            self.readable.notified().await;
        }
    }

    fn take(&self) -> Option<Received> {
        let mut state = self.lock();
        if let Some((piece, due)) = state.take_bytes() {
            return Some(Received::Bytes(piece, due));
        }
        if let Some(end) = &state.end {
            return Some(Received::End(end.clone()));
        }
        if state.eof {
            state.eof = false;
            return Some(Received::Eof);
        }
        None
    }

    /// Waits until at least one byte may be sent; at most `wanted` are taken from the room. Safe to cancel.
    pub async fn room(&self, wanted: u32) -> Result<u32, Result<ChannelEnd, KeeperError>> {
        loop {
            {
                let mut state = self.lock();
                if let Some(end) = &state.end {
                    return Err(end.clone());
                }
                if state.room > 0 {
                    let granted = wanted.min(state.room);
                    state.room -= granted;
                    return Ok(granted);
                }
            }
            self.writable.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
