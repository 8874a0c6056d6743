//! One peer's socket: bytes in, frames to the queue. What is to be sent is the flusher's part.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;

use super::api::ConnectionId;
use super::flusher;
use super::queue::{Queue, Refused};
use super::thread::Shared;
use crate::gearman::codec::{self, Decoded, FrameError};

/// Buffers for cut packets that are kept for the next one, and the largest that is kept.
const SPARE_BUFFERS: usize = 16;
const SPARE_BYTES: usize = 1 << 20;
/// A cut packet's buffer grows by what arrives, not by what the header promises, beyond this size.
const TRUSTED_BYTES: usize = 256 << 10;

/// A peer's socket and what could not be sent to it yet.
pub(super) struct Socket {
    pub(super) id: ConnectionId,
    pub(super) stream: RefCell<TcpStream>,
    pub(super) unsent: RefCell<Unsent>,
    /// A task waits until the peer reads again.
    pub(super) draining: Cell<bool>,
    pub(super) closed: Cell<bool>,
    /// The reading task, while it waits for the peer to take its answers, or to be told of the end.
    pub(super) reader: RefCell<Option<Waker>>,
}

/// Bytes that the kernel would not take.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    pub(super) bytes: Vec<u8>,
    pub(super) sent: usize,
    /// The first of them were one turn's answer, which the limit does not count.
    pub(super) allowance: usize,
}

impl Unsent {
    pub(super) fn waiting(&self) -> usize {
        self.bytes.len() - self.sent
    }
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    #[error("the peer closed")]
    Closed,
    #[error("the connection broke: {0}")]
    Broken(#[from] std::io::Error),
    #[error("{0}")]
    Frame(#[from] FrameError),
    #[error("{0}")]
    Refused(#[from] Refused),
    #[error("the server closed it")]
    Ours,
}

/// Takes a new connection in.
pub(super) fn spawn(shared: &Rc<Shared>, stream: TcpStream, peer: SocketAddr) {
    let id = shared.queue.borrow_mut().connect(peer.ip());
    tracing::debug!(connection = %id, %peer, "a peer has connected");
    let socket = Rc::new(Socket {
        id,
        stream: RefCell::new(stream),
        unsent: RefCell::default(),
        draining: Cell::default(),
        closed: Cell::default(),
        reader: RefCell::default(),
    });
    {
        let mut sockets = shared.sockets.borrow_mut();
        let slot = id.slot as usize;
        if sockets.len() <= slot {
            sockets.resize_with(slot + 1, || None);
        }
        sockets[slot] = Some(Rc::clone(&socket));
    }
    tokio::task::spawn_local(serve(Rc::clone(shared), socket));
}

async fn serve(shared: Rc<Shared>, socket: Rc<Socket>) {
    let mut cut = Vec::new();
    let end = poll_fn(|context| poll(&shared, &socket, &mut cut, context)).await;
    match end {
        End::Frame(_) | End::Refused(_) => {
            shared.counters.borrow_mut().protocol_errors += 1;
            tracing::debug!(connection = %socket.id, reason = %end, "a peer broke the protocol");
        }
        _ => tracing::debug!(connection = %socket.id, reason = %end, "a connection has ended"),
    }
    close(&shared, &socket);
}

/// Ends a connection from whichever side. What was asked before the end is answered, as far as the kernel takes it at once.
pub(super) fn close(shared: &Shared, socket: &Socket) {
    if socket.closed.replace(true) {
        return;
    }
    flusher::send_last(shared, socket);
    let waiting = socket.unsent.take().waiting();
    shared.counters.borrow_mut().unsent_bytes -= waiting as u64;
    shared.queue.borrow_mut().disconnect(socket.id);
    shared.sockets.borrow_mut()[socket.id.slot as usize] = None;
    // Whatever task still waits for this socket is woken by its end.
    let _ = rustix::net::shutdown(&*socket.stream.borrow(), rustix::net::Shutdown::Both);
    if let Some(reader) = socket.reader.take() {
        reader.wake();
    }
    shared.want_flush();
}

/// Reads what is there. One read a turn: a full buffer lets the others go first.
fn poll(shared: &Shared, socket: &Socket, cut: &mut Vec<u8>, context: &mut Context<'_>) -> Poll<End> {
    loop {
        if socket.closed.get() {
            return Poll::Ready(End::Ours);
        }
        if socket.unsent.borrow().waiting() > shared.queue.borrow().limits().pause_reading_bytes {
            *socket.reader.borrow_mut() = Some(context.waker().clone());
            return Poll::Pending;
        }
        let mut buffer = shared.buffer.borrow_mut();
        let room = buffer.len();
        let mut read = ReadBuf::new(&mut buffer);
        match Pin::new(&mut *socket.stream.borrow_mut()).poll_read(context, &mut read) {
            Poll::Pending => {
                return Poll::Pending;
            }
            Poll::Ready(Err(error)) => return Poll::Ready(error.into()),
            Poll::Ready(Ok(())) => {}
        }
        let bytes = read.filled();
        if bytes.is_empty() {
            return Poll::Ready(End::Closed);
        }
        shared.counters.borrow_mut().bytes_in += bytes.len() as u64;
        let outcome = feed(shared, socket.id, cut, bytes);
        if shared.queue.borrow().wants_turn() || outcome.is_err() {
            shared.want_flush();
        }
        if let Err(end) = outcome {
            return Poll::Ready(end);
        }
        if bytes.len() == room {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
    }
}

/// Cuts bytes into frames. Only a frame that is not complete yet is kept.
fn feed(shared: &Shared, id: ConnectionId, cut: &mut Vec<u8>, mut bytes: &[u8]) -> Result<(), End> {
    let mut queue = shared.queue.borrow_mut();
    if !cut.is_empty() {
        bytes = complete(&mut queue, id, cut, bytes)?;
        if !cut.is_empty() {
            return Ok(());
        }
        keep_spare(shared, std::mem::take(cut));
    }
    loop {
        match codec::decode(bytes, queue.limits())? {
            Decoded::Frame(frame, length) => {
                queue.frame(id, frame)?;
                bytes = &bytes[length..];
            }
            Decoded::Incomplete(length) => {
                if !bytes.is_empty() {
                    *cut = shared.spare.borrow_mut().pop().unwrap_or_default();
                    cut.reserve(length.min(TRUSTED_BYTES));
                    cut.extend_from_slice(bytes);
                }
                return Ok(());
            }
        }
    }
}

/// Completes the frame that an earlier read cut; what is left of the new bytes.
fn complete<'a>(
    queue: &mut Queue,
    id: ConnectionId,
    cut: &mut Vec<u8>,
    mut bytes: &'a [u8],
) -> Result<&'a [u8], End> {
    loop {
        let missing = match codec::decode(cut, queue.limits())? {
            Decoded::Frame(frame, _) => {
                queue.frame(id, frame)?;
                cut.clear();
                return Ok(bytes);
            }
            Decoded::Incomplete(length) => length - cut.len(),
        };
        // A line says nothing about its length: it is taken up to its end.
        let wanted = match cut.first() {
            Some(0) | None => missing,
            Some(_) => memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1),
        };
        let (taken, rest) = bytes.split_at(wanted.min(bytes.len()));
        if taken.is_empty() {
            return Ok(rest);
        }
        cut.extend_from_slice(taken);
        bytes = rest;
    }
}

fn keep_spare(shared: &Shared, mut buffer: Vec<u8>) {
    let mut spare = shared.spare.borrow_mut();
    if spare.len() < SPARE_BUFFERS && buffer.capacity() <= SPARE_BYTES {
        buffer.clear();
        spare.push(buffer);
    }
}
