//! What the pool is told: labels, the names that stand for them, limits, and times.

use std::path::PathBuf;
use std::time::Duration;

use super::label::LabelDefinition;

/// Everything that the pool is configured with. Checked before it gets here.
#[derive(Debug, Clone, Default)]
pub struct PoolConfig {
    /// Labels and the names that stand for them.
    pub labels: LabelSet,
    /// The limits of each provider; a provider without an entry gets the defaults of [`ProviderLimits::new`].
    pub providers: Vec<ProviderLimits>,
    /// Nodes have their directories below this one (decision 18).
    pub nodes_dir: PathBuf,
    /// Times; the defaults are those of the contract.
    pub timing: PoolTiming,
}

/// The labels of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSet {
    /// The labels, in the order of the configuration: the order decides between equals (pools-P12).
    pub definitions: Vec<LabelDefinition>,
    /// Old node names and the label expressions that they stand for (pools-P14).
    pub map: Vec<(String, String)>,
}

/// How much a provider may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderLimits {
    /// The provider's name.
    pub provider: String,
    /// Nodes at once, from their first row to their confirmed end (pools-P13).
    pub max_nodes: u32,
    /// Launches that are worked on at once; further ones wait as `requested`.
    pub launches_at_once: u32,
    /// No launches any more; stock is cleared away, leases finish (pools-P50a).
    pub draining: bool,
}

impl ProviderLimits {
    /// The defaults: 20 nodes, 8 launches at once.
    pub fn new(provider: &str) -> ProviderLimits {
        ProviderLimits { provider: provider.to_owned(), max_nodes: 20, launches_at_once: 8, draining: false }
    }
}

/// The times by which the pool works. Tests shorten them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolTiming {
    /// The reconciler's own turn, when nothing wakes it (pools-P39: a waiting lease is looked at again at the latest after 10 s).
    pub turn: Duration,
    /// Limit of one create or start call (pools 4.2 `create_timeout`).
    pub create_timeout: Duration,
    /// Limit from the stream to the keeper's first words (pools 4.2 `boot_timeout`).
    pub boot_timeout: Duration,
    /// Limit of one delete round (pools 4.2 `deleting`).
    pub delete_timeout: Duration,
    /// Limit of an image's pull (pools-D52).
    pub pull_timeout: Duration,
    /// How long an object may take to appear after a create whose answer was lost (pools 5, P53).
    pub settle: Duration,
    /// Failures in a row after which a label is left alone for a while (pools-P27).
    pub failures_before_back_off: u32,
    /// The first such while; doubled each time (pools-P27).
    pub back_off_first: Duration,
    /// The longest such while (pools-P27).
    pub back_off_longest: Duration,
    /// How long a label stays broken after a refusal that will not pass by itself (pools-P26 `permanent`).
    pub broken_for: Duration,
    /// How long nothing is created after a provider said that it is full (pools-P39).
    pub quota_pause: Duration,
    /// Interval of the listing of every provider (pools-P54).
    pub sweep: Duration,
    /// Objects younger than this are never taken for leaked (pools-P54).
    pub leak_grace: Duration,
    /// How long a node whose engine does not answer is not given up (pools 11.2 `engine_grace`).
    pub engine_grace: Duration,
    /// A request that waited longer is treated as one class higher (pools-P18).
    pub age_up: Duration,
    /// A lease that waited longer fails as infrastructure; `None`: it waits (pools 4.1 queue deadline).
    pub queue_deadline: Option<Duration>,
}

impl Default for PoolTiming {
    fn default() -> Self {
        PoolTiming {
            turn: Duration::from_secs(10),
            create_timeout: Duration::from_secs(120),
            boot_timeout: Duration::from_secs(60),
            delete_timeout: Duration::from_secs(60),
            pull_timeout: Duration::from_secs(600),
            settle: Duration::ZERO,
            failures_before_back_off: 3,
            back_off_first: Duration::from_secs(10),
            back_off_longest: Duration::from_secs(300),
            broken_for: Duration::from_secs(300),
            quota_pause: Duration::from_secs(60),
            sweep: Duration::from_secs(60),
            leak_grace: Duration::from_secs(120),
            engine_grace: Duration::from_secs(120),
            age_up: Duration::from_secs(600),
            queue_deadline: None,
        }
    }
}
