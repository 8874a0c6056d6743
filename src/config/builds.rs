//! `builds`: times and limits of builds.

use std::time::Duration;

use super::section::Section;
use super::value::Bytes;

/// What happens to a build whose log is longer than `log_limit`.
const ON_LOG_LIMIT: &[(&str, bool)] = &[("drop", false), ("fail", true)];

/// The checked section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildsConfig {
    /// Between TERM and KILL (pools-D65).
    pub grace: Duration,
    /// How long builders may take when the job sets no limit.
    pub timeout: Duration,
    /// How long all publishers of a build may take (jjb-T2).
    pub post_steps_timeout: Duration,
    /// Builds at once; further ones stay queued, where `cancel job` finds them. `None`: as many as there may be nodes.
    pub max_running: Option<usize>,
    /// How long a shutdown waits for builds to end; those that have not go on on their nodes.
    pub drain_timeout: Duration,
    /// Bytes of output that are kept per build (pools-D44).
    pub log_limit: u64,
    /// Whether more output than that ends the build (pools-D44).
    pub end_at_log_limit: bool,
}

impl Default for BuildsConfig {
    fn default() -> Self {
        BuildsConfig {
            grace: Duration::from_secs(10),
            timeout: Duration::from_secs(24 * 3600),
            post_steps_timeout: Duration::from_secs(600),
            max_running: None,
            drain_timeout: Duration::from_secs(30),
            log_limit: 256 << 20,
            end_at_log_limit: false,
        }
    }
}

pub(super) fn read(mut section: Section<'_>) -> BuildsConfig {
    let default = BuildsConfig::default();
    let (second, day) = (Duration::from_secs(1), Duration::from_secs(24 * 3600));
    let log = section.bounded("log_limit", Bytes(default.log_limit), Bytes(64 << 10), Bytes(1 << 40));
    let config = BuildsConfig {
        grace: section.bounded("grace", default.grace, Duration::ZERO, Duration::from_secs(600)),
        timeout: section.bounded("timeout", default.timeout, second, 30 * day),
        post_steps_timeout: section.bounded("post_steps_timeout", default.post_steps_timeout, second, day),
        max_running: max_running(&mut section),
        drain_timeout: section.bounded("drain_timeout", default.drain_timeout, Duration::ZERO, 7 * day),
        log_limit: log.0,
        end_at_log_limit: section.choice("on_log_limit", ON_LOG_LIMIT, default.end_at_log_limit),
    };
    section.close();
    config
}

/// The key's value; nothing where it is not set.
fn max_running(section: &mut Section<'_>) -> Option<usize> {
    const NOT_SET: usize = 0;
    Some(section.bounded("max_running", NOT_SET, 1, 100_000)).filter(|count| *count != NOT_SET)
}
