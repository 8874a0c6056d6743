//! `gearman`: the port for Zuul, mergers, and masters.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::section::Section;
use super::value::Bytes;
use crate::model::Problem;

/// The checked section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GearmanConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Our manager's name: Zuul sends `stop:MANAGER` and `set_description:MANAGER`.
    pub manager: String,
    /// Whether jobs with one function and unique are merged (zuul-S-8).
    pub merge: bool,
    /// How long builds of a client that is gone run on (decision 6).
    pub lost_client_grace: Duration,
    /// Open connections at once (decision 12).
    pub max_connections: usize,
    /// The largest packet's body in bytes (zuul-B-5).
    pub max_packet: usize,
    /// Bytes that wait for one reader which does not read, beyond the packet being sent.
    pub max_unsent: usize,
    /// Jobs queued and running in all.
    pub max_jobs: usize,
    /// Bytes of all queued jobs together.
    pub max_queued_bytes: usize,
}

impl Default for GearmanConfig {
    fn default() -> Self {
        GearmanConfig {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4730)),
            manager: "causeway".to_owned(),
            merge: false,
            lost_client_grace: Duration::from_secs(30),
            max_connections: 20_000,
            max_packet: 64 << 20,
            max_unsent: 64 << 20,
            max_jobs: 4_000_000,
            max_queued_bytes: 2 << 30,
        }
    }
}

/// The protocol itself ends a packet's length at 4 GiB; a body of a gibibyte is no job.
const LARGEST_PACKET: u64 = 1 << 30;

pub(super) fn read(mut section: Section<'_>) -> GearmanConfig {
    let default = GearmanConfig::default();
    let size = |section: &mut Section<'_>, key, default: usize, least: u64, most: u64| {
        let default = Bytes(u64::try_from(default).unwrap_or(u64::MAX));
        usize::try_from(section.bounded(key, default, Bytes(least), Bytes(most)).0).unwrap_or(usize::MAX)
    };
    let config = GearmanConfig {
        listen: section.or("listen", default.listen),
        manager: section.or("manager", default.manager),
        merge: section.or("merge", default.merge),
        lost_client_grace: section.or("lost_client_grace", default.lost_client_grace),
        max_connections: section.bounded("max_connections", default.max_connections, 1, 1_000_000),
        max_packet: size(&mut section, "max_packet", default.max_packet, 64 << 10, LARGEST_PACKET),
        max_unsent: size(&mut section, "max_unsent", default.max_unsent, 64 << 10, LARGEST_PACKET),
        max_jobs: section.bounded("max_jobs", default.max_jobs, 1, 100_000_000),
        max_queued_bytes: size(&mut section, "max_queued_bytes", default.max_queued_bytes, 1 << 20, 1 << 40),
    };
    let fits = !config.manager.is_empty()
        && config.manager.len() <= 128
        && config.manager.chars().all(|letter| letter.is_ascii_graphic() && letter != ':');
    if !fits {
        let message = format!("'{}' cannot be the manager's name", config.manager.escape_debug());
        let reason = "Zuul puts it into function names: stop:MANAGER";
        let cure = "write 1 to 128 letters, digits, '-', '_' or '.'";
        section.complain("manager", Problem::error("wrong-value", message).because(reason).cure(cure));
    }
    section.close();
    config
}
