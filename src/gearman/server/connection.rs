//! One peer's socket: bytes in, frames to the queue. What is to be sent is the flusher's part.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use rustix::net::{RecvFlags, SendFlags};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::api::ConnectionId;
use super::flusher;
use super::queue::Refused;
use super::thread::Shared;
use crate::gearman::codec::{Frame, FrameError};
use crate::gearman::deframe::{Deframer, Fed};

/// Time in which one peer's frames are answered in a row; and frames between two looks at the clock, of which a line counts as
/// all, since its answer may be long.
const SLICE: Duration = Duration::from_micros(40);
const FRAMES_PER_LOOK: usize = 16;
/// What is read at once from a peer that has not sent much lately. A read of so many bytes or frames, or of no whole frame, makes
/// it one that does; so many other reads in a row make it one that does not.
const SMALL_READ: usize = 16 << 10;
const BULK_FRAMES: usize = 64;
const SMALL_READS: u8 = 8;
/// A peer that has been silent for so long has not sent much lately: hundreds that end at once do not stand in the line.
const SILENCE: Duration = Duration::from_millis(100);
/// What is read at once from one of a crowd of peers that send much; and from whoever sends many short packets, of which a small
/// read takes as long as a large one of others.
const CROWD_READ: usize = 32 << 10;
const SHORT_READ: usize = 16 << 10;
const SHORT_FRAME: usize = 512;
/// Bytes of answers to one peer after which it has to take them first.
const ANSWERS_IN_A_ROW: usize = 64 << 10;
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
    /// It stands in the line for bulk work.
    pub(super) in_line: Cell<bool>,
    /// The reading task, while it waits for the peer to take its answers, for its time in the line, or to be told of the end.
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
        in_line: Cell::default(),
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
    /// Bytes that were read and wait for their turn, and how many of them have been used.
    rest: Vec<u8>,
    used: usize,
    /// Small reads until the peer is no longer one that sends much.
    bulk: u8,
    short_frames: bool,
    /// It stood in the line before this read, or still does.
    waits: bool,
    /// When it had been read empty.
    empty: Option<Instant>,
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

/// Reads what is there, as long as it is this peer's turn.
fn poll(shared: &Shared, socket: &Rc<Socket>, reader: &mut Reader, context: &mut Context<'_>) -> Poll<End> {
    if socket.in_line.get() && !socket.closed.get() {
        // Woken by something else.
        *socket.reader.borrow_mut() = Some(context.waker().clone());
        return Poll::Pending;
    }
    if reader.empty.take().is_some_and(|since| since.elapsed() > SILENCE) {
        reader.bulk = 0;
    }
    let released = reader.waits;
    let outcome = poll_in_turn(shared, socket, reader, context);
    if released {
        shared.bulk.pass_on();
    }
    if reader.bulk > 0 && !reader.waits {
        reader.empty = Some(Instant::now());
    }
    outcome
}

fn poll_in_turn(
    shared: &Shared,
    socket: &Rc<Socket>,
    reader: &mut Reader,
    context: &mut Context<'_>,
) -> Poll<End> {
    loop {
        if socket.closed.get() {
            return Poll::Ready(End::Ours);
        }
        if socket.unsent.borrow().waiting() > shared.limits.pause_reading_bytes {
            reader.waits = false;
            *socket.reader.borrow_mut() = Some(context.waker().clone());
            return Poll::Pending;
        }
        let released = std::mem::take(&mut reader.waits);
        if reader.bulk > 0 && !released && !shared.bulk.is_open() && !at_end(socket, reader) {
            reader.waits = true;
            shared.wait_in_line(socket, context.waker().clone());
            return Poll::Pending;
        }
        match ready!(read_once(shared, socket, reader, released, context)) {
            Ok(()) => {}
            Err(end) => return Poll::Ready(end),
        }
        if let Err(end) = count_partial(shared, reader) {
            return Poll::Ready(end);
        }
    }
}

/// Whether a peer has only its end left to be read: who goes does not stand in the line, so that its jobs are given on at once.
fn at_end(socket: &Socket, reader: &Reader) -> bool {
    let mut byte = [0];
    reader.used == reader.rest.len()
        && matches!(
            rustix::net::recv(&socket.stream, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT),
            Ok((_, 0))
        )
}

/// Takes what was read earlier, or else reads once, and answers it.
fn read_once(
    shared: &Shared,
    socket: &Socket,
    reader: &mut Reader,
    in_turn: bool,
    context: &mut Context<'_>,
) -> Poll<Result<(), End>> {
    if reader.used < reader.rest.len() {
        let rest = std::mem::take(&mut reader.rest);
        let fed = feed(shared, socket, reader, &rest[reader.used..])?;
        reader.used += fed.used;
        if reader.used < rest.len() {
            reader.rest = rest;
        } else {
            reader.used = 0;
        }
        return Poll::Ready(Ok(()));
    }
    let mut buffer = shared.buffer.borrow_mut();
    let room = match reader {
        Reader { bulk: 0, .. } => SMALL_READ,
        Reader { short_frames: true, .. } if in_turn => SHORT_READ,
        Reader { short_frames: true, .. } => SMALL_READ,
        _ if shared.bulk.is_crowded() => CROWD_READ,
        _ => buffer.len(),
    };
    let bytes = ready!(poll_read(&socket.stream, &mut buffer[..room], context))?;
    if bytes.is_empty() {
        return Poll::Ready(Err(End::Closed));
    }
    shared.counters.borrow_mut().bytes_in += bytes.len() as u64;
    let fed = feed(shared, socket, reader, bytes)?;
    let cut_short = fed.used < bytes.len();
    reader.rest.extend_from_slice(&bytes[fed.used..]);
    let much = cut_short || bytes.len() >= SMALL_READ.min(room) || fed.frames >= BULK_FRAMES;
    if much || fed.frames == 0 {
        reader.bulk = SMALL_READS;
        reader.short_frames = fed.frames * SHORT_FRAME > fed.used;
    } else {
        reader.bulk = reader.bulk.saturating_sub(1);
    }
    Poll::Ready(Ok(()))
}

/// Hands frames to the queue, as many as one peer may have in a row.
fn feed(shared: &Shared, socket: &Socket, reader: &mut Reader, bytes: &[u8]) -> Result<Fed, End> {
    let outcome = {
        let mut queue = shared.queue.borrow_mut();
        let enough = queue.outbox_len(socket.id) + ANSWERS_IN_A_ROW;
        let mut until = None;
        let mut unseen = 0;
        let each = |frame: Frame<'_>| {
            unseen += if matches!(frame, Frame::Line(_)) { FRAMES_PER_LOOK } else { 1 };
            queue.frame(socket.id, frame)?;
            let mut stop = queue.outbox_len(socket.id) > enough;
            // Most reads bring a few frames, and never look at the clock.
            if unseen >= FRAMES_PER_LOOK {
                unseen = 0;
                let now = Instant::now();
                stop |= now >= *until.get_or_insert(now + SLICE);
            }
            Ok::<_, End>(if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        reader.deframer.feed_while(bytes, &shared.limits, &mut shared.spare.borrow_mut(), each)
    };
    if shared.queue.borrow().wants_turn() || outcome.is_err() {
        shared.want_flush();
    }
    outcome
}

/// Counts what waits of this peer's packets. When all peers together hold too much, one that holds more than a little goes.
fn count_partial(shared: &Shared, reader: &mut Reader) -> Result<(), End> {
    let held = reader.deframer.held() + reader.rest.capacity();
    if held == reader.counted {
        return Ok(());
    }
    shared.partial.set(shared.partial.get() + held - reader.counted);
    let grown = held > std::mem::replace(&mut reader.counted, held);
    let arrived = reader.deframer.arrived() + reader.rest.len();
    match grown && arrived > PARTIAL_BYTES_EACH && shared.partial.get() > shared.limits.partial_bytes_all {
        true => Err(End::Partial),
        false => Ok(()),
    }
}
