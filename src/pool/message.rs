//! What others say to the reconciler.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::{oneshot, watch};

use super::config::ProviderLimits;
use super::handle::PoolError;
use super::lease::{Lease, LeaseFailure, Want};
use crate::model::{BuildId, LeaseId};

/// One message to the reconciler. Every one is answered only when what it caused is stored (pools-P1).
pub(super) enum Message {
    /// Queue a lease.
    Request {
        want: Want,
        taken: Arc<AtomicBool>,
        reason: watch::Sender<String>,
        granted: oneshot::Sender<Result<Lease, LeaseFailure>>,
        answer: oneshot::Sender<Result<LeaseId, PoolError>>,
    },
    /// Give a build its lease back after a restart.
    Resume { build: BuildId, lease: LeaseId, answer: oneshot::Sender<Result<Lease, LeaseFailure>> },
    /// End a lease.
    Release { lease: LeaseId, answer: oneshot::Sender<()> },
    /// The labels have changed; these are the limits from now on.
    Reload { providers: Vec<ProviderLimits> },
}
