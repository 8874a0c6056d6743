//! Our side of a life: the feed and the writer of builds, with an executor that does what the world says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::build::{BuildEvent, Builds};
use crate::catalog::CatalogHandle;
use crate::gearman::server::{Command, Event, Server};
use crate::model::{Addresses, BuildId, BuildState, Cause, LeaseId, Millis, NodeId, Outcome, ResultWord};
use crate::route::{Masters, Router, Routes};
use crate::store::{MemoryStore, Store};
use crate::sys::Clock;
use crate::telemetry::Metrics;
use crate::zuul::feed::{Feed, FeedParts};
use crate::zuul::wire::WorkerFacts;

/// Builds in the house at once: few, so that jobs wait.
const ROOM: u32 = 3;

/// A clock that moves when it is told to, with randomness of its own.
#[derive(Debug)]
pub(super) struct SimulatedClock {
    millis: AtomicU64,
    counter: AtomicU64,
}

impl SimulatedClock {
    pub fn new() -> Arc<SimulatedClock> {
        Arc::new(SimulatedClock { millis: AtomicU64::new(1), counter: AtomicU64::new(0) })
    }

    pub fn advance(&self, by: Duration) {
        self.millis.fetch_add(u64::try_from(by.as_millis()).unwrap_or(0), Ordering::Relaxed);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Millis {
        Millis(self.millis.load(Ordering::Relaxed))
    }

    fn random(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// The house of one life.
pub(super) struct House {
    pub commands: mpsc::Receiver<Command>,
    pub events: mpsc::Sender<Vec<Event>>,
    accepted: mpsc::Receiver<BuildId>,
    builds: Builds,
    /// Builds that the executor has.
    running: Vec<BuildId>,
}

impl House {
    /// Opens the house: unfinished builds first, then the feed. Has to be called on the life's runtime.
    pub async fn open(store: &Arc<MemoryStore>, clock: &Arc<SimulatedClock>, jobs: &[&str]) -> House {
        let (server, events, commands, events_out) = Server::detached();
        let store = Arc::clone(store) as Arc<dyn Store>;
        let (builds, accepted) = Builds::new(Arc::clone(&store), clock.clone(), Metrics::new().builds);
        let former = builds.recover().await.expect("the store in memory answers");
        let feed = Feed::new(
            FeedParts {
                server,
                builds: builds.clone(),
                router: Router::new(CatalogHandle::of_jobs(jobs), Routes::default()),
                masters: Masters::default(),
                store,
                addresses: Addresses::new("http://ci/"),
                facts: WorkerFacts {
                    manager: "causeway".into(),
                    worker_hostname: "ci".into(),
                    worker_program: "causeway".into(),
                    worker_version: "0".into(),
                },
                max_running: ROOM,
                lost_client_grace: Duration::from_secs(30),
            },
            &former,
        );
        tokio::spawn(feed.run(events, CancellationToken::new()));
        House { commands, events: events_out, accepted, builds, running: Vec::new() }
    }

    /// Takes up what was accepted.
    pub fn take_up(&mut self) {
        while let Ok(id) = self.accepted.try_recv() {
            self.running.push(id);
        }
    }

    /// How many builds run.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// One build goes on: it waits, has a node and a step, publishes. What it is told after its end changes nothing.
    pub async fn go_on(&mut self, which: usize) -> Result<(), String> {
        let id = self.running[which];
        let Some(record) = self.builds.watch(id).map(|record| record.borrow().clone()) else { return Ok(()) };
        let events = match record.state {
            BuildState::Accepted => vec![BuildEvent::Waiting { reason: "for a node".into() }],
            BuildState::Waiting { .. } => vec![
                BuildEvent::Leased {
                    lease: LeaseId::new(1, record.number),
                    node: NodeId::new(1, record.number),
                },
                BuildEvent::StepStarted { index: 0, title: "sh".into(), console_start: 0 },
            ],
            BuildState::Running => vec![BuildEvent::Publishing],
            BuildState::Publishing | BuildState::Ended(_) => Vec::new(),
        };
        for event in events {
            self.builds.apply(id, event).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Ends one build: as its stop mark says, else with that word.
    pub async fn end(&mut self, which: usize, result: Option<ResultWord>) -> Result<(), String> {
        let id = self.running.remove(which);
        let stopped = self.builds.watch(id).and_then(|record| record.borrow().stop.clone());
        let outcome = match stopped {
            Some(mark) => Outcome { result: Some(ResultWord::Aborted), cause: mark.cause },
            None => Outcome { result, cause: Cause::Finished },
        };
        self.builds.apply(id, BuildEvent::Ended(outcome)).await.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// Every build of the store once, with a number of its own (zuul 8.2).
pub(super) async fn check_records(store: &MemoryStore) -> Result<(), String> {
    let filter = crate::store::BuildFilter { limit: 500, ..Default::default() };
    let records = store.builds(filter).await.map_err(|error| error.to_string())?;
    let mut numbers = BTreeMap::new();
    for record in records {
        let key = (record.request.job.to_string(), record.number);
        if let Some(other) = numbers.insert(key.clone(), record.id) {
            return Err(format!("zuul 8.2: builds {other} and {} are both {key:?}", record.id));
        }
        if record.state.outcome().is_none() {
            return Err(format!("build {} never ended", record.id));
        }
    }
    Ok(())
}
