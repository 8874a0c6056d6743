//! All masters, and the tasks of the builds on them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::run;
use super::shadow::wants_shadow;
use super::watch::Watched;
use crate::build::Builds;
use crate::console::Consoles;
use crate::jenkins::wire::QueueId;
use crate::model::{BuildId, BuildRecord, MasterStep, Side};

/// Tries to bring a description to a master: it is worth no more.
const DESCRIBE_TRIES: u32 = 3;

/// The masters by their names. Cheap to clone.
#[derive(Clone, Default)]
pub struct Masters {
    known: Arc<BTreeMap<String, Watched>>,
}

impl Masters {
    /// These masters.
    pub fn new(masters: impl IntoIterator<Item = Watched>) -> Masters {
        Masters { known: Arc::new(masters.into_iter().map(|one| (one.name().to_owned(), one)).collect()) }
    }

    /// Their names.
    pub fn names(&self) -> Vec<String> {
        self.known.keys().cloned().collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<Watched> {
        self.known.get(name).cloned()
    }

    /// Brings a build's description to its master, when it runs or ran on one: Zuul sets most of them after the end (zuul 5.10).
    pub async fn describe(&self, record: &BuildRecord, text: &str) {
        let Some(Side::Master { name, job }) = record.request.route.as_ref().map(|route| &route.side) else {
            return;
        };
        let step = record.master.as_ref().map(|run| run.step);
        let (Some(watched), Some(MasterStep::Started { number, .. })) = (self.get(name), step) else {
            return;
        };
        for _ in 0..DESCRIBE_TRIES {
            match watched.master().describe(job, number, text).await {
                Ok(()) => return,
                Err(error) => {
                    warn!(master = %name, build.id = %record.id, %error, "the description did not reach the master")
                }
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Before the first build is taken up: what former processes queued is held by those builds.
    fn hold_all(&self, builds: &Builds) {
        for record in builds.live_builds() {
            let Some(Side::Master { name, .. }) = record.request.route.as_ref().map(|route| &route.side)
            else {
                continue;
            };
            let step = record.master.as_ref().map(|run| run.step);
            let Some(watched) = self.get(name) else { continue };
            match step {
                Some(MasterStep::Queued { item }) => {
                    watched.hold(QueueId(item), record.id);
                }
                Some(MasterStep::Started { item: Some(item), .. }) => {
                    watched.hold(QueueId(item), record.id);
                    watched.started(QueueId(item));
                }
                Some(MasterStep::Started { item: None, .. } | MasterStep::Asking) | None => {}
            }
        }
    }
}

/// What every build on a master needs.
pub struct RunContext {
    /// The writer of builds.
    pub builds: Builds,
    /// Logs.
    pub consoles: Consoles,
    /// The masters.
    pub masters: Masters,
    /// Bytes of a log that are kept (pools-D44).
    pub log_limit: u64,
}

/// Takes up every build that comes until `shutdown`. Then the tasks are let go where they stand: their builds go on on their masters
/// and are taken up by the next process.
pub async fn run_on_masters(
    context: RunContext,
    mut accepted: mpsc::Receiver<BuildId>,
    shutdown: CancellationToken,
) {
    let tasks = TaskTracker::new();
    for watched in context.masters.known.values() {
        let over = shutdown.clone();
        let look = watched.clone().look();
        tasks.spawn(async move {
            tokio::select! {
                () = over.cancelled() => {}
                () = look => {}
            }
        });
    }
    let context = Arc::new(context);
    let mut first = true;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            id = accepted.recv() => {
                let Some(id) = id else { break };
                if std::mem::take(&mut first) {
                    context.masters.hold_all(&context.builds);
                }
                let (build, over) = (run::run(Arc::clone(&context), id), shutdown.clone());
                tasks.spawn(async move {
                    tokio::select! {
                        () = over.cancelled() => {}
                        () = build => {}
                    }
                });
            }
        }
    }
    tasks.close();
    tasks.wait().await;
}

/// Where accepted builds go.
pub struct Sides {
    /// Builds on nodes.
    pub nodes: mpsc::Sender<BuildId>,
    /// Builds on masters.
    pub masters: mpsc::Sender<BuildId>,
    /// Builds on masters that want a shadow, beside their way there.
    pub shadows: mpsc::Sender<BuildId>,
}

/// Hands each accepted build to its side. Both sides have the size of the channel before
/// them; when one is full, builds wait where they were accepted.
pub async fn split(
    builds: Builds,
    mut accepted: mpsc::Receiver<BuildId>,
    sides: Sides,
    shutdown: CancellationToken,
) {
    loop {
        let id = tokio::select! {
            () = shutdown.cancelled() => return,
            id = accepted.recv() => id,
        };
        let Some(id) = id else { return };
        let on_master = builds.watch(id).is_some_and(|record| {
            let record = record.borrow();
            matches!(record.request.route.as_ref().map(|route| &route.side), Some(Side::Master { .. }))
        });
        let shadowed = builds.watch(id).and_then(|record| wants_shadow(&record.borrow()));
        let to = if on_master { &sides.masters } else { &sides.nodes };
        if to.send(id).await.is_err() {
            return;
        }
        // Builds that count never wait for what only compares.
        if let Some(master) = shadowed
            && sides.shadows.try_send(master).is_err()
        {
            warn!(build.id = %master, "there are too many builds that want a shadow; this one gets none");
        }
    }
}
