//! The metric registry and the types that parts of the process count with (pools 14.3).
//!
//! Base units are seconds and bytes. Labels have few values. Gauges that mirror a state (nodes, leases, builds) are set
//! when somebody scrapes; counters and histograms are moved where the thing happens.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Launches and waits: 0.1 s to about an hour.
const LONG_SECONDS: (f64, f64, u16) = (0.1, 2.0, 16);
/// Commits and requests: 50 µs to about 3 s.
const SHORT_SECONDS: (f64, f64, u16) = (0.000_05, 2.0, 17);

/// All metrics of the process. Cheap to clone; each part keeps the types that it moves.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    /// The Gearman server.
    pub gearman: GearmanMetrics,
    /// Builds and their steps.
    pub builds: BuildMetrics,
    /// Pools, providers, leases.
    pub pool: PoolMetrics,
    /// Consoles.
    pub console: ConsoleMetrics,
    /// The store.
    pub store: StoreMetrics,
    /// The HTTP faces.
    pub http: HttpMetrics,
}

impl Metrics {
    /// A fresh registry with every metric of the process in it.
    pub fn new() -> Metrics {
        let mut registry = Registry::with_prefix("causeway");
        let gearman = GearmanMetrics::register(registry.sub_registry_with_prefix("gearman"));
        let store = StoreMetrics::register(registry.sub_registry_with_prefix("store"));
        let builds = BuildMetrics::register(&mut registry, &store);
        let pool = PoolMetrics::register(&mut registry, &store);
        let console = ConsoleMetrics::register(registry.sub_registry_with_prefix("log"));
        let http = HttpMetrics::register(registry.sub_registry_with_prefix("http"));
        Metrics { registry: Arc::new(registry), gearman, builds, pool, console, store, http }
    }

    /// Everything in Prometheus' text form.
    ///
    /// # Errors
    /// Never for a `String`; the encoder's signature allows it.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut page = String::with_capacity(16 * 1024);
        text::encode(&mut page, &self.registry)?;
        Ok(page)
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

/// Sets a counter whose true value is kept elsewhere and only grows.
pub fn mirror(counter: &Counter, value: u64) {
    counter.inner().store(value, Ordering::Relaxed);
}

fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

fn histogram(registry: &mut Registry, name: &str, help: &str, buckets: (f64, f64, u16)) -> Histogram {
    let (first, factor, count) = buckets;
    let histogram = Histogram::new(exponential_buckets(first, factor, count));
    registry.register(name, help, histogram.clone());
    histogram
}

/// A family of histograms over [`LONG_SECONDS`].
pub type LongHistograms<L> = Family<L, Histogram, fn() -> Histogram>;

fn long_histogram() -> Histogram {
    let (first, factor, count) = LONG_SECONDS;
    Histogram::new(exponential_buckets(first, factor, count))
}

fn family<L>(registry: &mut Registry, name: &str, help: &str) -> Family<L, Counter>
where
    L: EncodeLabelSet + Clone + std::hash::Hash + Eq + fmt::Debug + Send + Sync + 'static,
{
    let family = Family::<L, Counter>::default();
    registry.register(name, help, family.clone());
    family
}

fn gauges<L>(registry: &mut Registry, name: &str, help: &str) -> Family<L, Gauge>
where
    L: EncodeLabelSet + Clone + std::hash::Hash + Eq + fmt::Debug + Send + Sync + 'static,
{
    let family = Family::<L, Gauge>::default();
    registry.register(name, help, family.clone());
    family
}

fn histograms<L>(registry: &mut Registry, name: &str, help: &str) -> LongHistograms<L>
where
    L: EncodeLabelSet + Clone + std::hash::Hash + Eq + fmt::Debug + Send + Sync + 'static,
{
    let family = Family::<L, Histogram, fn() -> Histogram>::new_with_constructor(long_histogram);
    registry.register(name, help, family.clone());
    family
}

/// The Gearman server's figures. The queue counts by itself, without atomics; a copy is made once a second (design A15).
#[derive(Debug, Clone)]
pub struct GearmanMetrics {
    /// Open connections.
    pub connections: Gauge,
    /// Connections refused because of a limit.
    pub connections_refused: Counter,
    /// Registered function names with a worker.
    pub functions: Gauge,
    /// Assignments that wait for a worker.
    pub jobs_queued: Gauge,
    /// Assignments that a worker has.
    pub jobs_running: Gauge,
    /// Assignments ever submitted.
    pub jobs_submitted: Counter,
    /// Submits merged with a job that lived.
    pub jobs_merged: Counter,
    /// Assignments ever ended.
    pub jobs_ended: Counter,
    /// Background jobs that died with their worker (decision 7).
    pub jobs_lost: Counter,
    /// Packets read.
    pub packets_in: Counter,
    /// Bytes read.
    pub bytes_in: Counter,
    /// Bytes written.
    pub bytes_out: Counter,
}

impl GearmanMetrics {
    fn register(registry: &mut Registry) -> GearmanMetrics {
        let r = registry;
        GearmanMetrics {
            connections: gauge(r, "connections", "Open Gearman connections"),
            connections_refused: counter(r, "connections_refused", "Connections refused at a limit"),
            functions: gauge(r, "functions", "Function names that a worker can do"),
            jobs_queued: gauge(r, "jobs_queued", "Assignments waiting for a worker"),
            jobs_running: gauge(r, "jobs_running", "Assignments at a worker"),
            jobs_submitted: counter(r, "jobs_submitted", "Assignments submitted"),
            jobs_merged: counter(
                r,
                "jobs_merged",
                "Submits answered with a job that lived, where gearman.merge is on",
            ),
            jobs_ended: counter(r, "jobs_ended", "Assignments ended"),
            jobs_lost: counter(r, "jobs_lost", "Background assignments that died with their worker"),
            packets_in: counter(r, "packets_in", "Packets read"),
            bytes_in: counter(r, "bytes_in", "Bytes read"),
            bytes_out: counter(r, "bytes_out", "Bytes written"),
        }
    }
}

/// A result word; `NONE` when there was none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ResultLabels {
    /// The word.
    pub result: &'static str,
}

/// A state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StateLabels {
    /// The state's word.
    pub state: &'static str,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StepLabels {
    /// The result word.
    pub result: &'static str,
    /// The kind of cause: `exit`, `signal`, `memory`, `timeout`, …
    pub cause: &'static str,
}

/// Builds and their steps.
#[derive(Debug, Clone)]
pub struct BuildMetrics {
    /// Live builds by state, set at each scrape.
    pub live: Family<StateLabels, Gauge>,
    /// Builds accepted.
    pub accepted: Counter,
    /// Builds ended, by result word.
    pub ended: Family<ResultLabels, Counter>,
    /// From acceptance to the end.
    pub seconds: LongHistograms<ResultLabels>,
    /// Steps ended.
    pub steps: Family<StepLabels, Counter>,
    /// Rows that somebody else had written: those of the store.
    pub conflicts: Counter,
}

impl BuildMetrics {
    fn register(registry: &mut Registry, store: &StoreMetrics) -> BuildMetrics {
        BuildMetrics {
            live: gauges(registry, "builds", "Live builds by state"),
            accepted: counter(registry, "builds_accepted", "Builds accepted"),
            ended: family(registry, "builds_ended", "Builds ended, by result"),
            seconds: histograms(registry, "build_seconds", "Time from acceptance to the end"),
            steps: family(registry, "step", "Steps ended"),
            conflicts: store.conflicts.clone(),
        }
    }
}

/// A node's place and state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct NodeLabels {
    /// The provider.
    pub provider: String,
    /// The label.
    pub label: String,
    /// The state's word.
    pub state: &'static str,
}

/// A launch.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LaunchLabels {
    /// The provider.
    pub provider: String,
    /// The label.
    pub label: String,
    /// `ready` or `failed`.
    pub result: &'static str,
}

/// A wait for a lease.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct WaitLabels {
    /// The label.
    pub label: String,
    /// `stock` or `launched`.
    pub source: &'static str,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ProviderLabels {
    /// Its name.
    pub provider: String,
}

/// Pools, providers and leases.
#[derive(Debug, Clone)]
pub struct PoolMetrics {
    /// Nodes, set at each scrape.
    pub nodes: Family<NodeLabels, Gauge>,
    /// From the request of a node to ready or failed.
    pub launch_seconds: LongHistograms<LaunchLabels>,
    /// Leases that wait, set at each scrape.
    pub leases_waiting: Gauge,
    /// From the request of a lease to its node.
    pub lease_wait_seconds: LongHistograms<WaitLabels>,
    /// Whether a provider answers: 1 or 0, set at each scrape.
    pub provider_up: Family<ProviderLabels, Gauge>,
    /// A provider's limit of nodes.
    pub quota_limit: Family<ProviderLabels, Gauge>,
    /// Nodes counted against it.
    pub quota_used: Family<ProviderLabels, Gauge>,
    /// Objects with our marks and without a row.
    pub leaked: Family<ProviderLabels, Gauge>,
    /// Leases served from stock.
    pub stock_hits: Counter,
    /// Leases for which a node had to be made.
    pub stock_misses: Counter,
    /// One pass of the planner.
    pub pass_seconds: Histogram,
    /// Rows that somebody else had written: those of the store.
    pub conflicts: Counter,
}

impl PoolMetrics {
    fn register(r: &mut Registry, store: &StoreMetrics) -> PoolMetrics {
        PoolMetrics {
            nodes: gauges(r, "nodes", "Nodes by state"),
            launch_seconds: histograms(r, "node_launch_seconds", "Time from request to ready or failed"),
            leases_waiting: gauge(r, "leases_waiting", "Leases waiting for a node"),
            lease_wait_seconds: histograms(r, "lease_wait_seconds", "Time from request to node"),
            provider_up: gauges(r, "provider_up", "Whether the provider answers"),
            quota_limit: gauges(r, "quota_limit", "Nodes that the provider may have"),
            quota_used: gauges(r, "quota_used", "Nodes counted against the provider's limit"),
            leaked: gauges(r, "leaked_objects", "Objects with our marks and without a row"),
            stock_hits: counter(r, "stock_hits", "Leases served from stock"),
            stock_misses: counter(r, "stock_misses", "Leases that needed a new node"),
            pass_seconds: histogram(r, "scheduler_pass_seconds", "One pass of the planner", SHORT_SECONDS),
            conflicts: store.conflicts.clone(),
        }
    }
}

/// Consoles.
#[derive(Debug, Clone)]
pub struct ConsoleMetrics {
    /// Bytes appended.
    pub bytes: Counter,
    /// Bytes that a full disk made us drop.
    pub dropped_bytes: Counter,
}

impl ConsoleMetrics {
    fn register(registry: &mut Registry) -> ConsoleMetrics {
        ConsoleMetrics {
            bytes: counter(registry, "bytes", "Console bytes stored"),
            dropped_bytes: counter(registry, "dropped_bytes", "Console bytes that a full disk made us drop"),
        }
    }
}

/// The store.
#[derive(Debug, Clone)]
pub struct StoreMetrics {
    /// One commit.
    pub commit_seconds: Histogram,
    /// Writes refused because a row was not what it was (pools-P3): somebody else writes to the store.
    pub conflicts: Counter,
}

impl StoreMetrics {
    fn register(registry: &mut Registry) -> StoreMetrics {
        StoreMetrics {
            commit_seconds: histogram(registry, "commit_seconds", "One commit of the store", SHORT_SECONDS),
            conflicts: counter(
                registry,
                "conflicts",
                "Writes refused because somebody else had changed a row",
            ),
        }
    }
}

/// The HTTP faces.
#[derive(Debug, Clone)]
pub struct HttpMetrics {
    /// Open connections.
    pub connections: Gauge,
    /// Readers of live consoles.
    pub live_readers: Gauge,
    /// Requests, by the first digit of the status.
    pub requests: Family<StatusLabels, Counter>,
    /// Requests refused by Host, Origin or token.
    pub refused: Counter,
}

/// A class of HTTP status codes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StatusLabels {
    /// `2xx`, `3xx`, `4xx`, `5xx`.
    pub status: &'static str,
}

impl HttpMetrics {
    fn register(registry: &mut Registry) -> HttpMetrics {
        HttpMetrics {
            connections: gauge(registry, "connections", "Open HTTP connections"),
            live_readers: gauge(registry, "live_readers", "Readers of live consoles"),
            requests: family(registry, "requests", "Requests, by class of status"),
            refused: counter(registry, "requests_refused", "Requests refused by host, origin or token"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_14_3_names_are_those_of_the_contract() {
        let metrics = Metrics::new();
        let _ = metrics.pool.nodes.get_or_create(&NodeLabels {
            provider: "docker".into(),
            label: "small".into(),
            state: "ready",
        });
        metrics.pool.stock_hits.inc();
        metrics.console.bytes.inc_by(7);
        mirror(&metrics.gearman.jobs_submitted, 3);
        let page = metrics.text().unwrap();
        for line in [
            "causeway_nodes{provider=\"docker\",label=\"small\",state=\"ready\"} 0",
            "causeway_stock_hits_total 1",
            "causeway_log_bytes_total 7",
            "causeway_gearman_jobs_submitted_total 3",
            "causeway_leases_waiting 0",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is missing in\n{page}");
        }
    }
}
