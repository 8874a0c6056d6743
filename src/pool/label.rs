//! What a label stands for: the definition that configuration gives, from which nodes are made.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::guard::GuardRules;
use crate::image::ImageRules;

/// A label of a pool: its atoms and the recipe of its nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelDefinition {
    /// Its name: an atom.
    pub name: String,
    /// Further atoms that it answers to.
    pub aliases: Vec<String>,
    /// The pool that it belongs to.
    pub pool: String,
    /// The provider that makes its nodes.
    pub provider: String,
    /// The image reference; `None` for providers without images (`process`).
    pub image: Option<String>,
    /// When to pull the image.
    pub pull: PullPolicy,
    /// How many nodes are kept ready.
    pub min_ready: u32,
    /// How many nodes of this label may exist at once; `None`: as many as the provider allows.
    pub max_nodes: Option<u32>,
    /// Processor cores; fractions in thousandths.
    pub cpus_milli: Option<u32>,
    /// Memory in bytes; swap is equal (pools-D34).
    pub memory_bytes: Option<u64>,
    /// Processes at once.
    pub pids: u32,
    /// Size of /dev/shm in bytes.
    pub shm_bytes: Option<u64>,
    /// What workspace and containers may take of the disk, in bytes (pools-D35).
    pub disk_bytes: Option<u64>,
    /// Directories of the engine's host that exist in the node (pools-D1a).
    pub mounts: Vec<Mount>,
    /// Variables of the node itself: the lowest layer of a step's environment (jjb-T20).
    pub environment: Vec<(String, String)>,
    /// The user that steps run as; `None`: the image's own.
    pub user: Option<String>,
    /// How much is taken from the node (pools-D30).
    pub profile: SecurityProfile,
    /// The network that its nodes are on.
    pub network: NetworkMode,
    /// What builds may do with the engine through a socket in the node (pools-D57); `None`: there is no socket.
    pub guard: Option<GuardRules>,
    /// What builds may do with images and containers of their own (docker-27).
    pub images: ImageRules,
    /// A ready node older than this is replaced; zero: never.
    pub max_ready_age: Duration,
}

impl LabelDefinition {
    /// The mount in which a path of the host lies (pools-D1a).
    pub fn mount_of(&self, path: &str) -> Option<&Mount> {
        let path = Path::new(path);
        let goes_up = path.components().any(|part| part == Component::ParentDir);
        self.mounts.iter().find(|mount| !goes_up && path.starts_with(&mount.source))
    }
}

/// When an image is pulled (pools-D50).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PullPolicy {
    /// `always` for `latest` and untagged references, else if absent.
    Auto,
    /// Before every create.
    Always,
    /// Only when the engine does not have it.
    IfAbsent,
    /// Never: it must be there.
    Never,
}

/// A directory of the engine's host in a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mount {
    /// On the host; must exist.
    pub source: PathBuf,
    /// In the node.
    pub target: PathBuf,
    /// Whether steps may write to it.
    pub writable: bool,
}

/// A security profile (pools-D30).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecurityProfile {
    /// No capabilities, read-only root, not root.
    Strict,
    /// The engine's default capabilities without `NET_RAW` and `MKNOD`.
    Standard,
    /// The engine's defaults: for jobs moved unchanged.
    Compat,
}

/// A network of a node (pools-D36).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NetworkMode {
    /// The engine's default bridge, which all such nodes share.
    Default,
    /// One of its own: for the node and what its build makes, and for nobody else.
    Isolated,
    /// None at all.
    None,
    /// An existing network by name.
    Shared(String),
    /// The host's own.
    Host,
}
