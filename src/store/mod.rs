//! What survives a restart, in our words.
//!
//! Owns the [`Store`] trait and its rows; [`sqlite`] keeps them on disk, [`MemoryStore`] for the life of the process. Never: SQL
//! outside the adapters, a decision about builds or
//! nodes. *Accepted*, numbers and *end* are committed with full synchronisation, in groups, before the call returns; names
//! and progress are committed normally (decision 15).

mod memory;
mod pool_rows;
pub mod sqlite;
#[cfg(test)]
pub(crate) mod suite;

pub use memory::MemoryStore;
pub use pool_rows::{LeaseFilter, LeaseRow, LeaseWrite, NodeRow, PoolWrite};

use std::sync::Arc;

use async_trait::async_trait;

use crate::model::{
    BuildId, BuildNumber, BuildRecord, Comparison, Event, JobName, LeaseId, Millis, NodeId, Turn, ZuulChange,
};

/// No listing of builds is longer, whatever limit is asked for: a page, and a bound on the memory that one request takes.
pub const BUILDS_AT_ONCE: u32 = 1_000;
/// The same for events.
pub const EVENTS_AT_ONCE: u32 = 1_000;
/// The same for leases.
pub const LEASES_AT_ONCE: u32 = 1_000;
/// The same for changes of routes.
pub const TURNS_AT_ONCE: u32 = 1_000;
/// The same for comparisons.
pub const COMPARISONS_AT_ONCE: u32 = 10_000;
/// Comparisons that are kept of each job.
pub const COMPARISONS_KEPT: u32 = 200;
/// Changes of routes that are kept beside those that count: years of them.
pub const TURNS_KEPT: u64 = 100_000;

/// A store that could not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No room: disk full or quota reached (decision 16).
    #[error("the store is full: {0}")]
    Full(String),
    /// The store cannot be reached or written.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// A row holds what no version of Causeway wrote.
    #[error("the store holds a row that cannot be read: {0}")]
    Corrupt(String),
    /// A compare-and-set found another version (pools-P3).
    #[error("the row was changed by somebody else: {0}")]
    Conflict(String),
}

impl StoreError {
    /// Whether the same call may succeed later without anybody's help to this row.
    pub fn is_retryable(&self) -> bool {
        match self {
            StoreError::Full(_) | StoreError::Unavailable(_) => true,
            StoreError::Corrupt(_) | StoreError::Conflict(_) => false,
        }
    }
}

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Its number: in the order of the commits, never used twice.
    pub number: u64,
    /// What happened.
    pub event: Event,
}

/// Which events to list; newest first.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only those of the build, node or lease with this id.
    pub object: Option<String>,
    /// Only those of this kind (`build`, `node`, `lease`).
    pub kind: Option<String>,
    /// Only events older than this one (for the next page).
    pub before: Option<u64>,
    /// Only events newer than this one (for what has come since).
    pub since: Option<u64>,
    /// At most so many, and never more than [`EVENTS_AT_ONCE`].
    pub limit: u32,
}

/// What happened and what there is and was of leases, for those who only read it. Cheap to clone.
#[derive(Clone)]
pub struct History {
    store: Arc<dyn Store>,
}

impl History {
    /// The history in that store.
    pub fn new(store: Arc<dyn Store>) -> History {
        History { store }
    }

    /// What happened, newest first (pools-P4).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn events(&self, filter: EventFilter) -> Result<Vec<LoggedEvent>, StoreError> {
        self.store.events(filter).await
    }

    /// Leases, newest first, also those that are over (pools 4.1: for 24 hours).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn leases(&self, filter: LeaseFilter) -> Result<Vec<LeaseRow>, StoreError> {
        self.store.recent_leases(filter).await
    }

    /// Comparisons of shadow builds, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn comparisons(&self, filter: ComparisonFilter) -> Result<Vec<Comparison>, StoreError> {
        self.store.comparisons(filter).await
    }

    /// The comparison of a build on a master.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn comparison(&self, id: BuildId) -> Result<Option<Comparison>, StoreError> {
        self.store.comparison(id).await
    }

    /// One lease.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn lease(&self, id: LeaseId) -> Result<Option<LeaseRow>, StoreError> {
        self.store.lease(id).await
    }
}

/// Which builds to list; newest first.
#[derive(Debug, Clone, Default)]
pub struct BuildFilter {
    /// Only this job.
    pub job: Option<JobName>,
    /// Only builds that have (`true`) or have not (`false`) ended.
    pub ended: Option<bool>,
    /// Only builds older than this one (for the next page).
    pub before: Option<BuildId>,
    /// At most so many, and never more than [`BUILDS_AT_ONCE`].
    pub limit: u32,
}

/// Which comparisons to list; newest first.
#[derive(Debug, Clone, Default)]
pub struct ComparisonFilter {
    /// Only this job's.
    pub job: Option<JobName>,
    /// Only those of older builds (for the next page).
    pub before: Option<BuildId>,
    /// At most so many, and never more than [`COMPARISONS_AT_ONCE`].
    pub limit: u32,
}

/// Which changes of routes to list; newest first.
#[derive(Debug, Clone, Default)]
pub struct TurnFilter {
    /// Only those of selectors with exactly this pattern of names.
    pub jobs: Option<String>,
    /// Only those with smaller numbers (for the next page).
    pub before: Option<u64>,
    /// At most so many, and never more than [`TURNS_AT_ONCE`].
    pub limit: u32,
}

/// The store. Every method is safe to call again after a failure.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The id of this installation: marks every object on an engine (pools-P56). Made once, at the first start.
    async fn instance_id(&self) -> Result<String, StoreError>;

    /// Every Gearman function ever registered (zuul-S-5, Z-2).
    async fn gearman_names(&self) -> Result<Vec<Vec<u8>>, StoreError>;
    /// Remembers names; those known already are ignored.
    async fn add_gearman_names(&self, names: Vec<Vec<u8>>) -> Result<(), StoreError>;
    /// Forgets names that an administrator dropped (`drop function`); unknown ones are ignored.
    async fn forget_gearman_names(&self, names: Vec<Vec<u8>>) -> Result<(), StoreError>;

    /// Records a new build under the job's next number, logs that, and returns the number. It is at least `floor` and larger than any
    /// used one. The record's own `number` and `version` are ignored: the row has version 1. A build that is stored already keeps its
    /// number. Committed with full synchronisation.
    async fn accept_build(&self, record: BuildRecord, floor: BuildNumber) -> Result<BuildNumber, StoreError>;
    /// Writes the present state of a build that has not ended, and what happened; one that has stays as it is. Number, request and
    /// recipe are those that were accepted. The row's version counts up. Full synchronisation only when `durable`.
    ///
    /// The same write again changes nothing. A build that was not accepted, or a row of another version, is a conflict (pools-P3).
    async fn save_build(
        &self,
        record: BuildRecord,
        event: Option<Event>,
        durable: bool,
    ) -> Result<(), StoreError>;
    /// Writes the end of a build, once, as [`Store::save_build`] does; a build that has ended keeps its first end (pools-D63). Full
    /// synchronisation.
    async fn end_build(&self, record: BuildRecord, event: Option<Event>) -> Result<(), StoreError>;
    /// Sets a build's description, also after its end (zuul-gearman 6.6). An unknown build is no error.
    async fn describe_build(&self, id: BuildId, text: String) -> Result<(), StoreError>;
    /// One build.
    async fn build(&self, id: BuildId) -> Result<Option<BuildRecord>, StoreError>;
    /// One build by its job and number.
    async fn build_by_number(
        &self,
        job: &JobName,
        number: BuildNumber,
    ) -> Result<Option<BuildRecord>, StoreError>;
    /// Builds, newest first.
    async fn builds(&self, filter: BuildFilter) -> Result<Vec<BuildRecord>, StoreError>;
    /// Every build that has not ended: what a restart has to find again.
    async fn unfinished_builds(&self) -> Result<Vec<BuildRecord>, StoreError>;
    /// How many builds of this job and change in a row, newest first, ended without a result word (decision 8). Builds that
    /// have not ended are passed over.
    async fn lost_in_a_row(&self, job: &JobName, change: &ZuulChange) -> Result<u32, StoreError>;
    /// Removes builds from the records (retention). Their logs are removed by the caller first.
    async fn remove_builds(&self, ids: Vec<BuildId>) -> Result<(), StoreError>;

    /// Every node that is not [`crate::model::NodeState::Deleted`].
    async fn nodes(&self) -> Result<Vec<NodeRow>, StoreError>;
    /// One node, also one that was deleted and is not forgotten yet.
    async fn node(&self, id: NodeId) -> Result<Option<NodeRow>, StoreError>;
    /// Every lease that is not over.
    async fn leases(&self) -> Result<Vec<LeaseRow>, StoreError>;
    /// One lease, also one that is over and not forgotten yet.
    async fn lease(&self, id: LeaseId) -> Result<Option<LeaseRow>, StoreError>;
    /// Leases, newest first, over or not.
    async fn recent_leases(&self, filter: LeaseFilter) -> Result<Vec<LeaseRow>, StoreError>;
    /// Writes nodes, leases and events in one commit (reservation of a node and its lease are one step), each row by compare-and-set on
    /// its version, which counts up with every state (pools-P3, P6); a row of version 0 is new. A node that belongs to a lease must be
    /// given up before another lease gets it. Where a row is not what it was, nothing at all is written and the answer is a conflict;
    /// the same write again changes nothing.
    async fn save_pool(&self, write: PoolWrite) -> Result<(), StoreError>;
    /// Marks a node whose object is confirmed gone as deleted, and logs that; the row stays until it is pruned. One that is deleted or
    /// not there is no error; one in another state than [`crate::model::NodeState::Deleting`] is a conflict.
    async fn remove_node(&self, id: NodeId, event: Event) -> Result<(), StoreError>;
    /// Forgets nodes that were deleted and leases that were over before `oldest`, and of each kind all but the newest `most`. Does a
    /// part of it at a time: returns how many are gone, 0 when all are that shall go.
    async fn prune_pool(&self, oldest: Millis, most: u64) -> Result<u64, StoreError>;

    /// Keeps changes of routes, all or none, with full synchronisation; one whose number is kept already stays as it is.
    async fn turn_routes(&self, turns: Vec<Turn>) -> Result<(), StoreError>;
    /// The newest change of each selector, and the newest one about all routes; the oldest first.
    async fn turns_in_force(&self) -> Result<Vec<Turn>, StoreError>;
    /// Changes of routes, newest first.
    async fn turns(&self, filter: TurnFilter) -> Result<Vec<Turn>, StoreError>;

    /// Keeps a comparison; the first one of a master's build stays. Of each job the oldest are forgotten.
    async fn save_comparison(&self, comparison: Comparison) -> Result<(), StoreError>;
    /// The comparison of a build on a master.
    async fn comparison(&self, id: BuildId) -> Result<Option<Comparison>, StoreError>;
    /// Comparisons, newest first.
    async fn comparisons(&self, filter: ComparisonFilter) -> Result<Vec<Comparison>, StoreError>;

    /// What happened, newest first (pools-P4).
    async fn events(&self, filter: EventFilter) -> Result<Vec<LoggedEvent>, StoreError>;
    /// Forgets events from before `oldest`, and all but about the newest `most`; the last one always stays, so that its number is never
    /// used again. Does a part of it at a time: returns how many are gone, 0 when all are that shall go.
    async fn prune_events(&self, oldest: Millis, most: u64) -> Result<u64, StoreError>;
}
