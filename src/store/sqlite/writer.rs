//! The one task that changes the database. What has come while it was committing is committed together next.

use std::slice;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::{debug, warn};

use super::builds::Builds;
use super::error::said;
use super::lock::StateLock;
use super::{comparisons, events, names, nodes, pool, turns};
use crate::model::{BuildId, BuildNumber, BuildRecord, Comparison, Event, Millis, NodeId, Turn};
use crate::store::{PoolWrite, StoreError};
use crate::telemetry::metrics::StoreMetrics;

/// Changes that wait for the task; whoever comes when it is full waits.
const QUEUE: usize = 1_024;
/// Changes in one commit: at 50 µs each a lone caller behind them waits some ten milliseconds.
const TOGETHER: usize = 256;

/// A change.
pub(super) enum Change {
    Names(Vec<Vec<u8>>),
    ForgetNames(Vec<Vec<u8>>),
    Accept(Arc<BuildRecord>, BuildNumber),
    Save(Arc<BuildRecord>, Option<Event>),
    Describe(BuildId, String),
    RemoveBuilds(Vec<BuildId>),
    SavePool(PoolWrite),
    RemoveNode(NodeId, Event),
    TurnRoutes(Vec<Turn>),
    Compared(Box<Comparison>),
    PruneEvents(Millis, u64),
    PrunePool(Millis, u64),
}

/// What a change answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    Number(BuildNumber),
}

/// The answer of one change, or why it alone was refused, with nothing written.
type Verdict = Result<Answer, StoreError>;

struct Request {
    change: Change,
    durable: bool,
    reply: oneshot::Sender<Verdict>,
}

/// Set once the process has metrics.
type SharedMetrics = Arc<OnceLock<StoreMetrics>>;

/// The door to the task.
pub(super) struct Writer {
    requests: mpsc::Sender<Request>,
    task: JoinHandle<()>,
    metrics: SharedMetrics,
}

impl Writer {
    /// Starts the task; it keeps `lock` until everything is written.
    pub(super) fn start(connection: SqliteConnection, lock: StateLock) -> Writer {
        let (requests, queue) = mpsc::channel(QUEUE);
        let session = Session { connection, builds: Builds::default(), full: true };
        let metrics = Arc::new(OnceLock::new());
        Writer { requests, task: tokio::spawn(run(session, queue, lock, Arc::clone(&metrics))), metrics }
    }

    /// Measures commits from now on; only the first call counts.
    pub(super) fn measure(&self, metrics: StoreMetrics) {
        let _ = self.metrics.set(metrics);
    }

    /// Has `change` committed, with full synchronisation when `durable`. What was sent is done even if the caller goes away.
    pub(super) async fn apply(&self, change: Change, durable: bool) -> Verdict {
        let gone = || StoreError::Unavailable("the store is closed".to_owned());
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request { change, durable, reply }).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Waits until everything is written and the task has ended.
    pub(super) async fn close(self) {
        drop(self.requests);
        if let Err(error) = self.task.await {
            warn!(%error, "the store's writer did not end well");
        }
    }
}

async fn run(
    mut session: Session,
    mut queue: mpsc::Receiver<Request>,
    lock: StateLock,
    metrics: SharedMetrics,
) {
    let mut requests = Vec::with_capacity(TOGETHER);
    while queue.recv_many(&mut requests, TOGETHER).await > 0 {
        let began = Instant::now();
        let verdicts = session.commit(&requests).await;
        if let Some(metrics) = metrics.get() {
            metrics.commit_seconds.observe(began.elapsed().as_secs_f64());
        }
        for (request, verdict) in requests.drain(..).zip(verdicts) {
            // A caller that went away does not need its answer.
            let _ = request.reply.send(verdict);
        }
    }
    if let Err(error) = session.connection.close().await {
        warn!(%error, "the store was not closed cleanly");
    }
    drop(lock);
}

struct Session {
    connection: SqliteConnection,
    builds: Builds,
    /// The connection's `synchronous` is FULL.
    full: bool,
}

impl Session {
    /// Commits all, each in its turn; when that fails for a reason that lies in one of them, each alone.
    async fn commit(&mut self, requests: &[Request]) -> Vec<Verdict> {
        match self.attempt(requests).await {
            Ok(verdicts) => verdicts,
            Err(error) if requests.len() == 1 || error.is_retryable() => {
                requests.iter().map(|_| Err(error.clone())).collect()
            }
            Err(error) => {
                debug!(%error, "a commit failed; its changes are tried one by one");
                let mut verdicts = Vec::with_capacity(requests.len());
                for request in requests {
                    let alone = self.attempt(slice::from_ref(request)).await;
                    verdicts.push(alone.map_or_else(Err, |verdicts| {
                        verdicts.into_iter().next().unwrap_or(Ok(Answer::Done))
                    }));
                }
                verdicts
            }
        }
    }

    /// One transaction. An error means that nothing of it was written.
    async fn attempt(&mut self, requests: &[Request]) -> Result<Vec<Verdict>, StoreError> {
        self.synchronise(requests.iter().any(|request| request.durable)).await?;
        self.execute("BEGIN IMMEDIATE").await?;
        let written = match self.write(requests).await {
            Ok(verdicts) => self.execute("COMMIT").await.map(|()| verdicts),
            Err(error) => Err(error),
        };
        if written.is_err() {
            self.builds.forget();
            // SQLite may have rolled back by itself, on a full disk for one: then this says so, and that is all.
            let _ = self.execute("ROLLBACK").await;
        }
        written
    }

    async fn synchronise(&mut self, full: bool) -> Result<(), StoreError> {
        if self.full != full {
            let level = if full { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
            self.execute(level).await?;
            self.full = full;
        }
        Ok(())
    }

    async fn execute(&mut self, sql: &'static str) -> Result<(), StoreError> {
        sqlx::query(sql).execute(&mut self.connection).await.map(|_| ()).map_err(said)
    }

    async fn write(&mut self, requests: &[Request]) -> Result<Vec<Verdict>, StoreError> {
        let mut verdicts = Vec::with_capacity(requests.len());
        let mut happened = Vec::new();
        for request in requests {
            verdicts.push(self.write_one(&request.change, &mut happened).await?);
        }
        // All events of a commit in one go: a statement costs more than a row (pools-P4).
        events::add(&mut self.connection, &happened).await?;
        Ok(verdicts)
    }

    /// Writes one change and adds what happened to `happened`.
    async fn write_one(&mut self, change: &Change, happened: &mut Vec<Event>) -> Result<Verdict, StoreError> {
        let connection = &mut self.connection;
        match change {
            Change::Names(names) => names::add(connection, names).await?,
            Change::ForgetNames(names) => names::forget(connection, names).await?,
            Change::Accept(record, floor) => {
                let (number, new) = self.builds.accept(connection, record, *floor).await?;
                happened.extend(new.then(|| Event::accepted(record)));
                return Ok(Ok(Answer::Number(number)));
            }
            Change::Save(record, event) => match self.builds.save(connection, record).await? {
                Ok(true) => happened.extend(event.clone()),
                Ok(false) => {}
                Err(refusal) => return Ok(Err(refusal)),
            },
            Change::Describe(id, text) => self.builds.describe(connection, *id, text).await?,
            Change::RemoveBuilds(ids) => self.builds.remove(connection, ids).await?,
            // A conflict fails the whole commit, so that nothing of it stays; the other changes are then tried alone.
            Change::SavePool(write) => {
                if pool::save(connection, write).await? {
                    happened.extend(write.events.iter().cloned());
                }
            }
            Change::RemoveNode(id, event) => {
                if nodes::remove(connection, *id, event.at).await? {
                    happened.push(event.clone());
                }
            }
            Change::Compared(comparison) => comparisons::add(connection, comparison).await?,
            Change::TurnRoutes(turns) => turns::add(connection, turns).await?,
            Change::PruneEvents(oldest, most) => {
                return Ok(Ok(Answer::Number(events::prune(connection, *oldest, *most).await?)));
            }
            Change::PrunePool(oldest, most) => {
                return Ok(Ok(Answer::Number(pool::prune(connection, *oldest, *most).await?)));
            }
        }
        Ok(Ok(Answer::Done))
    }
}
