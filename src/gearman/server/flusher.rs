//! The end of each turn: every outbox that has something is sent with one call, behind all connections that were ready.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::connection::{self, Socket};
use super::thread::Shared;

/// A timer that nothing waits for is set this far away.
const FAR: Duration = Duration::from_secs(3_600);

/// Runs turns: when something is to be sent, and when a deadline of the queue has come.
pub(super) async fn run(shared: Rc<Shared>) {
    let mut timer = pin!(tokio::time::sleep(FAR));
    let mut timer_set: Option<Duration> = None;
    loop {
        let by_timer = poll_fn(|context| {
            if shared.flush_wanted.get() {
                return Poll::Ready(false);
            }
            let mut waker = shared.flusher.borrow_mut();
            if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                *waker = Some(context.waker().clone());
            }
            match timer_set {
                Some(_) => timer.as_mut().poll(context).map(|()| true),
                None => Poll::Pending,
            }
        })
        .await;
        if by_timer {
            timer_set = None;
        }
        let deadline = turn(&shared);
        // A timer that fires too early costs a turn; setting it for every job would cost more.
        if let Some(deadline) = deadline
            && timer_set.is_none_or(|set| deadline < set)
        {
            let now = shared.now();
            timer.as_mut().reset(tokio::time::Instant::now() + deadline.saturating_sub(now));
            timer_set = Some(deadline);
        }
    }
}

fn epoch() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Ends a turn: time passes, outboxes are sent, events are announced. Returns the queue's next deadline.
pub(super) fn turn(shared: &Rc<Shared>) -> Option<Duration> {
    shared.flush_wanted.set(false);
    let now = shared.now();
    // Only jobs that wait for a second of the wall clock need it.
    let epoch = if shared.queue.borrow().holds_jobs() { epoch() } else { 0 };
    shared.queue.borrow_mut().end_turn(now, epoch);
    loop {
        let Some(id) = shared.queue.borrow_mut().pop_dirty() else { break };
        if let Some(socket) = shared.socket(id) {
            flush(shared, &socket);
        }
    }
    let mut queue = shared.queue.borrow_mut();
    queue.trim();
    if queue.has_events() {
        shared.events_ready.notify_one();
    }
    queue.next_deadline(now, epoch)
}

/// Sends a connection's outbox with one call; what the kernel does not take waits.
fn flush(shared: &Rc<Shared>, socket: &Rc<Socket>) {
    let outbox = shared.queue.borrow_mut().take_outbox(socket.id);
    let mut unsent = socket.unsent.borrow_mut();
    if unsent.waiting() > 0 {
        unsent.bytes.extend_from_slice(&outbox);
        shared.counters.borrow_mut().unsent_bytes += outbox.len() as u64;
        shared.queue.borrow_mut().keep(outbox);
    } else {
        let sent = match connection::try_write(&socket.stream, &outbox) {
            Ok(sent) => sent,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => 0,
            // The peer is gone, and nobody is left to be answered. What it had still asked is not read: it may be long.
            Err(_) => {
                drop(unsent);
                shared.queue.borrow_mut().keep(outbox);
                connection::close(shared, socket);
                return;
            }
        };
        shared.counters.borrow_mut().bytes_out += sent as u64;
        if sent == outbox.len() {
            shared.queue.borrow_mut().keep(outbox);
            return;
        }
        shared.counters.borrow_mut().unsent_bytes += (outbox.len() - sent) as u64;
        unsent.allowance = outbox.len() - sent;
        unsent.bytes = outbox;
        unsent.sent = sent;
    }
    let waiting = unsent.waiting().saturating_sub(unsent.allowance);
    drop(unsent);
    if waiting > shared.limits.unsent_bytes {
        drop_slow_reader(shared, socket);
        return;
    }
    if shared.counters.borrow().unsent_bytes as usize > shared.limits.unsent_bytes_all {
        drop_slowest(shared);
    }
    if !socket.closed.get() && !socket.draining.replace(true) {
        tokio::task::spawn_local(drain(Rc::clone(shared), Rc::clone(socket)));
    }
}

fn drop_slow_reader(shared: &Shared, socket: &Socket) {
    shared.counters.borrow_mut().slow_readers_closed += 1;
    tracing::warn!(connection = %socket.id, "a peer that does not read was disconnected");
    connection::close(shared, socket);
}

/// Too much waits for all readers together: the one with the most goes.
fn drop_slowest(shared: &Shared) {
    let slowest = {
        let sockets = shared.sockets.borrow();
        sockets.iter().flatten().max_by_key(|socket| socket.unsent.borrow().waiting()).cloned()
    };
    if let Some(socket) = slowest {
        drop_slow_reader(shared, &socket);
    }
}

/// Sends what the kernel would not take, as the peer reads.
async fn drain(shared: Rc<Shared>, socket: Rc<Socket>) {
    loop {
        let ready = poll_fn(|context| {
            if socket.closed.get() {
                return Poll::Ready(Err(std::io::ErrorKind::NotConnected.into()));
            }
            socket.stream.poll_write_ready(context)
        })
        .await;
        if ready.is_err() || socket.closed.get() {
            connection::close(&shared, &socket);
            return;
        }
        match send_some(&shared, &socket) {
            Ok(true) => break,
            Ok(false) => {}
            Err(_) => {
                connection::close(&shared, &socket);
                return;
            }
        }
    }
    socket.draining.set(false);
}

/// Sends as much as the kernel takes; true when nothing is left.
fn send_some(shared: &Shared, socket: &Socket) -> std::io::Result<bool> {
    let mut unsent = socket.unsent.borrow_mut();
    let sent = match connection::try_write(&socket.stream, &unsent.bytes[unsent.sent..]) {
        Ok(sent) => sent,
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(false),
        Err(error) => return Err(error),
    };
    unsent.sent += sent;
    unsent.allowance = unsent.allowance.saturating_sub(sent);
    {
        let mut counters = shared.counters.borrow_mut();
        counters.bytes_out += sent as u64;
        counters.unsent_bytes -= sent as u64;
    }
    let done = unsent.waiting() == 0;
    if done {
        unsent.sent = 0;
        shared.queue.borrow_mut().keep(std::mem::take(&mut unsent.bytes));
    } else if unsent.sent > unsent.bytes.len() / 2 {
        let sent = std::mem::take(&mut unsent.sent);
        unsent.bytes.drain(..sent);
    }
    if unsent.waiting() <= shared.limits.pause_reading_bytes
        && let Some(reader) = socket.reader.take()
    {
        reader.wake();
    }
    Ok(done)
}

/// The last words to a peer that goes: one try.
pub(super) fn send_last(shared: &Shared, socket: &Socket) {
    let outbox = shared.queue.borrow_mut().take_outbox(socket.id);
    if socket.unsent.borrow().waiting() == 0 && !outbox.is_empty() {
        // The peer may be gone entirely, and then nobody misses the answer.
        let _ = connection::try_write(&socket.stream, &outbox);
    }
    shared.queue.borrow_mut().keep(outbox);
}
