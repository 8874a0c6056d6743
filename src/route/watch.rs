//! Many builds of one master with few questions: one for all that wait, one for all that run (jenkins-rest 7.5). What has left a
//! list is asked for by itself.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::{Notify, Semaphore, watch};
use tracing::{info, warn};

use super::{Master, MasterError};
use crate::jenkins::wire::{BuildFacts, Place, QueueId, QueueState, Refusal};
use crate::model::{BuildId, JobName};

/// Requests to one master at once: it answers hundreds a second on one connection, and others want it too.
const AT_ONCE: usize = 8;
/// Logs that are asked for in a second, over all builds of a master, so that 200 running ones cost it less than 20 requests.
const LOGS_A_SECOND: u32 = 10;
/// The longest pause between tries while a master is down.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How a master is watched.
#[derive(Debug, Clone, Copy)]
pub struct WatchSettings {
    /// The pause between two looks.
    pub poll: Duration,
    /// How long a build whose trigger's answer was lost is looked for before it is triggered again: longer than a master may
    /// take to carry out a request that nobody waits for any more.
    pub settle: Duration,
}

/// What is seen of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ItemSight {
    /// Nothing new.
    Unknown,
    /// Where it stands.
    At(QueueState),
    /// The master does not know it (any more).
    Gone,
}

/// What is seen of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RunSight {
    /// Nothing new.
    Unknown,
    /// It runs; the master's estimate.
    Running(Option<u64>),
    /// No executor runs it: what it says of itself. Counts the looks, so that each is seen.
    Facts(BuildFacts, u64),
    /// The master does not know it (any more), at this look.
    Gone(u64),
}

/// A master that is watched. Cheap to clone.
#[derive(Clone)]
pub struct Watched {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    master: Arc<dyn Master>,
    settings: WatchSettings,
    items: DashMap<QueueId, watch::Sender<ItemSight>>,
    runs: DashMap<(Place, u64), (JobName, watch::Sender<RunSight>)>,
    /// Which build of ours has which item, and whether it has started: two builds are never run on one (jenkins-rest 3.2).
    held: DashMap<QueueId, (BuildId, bool)>,
    wake: Notify,
    requests: Semaphore,
    /// What keeps the master from being asked.
    trouble: watch::Sender<Option<String>>,
}

impl Watched {
    /// A master by its name.
    pub fn new(name: &str, master: Arc<dyn Master>, settings: WatchSettings) -> Watched {
        let shared = Shared {
            name: name.to_owned(),
            master,
            settings,
            items: DashMap::new(),
            runs: DashMap::new(),
            held: DashMap::new(),
            wake: Notify::new(),
            requests: Semaphore::new(AT_ONCE),
            trouble: watch::Sender::new(None),
        };
        Watched { shared: Arc::new(shared) }
    }

    /// The master itself.
    pub(super) fn master(&self) -> &dyn Master {
        &*self.shared.master
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.shared.name
    }

    /// How it is watched.
    pub(super) fn settings(&self) -> WatchSettings {
        self.shared.settings
    }

    /// What keeps it from being asked, if anything does.
    pub(super) fn trouble(&self) -> Option<String> {
        self.shared.trouble.borrow().clone()
    }

    /// Waits for a place among the requests.
    pub(super) async fn request(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        self.shared.requests.acquire().await.ok()
    }

    /// The pause between two parts of one build's log.
    pub(super) fn log_pause(&self) -> Duration {
        let running = u32::try_from(self.shared.runs.len()).unwrap_or(u32::MAX);
        self.shared.settings.poll.max(Duration::from_secs(1) * running / LOGS_A_SECOND)
    }

    /// Takes an item for a build; `false`: another build has it.
    pub(super) fn hold(&self, item: QueueId, build: BuildId) -> bool {
        self.shared.held.entry(item).or_insert((build, false)).0 == build
    }

    /// The item has become a build: an equal trigger gets an item of its own from now on.
    pub(super) fn started(&self, item: QueueId) {
        if let Some(mut held) = self.shared.held.get_mut(&item) {
            held.1 = true;
        }
    }

    /// Whether another build of ours has the item.
    pub(super) fn is_held(&self, item: QueueId, by_other_than: BuildId) -> bool {
        self.shared.held.get(&item).is_some_and(|held| held.0 != by_other_than)
    }

    /// Whether the item waits for a build of ours.
    pub(super) fn waits(&self, item: QueueId) -> bool {
        self.shared.held.get(&item).is_some_and(|held| !held.1)
    }

    /// Gives up all items of a build that is over.
    pub(super) fn release(&self, build: BuildId) {
        self.shared.held.retain(|_, held| held.0 != build);
    }

    /// Follows an item until the receiver is dropped.
    pub(super) fn item(&self, item: QueueId) -> watch::Receiver<ItemSight> {
        let sender = self.shared.items.entry(item).or_insert_with(|| watch::Sender::new(ItemSight::Unknown));
        let sight = sender.subscribe();
        drop(sender);
        self.shared.wake.notify_one();
        sight
    }

    /// Follows a build until the receiver is dropped.
    pub(super) fn run(&self, job: &JobName, number: u64) -> watch::Receiver<RunSight> {
        let key = (Place::of(job), number);
        let new = || (job.clone(), watch::Sender::new(RunSight::Unknown));
        let entry = self.shared.runs.entry(key).or_insert_with(new);
        let sight = entry.1.subscribe();
        drop(entry);
        self.shared.wake.notify_one();
        sight
    }

    /// Looks at everything that is followed until it is dropped.
    pub(super) async fn look(self) {
        let mut pause = self.shared.settings.poll;
        let mut look = 0;
        loop {
            self.shared.items.retain(|_, sender| !sender.is_closed());
            self.shared.runs.retain(|_, (_, sender)| !sender.is_closed());
            if self.shared.items.is_empty() && self.shared.runs.is_empty() {
                self.shared.wake.notified().await;
                continue;
            }
            look += 1;
            let seen = match self.items().await {
                Ok(()) => self.runs(look).await,
                failed => failed,
            };
            pause = match seen {
                Ok(()) => self.shared.settings.poll,
                Err(_) => (pause * 2).min(LONGEST_PAUSE.max(self.shared.settings.poll)),
            };
            self.tell(seen.err());
            tokio::time::sleep(pause).await;
        }
    }

    fn tell(&self, failed: Option<MasterError>) {
        let now = failed.map(|error| error.to_string());
        let changed = self.shared.trouble.send_if_modified(|trouble| {
            let changed = trouble.is_some() != now.is_some();
            trouble.clone_from(&now);
            changed
        });
        match (changed, now) {
            (true, Some(error)) => {
                warn!(master = %self.shared.name, %error, "a master does not answer; its builds wait for it")
            }
            (true, None) => info!(master = %self.shared.name, "the master answers again"),
            (false, _) => {}
        }
    }

    async fn items(&self) -> Result<(), MasterError> {
        let followed: Vec<QueueId> = self.shared.items.iter().map(|entry| *entry.key()).collect();
        if followed.is_empty() {
            return Ok(());
        }
        let waiting = self.shared.master.queue().await?;
        let here: HashSet<QueueId> = waiting.iter().map(|item| item.id).collect();
        for item in waiting {
            self.see_item(item.id, ItemSight::At(QueueState::Waiting { why: item.why }));
        }
        for id in followed.into_iter().filter(|id| !here.contains(id)) {
            match self.shared.master.queue_item(id).await {
                Ok(item) => self.see_item(id, ItemSight::At(item.state)),
                Err(MasterError::Refused(Refusal::NotFound)) => self.see_item(id, ItemSight::Gone),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn see_item(&self, id: QueueId, sight: ItemSight) {
        if let Some(sender) = self.shared.items.get(&id) {
            sender.send_if_modified(|seen| {
                // A gone item is said again: whoever waits looks for it by other ways.
                let changed = *seen != sight || sight == ItemSight::Gone;
                *seen = sight;
                changed
            });
        }
    }

    async fn runs(&self, look: u64) -> Result<(), MasterError> {
        let followed: Vec<((Place, u64), JobName)> =
            self.shared.runs.iter().map(|entry| (entry.key().clone(), entry.value().0.clone())).collect();
        if followed.is_empty() {
            return Ok(());
        }
        let mut here = HashSet::new();
        for run in self.shared.master.running().await? {
            let key = (run.job, run.number);
            self.see_run(&key, RunSight::Running(run.estimated_ms));
            here.insert(key);
        }
        for (key, job) in followed.into_iter().filter(|(key, _)| !here.contains(key)) {
            match self.shared.master.build(&job, key.1).await {
                Ok(facts) => self.see_run(&key, RunSight::Facts(facts, look)),
                Err(MasterError::Refused(Refusal::NotFound)) => self.see_run(&key, RunSight::Gone(look)),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn see_run(&self, key: &(Place, u64), sight: RunSight) {
        if let Some(entry) = self.shared.runs.get(key) {
            entry.1.send_if_modified(|seen| {
                let changed = *seen != sight;
                *seen = sight;
                changed
            });
        }
    }
}
