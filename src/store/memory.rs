//! A store that forgets everything at its end: for tests, and for a server that is run without a state directory.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{
    BUILDS_AT_ONCE, BuildFilter, COMPARISONS_AT_ONCE, ComparisonFilter, EVENTS_AT_ONCE, EventFilter,
    LEASES_AT_ONCE, LeaseFilter, LeaseRow, LeaseWrite, LoggedEvent, NodeRow, PoolWrite, Store, StoreError,
    TURNS_AT_ONCE, TurnFilter,
};
use crate::model::{
    BuildId, BuildNumber, BuildRecord, BuildState, Comparison, Event, JobName, LeaseId, Millis, NodeId,
    NodeState, Selector, Turn, ZuulChange,
};

/// What the store holds.
#[derive(Default)]
struct Tables {
    names: BTreeSet<Vec<u8>>,
    builds: BTreeMap<BuildId, BuildRecord>,
    by_number: HashMap<(JobName, BuildNumber), BuildId>,
    last_numbers: HashMap<JobName, BuildNumber>,
    nodes: BTreeMap<NodeId, NodeRow>,
    leases: BTreeMap<LeaseId, LeaseRow>,
    events: VecDeque<LoggedEvent>,
    last_event: u64,
    turns: BTreeMap<u64, Turn>,
    comparisons: BTreeMap<BuildId, Comparison>,
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
        record.version = 1;
        self.log([Event::accepted(&record)]);
        self.last_numbers.insert(job.clone(), number);
        self.by_number.insert((job, number), record.id);
        self.builds.insert(record.id, record);
        number
    }

    fn put(&mut self, mut record: BuildRecord, event: Option<Event>) -> Result<(), StoreError> {
        let stored = self
            .builds
            .get_mut(&record.id)
            .ok_or_else(|| StoreError::Conflict(format!("build {} is not stored", record.id)))?;
        if stored.state.outcome().is_some() {
            return Ok(());
        }
        record.number = stored.number;
        record.request = stored.request.clone();
        record.recipe = stored.recipe.clone();
        let current = stored.version == record.version;
        record.version += 1;
        if !current {
            let again = *stored == record;
            let text = format!("build {} has version {}", record.id, stored.version);
            return if again { Ok(()) } else { Err(StoreError::Conflict(text)) };
        }
        *stored = record;
        self.log(event);
        Ok(())
    }

    fn log(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.last_event += 1;
            self.events.push_back(LoggedEvent { number: self.last_event, event });
        }
    }

    fn save_pool(&mut self, write: PoolWrite) -> Result<(), StoreError> {
        let nodes = write.nodes.iter().map(|row| self.standing_of_node(row));
        let leases = write.leases.iter().map(|row| self.standing_of_lease(row));
        let standings = nodes.chain(leases).collect::<Result<Vec<Standing>, StoreError>>()?;
        match (standings.contains(&Standing::Written), standings.contains(&Standing::Current)) {
            (true, true) => return Err(StoreError::Conflict("a part of it is written already".to_owned())),
            (true, false) => return Ok(()),
            (false, _) => {}
        }
        for mut row in write.nodes {
            row.version += 1;
            self.nodes.insert(row.id, row);
        }
        for lease in write.leases {
            self.leases.insert(lease.row.id, lease.written());
        }
        self.log(write.events);
        Ok(())
    }

    fn standing_of_node(&self, row: &NodeRow) -> Result<Standing, StoreError> {
        let stored = self.nodes.get(&row.id);
        let held = stored.and_then(|stored| stored.lease);
        let next = NodeRow { version: row.version + 1, ..row.clone() };
        match (stored, held, row.lease) {
            (Some(stored), ..) if *stored == next => Ok(Standing::Written),
            (_, Some(held), Some(wanted)) if held != wanted => {
                Err(StoreError::Conflict(format!("node {} belongs to another lease than {wanted}", row.id)))
            }
            _ if stored.map_or(0, |stored| stored.version) == row.version => Ok(Standing::Current),
            _ => Err(StoreError::Conflict(format!("node {} has another version", row.id))),
        }
    }

    fn standing_of_lease(&self, write: &LeaseWrite) -> Result<Standing, StoreError> {
        let stored = self.leases.get(&write.row.id);
        if stored == Some(&write.written()) {
            Ok(Standing::Written)
        } else if stored.map_or(0, |stored| stored.version) == write.row.version {
            Ok(Standing::Current)
        } else {
            Err(StoreError::Conflict(format!("lease {} has another version", write.row.id)))
        }
    }

    fn remove_node(&mut self, id: NodeId, event: Event) -> Result<(), StoreError> {
        let Some(stored) = self.nodes.get_mut(&id) else { return Ok(()) };
        match stored.state {
            NodeState::Deleted => return Ok(()),
            NodeState::Deleting => {}
            state => return Err(StoreError::Conflict(format!("node {id} is {}", state.as_str()))),
        }
        (stored.state, stored.since, stored.lease) = (NodeState::Deleted, event.at, None);
        stored.version += 1;
        self.log([event]);
        Ok(())
    }

    fn prune_pool(&mut self, oldest: Millis, most: u64) -> u64 {
        let before = self.nodes.len() + self.leases.len();
        let deleted = |row: &NodeRow| row.state == NodeState::Deleted;
        let over = |row: &LeaseRow| row.state.is_over();
        let first = |times: Vec<Millis>| first_to_keep(times, oldest, most);
        let node = first(self.nodes.values().filter(|row| deleted(row)).map(|row| row.since).collect());
        let lease = first(self.leases.values().filter(|row| over(row)).map(|row| row.since).collect());
        self.nodes.retain(|_, row| !deleted(row) || row.since >= node);
        self.leases.retain(|_, row| !over(row) || row.since >= lease);
        (before - self.nodes.len() - self.leases.len()) as u64
    }
}

/// From when on ends are kept: the newest `most`, and none from before `oldest`.
fn first_to_keep(mut times: Vec<Millis>, oldest: Millis, most: u64) -> Millis {
    times.sort_unstable_by_key(|time| std::cmp::Reverse(*time));
    let last = usize::try_from(most.max(1) - 1).unwrap_or(usize::MAX);
    times.get(last).map_or(oldest, |time| oldest.max(*time))
}

/// How a row stands to what is stored (pools-P3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It was made from what is stored.
    Current,
    /// It is what is stored: the write comes a second time.
    Written,
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

    async fn save_build(
        &self,
        record: BuildRecord,
        event: Option<Event>,
        _durable: bool,
    ) -> Result<(), StoreError> {
        self.write()?.put(record, event)
    }

    async fn end_build(&self, record: BuildRecord, event: Option<Event>) -> Result<(), StoreError> {
        self.write()?.put(record, event)
    }

    async fn describe_build(&self, id: BuildId, text: String) -> Result<(), StoreError> {
        if let Some(stored) = self.write()?.builds.get_mut(&id) {
            stored.description = text;
            stored.version += 1;
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
            .filter(|record| record.request.job == *job && !record.request.is_shadow())
            .filter(|record| record.request.change() == *change)
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
        let tables = self.read();
        let living = tables.nodes.values().filter(|row| row.state != NodeState::Deleted);
        Ok(living.cloned().collect())
    }

    async fn node(&self, id: NodeId) -> Result<Option<NodeRow>, StoreError> {
        Ok(self.read().nodes.get(&id).cloned())
    }

    async fn leases(&self) -> Result<Vec<LeaseRow>, StoreError> {
        Ok(self.read().leases.values().filter(|row| !row.state.is_over()).cloned().collect())
    }

    async fn lease(&self, id: LeaseId) -> Result<Option<LeaseRow>, StoreError> {
        Ok(self.read().leases.get(&id).cloned())
    }

    async fn recent_leases(&self, filter: LeaseFilter) -> Result<Vec<LeaseRow>, StoreError> {
        let wanted = |row: &&LeaseRow| {
            filter.before.is_none_or(|before| row.id < before)
                && filter.over.is_none_or(|over| row.state.is_over() == over)
        };
        let limit = filter.limit.min(LEASES_AT_ONCE) as usize;
        Ok(self.read().leases.values().rev().filter(wanted).take(limit).cloned().collect())
    }

    async fn save_pool(&self, write: PoolWrite) -> Result<(), StoreError> {
        self.write()?.save_pool(write)
    }

    async fn remove_node(&self, id: NodeId, event: Event) -> Result<(), StoreError> {
        self.write()?.remove_node(id, event)
    }

    async fn prune_pool(&self, oldest: Millis, most: u64) -> Result<u64, StoreError> {
        Ok(self.write()?.prune_pool(oldest, most))
    }

    async fn save_comparison(&self, comparison: Comparison) -> Result<(), StoreError> {
        self.write()?.comparisons.entry(comparison.id).or_insert(comparison);
        Ok(())
    }

    async fn comparison(&self, id: BuildId) -> Result<Option<Comparison>, StoreError> {
        Ok(self.read().comparisons.get(&id).cloned())
    }

    async fn comparisons(&self, filter: ComparisonFilter) -> Result<Vec<Comparison>, StoreError> {
        let wanted = |one: &&Comparison| {
            filter.before.is_none_or(|before| one.id < before)
                && filter.job.as_ref().is_none_or(|job| one.job == *job)
        };
        let limit = filter.limit.min(COMPARISONS_AT_ONCE) as usize;
        Ok(self.read().comparisons.values().rev().filter(wanted).take(limit).cloned().collect())
    }

    async fn turn_routes(&self, turns: Vec<Turn>) -> Result<(), StoreError> {
        let mut tables = self.write()?;
        for turn in turns {
            tables.turns.entry(turn.number).or_insert(turn);
        }
        Ok(())
    }

    async fn turns_in_force(&self) -> Result<Vec<Turn>, StoreError> {
        let tables = self.read();
        let mut newest: BTreeMap<&Option<Selector>, &Turn> = BTreeMap::new();
        newest.extend(tables.turns.values().map(|turn| (&turn.which, turn)));
        let mut turns: Vec<Turn> = newest.into_values().cloned().collect();
        turns.sort_by_key(|turn| turn.number);
        Ok(turns)
    }

    async fn turns(&self, filter: TurnFilter) -> Result<Vec<Turn>, StoreError> {
        let wanted = |turn: &&Turn| {
            filter.before.is_none_or(|before| turn.number < before)
                && filter
                    .jobs
                    .as_ref()
                    .is_none_or(|jobs| turn.which.as_ref().is_some_and(|which| which.jobs == *jobs))
        };
        let limit = filter.limit.min(TURNS_AT_ONCE) as usize;
        Ok(self.read().turns.values().rev().filter(wanted).take(limit).cloned().collect())
    }

    async fn events(&self, filter: EventFilter) -> Result<Vec<LoggedEvent>, StoreError> {
        let wanted = |logged: &&LoggedEvent| {
            filter.before.is_none_or(|before| logged.number < before)
                && filter.since.is_none_or(|since| logged.number > since)
                && filter.kind.as_ref().is_none_or(|kind| logged.event.subject.kind() == kind)
                && filter.object.as_ref().is_none_or(|id| logged.event.subject.id() == id)
        };
        let limit = filter.limit.min(EVENTS_AT_ONCE) as usize;
        Ok(self.read().events.iter().rev().filter(wanted).take(limit).cloned().collect())
    }

    async fn prune_events(&self, oldest: Millis, most: u64) -> Result<u64, StoreError> {
        let mut tables = self.write()?;
        let (last, before) = (tables.last_event, tables.events.len());
        tables.events.retain(|logged| {
            logged.number == last || (logged.event.at >= oldest && logged.number + most > last)
        });
        Ok((before - tables.events.len()) as u64)
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
