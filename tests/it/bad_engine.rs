//! An engine that does not answer, and an image that is not there: said by `check`, by `/ready` and by the build.

use std::path::Path;
use std::time::Duration;

use crate::crash::{Place, builds, console, submit};
use crate::support::{engine, get, reads, run, says, within};

/// A debug build on two busy cores.
const SEEN_WITHIN: Duration = Duration::from_secs(60);

fn check(place: &Place) -> crate::support::Finished {
    run(&["check", "--config", place.path("causeway.yaml").to_str().unwrap()])
}

#[test]
fn an_engine_that_does_not_answer_is_named() {
    let place =
        Place::new("driver: docker, engine: 'unix:///nowhere/docker.sock'", "image: 'a:1', pull: never");
    says!("engine-unreachable", check(&place), [&place.path("") => "FOLDER/"]);

    let server = place.serve().start();
    let ready = within(SEEN_WITHIN, || {
        let ready = get(&format!("{}/ready", server.http()));
        if ready.body.contains("does not answer") { Ok(ready) } else { Err(ready.body) }
    });
    assert_eq!(ready.status, 503);
    reads!("engine-unreachable-ready", ready.body, [&place.path("") => "FOLDER/"]);
    // Not the change's fault: the build waits and says for what.
    submit(server.gearman(), 0..1, 1);
    within(SEEN_WITHIN, || match builds(&server).first() {
        Some(build) if build["state"] == "waiting" => Ok(()),
        other => Err(format!("{other:?}")),
    });
}

#[test]
fn decision_8_an_image_that_is_missing_is_a_configuration_error() {
    let Some(host) = engine() else { return };
    let provider = format!("driver: docker, engine: '{host}'");
    let place = Place::new(&provider, "image: 'causeway-test/nowhere:1', pull: never");
    says!("image-missing", check(&place), [&place.path("") => "FOLDER/", Path::new(&host) => "ENGINE"]);

    let server = place.serve().start();
    submit(server.gearman(), 0..1, 1);
    let build = within(SEEN_WITHIN, || match builds(&server).first() {
        Some(build) if build["state"] == "ended" => Ok(build.clone()),
        other => Err(format!("{other:?}; {}", server.stderr())),
    });
    assert_eq!(build["result"], "CONFIG_ERROR");
    let text = console(&server, &build);
    reads!("image-missing-console", text, [&place.path("") => "FOLDER/", Path::new(&host) => "ENGINE"]);
}

#[test]
fn pools_d1a_a_missing_directory_of_a_label_is_named() {
    let Some(host) = engine() else { return };
    let provider = format!("driver: docker, engine: '{host}'");
    let label = "image: 'a:1', mounts: [{source: /nowhere/at/all, target: /srv/git}]";
    let place = Place::new(&provider, label);
    says!("directory-missing", check(&place), [&place.path("") => "FOLDER/", Path::new(&host) => "ENGINE"]);
}
