//! The pool as people and pages see it (pools 14.4).

use crate::model::{BuildId, LeaseId, Millis, NodeId, NodeState};

/// The pool at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// When this was true.
    pub at: Millis,
    /// Labels, in the order of the configuration.
    pub labels: Vec<LabelStatus>,
    /// Nodes, oldest first.
    pub nodes: Vec<NodeStatus>,
    /// Leases that wait, first in line first.
    pub waiting: Vec<WaitingStatus>,
    /// Providers, in the order of the configuration.
    pub providers: Vec<ProviderStatus>,
}

/// One label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelStatus {
    /// Its name.
    pub name: String,
    /// Its provider.
    pub provider: String,
    /// Nodes that shall stand ready.
    pub wanted: u32,
    /// Nodes that stand ready.
    pub ready: u32,
    /// Nodes being made.
    pub launching: u32,
    /// Nodes in use.
    pub leased: u32,
    /// Why nothing is launched at the moment, if so: broken, or left alone after failures (pools-P26, P27).
    pub trouble: Option<String>,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its id.
    pub id: NodeId,
    /// Its label.
    pub label: String,
    /// Its provider.
    pub provider: String,
    /// Where it stands.
    pub state: NodeState,
    /// When it came into this state.
    pub since: Millis,
    /// When it was requested.
    pub created_at: Millis,
    /// Its lease and the build that holds it.
    pub lease: Option<(LeaseId, BuildId)>,
    /// What went wrong, or empty.
    pub detail: String,
}

/// One lease that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingStatus {
    /// Its id.
    pub lease: LeaseId,
    /// The build that waits.
    pub build: BuildId,
    /// What it asked for.
    pub expression: String,
    /// When it was asked for.
    pub queued_at: Millis,
    /// What it waits for, for people.
    pub reason: String,
}

/// One provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderStatus {
    /// Its name.
    pub name: String,
    /// Whether the last call that says so was answered; `None` before the first.
    pub healthy: Option<bool>,
    /// One line for people: version and host, or what went wrong.
    pub summary: String,
    /// Nodes counted against its limit.
    pub nodes: u32,
    /// The limit.
    pub max_nodes: u32,
    /// No launches any more (pools-P50a).
    pub draining: bool,
    /// Objects of other installations or of nobody, seen at the last listing (pools-P56).
    pub unmanaged: u32,
    /// Objects with our marks and without a row, seen at the last listing (pools-P54).
    pub leaked: u32,
    /// Why the sweep has stopped and waits for a person, if so (pools-P57).
    pub alert: Option<String>,
}

impl PoolStatus {
    /// Whether every provider was reached at least once.
    pub fn providers_checked(&self) -> bool {
        self.providers.iter().all(|provider| provider.healthy.is_some())
    }
}
