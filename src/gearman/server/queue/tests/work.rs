//! Work packets and ends: zuul-S-12 to S-16, zuul-B-7, zuul-B-9, zuul-Z-4, zuul-Z-6, and cancelling in the gap.

use bytes::Bytes;

use super::{Bench, options};
use crate::gearman::packet::Level;
use crate::gearman::packet::kind;
use crate::gearman::server::api::{Command, ConnectionId, Event, Filtered, PayloadFilter, WorkPacket};

/// A client with one job that a worker holds.
fn running(bench: &mut Bench) -> (ConnectionId, ConnectionId, String) {
    let (client, worker) = (bench.connect(), bench.worker(&["f"]));
    let handle = bench.submit(client, kind::SUBMIT_JOB, "f", "u");
    bench.grab(worker).unwrap();
    (client, worker, handle)
}

#[test]
fn zuul_s_12_exceptions_go_to_every_client_and_end_the_job() {
    let mut bench = Bench::new();
    let (client, worker, handle) = running(&mut bench);
    bench.send(worker, kind::WORK_EXCEPTION, &[&handle, "blew up"]);
    bench.send(worker, kind::WORK_FAIL, &[&handle]);
    assert_eq!(bench.read(client), [format!("WORK_EXCEPTION {handle}|blew up")]);
    assert_eq!(bench.counts("f").unwrap(), "0 0 1");
}

#[test]
fn zuul_s_13_and_s_14_only_the_worker_that_holds_a_job_may_speak_of_it() {
    let mut bench = Bench::new();
    let (client, worker, handle) = running(&mut bench);
    let other = bench.worker(&["f"]);
    for kind in [kind::WORK_DATA, kind::WORK_COMPLETE, kind::WORK_EXCEPTION, kind::WORK_WARNING] {
        bench.send(other, kind, &[&handle, "mine?"]);
        bench.send(worker, kind, &["H:boot:99999999999", "unknown"]);
        bench.send(worker, kind, &["", ""]);
    }
    bench.send(other, kind::WORK_FAIL, &[&handle]);
    bench.send(other, kind::WORK_STATUS, &[&handle, "1", "2"]);
    assert!(bench.read(client).is_empty() && bench.read(other).is_empty() && bench.read(worker).is_empty());
    bench.send(worker, kind::WORK_DATA, &[&handle, "a\0b\0"]);
    assert_eq!(bench.read(client), [format!("WORK_DATA {handle}|a|b|")]);
}

#[test]
fn zuul_s_15_a_lost_worker_fails_its_foreground_job_and_it_is_not_queued_again() {
    let mut bench = Bench::new();
    let (client, worker, handle) = running(&mut bench);
    let next = bench.sleeper(&["f"]);
    bench.queue.disconnect(worker);
    assert_eq!(bench.read(client), [format!("WORK_FAIL {handle}")]);
    assert!(bench.read(next).is_empty());
    assert_eq!(bench.grab(next), None);
}

#[test]
fn background_jobs_outlive_their_client_and_die_with_their_worker() {
    let mut bench = Bench::new();
    let (client, worker) = (bench.connect(), bench.worker(&["f"]));
    bench.submit(client, kind::SUBMIT_JOB_BG, "f", "u");
    bench.queue.disconnect(client);
    assert_eq!(bench.grab(worker).unwrap().1, "u");
    bench.queue.disconnect(worker);
    assert_eq!(bench.counts("f").unwrap(), "0 0 0");
    assert_eq!(bench.queue.stats(&Default::default()).background_lost, 1);
}

#[test]
fn zuul_s_16_a_lost_client_takes_its_queued_jobs_along() {
    let mut bench = Bench::new();
    let (client, worker, handle) = running(&mut bench);
    bench.submit(client, kind::SUBMIT_JOB, "f", "queued");
    bench.queue.disconnect(client);
    assert_eq!(bench.counts("f").unwrap(), "1 1 1");
    let reused = bench.connect();
    bench.send(worker, kind::WORK_COMPLETE, &[&handle, "done"]);
    assert!(bench.read(reused).is_empty(), "what is left of a job never reaches another client");
    assert_eq!(bench.grab(worker), None);
}

#[test]
fn zuul_b_7_and_b_9_trailing_nul_and_numbers_as_text() {
    let mut bench = Bench::new();
    let (client, worker, handle) = running(&mut bench);
    bench.send(worker, kind::WORK_STATUS, &[&handle, "25", "-1"]);
    bench.send(client, kind::GET_STATUS, &[&handle]);
    bench.send(client, kind::GET_STATUS_UNIQUE, &["u"]);
    bench.send(client, kind::GET_STATUS, &["H:boot:1"]);
    bench.send(worker, kind::WORK_FAIL, &[&format!("{handle}\0")]);
    bench.send(client, kind::GET_STATUS_UNIQUE, &["u"]);
    let expected = [
        format!("WORK_STATUS {handle}|25|-1"),
        format!("STATUS_RES {handle}|1|1|25|-1"),
        "STATUS_RES_UNIQUE u|1|1|25|-1|1".to_owned(),
        "STATUS_RES H:boot:1|0|0|0|0".to_owned(),
        format!("WORK_FAIL {handle}"),
        "STATUS_RES_UNIQUE u|0|0|0|0|0".to_owned(),
    ];
    assert_eq!(bench.read(client), expected);
}

fn builds_with_objects(function: &[u8], arguments: &[u8]) -> bool {
    function.starts_with(b"build:") && arguments.starts_with(b"{")
}

fn objects_only(packet: WorkPacket, data: &[u8]) -> Filtered {
    match data.first() {
        Some(b'{') => Filtered::Pass,
        _ if packet == WorkPacket::Warning => Filtered::Replace(Bytes::from_static(b"{}")),
        _ => Filtered::Drop,
    }
}

/// What its client hears of a job whose worker sends text and objects.
fn heard(function: &str, arguments: &str) -> Vec<String> {
    let mut options = options();
    options.filter = Some(PayloadFilter { concerns: builds_with_objects, judge: objects_only });
    let mut bench = Bench::with(options);
    let (client, worker) = (bench.connect(), bench.worker(&[function]));
    bench.send(client, kind::SUBMIT_JOB, &[function, "u", arguments]);
    let created = bench.read(client);
    let handle = created[0].strip_prefix("JOB_CREATED ").expect("the answer to a submit");
    bench.grab(worker);
    bench.send(worker, kind::WORK_DATA, &[handle, "text"]);
    bench.send(worker, kind::WORK_DATA, &[handle, "{\"number\":1}"]);
    bench.send(worker, kind::WORK_WARNING, &[handle, "text"]);
    bench.send(worker, kind::WORK_COMPLETE, &[handle, "text"]);
    let packets = bench.read(client);
    packets.iter().map(|packet| packet.replace(handle, "H")).collect()
}

#[test]
fn zuul_z_4_the_filter_decides_and_zuul_z_6_an_end_stays_an_end() {
    let expected = ["WORK_DATA H|{\"number\":1}", "WORK_WARNING H|{}", "WORK_COMPLETE H|"];
    assert_eq!(heard("build:x", "{}"), expected);
}

#[test]
fn zuul_z_1_jobs_that_do_not_concern_the_filter_pass_untouched() {
    let expected =
        ["WORK_DATA H|text", "WORK_DATA H|{\"number\":1}", "WORK_WARNING H|text", "WORK_COMPLETE H|text"];
    assert_eq!(heard("merger:merge", "{}"), expected);
    assert_eq!(heard("build:x", "no object"), expected);
}

#[test]
fn zuul_t_4_cancel_of_a_queued_job_sends_the_client_nothing() {
    let mut bench = Bench::new();
    let (client, worker) = (bench.connect(), bench.worker(&["f"]));
    let handle = bench.submit(client, kind::SUBMIT_JOB, "f", "u");
    assert_eq!(bench.line(client, &format!("cancel job {handle}")), "OK\n");
    assert_eq!(bench.line(client, &format!("cancel job {handle}")), "ERR UNKNOWN_JOB\n");
    assert!(bench.read(client).is_empty());
    assert_eq!(bench.grab(worker), None);
    assert_eq!(bench.counts("f").unwrap(), "0 0 1");
}

#[test]
fn zuul_8_3_cancel_in_the_gap_of_an_external_worker() {
    let mut bench = Bench::new();
    let (client, worker, handle) = running(&mut bench);
    assert_eq!(bench.line(client, &format!("cancel job {handle}")), "OK\n");
    bench.send(worker, kind::WORK_DATA, &[&handle, "{\"number\":7,\"manager\":\"m\"}"]);
    bench.send(worker, kind::WORK_STATUS, &[&handle, "0", "1"]);
    bench.send(worker, kind::WORK_DATA, &[&handle, "{\"number\":7}"]);
    let data = Bytes::from_static(b"{\"number\":7,\"manager\":\"m\"}");
    let events = bench.events();
    assert!(
        matches!(&events[..], [Event::GapData { function, data: seen, .. }] if &function[..] == b"f" && *seen == data),
        "{events:?}"
    );
    let stop = Command::Submit {
        function: "stop:m".into(),
        unique: Bytes::new(),
        data: "{}".into(),
        level: Level::High,
    };
    bench.queue.command(stop);
    bench.send(worker, kind::CAN_DO, &["stop:m"]);
    assert_eq!(bench.grab(worker).unwrap().0, "stop:m");
    bench.send(worker, kind::WORK_COMPLETE, &[&handle, "{}"]);
    assert!(bench.read(client).is_empty());
    assert_eq!(bench.counts("f").unwrap(), "0 0 1");
}

#[test]
fn zuul_5_9_cancel_of_a_job_whose_worker_has_spoken_is_refused() {
    let mut bench = Bench::new();
    let (client, worker, handle) = running(&mut bench);
    bench.send(worker, kind::WORK_DATA, &[&handle, "{}"]);
    bench.read(client);
    assert_eq!(bench.line(client, &format!("cancel job {handle}")), "ERR UNKNOWN_JOB\n");
    bench.send(worker, kind::WORK_COMPLETE, &[&handle, "{}"]);
    assert_eq!(bench.read(client).len(), 1);
}
