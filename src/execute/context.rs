//! What every build needs, shared.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::mail::Mailer;
use super::secrets::SecretStore;
use crate::artifact::Artifacts;
use crate::build::Builds;
use crate::catalog::CatalogHandle;
use crate::console::Consoles;
use crate::model::{Addresses, JobName};
use crate::pool::Pool;

/// The parts that a build is run with.
pub struct Context {
    /// The writer of builds.
    pub builds: Builds,
    /// Nodes.
    pub pool: Pool,
    /// Logs.
    pub consoles: Consoles,
    /// Files that are kept.
    pub artifacts: Artifacts,
    /// Times and limits.
    pub settings: Settings,
    /// Addresses of pages.
    pub addresses: Addresses,
    /// The jobs, for builds that start others.
    pub catalog: CatalogHandle,
    /// Sends mail; none: there is no server.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// Credentials.
    pub secrets: Arc<dyn SecretStore>,
}

/// Times and limits of builds.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Between TERM and KILL (pools-D65).
    pub grace: Duration,
    /// How long all publishers of a build may take; the time limit of a job does not cover them (jjb-T2).
    pub post_steps_timeout: Duration,
    /// How long builders may take when the job sets no limit.
    pub timeout: Duration,
    /// Bytes of output that are kept per step (pools-D44).
    pub log_limit: u64,
    /// Whether more output than that ends the step.
    pub end_at_log_limit: bool,
}

/// The workspace of a build: a directory inside the node's `workspace`, never the mount itself (pools-D1).
pub(super) fn workspace(root: PathBuf, job: &JobName) -> String {
    root.join(job.as_str().replace('/', "-")).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_d1_the_workspace_is_inside_the_mount() {
        let job: JobName = "ops/unit".parse().unwrap();
        assert_eq!(workspace("/n/1/workspace".into(), &job), "/n/1/workspace/ops-unit");
    }
}
