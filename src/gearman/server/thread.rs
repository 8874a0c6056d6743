//! The Gearman thread: its runtime, what its tasks share, the listening socket, and the channels to the rest of the process.

use std::cell::{Cell, RefCell};
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::{Notify, mpsc};

use super::api::{Command, ConnectionId, Event, Options, Stats};
use super::bulk::{self, Bulk};
use super::connection::{self, Socket};
use super::flusher;
use super::queue::Queue;
use crate::gearman::deframe::Spare;
use crate::gearman::limits::Limits;

/// Connections that the kernel keeps until we accept them: hundreds of executors reconnect in one instant.
const BACKLOG: i32 = 4_096;
/// One read takes at most this much; the buffer is shared by all connections.
const READ_BYTES: usize = 256 << 10;
/// Commands carried out in one go.
const COMMANDS_PER_TURN: usize = 256;
/// Tasks that run before the runtime looks for new events though it has not run out of them: enough for every connection that
/// was ready to be read before the flusher sends, in whatever crowd.
const TASKS_PER_LOOK: u32 = 1_024;
/// Connections taken before the sockets are looked at again: a crowd that comes at once does not keep those waiting who are
/// there already.
const ACCEPTED_PER_TURN: usize = 4;
/// How long accepting pauses when the system has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Refused connections make one log line in this time.
const REFUSAL_LOG: Duration = Duration::from_secs(1);
/// Idle time after which the kernel probes a peer (zuul-B-4).
const KEEPALIVE: Duration = Duration::from_secs(60);

/// What the thread's tasks share. Nothing of it leaves the thread.
pub(super) struct Shared {
    pub(super) queue: RefCell<Queue>,
    /// The sockets, by the slot of their connection.
    pub(super) sockets: RefCell<Vec<Option<Rc<Socket>>>>,
    pub(super) buffer: RefCell<Box<[u8]>>,
    /// Buffers for cut packets, to be used again.
    pub(super) spare: RefCell<Spare>,
    /// A copy of the queue's, for those who read while the queue works.
    pub(super) limits: Limits,
    /// The part of the counters that only sockets know.
    pub(super) counters: RefCell<Stats>,
    pub(super) flush_wanted: Cell<bool>,
    pub(super) flusher: RefCell<Option<Waker>>,
    pub(super) events_ready: Notify,
    /// Bytes that peers sent and that are not whole frames yet, or wait for their turn.
    pub(super) partial: Cell<usize>,
    pub(super) bulk: Bulk,
    started: Instant,
    last_refusal_log: Cell<Option<Instant>>,
}

impl Shared {
    /// Makes the flusher run behind every connection that is ready now.
    pub(super) fn want_flush(&self) {
        if !self.flush_wanted.replace(true)
            && let Some(waker) = &*self.flusher.borrow()
        {
            waker.wake_by_ref();
        }
    }

    pub(super) fn socket(&self, id: ConnectionId) -> Option<Rc<Socket>> {
        let sockets = self.sockets.borrow();
        let socket = sockets.get(id.slot as usize)?.as_ref()?;
        (socket.id == id).then(|| Rc::clone(socket))
    }

    /// Time since the thread started.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn stats(&self) -> Stats {
        self.queue.borrow().stats(&self.counters.borrow())
    }
}

/// Binds a listening socket that takes bursts.
pub(super) fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

/// Lets the process open as many files as it may: each connection is one (decision 12).
pub(super) fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum
        && let Err(error) =
            setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

pub(super) fn runtime() -> std::io::Result<LocalRuntime> {
    Builder::new_current_thread()
        .enable_all()
        .event_interval(TASKS_PER_LOOK)
        .global_queue_interval(TASKS_PER_LOOK)
        .build_local(LocalOptions::default())
}

/// Serves until [`Command::Shutdown`].
pub(super) fn run(
    runtime: &LocalRuntime,
    listener: TcpListener,
    options: Options,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Vec<Event>>,
) {
    let limits = options.limits.clone();
    let shared = Rc::new(Shared {
        limits,
        queue: RefCell::new(Queue::new(options)),
        sockets: RefCell::default(),
        buffer: RefCell::new(vec![0; READ_BYTES].into()),
        spare: RefCell::default(),
        counters: RefCell::default(),
        flush_wanted: Cell::new(true),
        flusher: RefCell::default(),
        events_ready: Notify::new(),
        partial: Cell::default(),
        bulk: Bulk::default(),
        started: Instant::now(),
        last_refusal_log: Cell::default(),
    });
    runtime.block_on(async {
        tokio::task::spawn_local(accept(Rc::clone(&shared), listener));
        tokio::task::spawn_local(flusher::run(Rc::clone(&shared)));
        tokio::task::spawn_local(bulk::pace(Rc::clone(&shared)));
        tokio::task::spawn_local(deliver(Rc::clone(&shared), events));
        obey(&shared, commands).await;
        flusher::turn(&shared);
    });
}

/// Carries out commands until one says to stop, or nobody is left to send any.
async fn obey(shared: &Rc<Shared>, mut commands: mpsc::Receiver<Command>) {
    let mut batch = Vec::with_capacity(COMMANDS_PER_TURN);
    while commands.recv_many(&mut batch, COMMANDS_PER_TURN).await > 0 {
        for command in batch.drain(..) {
            match command {
                Command::Shutdown => return,
                Command::Stats(reply) => {
                    // Whoever asked may have gone away meanwhile.
                    let _ = reply.send(shared.stats());
                }
                command => shared.queue.borrow_mut().command(command),
            }
        }
        shared.want_flush();
    }
}

/// Takes events to the rest of the process. When that does not keep up, they wait in the queue, which then hands out no more
/// local jobs.
async fn deliver(shared: Rc<Shared>, events: mpsc::Sender<Vec<Event>>) {
    loop {
        shared.events_ready.notified().await;
        let Ok(permit) = events.reserve().await else {
            // Nobody listens: what is told is lost, and nothing may pile up.
            shared.queue.borrow_mut().take_events();
            continue;
        };
        let batch = shared.queue.borrow_mut().take_events();
        if !batch.is_empty() {
            permit.send(batch);
            shared.queue.borrow_mut().assign_waiting();
            shared.want_flush();
        }
    }
}

async fn accept(shared: Rc<Shared>, listener: TcpListener) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the Gearman port cannot be served");
            return;
        }
    };
    let mut accepted: usize = 0;
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                log_refusal(&shared, &format!("cannot accept a connection: {error}"));
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let limit = shared.limits.connections;
        if shared.queue.borrow().open_connections() >= limit {
            shared.counters.borrow_mut().connections_refused += 1;
            log_refusal(&shared, "a connection was refused: the limit of connections is reached");
            continue;
        }
        if let Err(error) = prepare(&stream) {
            tracing::debug!(%error, %peer, "a connection ended before it was served");
            continue;
        }
        connection::spawn(&shared, stream, peer);
        accepted += 1;
        if accepted.is_multiple_of(ACCEPTED_PER_TURN) {
            tokio::task::yield_now().await;
        }
    }
}

/// No delay of short packets (zuul-B-3), and dead peers are noticed (zuul-B-4).
fn prepare(stream: &tokio::net::TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    rustix::net::sockopt::set_socket_keepalive(stream, true)?;
    rustix::net::sockopt::set_tcp_keepidle(stream, KEEPALIVE)?;
    Ok(())
}

fn log_refusal(shared: &Shared, text: &str) {
    let now = Instant::now();
    if shared.last_refusal_log.get().is_none_or(|last| now - last >= REFUSAL_LOG) {
        shared.last_refusal_log.set(Some(now));
        tracing::warn!(refused = shared.counters.borrow().connections_refused, "{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn zuul_b_3_and_b_4_accepted_sockets_do_not_delay_and_notice_dead_peers() {
        use rustix::net::sockopt::{socket_keepalive, tcp_keepidle};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _peer = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        assert!(!accepted.nodelay().unwrap() && !socket_keepalive(&accepted).unwrap(), "neither by itself");
        prepare(&accepted).unwrap();
        assert!(accepted.nodelay().unwrap() && socket_keepalive(&accepted).unwrap());
        assert_eq!(tcp_keepidle(&accepted).unwrap(), KEEPALIVE);
    }
}
