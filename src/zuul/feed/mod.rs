//! Assignments become builds, outcomes become packets.
//!
//! The feed is the local worker of the Gearman server: it takes what the queue assigns, and answers as the Jenkins plugin would (zuul 6.4 to
//! 6.6). It decides nothing about builds: those are [`Builds`]' and the catalogue's. Exactly one end goes to Zuul for each
//! assignment (zuul-Z-6), but none for one that was cancelled in the gap (decision 10).

mod assignment;
mod control;
mod gap;
mod names;
mod room;
#[cfg(test)]
mod simulation;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dashmap::{DashMap, DashSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info};

use self::assignment::Assignment;
use self::room::Room;
use super::wire::{Function, WorkerFacts, build_function, build_label_function};
use crate::build::Builds;
use crate::gearman::server::{Command, Event, Handle, LocalEvents, Server};
use crate::model::{Addresses, BuildId, BuildRequest, Cause};
use crate::route::{Masters, Router};
use crate::store::{Store, StoreError};
use crate::sys::Backoff;

pub use names::{Needs, local_names};

/// What the feed is made of.
pub struct FeedParts {
    /// The Gearman server.
    pub server: Server,
    /// The writer of builds.
    pub builds: Builds,
    /// The jobs, and where they run.
    pub router: Router,
    /// The masters that some run on.
    pub masters: Masters,
    /// Where names are kept.
    pub store: Arc<dyn Store>,
    /// Addresses of pages.
    pub addresses: Addresses,
    /// How we name ourselves to Zuul.
    pub facts: WorkerFacts,
    /// How many builds may be accepted and not ended at once.
    pub max_running: u32,
    /// How long builds of a lost client go on (decision 6).
    pub lost_client_grace: Duration,
}

/// The feed.
pub struct Feed {
    server: Server,
    builds: Builds,
    router: Router,
    masters: Masters,
    store: Arc<dyn Store>,
    addresses: Addresses,
    facts: WorkerFacts,
    lost_client_grace: Duration,
    room: Room,
    /// The builds behind assignments that have not ended.
    assigned: DashMap<Handle, BuildId>,
    /// Assignments that were cancelled before their build was recorded.
    cancelled: DashSet<Handle>,
    tasks: TaskTracker,
    /// Builds of a former process.
    former: Vec<BuildId>,
}

impl Feed {
    /// A feed that is not yet running. The builds `former` of a former process are in the house already.
    pub fn new(parts: FeedParts, former: &[BuildId]) -> Arc<Feed> {
        let room = Room::new(parts.server.clone(), parts.max_running, former.len());
        Arc::new(Feed {
            server: parts.server,
            builds: parts.builds,
            router: parts.router,
            masters: parts.masters,
            store: parts.store,
            addresses: parts.addresses,
            facts: parts.facts,
            lost_client_grace: parts.lost_client_grace,
            room,
            assigned: DashMap::new(),
            cancelled: DashSet::new(),
            tasks: TaskTracker::new(),
            former: former.to_vec(),
        })
    }

    /// Nobody waits for the end of a former process's build but the room that it takes.
    async fn former(self: &Arc<Self>, id: BuildId) {
        let Some(mut record) = self.builds.watch(id) else {
            self.room.leave(Bytes::new()).await;
            return;
        };
        let function = function_of(&record.borrow().request);
        self.room.entered(function.clone()).await;
        self.spawn(|feed| async move {
            // An error means that the writer of builds is gone, and with it the process.
            let _ = record.wait_for(|record| record.state.outcome().is_some()).await;
            feed.room.leave(function).await;
        });
    }

    /// Lets so many builds in at once from now on; those that are inside stay.
    pub async fn set_room(&self, max: u32) {
        self.room.set_max(max).await;
    }

    /// Takes events until `shutdown` or the server's end.
    pub async fn run(self: Arc<Self>, mut events: LocalEvents, shutdown: CancellationToken) {
        for id in self.former.clone() {
            self.former(id).await;
        }
        self.room.open().await;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                batch = events.next() => {
                    let Some(batch) = batch else { break };
                    self.take(batch).await;
                }
            }
        }
        self.tasks.close();
    }

    async fn take(self: &Arc<Self>, batch: Vec<Event>) {
        let mut names = Vec::new();
        for event in batch {
            match event {
                Event::Assigned { handle, function, unique, data, level, bounded, .. } => {
                    self.assign(Assignment { handle, function, unique, data, level, bounded });
                }
                Event::Cancelled { handle } => self.cancel(handle),
                Event::ClientGone { handle } => self.spawn(|feed| feed.client_gone(handle)),
                Event::GapData { function, data, .. } => {
                    self.spawn(|feed| feed.stop_in_the_gap(function, data))
                }
                Event::Contested { name, worker } => contested(&name, worker.as_deref()),
                Event::NewName { name } => names.push((name.to_vec(), true)),
                Event::DroppedName { name } => names.push((name.to_vec(), false)),
            }
        }
        if !names.is_empty() {
            self.spawn(|feed| feed.remember(names));
        }
    }

    fn assign(self: &Arc<Self>, assignment: Assignment) {
        if assignment.bounded {
            self.room.enter();
        }
        match Function::parse(&assignment.function) {
            Some(Function::Stop(_)) => self.spawn(|feed| feed.stop(assignment)),
            Some(Function::SetDescription(_)) => self.spawn(|feed| feed.set_description(assignment)),
            Some(Function::Build(_)) | None => self.spawn(|feed| feed.build(assignment)),
        }
    }

    fn spawn<F>(self: &Arc<Self>, work: impl FnOnce(Arc<Feed>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(work(Arc::clone(self)));
    }

    /// `cancel job` in the gap: Zuul was told OK and forgets the build (zuul 8.3).
    fn cancel(self: &Arc<Self>, handle: Handle) {
        self.cancelled.insert(handle.clone());
        if let Some(id) = self.assigned.get(&handle).map(|id| *id) {
            self.spawn(
                |feed| async move { feed.stop_build(id, "Zuul, before the build was announced").await },
            );
        }
    }

    /// Zuul's connection ended: it launches everything again, so the old build is stopped after a grace time (decision 6).
    async fn client_gone(self: Arc<Self>, handle: Handle) {
        tokio::time::sleep(self.lost_client_grace).await;
        if let Some(id) = self.assigned.get(&handle).map(|id| *id) {
            info!(build.id = %id, "the client that launched this build is gone; stopping it");
            self.stop_build(id, "Causeway: the client that launched it is gone").await;
        }
    }

    async fn stop_build(&self, id: BuildId, by: &str) {
        if let Err(problem) = self.builds.stop(id, Cause::Stopped { by: by.to_owned() }).await {
            debug!(build.id = %id, error = %problem, "nothing to stop");
        }
    }

    /// Keeps function names over restarts (zuul-S-5, Z-2) and forgets those that an administrator dropped, in their order.
    async fn remember(self: Arc<Self>, names: Vec<(Vec<u8>, bool)>) {
        for run in names.chunk_by(|(_, kept), (_, next)| kept == next) {
            let texts: Vec<Vec<u8>> = run.iter().map(|(name, _)| name.clone()).collect();
            let kept = run.first().is_some_and(|(_, kept)| *kept);
            let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(30));
            while let Err(problem) = self.store_names(texts.clone(), kept).await {
                debug!(error = %problem, "names not stored yet; trying again");
                tokio::time::sleep(backoff.pause()).await;
            }
        }
    }

    async fn store_names(&self, names: Vec<Vec<u8>>, kept: bool) -> Result<(), StoreError> {
        match kept {
            true => self.store.add_gearman_names(names).await,
            false => self.store.forget_gearman_names(names).await,
        }
    }

    /// Sends a command; when the server has ended, nobody is left to hear it.
    async fn send(&self, command: Command) {
        if self.server.send(command).await.is_err() {
            debug!("the Gearman server has ended");
        }
    }
}

/// The function that a build was, or would have been, submitted to.
fn function_of(request: &BuildRequest) -> Bytes {
    let job = request.job.as_str();
    let function = match &request.label {
        Some(label) => build_label_function(job, label),
        None => build_function(job),
    };
    function.into_bytes().into()
}

/// Two that answer to one manager's name would stop each other's builds, so ours goes on and the other is named (decision 12).
fn contested(name: &[u8], worker: Option<&[u8]>) {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    tracing::error!(
        gearman.function = text(name),
        gearman.worker = worker.map(text),
        "a worker serves our manager's name and is refused it: Zuul's requests of this name all come to us. A master has the \
         same name; set gearman.manager to another one and restart"
    );
}
