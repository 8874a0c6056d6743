//! One peer's socket: bytes in, frames to the queue. What is to be sent is the flusher's part.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use rustix::net::{RecvFlags, SendFlags};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::api::ConnectionId;
use super::flusher;
use super::queue::Refused;
use super::thread::Shared;
use crate::gearman::codec::{Frame, FrameError};
use crate::gearman::deframe::Deframer;

/// Frames of one peer that are answered in a row. A peer with more is a flood: it is read in small pieces until it pauses, a few
/// floods in each turn, so that a thousand of them do not keep the others waiting.
const FRAMES_IN_A_ROW: usize = 1_024;
const FLOOD_READ_BYTES: usize = 4 << 10;
/// Bytes of answers to one peer after which it has to take them first.
const ANSWERS_IN_A_ROW: usize = 256 << 10;
/// What every peer may hold of a packet that has not arrived whole, however much the others hold.
const PARTIAL_BYTES_EACH: usize = 64 << 10;

/// A peer's socket and what could not be sent to it yet.
pub(super) struct Socket {
    pub(super) id: ConnectionId,
    pub(super) stream: TcpStream,
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
    #[error("too many bytes of packets that have not arrived whole")]
    Partial,
    #[error("the server closed it")]
    Ours,
}

/// Takes a new connection in.
pub(super) fn spawn(shared: &Rc<Shared>, stream: TcpStream, peer: SocketAddr) {
    let id = shared.queue.borrow_mut().connect(peer.ip());
    tracing::debug!(connection = %id, %peer, "a peer has connected");
    let socket = Rc::new(Socket {
        id,
        stream,
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

/// What the reading task keeps between reads.
#[derive(Default)]
struct Reader {
    deframer: Deframer,
    /// Bytes that were read and wait for their turn.
    rest: Vec<u8>,
    flooding: bool,
    /// What of this counts against the limit for all peers.
    counted: usize,
}

async fn serve(shared: Rc<Shared>, socket: Rc<Socket>) {
    let mut reader = Reader::default();
    let end = poll_fn(|context| poll(&shared, &socket, &mut reader, context)).await;
    shared.partial.set(shared.partial.get() - reader.counted);
    match end {
        End::Frame(_) | End::Refused(_) | End::Partial => {
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
    let _ = rustix::net::shutdown(&socket.stream, rustix::net::Shutdown::Both);
    if let Some(reader) = socket.reader.take() {
        reader.wake();
    }
    shared.want_flush();
}

/// One read. After less than was asked for the socket is empty, and readiness is forgotten: no second call that finds nothing.
/// The system call is made directly: through the C library each one costs two atomic changes more, for a cancellation of
/// threads that nobody uses.
fn poll_read<'a>(
    stream: &TcpStream,
    buffer: &'a mut [u8],
    context: &mut Context<'_>,
) -> Poll<std::io::Result<&'a [u8]>> {
    loop {
        ready!(stream.poll_read_ready(context))?;
        let mut received = None;
        let outcome = stream.try_io(Interest::READABLE, || {
            let count = rustix::net::recv(stream, &mut *buffer, RecvFlags::empty())?.0;
            received = Some(count);
            let emptied = 0 < count && count < buffer.len();
            if emptied { Err(ErrorKind::WouldBlock.into()) } else { Ok(()) }
        });
        match (received, outcome) {
            (Some(count), _) => return Poll::Ready(Ok(&buffer[..count])),
            (None, Err(error)) if error.kind() != ErrorKind::WouldBlock => return Poll::Ready(Err(error)),
            (None, _) => {}
        }
    }
}

/// One write; how much the kernel took.
pub(super) fn try_write(stream: &TcpStream, bytes: &[u8]) -> std::io::Result<usize> {
    stream.try_io(Interest::WRITABLE, || Ok(rustix::net::send(stream, bytes, SendFlags::NOSIGNAL)?))
}

/// Reads what is there. One read a turn: a full buffer lets the others go first.
fn poll(shared: &Shared, socket: &Socket, reader: &mut Reader, context: &mut Context<'_>) -> Poll<End> {
    loop {
        if socket.closed.get() {
            return Poll::Ready(End::Ours);
        }
        if socket.unsent.borrow().waiting() > shared.limits.pause_reading_bytes {
            *socket.reader.borrow_mut() = Some(context.waker().clone());
            return Poll::Pending;
        }
        let more = if reader.rest.is_empty() {
            let mut buffer = shared.buffer.borrow_mut();
            let room = if reader.flooding { FLOOD_READ_BYTES } else { buffer.len() };
            let bytes = match poll_read(&socket.stream, &mut buffer[..room], context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(error.into()),
                Poll::Ready(Ok([])) => return Poll::Ready(End::Closed),
                Poll::Ready(Ok(bytes)) => bytes,
            };
            shared.counters.borrow_mut().bytes_in += bytes.len() as u64;
            match feed(shared, socket, reader, bytes) {
                Ok(used) => reader.rest.extend_from_slice(&bytes[used..]),
                Err(end) => return Poll::Ready(end),
            }
            bytes.len() == room
        } else {
            let bytes = std::mem::take(&mut reader.rest);
            match feed(shared, socket, reader, &bytes) {
                Ok(used) => reader.rest.extend_from_slice(&bytes[used..]),
                Err(end) => return Poll::Ready(end),
            }
            true
        };
        if let Err(end) = count_partial(shared, reader) {
            return Poll::Ready(end);
        }
        reader.flooding = more && reader.flooding || !reader.rest.is_empty();
        if reader.flooding {
            shared.park(context.waker().clone());
            return Poll::Pending;
        }
        if more {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
    }
}

/// Hands frames to the queue, as many as one peer may have in a row; how many bytes they took.
fn feed(shared: &Shared, socket: &Socket, reader: &mut Reader, bytes: &[u8]) -> Result<usize, End> {
    let outcome = {
        let mut queue = shared.queue.borrow_mut();
        let enough = queue.outbox_len(socket.id) + ANSWERS_IN_A_ROW;
        let mut left = FRAMES_IN_A_ROW;
        let each = |frame: Frame<'_>| {
            queue.frame(socket.id, frame)?;
            left -= 1;
            let stop = left == 0 || queue.outbox_len(socket.id) > enough;
            Ok::<_, End>(if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        reader.deframer.feed_while(bytes, &shared.limits, &mut shared.spare.borrow_mut(), each)
    };
    if shared.queue.borrow().wants_turn() || outcome.is_err() {
        shared.want_flush();
    }
    outcome.map(|fed| fed.used)
}

/// Counts what waits of this peer's packets. When all peers together hold too much, one that holds more than a little goes.
fn count_partial(shared: &Shared, reader: &mut Reader) -> Result<(), End> {
    let held = reader.deframer.held() + reader.rest.len();
    if held == reader.counted {
        return Ok(());
    }
    shared.partial.set(shared.partial.get() + held - reader.counted);
    let grown = held > std::mem::replace(&mut reader.counted, held);
    match grown && held > PARTIAL_BYTES_EACH && shared.partial.get() > shared.limits.partial_bytes_all {
        true => Err(End::Partial),
        false => Ok(()),
    }
}
