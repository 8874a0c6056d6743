//! The Gearman server as this process runs it.

use std::collections::HashMap;

use crate::config::Config;
use crate::gearman::limits::Limits;
use crate::gearman::server::{
    self, Filtered, LocalEvents, LocalNames, Options, PayloadFilter, Rooms, Server, WorkPacket,
};
use crate::pool::Pool;
use crate::route::Router;
use crate::sys::{Clock, new_build_id};
use crate::zuul::feed::{self, Needs};
use crate::zuul::wire::{Passed, is_build_of_zuul, pass_to_zuul};

use super::StartError;
use super::rooms::RoomPlan;

/// Starts the server with the names of former runs listed and our own served here from the first moment (zuul-S-5, Z-2).
pub(super) fn start(
    config: &Config,
    known_names: Vec<Vec<u8>>,
    local: LocalNames,
    clock: &dyn Clock,
) -> Result<(Server, LocalEvents), StartError> {
    let gearman = &config.gearman;
    let limits = Limits {
        frame_bytes: gearman.max_packet,
        connections: gearman.max_connections,
        jobs: gearman.max_jobs,
        queued_bytes: gearman.max_queued_bytes,
        unsent_bytes: gearman.max_unsent,
        ..Limits::default()
    };
    // An id sorts by time and is never used twice: what makes handles unique over restarts (zuul-B-8).
    let boot = new_build_id(clock);
    let options = Options {
        limits,
        known_names,
        local,
        filter: Some(FILTER),
        merge: gearman.merge,
        ..Options::new(gearman.listen, boot.as_str())
    };
    server::start(options).map_err(StartError::Gearman)
}

/// The names that this process serves: those of owned jobs, and the manager's when there is any job at all. A plain server
/// owns nothing (decision 13).
pub(super) fn local_names(config: &Config, router: &Router, pool: &Pool) -> LocalNames {
    let places = router.places();
    if config.catalog.own.is_empty() && places.is_empty() {
        return LocalNames::default();
    }
    let mut plan = RoomPlan::new(config);
    let mut known: HashMap<String, u32> = HashMap::new();
    let mut group = |needs: Needs<'_>| match needs {
        Needs::Master(master) => plan.master(master),
        Needs::Node(expression) => {
            *known.entry(expression.to_owned()).or_insert_with(|| plan.group(pool.serving(expression)))
        }
    };
    let catalog = router.catalog();
    let manager = &config.gearman.manager;
    let mut names = feed::local_names(&catalog, &pool.atoms(), manager, &mut group, &places);
    names.rooms = Rooms { group_of: names.rooms.group_of, ..plan.rooms() };
    names
}

/// Zuul's handler must never see data of a build that is not a JSON object (zuul-Z-4).
const FILTER: PayloadFilter = PayloadFilter { concerns: is_build_of_zuul, judge };

fn judge(packet: WorkPacket, data: &[u8]) -> Filtered {
    let last = match packet {
        WorkPacket::Data | WorkPacket::Warning => false,
        WorkPacket::Complete | WorkPacket::Exception => true,
    };
    match pass_to_zuul(last, data) {
        Passed::Unchanged => Filtered::Pass,
        Passed::Dropped => Filtered::Drop,
        Passed::Instead(data) => Filtered::Replace(data.into()),
    }
}
