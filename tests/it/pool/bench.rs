//! A pool with its store, its clock and its provider.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use causeway::model::{
    BuildId, BuildRecord, BuildRequest, BuildState, Cause, Millis, NodeState, Origin, Outcome, Parameters,
    Precedence,
};
use causeway::pool::label::{LabelDefinition, NetworkMode, PullPolicy, SecurityProfile};
use causeway::pool::provider::Provider;
use causeway::pool::{
    LabelSet, Lease, LeaseFailure, Pool, PoolConfig, PoolStatus, PoolTiming, ProviderLimits, Ticket, Want,
};
use causeway::provider::fake::{FakeProvider, Script};
use causeway::store::{MemoryStore, Store};
use causeway::sys::{Clock, SharedClock};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// No condition is waited for longer: an hour of stopped time is nothing.
const LIMIT: Duration = Duration::from_secs(3600);

/// Wall-clock time that goes with tokio's, and random numbers that are always the same.
pub struct TestClock {
    start: Instant,
    random: AtomicU64,
}

impl Clock for TestClock {
    fn now(&self) -> Millis {
        Millis(1_700_000_000_000).plus(self.start.elapsed())
    }

    fn random(&self) -> u64 {
        self.random.fetch_add(1, Ordering::Relaxed)
    }
}

pub struct Bench {
    pub config: PoolConfig,
    pub clock: SharedClock,
    pub fake: FakeProvider,
    pub store: Arc<MemoryStore>,
    pub pool: Pool,
    pub shutdown: CancellationToken,
}

/// A label of provider `fake`.
pub fn label(name: &str, min_ready: u32) -> LabelDefinition {
    LabelDefinition {
        name: name.to_owned(),
        aliases: Vec::new(),
        pool: "main".to_owned(),
        provider: "fake".to_owned(),
        image: Some("debian:12".to_owned()),
        pull: PullPolicy::IfAbsent,
        min_ready,
        max_nodes: None,
        cpus_milli: None,
        memory_bytes: None,
        pids: 1024,
        shm_bytes: None,
        disk_bytes: None,
        mounts: Vec::new(),
        environment: Vec::new(),
        user: None,
        profile: SecurityProfile::Standard,
        network: NetworkMode::Default,
        guard: None,
        images: Default::default(),
        max_ready_age: Duration::ZERO,
    }
}

/// Labels of provider `fake`, and as many nodes as said.
pub fn config(definitions: Vec<LabelDefinition>, max_nodes: u32) -> PoolConfig {
    PoolConfig {
        labels: LabelSet { definitions, map: Vec::new() },
        providers: vec![limits(max_nodes)],
        nodes_dir: PathBuf::from("/nowhere/nodes"),
        timing: PoolTiming::default(),
    }
}

pub fn limits(max_nodes: u32) -> ProviderLimits {
    ProviderLimits { max_nodes, launches_at_once: max_nodes, ..ProviderLimits::new("fake") }
}

impl Bench {
    pub async fn new(config: PoolConfig, script: Script) -> Bench {
        let clock: SharedClock = Arc::new(TestClock { start: Instant::now(), random: AtomicU64::new(1) });
        let fake = FakeProvider::new("fake", script);
        let store = Arc::new(MemoryStore::default());
        let shutdown = CancellationToken::new();
        let pool = start(&config, &fake, &store, &clock, &shutdown).await;
        Bench { config, clock, fake, store, pool, shutdown }
    }

    /// One label `small`, no stock, a provider that behaves.
    pub async fn small(min_ready: u32, max_nodes: u32) -> Bench {
        Bench::new(config(vec![label("small", min_ready)], max_nodes), Script::default()).await
    }

    /// The process dies and is started again.
    pub async fn restart(&mut self) {
        self.shutdown.cancel();
        self.shutdown = CancellationToken::new();
        // The streams of a process end with it.
        self.fake.drop_streams();
        self.pool = start(&self.config, &self.fake, &self.store, &self.clock, &self.shutdown).await;
    }

    pub fn build(&self) -> BuildId {
        causeway::sys::new_build_id(self.clock.as_ref())
    }

    /// A build that the store knows, as builds are that outlive a process.
    pub async fn stored_build(&self) -> BuildRecord {
        let mut record = record(self.clock.as_ref());
        self.store.accept_build(record.clone(), 1).await.unwrap();
        record.version = 1;
        record
    }

    pub async fn request(&self, expression: &str) -> Ticket {
        self.request_for(self.build(), expression).await
    }

    pub async fn request_for(&self, build: BuildId, expression: &str) -> Ticket {
        let want =
            Want { build, expression: expression.to_owned(), priority: Precedence::Normal, beyond: false };
        self.pool.request(want).await.unwrap()
    }

    /// Every build that the store knows ends.
    pub async fn end_builds(&self) {
        for record in self.store.unfinished_builds().await.unwrap() {
            self.end_build(record.id).await;
        }
    }

    pub async fn end_build(&self, id: BuildId) {
        let mut record = self.store.build(id).await.unwrap().unwrap();
        record.state = BuildState::Ended(Outcome { result: None, cause: Cause::Finished });
        self.store.end_build(record, None).await.unwrap();
    }

    pub async fn lease(&self, expression: &str) -> Result<Lease, LeaseFailure> {
        self.request(expression).await.lease().await
    }

    pub fn status(&self) -> Arc<PoolStatus> {
        self.pool.status()
    }

    /// How many nodes are in this state.
    pub fn count(&self, state: NodeState) -> usize {
        self.status().nodes.iter().filter(|node| node.state == state).count()
    }

    /// Waits until the status is what is wanted, and fails with it when it never is.
    pub async fn until(&self, what: &str, wanted: impl Fn(&PoolStatus) -> bool) {
        let deadline = Instant::now() + LIMIT;
        while !wanted(&self.status()) {
            assert!(Instant::now() < deadline, "never: {what}\n{:#?}", self.status());
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until so many nodes stand ready, and none is in the making or being removed.
    pub async fn until_ready(&self, count: usize) {
        self.until(&format!("{count} nodes ready"), |status| {
            let ready = status.nodes.iter().filter(|node| node.state == NodeState::Ready).count();
            let moving =
                status.nodes.iter().any(|node| !matches!(node.state, NodeState::Ready | NodeState::Leased));
            ready == count && !moving
        })
        .await;
    }

    /// Waits until nothing is left, neither rows nor objects.
    pub async fn until_empty(&self) {
        let deadline = Instant::now() + LIMIT;
        loop {
            let (nodes, leases) = (self.store.nodes().await.unwrap(), self.store.leases().await.unwrap());
            let objects = self.fake.nodes();
            if nodes.is_empty() && leases.is_empty() && objects.is_empty() && self.status().nodes.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "left over: {nodes:?} {leases:?} {objects:?}");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A build that has been accepted.
pub fn record(clock: &dyn Clock) -> BuildRecord {
    BuildRecord::accepted(
        causeway::sys::new_build_id(clock),
        BuildRequest {
            route: None,
            job: "job".parse().unwrap(),
            label: None,
            parameters: Parameters::default(),
            precedence: Precedence::Normal,
            origin: Origin::Http { user: "test".to_owned() },
        },
        "".into(),
        clock.now(),
    )
}

/// A pool with that provider and store.
pub async fn start(
    config: &PoolConfig,
    fake: &FakeProvider,
    store: &Arc<impl Store>,
    clock: &SharedClock,
    shutdown: &CancellationToken,
) -> Pool {
    let providers: Vec<Arc<dyn Provider>> = vec![Arc::new(fake.clone())];
    let store: Arc<dyn Store> = Arc::clone(store) as Arc<dyn Store>;
    Pool::start(config.clone(), providers, store, Arc::clone(clock), shutdown.clone()).await.unwrap()
}
