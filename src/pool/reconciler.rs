//! The loop that makes plans real (design A5): the only caller of create, start and destroy.
//!
//! One task owns every row. It takes the messages that are there, plans once, writes everything in one commit, and only then
//! answers and starts what follows (pools-P1); what arrives during the commit shares the next one. Work at providers is done by
//! tasks of their own, at most one a node, so that one provider never delays another (pools-P24). Losing a message or a task costs
//! time, never correctness: every turn looks at the whole state.

mod commit;
mod connect;
mod effects;
mod health;
mod launch;
mod leases;
mod load;
mod look;
mod nodes;
mod planning;
mod removal;
mod report;
mod sweep;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(super) use self::connect::{NoKeeper, connect};
use self::effects::Effect;
use self::health::{LabelHealth, QuotaHealth};
use self::leases::Lease;
use self::nodes::Node;
use super::config::{PoolConfig, PoolTiming, ProviderLimits};
use super::label::LabelDefinition;
use super::labels::LabelTable;
use super::message::Message;
use super::provider::Provider;
use super::status::PoolStatus;
use crate::model::{BuildId, Event, LeaseId, NodeId, NodeState};
use crate::store::{LeaseWrite, Store, StoreError};
use crate::sys::SharedClock;
use crate::telemetry::metrics::PoolMetrics;

/// Messages that are taken in one turn: a burst becomes a few commits, and a commit stays small.
const MESSAGES_A_TURN: usize = 512;
/// Between two tries to write to a store that refuses.
const STORE_PAUSE: Duration = Duration::from_millis(500);
/// The status is renewed at most so often.
const REPORT_EVERY: Duration = Duration::from_millis(20);
/// Deletes that a provider is asked for at once.
const REMOVALS_AT_ONCE: usize = 8;
/// Who does it, in the log of events: this loop …
const RECONCILER: &str = "reconciler";
/// … or the builds that ask it.
const DISPATCHER: &str = "dispatcher";

/// What the reconciler works with.
pub(super) struct Parts {
    pub(super) config: PoolConfig,
    pub(super) providers: Vec<Arc<dyn Provider>>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: SharedClock,
    pub(super) shutdown: CancellationToken,
    pub(super) inbox: mpsc::Receiver<Message>,
    pub(super) messages: mpsc::Sender<Message>,
    pub(super) gone: Arc<Notify>,
    pub(super) labels: Arc<ArcSwap<LabelTable>>,
    pub(super) status: Arc<ArcSwap<PoolStatus>>,
}

/// Loads the rows and starts the loop.
pub(super) async fn start(parts: Parts) -> Result<(), StoreError> {
    let inbox = parts.inbox;
    let parts = Parts { inbox: mpsc::channel(1).1, ..parts };
    let mut reconciler = Reconciler::new(&parts, parts.store.instance_id().await?);
    reconciler.load().await?;
    reconciler.report();
    tokio::spawn(reconciler.run(inbox));
    Ok(())
}

/// A label, and how it fares.
struct Label {
    definition: Arc<LabelDefinition>,
    hash: String,
    provider: usize,
    health: LabelHealth,
}

/// A provider, and how it fares.
struct ProviderEntry {
    driver: Arc<dyn Provider>,
    limits: ProviderLimits,
    quota: QuotaHealth,
    launches: Arc<Semaphore>,
    removals: Arc<Semaphore>,
    look: look::Look,
}

struct Reconciler {
    store: Arc<dyn Store>,
    clock: SharedClock,
    timing: PoolTiming,
    nodes_dir: std::path::PathBuf,
    instance: String,
    messages: mpsc::Sender<Message>,
    gone: Arc<Notify>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
    /// The labels as the handle has them: ahead of ours until its message is taken in.
    offered: Arc<ArcSwap<LabelTable>>,
    status: Arc<ArcSwap<PoolStatus>>,

    /// The labels that [`Reconciler::labels`] is made from: its positions are theirs.
    table: Arc<LabelTable>,
    labels: Vec<Label>,
    providers: Vec<ProviderEntry>,
    nodes: BTreeMap<NodeId, Node>,
    leases: BTreeMap<LeaseId, Lease>,
    by_build: HashMap<BuildId, LeaseId>,

    /// Rows that are not stored yet.
    dirty_nodes: BTreeSet<NodeId>,
    dirty_leases: BTreeSet<LeaseId>,
    ended_leases: Vec<LeaseWrite>,
    /// What happened to them, to be logged with the same commit (pools-P4).
    events: Vec<Event>,
    /// What follows when they are.
    effects: Vec<Effect>,
    /// Effects brought forth something new to store or to plan.
    again: bool,
    metrics: Option<Box<PoolMetrics>>,
    /// Everything is being taken away; these wait for it.
    clearing: Option<Vec<oneshot::Sender<()>>>,
    last_report: Instant,
    /// The status is older than what is true.
    report_due: bool,
}

impl Reconciler {
    fn new(parts: &Parts, instance: String) -> Reconciler {
        let entry = |driver: &Arc<dyn Provider>| {
            let limits = parts.config.providers.iter().find(|limits| limits.provider == driver.name());
            let limits = limits.cloned().unwrap_or_else(|| ProviderLimits::new(driver.name()));
            ProviderEntry {
                driver: Arc::clone(driver),
                launches: Arc::new(Semaphore::new(slots(limits.launches_at_once))),
                removals: Arc::new(Semaphore::new(REMOVALS_AT_ONCE)),
                limits,
                quota: QuotaHealth::default(),
                look: look::Look::default(),
            }
        };
        let mut reconciler = Reconciler {
            store: Arc::clone(&parts.store),
            clock: Arc::clone(&parts.clock),
            timing: parts.config.timing.clone(),
            nodes_dir: parts.config.nodes_dir.clone(),
            instance,
            messages: parts.messages.clone(),
            gone: Arc::clone(&parts.gone),
            shutdown: parts.shutdown.clone(),
            tasks: TaskTracker::new(),
            offered: Arc::clone(&parts.labels),
            status: Arc::clone(&parts.status),
            table: Arc::default(),
            labels: Vec::new(),
            providers: parts.providers.iter().map(entry).collect(),
            nodes: BTreeMap::new(),
            leases: BTreeMap::new(),
            by_build: HashMap::new(),
            dirty_nodes: BTreeSet::new(),
            dirty_leases: BTreeSet::new(),
            ended_leases: Vec::new(),
            events: Vec::new(),
            effects: Vec::new(),
            again: false,
            metrics: None,
            clearing: None,
            last_report: Instant::now(),
            report_due: true,
        };
        reconciler.take_labels();
        reconciler
    }

    async fn run(mut self, mut inbox: mpsc::Receiver<Message>) {
        let shutdown = self.shutdown.clone();
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.turns(&mut inbox) => {}
        }
        // Tasks end with the same token; what they left half done is in the store, and the next process takes it up (pools-P9).
        self.tasks.close();
    }

    async fn turns(&mut self, inbox: &mut mpsc::Receiver<Message>) {
        let gone = Arc::clone(&self.gone);
        loop {
            self.turn().await;
            if self.again {
                continue;
            }
            let wake = self.wake_at();
            tokio::select! {
                message = inbox.recv() => {
                    let Some(message) = message else { return };
                    self.take(message);
                    for _ in 1..MESSAGES_A_TURN {
                        let Ok(message) = inbox.try_recv() else { break };
                        self.take(message);
                    }
                }
                () = gone.notified() => {}
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    /// One look at everything: what changed is stored, then planned for, stored, and carried out.
    async fn turn(&mut self) {
        self.again = false;
        self.drop_vanished();
        let became_ready =
            |node: &NodeId| self.nodes.get(node).is_some_and(|node| node.row.state == NodeState::Ready);
        if self.dirty_nodes.iter().any(became_ready) {
            // No state is skipped in the store: a node that the plan gives out at once was ready first (pools-P6).
            self.commit().await;
        }
        self.plan();
        self.commit().await;
        for effect in std::mem::take(&mut self.effects) {
            self.carry_out(effect);
        }
        self.start_looks();
        self.answer_cleared();
        self.report();
    }

    /// Takes one message in.
    fn take(&mut self, message: Message) {
        match message {
            Message::Request(request) => self.request(request),
            Message::Resume { build, lease, answer } => self.resume(build, lease, answer),
            Message::Release { lease, answer } => self.release(lease, answer),
            Message::Orphaned { lease } => self.orphaned(lease),
            Message::Reload { providers } => self.reload(&providers),
            Message::Measure(metrics) => self.metrics = Some(metrics),
            Message::PurgeLeaks => self.purge_leaks(),
            Message::Clear { answer } => self.clearing.get_or_insert_default().push(answer),
            Message::Node { node, news } => self.news(node, news),
            Message::Looked { provider, began, health, listing } => {
                self.looked(provider, began, health, listing);
            }
        }
    }

    /// When to look again without being asked: a gate opens, a provider is to be listed, or simply after a while.
    fn wake_at(&self) -> Instant {
        let now = self.clock.now();
        let labels = self.labels.iter().filter_map(|label| label.health.opens_at(now));
        let quotas = self.providers.iter().filter_map(|provider| provider.quota.opens_at(now));
        let gate = labels.chain(quotas).min().map(|opens| opens.since(now) + Duration::from_millis(1));
        let turn = Instant::now() + gate.unwrap_or(self.timing.turn).min(self.timing.turn);
        let looks = self.providers.iter().filter_map(|provider| provider.look.next());
        let report = self.report_due.then(|| self.last_report + REPORT_EVERY);
        looks.chain(report).fold(turn, Instant::min)
    }

    /// Runs a task beside the loop; it ends with the pool.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = work => {}
            }
        });
    }
}

fn slots(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS)
}
