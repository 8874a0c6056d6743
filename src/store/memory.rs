//! A store that forgets everything at its end: for tests, and for a server that is run without a state directory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{BUILDS_AT_ONCE, BuildFilter, LeaseRow, LeaseState, NodeRow, Store, StoreError};
use crate::model::{BuildId, BuildNumber, BuildRecord, BuildState, JobName, LeaseId, NodeId, ZuulChange};

/// What the store holds.
#[derive(Default)]
struct Tables {
    names: BTreeSet<Vec<u8>>,
    builds: BTreeMap<BuildId, BuildRecord>,
    by_number: HashMap<(JobName, BuildNumber), BuildId>,
    last_numbers: HashMap<JobName, BuildNumber>,
    nodes: BTreeMap<NodeId, NodeRow>,
    leases: BTreeMap<LeaseId, LeaseRow>,
    refusal: Option<StoreError>,
}

/// The store in memory. Same answers as `sqlite`, checked by the same tests; nothing survives it.
pub struct MemoryStore {
    instance: String,
    tables: Mutex<Tables>,
}

impl MemoryStore {
    /// An empty store of the installation called `instance`.
    pub fn new(instance: impl Into<String>) -> MemoryStore {
        MemoryStore { instance: instance.into(), tables: Mutex::default() }
    }

    /// From now on every write fails with `error`; `None` lets them through again. For tests of decision 16.
    pub fn refuse_writes(&self, error: Option<StoreError>) {
        self.read().refusal = error;
    }

    fn read(&self) -> MutexGuard<'_, Tables> {
        // A panic while the lock was held leaves whole rows only: each row is replaced in one step.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> Result<MutexGuard<'_, Tables>, StoreError> {
        let tables = self.read();
        match &tables.refusal {
            Some(error) => Err(error.clone()),
            None => Ok(tables),
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        MemoryStore::new("memory")
    }
}

impl Tables {
    fn accept(&mut self, mut record: BuildRecord, floor: BuildNumber) -> BuildNumber {
        if let Some(known) = self.builds.get(&record.id) {
            return known.number;
        }
        let job = record.request.job.clone();
        let last = self.last_numbers.get(&job).copied().unwrap_or(0);
        let number = last.saturating_add(1).max(floor);
        record.number = number;
        self.last_numbers.insert(job.clone(), number);
        self.by_number.insert((job, number), record.id);
        self.builds.insert(record.id, record);
        number
    }

    fn put(&mut self, mut record: BuildRecord) -> Result<(), StoreError> {
        let stored = self
            .builds
            .get_mut(&record.id)
            .ok_or_else(|| StoreError::Conflict(format!("build {} is not stored", record.id)))?;
        if stored.state.outcome().is_none() {
            record.number = stored.number;
            record.request = stored.request.clone();
            record.recipe = stored.recipe.clone();
            *stored = record;
        }
        Ok(())
    }

    fn save_pool(&mut self, nodes: Vec<NodeRow>, leases: Vec<LeaseRow>) -> Result<(), StoreError> {
        for row in &nodes {
            let held = self.nodes.get(&row.id).and_then(|stored| stored.lease);
            if let (Some(held), Some(wanted)) = (held, row.lease)
                && held != wanted
            {
                return Err(StoreError::Conflict(format!(
                    "node {} belongs to another lease than {wanted}",
                    row.id
                )));
            }
        }
        self.nodes.extend(nodes.into_iter().map(|row| (row.id, row)));
        for lease in leases {
            match lease.state {
                LeaseState::Queued | LeaseState::Active => self.leases.insert(lease.id, lease),
                LeaseState::Released => self.leases.remove(&lease.id),
            };
        }
        Ok(())
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn instance_id(&self) -> Result<String, StoreError> {
        Ok(self.instance.clone())
    }

    async fn gearman_names(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.read().names.iter().cloned().collect())
    }

    async fn add_gearman_names(&self, names: Vec<Vec<u8>>) -> Result<(), StoreError> {
        self.write()?.names.extend(names);
        Ok(())
    }

    async fn forget_gearman_names(&self, names: Vec<Vec<u8>>) -> Result<(), StoreError> {
        let mut tables = self.write()?;
        for name in names {
            tables.names.remove(&name);
        }
        Ok(())
    }

    async fn accept_build(&self, record: BuildRecord, floor: BuildNumber) -> Result<BuildNumber, StoreError> {
        Ok(self.write()?.accept(record, floor))
    }

    async fn save_build(&self, record: BuildRecord, _durable: bool) -> Result<(), StoreError> {
        self.write()?.put(record)
    }

    async fn end_build(&self, record: BuildRecord) -> Result<(), StoreError> {
        self.write()?.put(record)
    }

    async fn describe_build(&self, id: BuildId, text: String) -> Result<(), StoreError> {
        if let Some(stored) = self.write()?.builds.get_mut(&id) {
            stored.description = text;
        }
        Ok(())
    }

    async fn build(&self, id: BuildId) -> Result<Option<BuildRecord>, StoreError> {
        Ok(self.read().builds.get(&id).cloned())
    }

    async fn build_by_number(
        &self,
        job: &JobName,
        number: BuildNumber,
    ) -> Result<Option<BuildRecord>, StoreError> {
        let tables = self.read();
        let id = tables.by_number.get(&(job.clone(), number));
        Ok(id.and_then(|id| tables.builds.get(id)).cloned())
    }

    async fn builds(&self, filter: BuildFilter) -> Result<Vec<BuildRecord>, StoreError> {
        let wanted = |record: &&BuildRecord| {
            filter.before.is_none_or(|before| record.id < before)
                && filter.job.as_ref().is_none_or(|job| record.request.job == *job)
                && filter.ended.is_none_or(|ended| record.state.outcome().is_some() == ended)
        };
        let limit = filter.limit.min(BUILDS_AT_ONCE) as usize;
        let tables = self.read();
        Ok(tables.builds.values().rev().filter(wanted).take(limit).cloned().collect())
    }

    async fn unfinished_builds(&self) -> Result<Vec<BuildRecord>, StoreError> {
        let tables = self.read();
        let unfinished = tables.builds.values().filter(|record| record.state.outcome().is_none());
        Ok(unfinished.cloned().collect())
    }

    async fn lost_in_a_row(&self, job: &JobName, change: &ZuulChange) -> Result<u32, StoreError> {
        let tables = self.read();
        let mut tries: Vec<&BuildRecord> = tables
            .builds
            .values()
            .filter(|record| record.request.job == *job && record.request.change() == *change)
            .collect();
        tries.sort_by_key(|record| std::cmp::Reverse(record.number));
        let lost = tries
            .into_iter()
            .filter_map(|record| match &record.state {
                BuildState::Ended(outcome) => Some(outcome.result),
                BuildState::Accepted
                | BuildState::Waiting { .. }
                | BuildState::Running
                | BuildState::Publishing => None,
            })
            .take_while(Option::is_none)
            .count();
        Ok(lost.try_into().unwrap_or(u32::MAX))
    }

    async fn remove_builds(&self, ids: Vec<BuildId>) -> Result<(), StoreError> {
        let mut tables = self.write()?;
        for id in ids {
            if let Some(record) = tables.builds.remove(&id) {
                tables.by_number.remove(&(record.request.job, record.number));
            }
        }
        Ok(())
    }

    async fn nodes(&self) -> Result<Vec<NodeRow>, StoreError> {
        Ok(self.read().nodes.values().cloned().collect())
    }

    async fn leases(&self) -> Result<Vec<LeaseRow>, StoreError> {
        Ok(self.read().leases.values().cloned().collect())
    }

    async fn save_pool(&self, nodes: Vec<NodeRow>, leases: Vec<LeaseRow>) -> Result<(), StoreError> {
        self.write()?.save_pool(nodes, leases)
    }

    async fn remove_node(&self, id: NodeId) -> Result<(), StoreError> {
        self.write()?.nodes.remove(&id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::suite;

    #[tokio::test]
    async fn memory_keeps_the_promises_of_a_store() {
        suite::run(|| async { MemoryStore::default() }).await;
    }

    #[tokio::test]
    async fn a_refusal_is_told_and_changes_nothing() {
        let store = MemoryStore::default();
        store.refuse_writes(Some(StoreError::Full("test".to_owned())));
        let refused = store.accept_build(suite::record("job", 1), 1).await;
        assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
        store.refuse_writes(None);
        assert_eq!(store.accept_build(suite::record("job", 1), 1).await.ok(), Some(1));
    }
}
