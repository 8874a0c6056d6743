//! What can go wrong between Causeway and a keeper.

use std::time::Duration;

use super::wire::{Malformed, Refusal};

/// A call to a keeper that failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeeperError {
    /// The stream ended. What was asked may have been done: every request can be repeated on a new stream.
    #[error("the stream to the keeper ended: {0}")]
    Lost(String),
    /// No answer in time; the stream is given up.
    #[error("the keeper did not answer '{what}' within {} s", limit.as_secs())]
    NoAnswer {
        /// What was asked.
        what: &'static str,
        /// How long was waited.
        limit: Duration,
    },
    /// Another machine answered than the one that was meant (pools-P35).
    #[error("the keeper of node {found} answered where node {expected} was expected")]
    WrongNode {
        /// Whom we meant.
        expected: String,
        /// Who answered.
        found: String,
    },
    /// The keeper speaks no version that we do.
    #[error("the keeper speaks protocol version {0}, which this program does not")]
    Version(u16),
    /// What came is not this protocol.
    #[error("the keeper sent something else than its protocol")]
    Protocol(#[from] Malformed),
    /// The keeper refused.
    #[error("the keeper refused: {}", .0.text)]
    Refused(Refusal),
    /// A file that was to be sent could not be read.
    #[error("could not read what was to be put on the node: {0}")]
    Source(String),
}

impl KeeperError {
    /// Whether the same call may succeed on a new stream to the same node.
    pub fn is_retryable(&self) -> bool {
        match self {
            KeeperError::Lost(_) | KeeperError::NoAnswer { .. } | KeeperError::Protocol(_) => true,
            KeeperError::WrongNode { .. }
            | KeeperError::Version(_)
            | KeeperError::Refused(_)
            | KeeperError::Source(_) => false,
        }
    }
}
