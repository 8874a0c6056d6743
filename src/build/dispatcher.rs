//! The one writer of builds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as StdMutex, OnceLock, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::{Mutex, mpsc, watch};
use tracing::{error, info, warn};

use super::{BuildEvent, Illegal, Refusal, transition};
use crate::model::{
    BuildId, BuildNumber, BuildRecord, BuildRequest, BuildState, Cause, Event, JobName, MasterStep, Millis,
    Outcome, ResultWord, Route, StepEnd, ZuulChange,
};
use crate::store::{BuildFilter, Store, StoreError};
use crate::sys::{Backoff, SharedClock, new_build_id};
use crate::telemetry::metrics::{BuildMetrics, ResultLabels, StepLabels};

/// Builds that were accepted and are not yet taken up by the executor. When it is full, `submit` waits.
const ACCEPTED_MAX: usize = 1024;
/// The first pause before a failed write is tried again; doubles up to [`RETRY_LONGEST`].
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// The longest pause between tries to write (decision 16: written when it is possible again).
const RETRY_LONGEST: Duration = Duration::from_secs(5);
/// From this try on, a build that ends without a word gets `LOST` (decision 8).
const LOST_AT: u32 = 3;

/// Says where a build runs.
type RouteOf = dyn Fn(&BuildRequest) -> Option<Route> + Send + Sync;

/// All builds. Cheap to clone.
#[derive(Clone)]
pub struct Builds {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    clock: SharedClock,
    metrics: BuildMetrics,
    live: DashMap<BuildId, Arc<Live>>,
    by_number: DashMap<(JobName, BuildNumber), BuildId>,
    accepted: mpsc::Sender<BuildId>,
    routes: OnceLock<Box<RouteOf>>,
    /// The id given last: listings are in the order of acceptance.
    last_id: StdMutex<BuildId>,
    draining: AtomicBool,
    /// The last new build could not be recorded (decision 16).
    store_full: AtomicBool,
}

struct Live {
    /// Serialises writers of this build; the record itself is what was shown last.
    turn: Mutex<()>,
    shown: watch::Sender<Arc<BuildRecord>>,
}

/// A build that was accepted: from now on it has a page, and it will end.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// Its id.
    pub id: BuildId,
    /// Its number.
    pub number: BuildNumber,
    /// Follows its record.
    pub record: watch::Receiver<Arc<BuildRecord>>,
}

/// What a stop found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopAnswer {
    /// Taken: the build will end.
    Taken,
    /// A stop was asked for before.
    Already,
    /// The build has ended.
    Ended,
}

/// How many builds are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Waiting for a node.
    pub waiting: u32,
    /// Running steps.
    pub running: u32,
}

/// A call about a build that failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BuildError {
    /// No such build.
    #[error("no such build")]
    Unknown,
    /// The event does not fit.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// The store failed.
    #[error("the build's record cannot be read or written")]
    Store(#[source] StoreError),
}

impl Builds {
    /// The writer, and the builds that it accepts, for the executor to take up.
    pub fn new(
        store: Arc<dyn Store>,
        clock: SharedClock,
        metrics: BuildMetrics,
    ) -> (Builds, mpsc::Receiver<BuildId>) {
        let (accepted, to_run) = mpsc::channel(ACCEPTED_MAX);
        let shared = Shared {
            store,
            clock,
            metrics,
            live: DashMap::new(),
            by_number: DashMap::new(),
            accepted,
            routes: OnceLock::new(),
            last_id: StdMutex::new(BuildId::new(0, 0)),
            draining: AtomicBool::new(false),
            store_full: AtomicBool::new(false),
        };
        (Builds { shared: Arc::new(shared) }, to_run)
    }

    /// Routes every build that comes without a route, whoever asks for it; only the first call counts.
    pub fn route_by(&self, route: impl Fn(&BuildRequest) -> Option<Route> + Send + Sync + 'static) {
        let _ = self.shared.routes.set(Box::new(route));
    }

    /// Takes up again what a former process left unfinished, and returns those builds.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn recover(&self) -> Result<Vec<BuildId>, StoreError> {
        let records = self.shared.store.unfinished_builds().await?;
        let ids: Vec<_> = records.iter().map(|record| record.id).collect();
        // All of them first: a build finds those that it waits for.
        records.into_iter().for_each(|record| drop(self.admit(record)));
        for id in &ids {
            if self.shared.accepted.send(*id).await.is_err() {
                break;
            }
        }
        Ok(ids)
    }

    /// Records a build under the job's next number (at least `floor`) and hands it to the executor.
    ///
    /// # Errors
    /// When nothing was recorded: the store is full or Causeway is draining.
    pub async fn submit(
        &self,
        request: BuildRequest,
        recipe: Arc<str>,
        floor: BuildNumber,
    ) -> Result<Accepted, Refusal> {
        if self.shared.draining.load(Ordering::Acquire) {
            return Err(Refusal::Draining);
        }
        let id = self.next_id();
        self.accept(id, request, recipe, floor).await
    }

    /// As [`Builds::submit`], for a build that another one starts: under an id that its asker makes from what it is, so that asking
    /// again after a crash finds the build and starts nothing twice. Draining is no reason to refuse it: the build that asks could
    /// not end without it.
    ///
    /// # Errors
    /// When nothing was recorded: the store is full or cannot be read.
    pub async fn submit_once(
        &self,
        id: BuildId,
        request: BuildRequest,
        recipe: Arc<str>,
        floor: BuildNumber,
    ) -> Result<Accepted, Refusal> {
        if let Some(record) = self.watch(id) {
            let number = record.borrow().number;
            return Ok(Accepted { id, number, record });
        }
        match self.find(id).await.map_err(Refusal::Store)? {
            Some(ended) => {
                // Nothing will change it any more: its watch needs no sender.
                let (_, record) = watch::channel(Arc::clone(&ended));
                Ok(Accepted { id, number: ended.number, record })
            }
            None => self.accept(id, request, recipe, floor).await,
        }
    }

    async fn accept(
        &self,
        id: BuildId,
        mut request: BuildRequest,
        recipe: Arc<str>,
        floor: BuildNumber,
    ) -> Result<Accepted, Refusal> {
        if request.route.is_none() {
            request.route = self.shared.routes.get().and_then(|route| route(&request));
        }
        let mut record = BuildRecord::accepted(id, request, recipe, self.shared.clock.now());
        let numbered = self.shared.store.accept_build(record.clone(), floor).await;
        self.shared.store_full.store(numbered.is_err(), Ordering::Release);
        record.number = numbered.map_err(Refusal::Store)?;
        record.version = 1;
        let number = record.number;
        info!(build.id = %id, job.name = %record.request.job, build.number = number, "build accepted");
        self.shared.metrics.accepted.inc();
        let shown = self.admit(record);
        // The executor only goes away with the process; what is recorded is then found again by the next one.
        let _ = self.shared.accepted.send(id).await;
        Ok(Accepted { id, number, record: shown })
    }

    fn next_id(&self) -> BuildId {
        // Nothing can panic while it is held.
        let mut last = self.shared.last_id.lock().unwrap_or_else(PoisonError::into_inner);
        *last = new_build_id(&*self.shared.clock).after(*last);
        *last
    }

    fn admit(&self, record: BuildRecord) -> watch::Receiver<Arc<BuildRecord>> {
        let key = (record.request.job.clone(), record.number);
        let id = record.id;
        let (shown, receiver) = watch::channel(Arc::new(record));
        self.shared.by_number.insert(key, id);
        self.shared.live.insert(id, Arc::new(Live { turn: Mutex::new(()), shown }));
        receiver
    }

    /// Applies an event: stores what it makes of the build, then shows it. Waits, trying again, while the store cannot be written,
    /// so that nothing is shown that a restart would forget.
    ///
    /// # Errors
    /// When the build is not live or the event does not fit its state.
    pub async fn apply(&self, id: BuildId, event: BuildEvent) -> Result<Arc<BuildRecord>, BuildError> {
        let live = self.live(id).ok_or(BuildError::Unknown)?;
        let _turn = live.turn.lock().await;
        let event = self.word_for_the_last_try(&live, event).await;
        let (current, now) = (Arc::clone(&live.shown.borrow()), self.shared.clock.now());
        let Some(next) = transition::apply(&current, &event, now)? else {
            return Ok(current);
        };
        let happened = Event::of_build(&current, &next, now);
        let durable = matches!(event, BuildEvent::StopAsked { .. }) || step(&current) != step(&next);
        let next = self.write(next, happened, durable).await?;
        let next = Arc::new(next);
        live.shown.send_replace(Arc::clone(&next));
        if let BuildEvent::StepEnded { end, .. } = &event {
            let result = if *end == StepEnd::Exit(0) { "SUCCESS" } else { "FAILURE" };
            let labels = StepLabels { result, cause: end.kind() };
            self.shared.metrics.steps.get_or_create(&labels).inc();
        }
        if let BuildState::Ended(outcome) = &next.state {
            self.retire(&next, outcome);
        }
        Ok(next)
    }

    fn retire(&self, record: &BuildRecord, outcome: &Outcome) {
        let result = outcome.result.map_or("(none)", ResultWord::as_str);
        info!(build.id = %record.id, job.name = %record.request.job, build.number = record.number, result, cause = %outcome.cause, "build ended");
        let labels = ResultLabels { result: outcome.result.map_or("NONE", ResultWord::as_str) };
        self.shared.metrics.ended.get_or_create(&labels).inc();
        let lasted = record.ended_at.unwrap_or_default().since(record.accepted_at);
        self.shared.metrics.seconds.get_or_create(&labels).observe(lasted.as_secs_f64());
        self.shared.by_number.remove(&(record.request.job.clone(), record.number));
        self.shared.live.remove(&record.id);
    }

    /// Stores what was made of a build, and what happened with it (pools-P4); returns the record with its row's version.
    async fn write(
        &self,
        mut record: BuildRecord,
        happened: Option<Event>,
        durable: bool,
    ) -> Result<BuildRecord, BuildError> {
        let store = &self.shared.store;
        let mut backoff = Backoff::new(RETRY_FIRST, RETRY_LONGEST);
        loop {
            let (row, event) = (record.clone(), happened.clone());
            let written = match record.state {
                BuildState::Ended(_) => store.end_build(row, event).await,
                _ => store.save_build(row, event, durable).await,
            };
            match written {
                Ok(()) => {
                    record.version += 1;
                    return Ok(record);
                }
                Err(error) if error.is_retryable() => {
                    warn!(build.id = %record.id, %error, "build not stored yet; trying again");
                    tokio::time::sleep(backoff.pause()).await;
                }
                Err(error @ StoreError::Conflict(_)) => {
                    record.version = self.version_after(&record, error).await?;
                }
                Err(error) => return Err(BuildError::Store(error)),
            }
        }
    }

    /// Somebody else has written the row of a build (pools-P3). What is known here is what really happens on its node, and goes over it:
    /// the version that the row has now. An end that is stored stays; the store sees to that.
    async fn version_after(&self, record: &BuildRecord, conflict: StoreError) -> Result<u64, BuildError> {
        self.shared.metrics.conflicts.inc();
        error!(build.id = %record.id, error = %conflict, "a build's row was written by somebody else; it is written anew");
        match self.shared.store.build(record.id).await {
            Ok(Some(stored)) if stored.version != record.version => Ok(stored.version),
            Ok(_) => Err(BuildError::Store(conflict)),
            Err(error) if error.is_retryable() => {
                tokio::time::sleep(RETRY_FIRST).await;
                Ok(record.version)
            }
            Err(error) => Err(BuildError::Store(error)),
        }
    }

    /// A build without a word is launched again by Zuul, at Wikimedia without end: the third loss in a row gets one (decision 8).
    async fn word_for_the_last_try(&self, live: &Live, event: BuildEvent) -> BuildEvent {
        let BuildEvent::Ended(Outcome { result: None, cause }) = event else {
            return event;
        };
        let (job, change) = {
            let record = live.shown.borrow();
            (record.request.job.clone(), record.request.change())
        };
        let earlier = if change == ZuulChange::default() {
            0
        } else {
            self.shared.store.lost_in_a_row(&job, &change).await.unwrap_or_default()
        };
        let result = (earlier + 1 >= LOST_AT).then_some(ResultWord::Lost);
        BuildEvent::Ended(Outcome { result, cause })
    }

    /// Asks a build to stop. The mark is stored before this returns.
    ///
    /// # Errors
    /// When the build is unknown or the store fails for good.
    pub async fn stop(&self, id: BuildId, cause: Cause) -> Result<StopAnswer, BuildError> {
        let Some(live) = self.live(id) else {
            return match self.find(id).await.map_err(BuildError::Store)? {
                Some(_) => Ok(StopAnswer::Ended),
                None => Err(BuildError::Unknown),
            };
        };
        let before = live.shown.borrow().stop.is_some();
        let record = self.apply(id, BuildEvent::StopAsked { cause }).await?;
        Ok(match (before, &record.state) {
            (_, BuildState::Ended(_)) => StopAnswer::Ended,
            (true, _) => StopAnswer::Already,
            (false, _) => StopAnswer::Taken,
        })
    }

    /// Sets a build's description, also after its end.
    ///
    /// # Errors
    /// When the build is unknown or the store fails.
    pub async fn describe(&self, id: BuildId, text: String) -> Result<(), BuildError> {
        if self.live(id).is_some() {
            match self.apply(id, BuildEvent::Described { text: text.clone() }).await {
                Err(BuildError::Unknown) => {}
                other => return other.map(|_| ()),
            }
        }
        self.find(id).await.map_err(BuildError::Store)?.ok_or(BuildError::Unknown)?;
        self.shared.store.describe_build(id, text).await.map_err(BuildError::Store)
    }

    /// Takes no new builds from now on.
    pub fn drain(&self) {
        self.shared.draining.store(true, Ordering::Release);
    }

    /// Whether the store refused the last new build: own jobs stay queued until it takes one (decision 16).
    pub fn store_full(&self) -> bool {
        self.shared.store_full.load(Ordering::Acquire)
    }

    fn live(&self, id: BuildId) -> Option<Arc<Live>> {
        self.shared.live.get(&id).map(|live| Arc::clone(&live))
    }

    /// Follows a build that has not ended.
    pub fn watch(&self, id: BuildId) -> Option<watch::Receiver<Arc<BuildRecord>>> {
        self.live(id).map(|live| live.shown.subscribe())
    }

    /// One build, live or ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find(&self, id: BuildId) -> Result<Option<Arc<BuildRecord>>, StoreError> {
        if let Some(live) = self.live(id) {
            return Ok(Some(Arc::clone(&live.shown.borrow())));
        }
        Ok(self.shared.store.build(id).await?.map(Arc::new))
    }

    /// One build by its job and number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find_by_number(
        &self,
        job: &JobName,
        number: BuildNumber,
    ) -> Result<Option<Arc<BuildRecord>>, StoreError> {
        let live = self.shared.by_number.get(&(job.clone(), number)).map(|id| *id);
        if let Some(record) = live.and_then(|id| self.live(id)).map(|live| Arc::clone(&live.shown.borrow())) {
            return Ok(Some(record));
        }
        Ok(self.shared.store.build_by_number(job, number).await?.map(Arc::new))
    }

    /// Builds, newest first, as stored; live ones as they stand.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self, filter: BuildFilter) -> Result<Vec<Arc<BuildRecord>>, StoreError> {
        let records = self.shared.store.builds(filter).await?;
        Ok(records
            .into_iter()
            .map(|record| match self.live(record.id) {
                Some(live) => Arc::clone(&live.shown.borrow()),
                None => Arc::new(record),
            })
            .collect())
    }

    /// Every live build, oldest first.
    pub fn live_builds(&self) -> Vec<Arc<BuildRecord>> {
        let mut records: Vec<_> =
            self.shared.live.iter().map(|live| Arc::clone(&live.shown.borrow())).collect();
        records.sort_by_key(|record| record.id);
        records
    }

    /// How many builds wait and run.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for live in &self.shared.live {
            match live.shown.borrow().state {
                BuildState::Accepted | BuildState::Waiting { .. } => counts.waiting += 1,
                BuildState::Running | BuildState::Publishing => counts.running += 1,
                BuildState::Ended(_) => {}
            }
        }
        counts
    }

    /// The present time, by the clock that stamps builds.
    pub fn now(&self) -> Millis {
        self.shared.clock.now()
    }
}

/// How far a build is on a master: what must not be forgotten, or a trigger would be sent twice (pools-P1).
fn step(record: &BuildRecord) -> Option<MasterStep> {
    record.master.as_ref().map(|run| run.step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::testing::request;
    use crate::model::{Parameter, ParameterValue};
    use crate::store::MemoryStore;
    use crate::sys::SystemClock;
    use crate::telemetry::Metrics;

    fn builds() -> (Builds, mpsc::Receiver<BuildId>, Arc<MemoryStore>) {
        let store = Arc::new(MemoryStore::default());
        let (builds, accepted) =
            Builds::new(Arc::clone(&store) as Arc<dyn Store>, Arc::new(SystemClock), Metrics::new().builds);
        (builds, accepted, store)
    }

    async fn submit(builds: &Builds, request: BuildRequest) -> Accepted {
        builds.submit(request, "{}".into(), 1).await.unwrap()
    }

    fn lost() -> BuildEvent {
        BuildEvent::Ended(Outcome { result: None, cause: Cause::Infrastructure { detail: "node".into() } })
    }

    #[tokio::test]
    async fn zuul_8_2_numbers_only_grow_and_start_where_they_are_told() {
        let (builds, _accepted, _) = builds();
        let first = builds.submit(request("unit"), "{}".into(), 1_000_000).await.unwrap();
        let second = builds.submit(request("unit"), "{}".into(), 1).await.unwrap();
        assert_eq!((first.number, second.number), (1_000_000, 1_000_001));
    }

    #[tokio::test]
    async fn decision_8_the_third_loss_in_a_row_gets_a_word() {
        let (builds, _accepted, _) = builds();
        let mut request = request("unit");
        let value = ParameterValue::Text("1001".into());
        request.parameters.0.push(Parameter { name: "ZUUL_CHANGE".into(), value });
        let mut words = Vec::new();
        for _ in 0..3 {
            let build = submit(&builds, request.clone()).await;
            let record = builds.apply(build.id, lost()).await.unwrap();
            words.push(record.state.outcome().unwrap().result);
        }
        assert_eq!(words, [None, None, Some(ResultWord::Lost)]);
    }

    #[tokio::test]
    async fn an_ended_build_is_found_and_described_by_its_number() {
        let (builds, _accepted, _) = builds();
        let build = submit(&builds, request("unit")).await;
        builds.apply(build.id, lost()).await.unwrap();
        assert!(builds.watch(build.id).is_none());
        builds.describe(build.id, "late".into()).await.unwrap();
        let job = "unit".parse().unwrap();
        let found = builds.find_by_number(&job, build.number).await.unwrap().unwrap();
        assert_eq!(found.description, "late");
        assert_eq!(builds.stop(build.id, Cause::Finished).await.unwrap(), StopAnswer::Ended);
    }

    #[tokio::test]
    async fn what_was_not_ended_is_taken_up_by_the_next_process() {
        let (builds, mut accepted, store) = builds();
        let build = submit(&builds, request("unit")).await;
        assert_eq!(accepted.recv().await, Some(build.id));
        let (next, mut again) =
            Builds::new(store as Arc<dyn Store>, Arc::new(SystemClock), Metrics::new().builds);
        assert_eq!(next.recover().await.unwrap(), [build.id]);
        assert_eq!(again.recv().await, Some(build.id));
    }

    #[tokio::test]
    async fn a_stop_is_seen_by_whoever_runs_the_build() {
        let (builds, _accepted, _) = builds();
        let build = submit(&builds, request("unit")).await;
        let cause = Cause::Stopped { by: "zuul".into() };
        assert_eq!(builds.stop(build.id, cause.clone()).await.unwrap(), StopAnswer::Taken);
        assert_eq!(builds.stop(build.id, cause.clone()).await.unwrap(), StopAnswer::Already);
        assert_eq!(build.record.borrow().stop.as_ref().map(|stop| &stop.cause), Some(&cause));
    }

    #[tokio::test]
    async fn a_draining_house_takes_nothing_new() {
        let (builds, _accepted, _) = builds();
        builds.drain();
        assert!(matches!(builds.submit(request("unit"), "{}".into(), 1).await, Err(Refusal::Draining)));
    }

    #[tokio::test]
    async fn jjb_23_a_started_build_is_accepted_once() {
        let (builds, mut accepted, store) = builds();
        let id = BuildId::new(7, 7);
        let once = |builds: Builds| async move {
            builds.submit_once(id, request("unit"), "{}".into(), 5).await.unwrap()
        };
        builds.drain();
        let first = once(builds.clone()).await;
        assert_eq!((first.id, first.number), (id, 5));
        assert_eq!(once(builds.clone()).await.number, 5);
        assert_eq!(accepted.recv().await, Some(id));
        assert!(accepted.try_recv().is_err(), "it is handed to the executor once");
        // The next process finds it among the unfinished ones, and after its end in the store.
        let (next, mut accepted) =
            Builds::new(Arc::clone(&store) as Arc<dyn Store>, Arc::new(SystemClock), Metrics::new().builds);
        assert_eq!(next.recover().await.unwrap(), [id]);
        assert_eq!(once(next.clone()).await.number, 5);
        next.apply(id, lost()).await.unwrap();
        let mut ended = once(next).await.record;
        assert!(ended.wait_for(|record| record.state.outcome().is_some()).await.is_ok());
        assert_eq!(accepted.recv().await, Some(id));
        assert!(accepted.try_recv().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn decision_16_an_end_waits_until_the_store_takes_it() {
        let (builds, _accepted, store) = builds();
        let build = submit(&builds, request("unit")).await;
        store.refuse_writes(Some(StoreError::Full("no room".into())));
        let refused = builds.submit(request("unit"), "{}".into(), 1).await;
        assert!(matches!(refused, Err(Refusal::Store(StoreError::Full(_)))));
        let end = builds.apply(build.id, lost());
        tokio::pin!(end);
        assert!(tokio::time::timeout(Duration::from_secs(60), &mut end).await.is_err());
        assert!(build.record.borrow().state.outcome().is_none());
        store.refuse_writes(None);
        assert!(end.await.unwrap().state.outcome().is_some());
    }
}
