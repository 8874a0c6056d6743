//! The guard's socket in a build's node: open as long as the build has its node (design A8).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::console::{Console, Masks};
use crate::guard::{Door, Refusal, Refusals, SOCKET};
use crate::pool::Lease;

/// Tells this socket from others in the node.
const LISTENER: u32 = 1;
/// Refusals that stand in one build's log; a job that goes on asking is refused all the same.
const TOLD_MAX: u32 = 100;
/// Refusals that wait to be written.
const WAITING: usize = 64;
/// How long a build's first step waits for the socket.
const OPEN_LIMIT: Duration = Duration::from_secs(30);
/// How long the end of a build waits for refusals to be written.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// The socket of one build. Dropping it ends all its connections.
pub(super) struct GuardSocket {
    tasks: TaskTracker,
    over: DropGuard,
}

/// Where clients find the socket, for a lease that has one.
pub(super) fn address(lease: &Lease) -> Option<(String, String)> {
    lease.label().guard.as_ref()?;
    Some(("DOCKER_HOST".to_owned(), format!("unix://{}", lease.directory().join(SOCKET).display())))
}

impl GuardSocket {
    /// Opens it, where the lease's provider has an engine and its label gives one. Returns when clients can connect.
    pub async fn open(lease: &Lease, console: &Console, masks: Masks) -> Option<GuardSocket> {
        let (lines, told) = mpsc::channel(WAITING);
        let door = lease.door(Arc::new(Teller { lines, told: AtomicU32::new(0) }))?;
        let (tasks, over) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(write_down(told, console.clone(), masks));
        let (opened, open) = oneshot::channel();
        let listening = listen(lease.clone(), door, tasks.clone(), over.clone(), opened);
        let ended = over.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = ended.cancelled() => {}
                () = listening => {}
            }
        });
        // Without the socket the job's own client says what is missing.
        let _ = tokio::time::timeout(OPEN_LIMIT, open).await;
        Some(GuardSocket { tasks, over: over.drop_guard() })
    }

    /// Ends all connections; returns when they are ended and all refusals are written.
    pub async fn close(self) {
        drop(self.over);
        self.tasks.close();
        let _ = tokio::time::timeout(CLOSE_LIMIT, self.tasks.wait()).await;
    }
}

/// Serves whoever connects, over as many streams to the node as it needs.
async fn listen(
    lease: Lease,
    door: Arc<dyn Door>,
    tasks: TaskTracker,
    over: CancellationToken,
    opened: oneshot::Sender<()>,
) {
    let mut opened = Some(opened);
    while let Ok(keeper) = lease.keeper().await {
        let mut tunnels = match keeper.listen(LISTENER, SOCKET).await {
            Ok(tunnels) => tunnels,
            Err(error) if error.is_retryable() => continue,
            Err(error) => {
                warn!(node.id = %lease.node(), %error, "the guard's socket cannot be opened");
                return;
            }
        };
        if let Some(opened) = opened.take() {
            let _ = opened.send(());
        }
        while let Some(connection) = tunnels.accept().await {
            let (door, over) = (Arc::clone(&door), over.clone());
            tasks.spawn(async move {
                tokio::select! {
                    () = over.cancelled() => {}
                    () = door.serve(connection) => {}
                }
            });
        }
        debug!(node.id = %lease.node(), "the stream that carried the guard broke; opening another");
    }
}

/// What a job asked for may hold its secrets.
async fn write_down(mut told: mpsc::Receiver<String>, console: Console, masks: Masks) {
    while let Some(line) = told.recv().await {
        // Only fails when the process ends.
        let _ = console.note(masks.hide(&line).into()).await;
    }
}

/// Hands refusals to whoever writes them into the log.
struct Teller {
    lines: mpsc::Sender<String>,
    told: AtomicU32,
}

impl Refusals for Teller {
    fn refused(&self, refusal: &Refusal) {
        let line = match self.told.fetch_add(1, Ordering::Relaxed) {
            told if told < TOLD_MAX => format!("[causeway] {refusal}\n"),
            TOLD_MAX => "[causeway] further refusals of the guard are not shown\n".to_owned(),
            _ => return,
        };
        // A log that cannot keep up lacks some of them; the client was told each.
        let _ = self.lines.try_send(line);
    }
}
