//! Nodes and leases as they are stored.

use crate::model::{BuildId, Event, LeaseId, LeaseState, Millis, NodeId, NodeState};

/// A node as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRow {
    /// Its id: also its external name.
    pub id: NodeId,
    /// The provider that makes it.
    pub provider: String,
    /// The label that it was made for.
    pub label: String,
    /// Identifies what it was made from (image, size, mounts): nodes of an old recipe are replaced (pools-P8).
    pub recipe_hash: String,
    /// Where it stands.
    pub state: NodeState,
    /// When it came into this state.
    pub since: Millis,
    /// When it was requested.
    pub created_at: Millis,
    /// The lease that it belongs to.
    pub lease: Option<LeaseId>,
    /// The provider's own id, once known.
    pub external_id: Option<String>,
    /// What went wrong, for people.
    pub detail: String,
    /// Counts how often the row was written; 0 before the first time (pools-P3).
    pub version: u64,
}

/// A lease as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRow {
    /// Its id.
    pub id: LeaseId,
    /// The build that holds it.
    pub build: BuildId,
    /// The label expression that it asked for.
    pub expression: String,
    /// Where it stands.
    pub state: LeaseState,
    /// The node, once it has one.
    pub node: Option<NodeId>,
    /// When it was asked for.
    pub queued_at: Millis,
    /// When it came into this state.
    pub since: Millis,
    /// Counts the states that were written; 0 before the first (pools-P3).
    pub version: u64,
}

/// A lease as it is from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseWrite {
    /// The row, with the version that it was made from.
    pub row: LeaseRow,
    /// The states that it went through since that version, before the one that it is in. Each is written: none is skipped in the store,
    /// even when it takes no time (pools-P6).
    pub through: Vec<LeaseState>,
}

impl LeaseWrite {
    /// The row as it is stored afterwards.
    pub fn written(&self) -> LeaseRow {
        LeaseRow { version: self.row.version + self.through.len() as u64 + 1, ..self.row.clone() }
    }
}

impl From<LeaseRow> for LeaseWrite {
    /// A lease that went straight into the state that it is in.
    fn from(row: LeaseRow) -> LeaseWrite {
        LeaseWrite { row, through: Vec::new() }
    }
}

/// Nodes and leases that are written in one commit, with what happened to them (pools-P4).
#[derive(Debug, Clone, Default)]
pub struct PoolWrite {
    /// Nodes as they are from now on, each with the version that it was made from.
    pub nodes: Vec<NodeRow>,
    /// Leases, likewise.
    pub leases: Vec<LeaseWrite>,
    /// What is logged.
    pub events: Vec<Event>,
}

/// Which leases to list; newest first.
#[derive(Debug, Clone, Copy, Default)]
pub struct LeaseFilter {
    /// Only leases that are (`true`) or are not (`false`) over.
    pub over: Option<bool>,
    /// Only leases older than this one (for the next page).
    pub before: Option<LeaseId>,
    /// At most so many, and never more than [`super::LEASES_AT_ONCE`].
    pub limit: u32,
}
