//! Registering: zuul-S-1 to S-5.

use super::{Bench, options};
use crate::gearman::limits::Limits;
use crate::gearman::packet::kind;
use crate::gearman::server::api::Event;
use crate::gearman::server::queue::Refused;

#[test]
fn zuul_s_1_ignores_cant_do_for_a_function_not_registered() {
    let mut bench = Bench::new();
    let worker = bench.worker(&["a"]);
    bench.send(worker, kind::CANT_DO, &["never seen"]);
    bench.send(worker, kind::CANT_DO, &["a"]);
    bench.send(worker, kind::CANT_DO, &["a"]);
    assert_eq!(bench.counts("a").unwrap(), "0 0 0");
    assert_eq!(bench.counts("never seen"), None);
}

#[test]
fn registering_twice_counts_once() {
    let mut bench = Bench::new();
    let worker = bench.worker(&["a", "a", "b", "a"]);
    assert_eq!(bench.counts("a").unwrap(), "0 0 1");
    bench.grab(worker);
    bench.send(worker, kind::CAN_DO, &["a"]);
    assert_eq!(bench.counts("a").unwrap(), "0 0 1");
    bench.queue.disconnect(worker);
    assert_eq!(bench.counts("a").unwrap(), "0 0 0");
}

#[test]
fn zuul_s_2_reset_abilities_leaves_the_running_job_alone() {
    let mut bench = Bench::new();
    let (client, worker) = (bench.connect(), bench.worker(&["f"]));
    let handle = bench.submit(client, kind::SUBMIT_JOB, "f", "u");
    bench.grab(worker);
    bench.send(worker, kind::RESET_ABILITIES, &[]);
    assert_eq!(bench.counts("f").unwrap(), "1 1 0");
    bench.send(worker, kind::WORK_COMPLETE, &[&handle, "done"]);
    assert_eq!(bench.read(client), [format!("WORK_COMPLETE {handle}|done")]);
    assert_eq!(bench.counts("f").unwrap(), "0 0 0");
}

#[test]
fn zuul_s_3_a_timeout_fails_the_job() {
    let mut bench = Bench::new();
    let (client, worker) = (bench.connect(), bench.connect());
    bench.send(worker, kind::CAN_DO_TIMEOUT, &["f", "500"]);
    let handle = bench.submit(client, kind::SUBMIT_JOB, "f", "u");
    bench.grab(worker);
    bench.turn(0);
    bench.turn(499);
    assert!(bench.read(client).is_empty());
    bench.turn(1);
    assert_eq!(bench.read(client), [format!("WORK_FAIL {handle}")]);
    bench.send(worker, kind::WORK_COMPLETE, &[&handle, "too late"]);
    assert!(bench.read(client).is_empty() && bench.read(worker).is_empty());
}

#[test]
fn zuul_s_4_mass_do_replaces_the_set() {
    let mut bench = Bench::new();
    let worker = bench.worker(&["old", "both"]);
    bench.send(worker, kind::MASS_DO, &["both", "new"]);
    assert_eq!(bench.counts("old").unwrap(), "0 0 0");
    assert_eq!(bench.counts("both").unwrap(), "0 0 1");
    assert_eq!(bench.counts("new").unwrap(), "0 0 1");
}

#[test]
fn zuul_s_5_names_are_sticky_and_told_once() {
    let mut options = options();
    options.known_names = vec![b"kept:on disk".to_vec()];
    let mut bench = Bench::with(options);
    assert_eq!(bench.counts("kept:on disk").unwrap(), "0 0 0");
    let (client, worker) = (bench.connect(), bench.worker(&["registered", "kept:on disk"]));
    bench.submit(client, kind::SUBMIT_JOB, "submitted", "u");
    bench.queue.disconnect(worker);
    bench.queue.disconnect(client);
    assert_eq!(bench.counts("registered").unwrap(), "0 0 0");
    assert_eq!(bench.counts("submitted").unwrap(), "0 0 0");
    let told: Vec<Event> = bench.queue.take_events();
    let name = |name: &'static str| Event::NewName { name: name.into() };
    assert_eq!(told, [name("registered"), name("submitted")]);
    bench.worker(&["registered"]);
    assert!(bench.queue.take_events().is_empty());
}

#[test]
fn zuul_s_17_unknown_types_are_ignored_and_zuul_s_18_few_arguments_close() {
    let mut bench = Bench::new();
    let peer = bench.connect();
    bench.send(peer, 99, &["whatever"]);
    bench.send(peer, kind::NOOP, &[]);
    assert!(bench.read(peer).is_empty());
    assert_eq!(
        bench.try_send(peer, kind::SUBMIT_JOB, &["f", "u"]),
        Err(Refused::TooFewArguments("SUBMIT_JOB"))
    );
}

#[test]
fn limits_on_names_have_answers() {
    let mut options = options();
    options.limits = Limits { names: 3, names_per_connection: 2, name_bytes: 5, ..Limits::default() };
    let mut bench = Bench::with(options);
    let (client, worker) = (bench.connect(), bench.worker(&["a", "b", "c", "toolong"]));
    bench.worker(&["c"]);
    assert!(bench.read(worker).is_empty(), "a worker is never sent an ERROR for a name");
    assert_eq!(bench.counts("b").unwrap(), "0 0 1");
    assert_eq!(bench.counts("c").unwrap(), "0 0 1");
    bench.send(client, kind::SUBMIT_JOB, &["d", "u", ""]);
    assert!(bench.read(client)[0].starts_with("ERROR TOO_MANY_NAMES|"));
    bench.send(client, kind::SUBMIT_JOB, &["toolong", "u", ""]);
    assert!(bench.read(client)[0].starts_with("ERROR ARGUMENT_TOO_LARGE|"));
}

#[test]
fn echo_and_options_are_answered() {
    let mut bench = Bench::new();
    let peer = bench.connect();
    bench.send(peer, kind::ECHO_REQ, &["x", "", "y"]);
    bench.send(peer, kind::OPTION_REQ, &["exceptions"]);
    bench.send(peer, kind::OPTION_REQ, &["other"]);
    let answers = bench.read(peer);
    assert_eq!(answers[..2], ["ECHO_RES x||y", "OPTION_RES exceptions"]);
    assert!(answers[2].starts_with("ERROR UNKNOWN_OPTION|"));
}
