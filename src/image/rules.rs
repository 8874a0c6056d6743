//! What a label allows builds to do with images and containers of their own.

use crate::catalog::NamePatterns;

/// Rules of a label, all of them closed unless the configuration opens them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageRules {
    /// Whether and how builds may make images (docker-M30).
    pub builds: ImageBuilds,
    /// Images may be built where no limit of processes holds: control groups of version 2, or the systemd driver (docker-M30).
    pub without_pids_limit: bool,
    /// `ADD` may fetch addresses: the engine does so in its host's network (docker-M10).
    pub add_url: bool,
    /// Images stay on the engine after their build, under their names (docker-M18).
    pub keep: bool,
    /// `USER:GROUP` of the steps in a build container; `None`: the label's user, else `1000:1000` (docker-M22).
    pub agent_user: Option<String>,
    /// A limit of a job that is beyond the label's is lowered to it instead of refused (docker-M3).
    pub clamp_limits: bool,
    /// Images whose build containers may be privileged (docker-M3).
    pub privileged: NamePatterns,
    /// Images whose build containers may be in the host's network (docker-M3).
    pub host_network: NamePatterns,
}

/// How images are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum ImageBuilds {
    /// Not at all.
    #[default]
    None,
    /// By the engine's own builder.
    Classic,
}

/// The user of steps in a build container, unless something else is said.
const AGENT_USER: &str = "1000:1000";

impl ImageRules {
    /// The user of steps in a build container of a label whose nodes have this user.
    pub fn user(&self, of_the_label: Option<&str>) -> String {
        self.agent_user.as_deref().or(of_the_label).unwrap_or(AGENT_USER).to_owned()
    }
}
