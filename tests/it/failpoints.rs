//! kill -9 at the places where it hurts most: before and after create, start, first byte, status and delete (pools 5). After the
//! restart every build that was accepted ends once with its true result, and nothing is left.

use std::time::Duration;

use crate::crash::{Place, builds, check, ended, nothing_left, submit};
use crate::support::{IMAGE, engine, import_busybox, within};

/// Where the process dies. A place in the life of a node or of a step.
const PLACES: [&str; 10] = [
    "before-create",
    "after-create",
    "before-start",
    "after-start",
    "before-first-byte",
    "after-first-byte:2",
    "before-status",
    "after-status",
    "before-delete",
    "after-delete",
];
const BUILDS: usize = 3;
const LINES: usize = 40;
/// A debug build on two busy cores.
const DIES_WITHIN: Duration = Duration::from_secs(60);

#[track_caller]
fn dies_and_comes_back(place: &Place, failpoint: &str) {
    let serve = place.serve();
    let mut server = serve.clone().env("CAUSEWAY_FAILPOINT", failpoint).start();
    submit(server.gearman(), 0..BUILDS, LINES);
    let status = server.wait(DIES_WITHIN);
    assert!(!status.success(), "{failpoint}: the process ended by itself");
    let server = serve.start();
    // A job that was not yet recorded is the client's again (zuul 5.8); those that were must end.
    let count = within(DIES_WITHIN, || Ok::<_, String>(builds(&server).len()));
    assert!(count > 0, "{failpoint}: no build was recorded");
    for build in ended(&server, count) {
        check(&server, &build, LINES);
    }
    nothing_left(&place.path("state/nodes"));
}

#[test]
fn pools_5_a_process_dies_at_each_place() {
    for failpoint in PLACES {
        dies_and_comes_back(&Place::new("driver: process", "min_ready: 0"), failpoint);
    }
}

#[test]
fn pools_5_a_process_dies_at_each_place_on_docker() {
    let Some(host) = engine() else { return };
    import_busybox(&host);
    let provider = format!("driver: docker, engine: '{host}'");
    let label = format!("image: '{IMAGE}', pull: never, network: none");
    for failpoint in PLACES {
        dies_and_comes_back(&Place::new(&provider, &label), failpoint);
    }
}
