//! The job server: one thread that owns the queue and every Gearman socket (design A15).
//!
//! [`start`] binds, spawns the thread and returns a [`Server`] to send [`Command`]s to and the [`LocalEvents`] that come back.
//! [`queue`] decides everything and does no I/O; [`thread`] moves bytes and decides nothing.

mod api;
mod bulk;
mod connection;
mod flusher;
pub(crate) mod queue;
mod replay;
mod thread;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::mpsc;

pub use api::{
    Command, ConnectionId, Event, Filtered, Handle, LocalNames, Options, PayloadFilter, Rooms, Stats,
    WorkPacket,
};
pub use replay::{Left, replay};

/// Commands that may wait for the Gearman thread; a sender then waits.
const COMMANDS_WAITING: usize = 1_024;
/// Batches of events that may wait for the receiver; the thread then keeps what comes, and hands out no more local jobs when
/// [`super::limits::Limits::waiting_events`] are kept.
const BATCHES_WAITING: usize = 16;

/// The running server. Clones are handles to the same one.
#[derive(Clone, Debug)]
pub struct Server {
    commands: mpsc::Sender<Command>,
    address: SocketAddr,
    ended: Arc<tokio::sync::watch::Receiver<bool>>,
}

/// The thread has ended: it was shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Gearman server has ended")]
pub struct Ended;

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address could not be bound: in use, not ours, or not allowed.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The thread or its event loop could not be made.
    #[error("cannot start the Gearman thread")]
    Thread(#[source] std::io::Error),
}

/// Binds and starts the thread. When this returns, peers can connect and every known name is listed.
pub fn start(options: Options) -> Result<(Server, LocalEvents), StartError> {
    let asked = options.listen;
    let listener = thread::listen(asked).map_err(|source| StartError::Listen { address: asked, source })?;
    let address = listener.local_addr().map_err(|source| StartError::Listen { address: asked, source })?;
    thread::raise_open_files();
    let (commands, waiting_commands) = mpsc::channel(COMMANDS_WAITING);
    let (batch_sender, batches) = mpsc::channel(BATCHES_WAITING);
    let (ended_sender, ended) = tokio::sync::watch::channel(false);
    let runtime = thread::runtime;
    let (started, start_result) = std::sync::mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("gearman".to_owned())
        .spawn(move || {
            match runtime() {
                Ok(runtime) => {
                    let _ = started.send(Ok(()));
                    thread::run(&runtime, listener, options, waiting_commands, batch_sender);
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            }
            let _ = ended_sender.send(true);
        })
        .map_err(StartError::Thread)?;
    match start_result.recv() {
        Ok(Ok(())) => Ok((Server { commands, address, ended: Arc::new(ended) }, LocalEvents { batches })),
        Ok(Err(source)) => Err(StartError::Thread(source)),
        Err(_) => Err(StartError::Thread(std::io::Error::other("the thread ended before it served"))),
    }
}

impl Server {
    /// Where it listens, with the port that the kernel chose if 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a command; waits while too many are under way.
    pub async fn send(&self, command: Command) -> Result<(), Ended> {
        self.commands.send(command).await.map_err(|_| Ended)
    }

    /// Counters of this moment.
    pub async fn stats(&self) -> Result<Stats, Ended> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        self.send(Command::Stats(reply)).await?;
        answer.await.map_err(|_| Ended)
    }

    /// Waits until the thread has ended, after [`Command::Shutdown`].
    pub async fn ended(&self) {
        let mut ended = (*self.ended).clone();
        // An error means that the thread is gone without a word, which is an end as well.
        let _ = ended.wait_for(|ended| *ended).await;
    }
}

/// Both ends of a server without a thread: what it is sent, and where its events come from. For the simulation.
#[cfg(test)]
pub(crate) type Detached = (Server, LocalEvents, mpsc::Receiver<Command>, mpsc::Sender<Vec<Event>>);

#[cfg(test)]
impl Server {
    /// A server that nobody runs.
    pub(crate) fn detached() -> Detached {
        let (commands, sent) = mpsc::channel(COMMANDS_WAITING);
        let (events, batches) = mpsc::channel(BATCHES_WAITING);
        let (_, ended) = tokio::sync::watch::channel(false);
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        (Server { commands, address, ended: Arc::new(ended) }, LocalEvents { batches }, sent, events)
    }
}

/// What the server tells the rest of the process, in batches and in order. Dropping it makes the thread drop its events.
#[derive(Debug)]
pub struct LocalEvents {
    batches: mpsc::Receiver<Vec<Event>>,
}

impl LocalEvents {
    /// The next batch, never empty; none when the server has ended.
    pub async fn next(&mut self) -> Option<Vec<Event>> {
        self.batches.recv().await
    }
}
