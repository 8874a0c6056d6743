//! What others say to the reconciler: holders of leases, and the tasks that it started itself.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::{oneshot, watch};

use super::config::ProviderLimits;
use super::handle::PoolError;
use super::lease::{Lease, LeaseFailure, Want};
use super::provider::{Health, ImageFacts, Listing, ProviderError};
use crate::keeper::Keeper;
use crate::model::{BuildId, LeaseId, Millis, NodeId, NodeState};
use crate::telemetry::metrics::PoolMetrics;

/// One message to the reconciler. Every one is answered only when what it caused is stored (pools-P1).
pub(super) enum Message {
    /// Queue a lease.
    Request(Request),
    /// Give a build its lease back after a restart.
    Resume { build: BuildId, lease: LeaseId, answer: oneshot::Sender<Result<Lease, LeaseFailure>> },
    /// End a lease.
    Release { lease: LeaseId, answer: oneshot::Sender<()> },
    /// The build of this lease has ended, and nobody holds the lease.
    Orphaned { lease: LeaseId },
    /// The labels have changed; these are the limits from now on.
    Reload { providers: Vec<ProviderLimits> },
    /// Count with these from now on.
    Measure(Box<PoolMetrics>),
    /// Remove what a sweep held back (pools-P57).
    PurgeLeaks,
    /// Launch nothing any more and take away what is not leased; answered when nothing is left.
    Clear { answer: oneshot::Sender<()> },
    /// From a task that works on a node.
    Node { node: NodeId, news: News },
    /// From a look at a provider.
    Looked { provider: usize, began: Millis, health: Result<Health, ProviderError>, listing: Option<Listing> },
}

/// A request for a lease.
pub(super) struct Request {
    pub(super) want: Want,
    pub(super) holder: Holder,
    pub(super) answer: oneshot::Sender<Result<LeaseId, PoolError>>,
}

/// The other ends of a ticket.
pub(super) struct Holder {
    pub(super) taken: Arc<AtomicBool>,
    pub(super) reason: watch::Sender<String>,
    pub(super) granted: oneshot::Sender<Result<Lease, LeaseFailure>>,
}

/// What happened to a node.
pub(super) enum News {
    /// The next state is to be stored before its effect; the answer is whether to go on.
    Advance { to: NodeState, external_id: Option<String>, answer: oneshot::Sender<bool> },
    /// The keeper answered and is the right one.
    Launched { keeper: Keeper, image: Option<Arc<ImageFacts>> },
    /// It could not be made.
    Failed(ProviderError),
    /// The last words of a failed node were collected; it can be removed.
    Diagnosed(String),
    /// It is confirmed gone, and its row is removed.
    Gone,
    /// The stream to its keeper ended.
    Closed,
    /// Its keeper gave no sign of life on that stream.
    Silent { stream: u64 },
    /// There is a new stream to its keeper.
    Connected(Keeper),
    /// The provider says that it is not there any more, or has ended by itself.
    Lost(String),
    /// Its row is not what it was written as (pools-P3).
    RowChanged,
}
