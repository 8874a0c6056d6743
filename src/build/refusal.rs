//! Why a build was not accepted.

use crate::store::StoreError;

/// A build that was not accepted: nothing of it is kept, and the asker still has it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refusal {
    /// The store cannot take it now; the job stays queued where it came from (decision 16).
    #[error("a new build cannot be recorded")]
    Store(#[source] StoreError),
    /// Causeway is about to stop and takes no new work.
    #[error("Causeway is draining and takes no new builds")]
    Draining,
    /// No job of that name is known here.
    #[error("no job called '{0}' is known; `causeway jobs list` shows what is")]
    UnknownJob(String),
}
