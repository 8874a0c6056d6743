//! The store in SQLite: one file in the state directory, one writer, a few readers.
//!
//! Every change goes through one task that commits what has come together in one transaction, with full synchronisation when
//! any of it asks for that (decision 15). Reads go to connections of their own and see what is committed. SQL stands here and
//! in `../migrations`, nowhere else.

mod builds;
mod comparisons;
mod error;
mod events;
mod leases;
mod lock;
mod migration;
mod names;
mod nodes;
mod pool;
mod queries;
mod rows;
#[cfg(test)]
mod tests;
mod turns;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, SqliteConnection};

pub use error::OpenError;

use self::error::said;
use self::lock::StateLock;
use self::writer::{Answer, Change, Writer};
use super::{
    BuildFilter, ComparisonFilter, EventFilter, LeaseFilter, LeaseRow, LoggedEvent, NodeRow, PoolWrite,
    Store, StoreError, TurnFilter,
};
use crate::model::{
    BuildId, BuildNumber, BuildRecord, Comparison, Event, JobName, LeaseId, Millis, NodeId, Turn, ZuulChange,
};
use crate::sys::{self, SharedClock};
use crate::telemetry::metrics::StoreMetrics;

/// The file in the state directory.
const FILE: &str = "causeway.db";
/// Readers at once. Reading is answered from memory where it matters; these serve pages and listings on two cores.
const READERS: u32 = 4;
/// How long a caller waits for a free reader.
const READER_WAIT: Duration = Duration::from_secs(10);
/// The write-ahead log is cut back to this after a burst, in bytes.
const LOG_LIMIT: &str = "16777216";

/// The store in SQLite, and the ownership of its state directory (pools-P2).
pub struct SqliteStore {
    instance: String,
    writer: Writer,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the store in `directory`, both made if they are not there, and brings it to the present form. The directory is
    /// owned until the store is closed or the process ends. Has to be called on a runtime.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(directory: &Path, clock: &SharedClock) -> Result<SqliteStore, OpenError> {
        let lock = StateLock::acquire(directory, clock.now())?;
        let path = directory.join(FILE);
        let options = SqliteConnectOptions::new().filename(&path).disable_statement_logging();
        let mut connection = options
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("journal_size_limit", LOG_LIMIT)
            .connect()
            .await
            .map_err(said)?;
        migration::run(&mut connection, &path).await?;
        let instance = instance_id(&mut connection, clock).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .acquire_timeout(READER_WAIT)
            .connect_lazy_with(options.read_only(true));
        Ok(SqliteStore { instance, writer: Writer::start(connection, lock), readers })
    }

    /// Measures commits from now on.
    pub fn measure(&self, metrics: StoreMetrics) {
        self.writer.measure(metrics);
    }

    /// Writes what is under way and gives the state directory up.
    pub async fn close(self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn change(&self, change: Change, durable: bool) -> Result<(), StoreError> {
        self.writer.apply(change, durable).await.map(|_| ())
    }

    async fn prune(&self, change: Change) -> Result<u64, StoreError> {
        match self.writer.apply(change, false).await? {
            Answer::Number(gone) => Ok(gone),
            Answer::Done => Ok(0),
        }
    }
}

/// The installation's id, made at the first start.
async fn instance_id(connection: &mut SqliteConnection, clock: &SharedClock) -> Result<String, StoreError> {
    let made = sys::new_node_id(&**clock).to_string();
    sqlx::query("INSERT INTO facts (name, value) VALUES ('instance', ?) ON CONFLICT (name) DO NOTHING")
        .bind(made)
        .execute(&mut *connection)
        .await
        .map_err(said)?;
    sqlx::query_scalar("SELECT value FROM facts WHERE name = 'instance'")
        .fetch_one(connection)
        .await
        .map_err(said)
}

#[async_trait]
impl Store for SqliteStore {
    async fn instance_id(&self) -> Result<String, StoreError> {
        Ok(self.instance.clone())
    }

    async fn gearman_names(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        names::all(&self.readers).await
    }

    async fn add_gearman_names(&self, names: Vec<Vec<u8>>) -> Result<(), StoreError> {
        self.change(Change::Names(names), false).await
    }

    async fn forget_gearman_names(&self, names: Vec<Vec<u8>>) -> Result<(), StoreError> {
        self.change(Change::ForgetNames(names), false).await
    }

    async fn accept_build(&self, record: BuildRecord, floor: BuildNumber) -> Result<BuildNumber, StoreError> {
        let id = record.id;
        match self.writer.apply(Change::Accept(Arc::new(record), floor), true).await? {
            Answer::Number(number) => Ok(number),
            Answer::Done => Err(StoreError::Corrupt(format!("build {id} got no number"))),
        }
    }

    async fn save_build(
        &self,
        record: BuildRecord,
        event: Option<Event>,
        durable: bool,
    ) -> Result<(), StoreError> {
        self.change(Change::Save(Arc::new(record), event), durable).await
    }

    async fn end_build(&self, record: BuildRecord, event: Option<Event>) -> Result<(), StoreError> {
        self.change(Change::Save(Arc::new(record), event), true).await
    }

    async fn describe_build(&self, id: BuildId, text: String) -> Result<(), StoreError> {
        self.change(Change::Describe(id, text), false).await
    }

    async fn build(&self, id: BuildId) -> Result<Option<BuildRecord>, StoreError> {
        queries::by_id(&self.readers, id).await
    }

    async fn build_by_number(
        &self,
        job: &JobName,
        number: BuildNumber,
    ) -> Result<Option<BuildRecord>, StoreError> {
        queries::by_number(&self.readers, job, number).await
    }

    async fn builds(&self, filter: BuildFilter) -> Result<Vec<BuildRecord>, StoreError> {
        queries::listed(&self.readers, &filter).await
    }

    async fn unfinished_builds(&self) -> Result<Vec<BuildRecord>, StoreError> {
        queries::unfinished(&self.readers).await
    }

    async fn lost_in_a_row(&self, job: &JobName, change: &ZuulChange) -> Result<u32, StoreError> {
        queries::lost_in_a_row(&self.readers, job, change).await
    }

    async fn remove_builds(&self, ids: Vec<BuildId>) -> Result<(), StoreError> {
        self.change(Change::RemoveBuilds(ids), false).await
    }

    async fn nodes(&self) -> Result<Vec<NodeRow>, StoreError> {
        nodes::living(&self.readers).await
    }

    async fn node(&self, id: NodeId) -> Result<Option<NodeRow>, StoreError> {
        nodes::by_id(&self.readers, id).await
    }

    async fn leases(&self) -> Result<Vec<LeaseRow>, StoreError> {
        leases::living(&self.readers).await
    }

    async fn lease(&self, id: LeaseId) -> Result<Option<LeaseRow>, StoreError> {
        leases::by_id(&self.readers, id).await
    }

    async fn recent_leases(&self, filter: LeaseFilter) -> Result<Vec<LeaseRow>, StoreError> {
        leases::listed(&self.readers, filter).await
    }

    async fn save_pool(&self, write: PoolWrite) -> Result<(), StoreError> {
        self.change(Change::SavePool(write), false).await
    }

    async fn remove_node(&self, id: NodeId, event: Event) -> Result<(), StoreError> {
        self.change(Change::RemoveNode(id, event), false).await
    }

    async fn prune_pool(&self, oldest: Millis, most: u64) -> Result<u64, StoreError> {
        self.prune(Change::PrunePool(oldest, most)).await
    }

    async fn save_comparison(&self, comparison: Comparison) -> Result<(), StoreError> {
        self.change(Change::Compared(Box::new(comparison)), false).await
    }

    async fn comparison(&self, id: BuildId) -> Result<Option<Comparison>, StoreError> {
        comparisons::of(&self.readers, id).await
    }

    async fn comparisons(&self, filter: ComparisonFilter) -> Result<Vec<Comparison>, StoreError> {
        comparisons::listed(&self.readers, &filter).await
    }

    async fn turn_routes(&self, turns: Vec<Turn>) -> Result<(), StoreError> {
        self.change(Change::TurnRoutes(turns), true).await
    }

    async fn turns_in_force(&self) -> Result<Vec<Turn>, StoreError> {
        turns::in_force(&self.readers).await
    }

    async fn turns(&self, filter: TurnFilter) -> Result<Vec<Turn>, StoreError> {
        turns::listed(&self.readers, &filter).await
    }

    async fn events(&self, filter: EventFilter) -> Result<Vec<LoggedEvent>, StoreError> {
        events::listed(&self.readers, &filter).await
    }

    async fn prune_events(&self, oldest: Millis, most: u64) -> Result<u64, StoreError> {
        self.prune(Change::PruneEvents(oldest, most)).await
    }
}
