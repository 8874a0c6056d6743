//! Who sends much goes behind those who send little.
//!
//! A turn is what happens between two looks at the sockets. Reading from a peer that lately sent much, or pieces of packets,
//! is bulk work: a turn has a little time for it, and what does not fit waits in a line, first come first served. So a peer
//! with one small packet waits for a fraction of a turn, however many others send as fast as they can.
//!
//! A crowd in the line is paced besides: a thread that never rests has no claim to be run at once when it is woken, and then
//! everybody waits for the system's scheduler.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::connection::Socket;
use super::thread::Shared;

/// What the bulk work of a turn may take, and what a well-behaved peer may have to wait for: about as long as a packet is
/// under way anyway, when each side has to be woken.
const TURN: Duration = Duration::from_micros(80);
/// As many in the line are a crowd: more than the executors of a large team that register all at once.
const CROWD: usize = 256;
/// The rest between two turns of a crowd, the shortest that the runtime's timer knows. At a microsecond a packet, the crowd
/// still has some fifty thousand packets a second answered.
const REST: Duration = Duration::from_millis(1);

/// The line of those that wait, and the time that this turn has left.
#[derive(Default)]
pub(super) struct Bulk {
    line: RefCell<VecDeque<Rc<Socket>>>,
    /// The end of this turn's time; None until somebody needs it.
    until: Cell<Option<Instant>>,
    pacer: RefCell<Option<Waker>>,
}

impl Bulk {
    fn has_time(&self) -> bool {
        let now = Instant::now();
        now < self.until.get().unwrap_or_else(|| {
            self.until.set(Some(now + TURN));
            now + TURN
        })
    }

    /// Whether bulk work may be done without waiting in the line.
    pub(super) fn is_open(&self) -> bool {
        self.line.borrow().is_empty() && self.has_time()
    }

    /// Whether more wait in the line than those who mean well.
    pub(super) fn is_crowded(&self) -> bool {
        self.line.borrow().len() > CROWD
    }

    /// Lets the next in the line go, if there is time for it.
    pub(super) fn pass_on(&self) {
        if !self.line.borrow().is_empty() && self.has_time() {
            self.release();
        }
    }

    fn release(&self) {
        let Some(socket) = self.line.borrow_mut().pop_front() else { return };
        socket.in_line.set(false);
        if let Some(waker) = socket.reader.take() {
            waker.wake();
        }
    }
}

/// Begins a turn of bulk work whenever somebody waits in the line and the sockets have been looked at.
pub(super) async fn pace(shared: Rc<Shared>) {
    let bulk = &shared.bulk;
    loop {
        poll_fn(|context| {
            if !bulk.line.borrow().is_empty() {
                return Poll::Ready(());
            }
            *bulk.pacer.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
        if bulk.is_crowded() {
            tokio::time::sleep(REST).await;
        } else {
            tokio::task::yield_now().await;
        }
        bulk.until.set(None);
        bulk.release();
    }
}

impl Shared {
    /// Puts a connection's task at the end of the line; it is woken when its time has come, or when the socket is closed.
    pub(super) fn wait_in_line(&self, socket: &Rc<Socket>, task: Waker) {
        *socket.reader.borrow_mut() = Some(task);
        if !socket.in_line.replace(true) {
            self.bulk.line.borrow_mut().push_back(Rc::clone(socket));
            if let Some(pacer) = self.bulk.pacer.take() {
                pacer.wake();
            }
        }
    }
}
