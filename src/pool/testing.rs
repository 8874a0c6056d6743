//! What the unit tests of this module share.

use std::time::Duration;

use super::label::{LabelDefinition, NetworkMode, PullPolicy, SecurityProfile};

/// A label without anything special.
pub fn label(name: &str, provider: &str) -> LabelDefinition {
    LabelDefinition {
        name: name.to_owned(),
        aliases: Vec::new(),
        pool: "main".to_owned(),
        provider: provider.to_owned(),
        image: Some("debian:12".to_owned()),
        pull: PullPolicy::Auto,
        min_ready: 0,
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
