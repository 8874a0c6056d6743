//! The pool as the rest of the program has it: cheap to clone, everything else behind it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::config::{LabelSet, PoolConfig, ProviderLimits};
use super::labels::{LabelError, LabelTable};
use super::lease::{Gone, Lease, LeaseFailure, Ticket, Want};
use super::message::{Holder, Message, Request};
use super::provider::Provider;
use super::reconciler::{self, Parts};
use super::status::PoolStatus;
use crate::model::{BuildId, LeaseId};
use crate::store::{Store, StoreError};
use crate::sys::SharedClock;
use crate::telemetry::metrics::PoolMetrics;

/// Messages that wait for the reconciler; when it is full, callers wait. A burst of 1,000 requests fits (pools-Q4).
const MESSAGES: usize = 2048;

/// A pool that cannot do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PoolError {
    /// No label serves the expression.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// The store did not answer at the start.
    #[error("the pool's rows cannot be read: {0}")]
    Load(#[source] StoreError),
    /// The pool has ended.
    #[error("the pool has ended")]
    Ended,
}

/// The pool.
#[derive(Clone)]
pub struct Pool {
    messages: mpsc::Sender<Message>,
    gone: Arc<Notify>,
    labels: Arc<ArcSwap<LabelTable>>,
    status: Arc<ArcSwap<PoolStatus>>,
}

impl Pool {
    /// Loads what a former process left, and starts the reconciler, which runs until `shutdown`. Nodes outlive it (pools-P9).
    ///
    /// # Errors
    /// [`PoolError::Load`]: the store cannot be read.
    pub async fn start(
        config: PoolConfig,
        providers: Vec<Arc<dyn Provider>>,
        store: Arc<dyn Store>,
        clock: SharedClock,
        shutdown: CancellationToken,
    ) -> Result<Pool, PoolError> {
        let (messages, inbox) = mpsc::channel(MESSAGES);
        let table = LabelTable::new(config.labels.clone(), &config.providers);
        let pool = Pool {
            messages,
            gone: Arc::new(Notify::new()),
            labels: Arc::new(ArcSwap::from_pointee(table)),
            status: Arc::new(ArcSwap::from_pointee(PoolStatus::default())),
        };
        let parts = Parts {
            config,
            providers,
            store,
            clock,
            shutdown,
            inbox,
            messages: pool.messages.clone(),
            gone: Arc::clone(&pool.gone),
            labels: Arc::clone(&pool.labels),
            status: Arc::clone(&pool.status),
        };
        reconciler::start(parts).await.map_err(PoolError::Load)?;
        Ok(pool)
    }

    /// Takes other labels and limits from now on. Leases keep what they have; waiting ones are looked at anew (pools-P7, P8, P50a).
    pub async fn reload(&self, labels: LabelSet, providers: Vec<ProviderLimits>) {
        let table = LabelTable::new(labels, &providers);
        self.labels.store(Arc::new(table));
        // A pool that has ended needs no labels.
        let _ = self.messages.send(Message::Reload { providers }).await;
    }

    /// Whether any label serves this expression.
    ///
    /// # Errors
    /// [`LabelError`] says why not and names what is close: a problem of the definition, not of the infrastructure.
    pub fn check(&self, expression: &str) -> Result<(), LabelError> {
        self.labels.load().matching(expression).map(|_| ())
    }

    /// The labels that serve this expression, best first; none when nobody does.
    pub fn serving(&self, expression: &str) -> Vec<String> {
        let table = self.labels.load();
        let matching = table.matching(expression).unwrap_or_default();
        matching.into_iter().map(|index| table.entries[index].definition.name.clone()).collect()
    }

    /// The words that our nodes answer to, for the names `build:JOB:LABEL` (decision 9).
    pub fn atoms(&self) -> Vec<String> {
        self.labels.load().offered()
    }

    /// Queues a lease; returns when it is stored. A build that has a queued lease already (after a restart) gets that one, with its old place.
    ///
    /// # Errors
    /// [`PoolError::Label`] when no label serves the expression, [`PoolError::Ended`] at the end of the process.
    pub async fn request(&self, want: Want) -> Result<Ticket, PoolError> {
        self.check(&want.expression)?;
        let (reason, reason_seen) = watch::channel(String::new());
        let (granted, grant) = oneshot::channel();
        let (answer, answered) = oneshot::channel();
        let taken = Arc::new(AtomicBool::new(false));
        let holder = Holder { taken: Arc::clone(&taken), reason, granted };
        let message = Message::Request(Request { want, holder, answer });
        self.send(message).await?;
        let id = answered.await.map_err(|_| PoolError::Ended)??;
        Ok(Ticket {
            id,
            reason: reason_seen,
            granted: grant,
            taken,
            pool: self.messages.clone(),
            _gone: Gone(Arc::clone(&self.gone)),
        })
    }

    /// After a restart: the lease that this build had. Whether its node still answers is found out by [`Lease::keeper`].
    ///
    /// # Errors
    /// [`LeaseFailure::NodeLost`] when the build has no such lease any more, or its node is known to be gone.
    pub async fn resume(&self, build: BuildId, lease: LeaseId) -> Result<Lease, LeaseFailure> {
        let ended = || LeaseFailure::Infrastructure(PoolError::Ended.to_string());
        let (answer, answered) = oneshot::channel();
        let message = Message::Resume { build, lease, answer };
        self.send(message).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }

    /// Counts launches and waits from now on.
    pub async fn measure(&self, metrics: PoolMetrics) {
        let _ = self.messages.send(Message::Measure(Box::new(metrics))).await;
    }

    /// Lets the next sweeps remove what was held back because it was much (pools-P57).
    pub async fn purge_leaks(&self) {
        let _ = self.messages.send(Message::PurgeLeaks).await;
    }

    /// Launches nothing any more and takes away every node that is not leased; returns when none is left. For a server that shall
    /// leave nothing behind (`demo`); an ordinary one keeps its stock over a restart.
    pub async fn clear(&self) {
        let (answer, cleared) = oneshot::channel();
        if self.messages.send(Message::Clear { answer }).await.is_ok() {
            let _ = cleared.await;
        }
    }

    /// The pool as it was a moment ago (at most 50 ms, perf-N4).
    pub fn status(&self) -> Arc<PoolStatus> {
        self.status.load_full()
    }

    async fn send(&self, message: Message) -> Result<(), PoolError> {
        let sent = self.messages.send(message).await;
        sent.map_err(|_| PoolError::Ended)
    }
}
