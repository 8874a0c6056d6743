//! What a lease may do through the guard.

use std::path::PathBuf;

use crate::catalog::NamePatterns;
use crate::pool::label::{LabelDefinition, Mount, NetworkMode, SecurityProfile};

/// Marks have names that begin so; nobody else may set such labels.
pub const MARK_PREFIX: &str = "causeway.";

/// What a label allows beyond the fixed rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardRules {
    /// Images that may be used (pools-D32).
    pub images: NamePatterns,
    /// Images whose containers may run without the engine's seccomp profile (pools-D30).
    pub seccomp_unconfined: NamePatterns,
}

impl Default for GuardRules {
    /// Every image, none of them without seccomp.
    fn default() -> GuardRules {
        GuardRules {
            images: NamePatterns::new(["*".to_owned()]),
            seccomp_unconfined: NamePatterns::default(),
        }
    }
}

/// What is forced on, and allowed to, the containers of one lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Labels that every object gets; by these it is known again.
    pub marks: Vec<(String, String)>,
    /// The directory in which the build's workspace lies; the same path on the host and in the node (pools-D1).
    pub workspace: PathBuf,
    /// Further directories of the host (pools-D1a).
    pub mounts: Vec<Mount>,
    /// Processor cores in thousandths.
    pub cpus_milli: Option<u32>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// Processes.
    pub pids: u32,
    /// How much is taken from containers (pools-D30).
    pub profile: SecurityProfile,
    /// Their network.
    pub network: NetworkMode,
    /// The control group that the node lies in, where containers can be put below it: then they share its limits instead of
    /// getting as much again (pools-D57).
    pub cgroup_parent: Option<String>,
    /// What the label allows.
    pub rules: GuardRules,
}

impl Grant {
    /// The grant of a node; `None` when its label gives no socket.
    pub fn new(
        label: &LabelDefinition,
        workspace: PathBuf,
        marks: Vec<(String, String)>,
        cgroup_parent: Option<String>,
    ) -> Option<Grant> {
        Some(Grant {
            marks,
            workspace,
            mounts: label.mounts.clone(),
            cpus_milli: label.cpus_milli,
            memory_bytes: label.memory_bytes,
            pids: label.pids,
            profile: label.profile,
            network: label.network.clone(),
            cgroup_parent,
            rules: label.guard.clone()?,
        })
    }
}
