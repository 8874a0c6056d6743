//! The text protocol: zuul-T-1 to T-4, decision 11.

use super::Bench;
use crate::gearman::packet::kind;
use crate::gearman::server::api::Event;

#[test]
fn zuul_t_1_every_line_has_an_answer() {
    let mut bench = Bench::new();
    let peer = bench.connect();
    for line in
        ["", "cancel job", "nonsense", "maxqueue", "show", "drop function", "version", "verbose", "getpid"]
    {
        let answer = bench.line(peer, line);
        assert!(
            answer.ends_with('\n') && (answer.starts_with("OK") || answer.starts_with("ERR ")),
            "{line}: {answer}"
        );
    }
    assert_eq!(bench.line(peer, "shutdown"), "ERR NOT_PERMITTED\n");
    assert_eq!(bench.line(peer, "acl list"), "ERR ACL_DISABLED\n");
    assert_eq!(bench.line(peer, "version"), format!("OK causeway-{}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(bench.line(peer, "status"), ".\n");
    assert_eq!(bench.line(peer, "show jobs"), ".\n");
}

#[test]
fn zuul_t_2_status_counts_queued_and_running() {
    let mut bench = Bench::new();
    let (client, worker) = (bench.connect(), bench.worker(&["b", "a"]));
    bench.submit(client, kind::SUBMIT_JOB, "a", "1");
    bench.submit(client, kind::SUBMIT_JOB_HIGH, "a", "2");
    let cancelled = bench.submit(client, kind::SUBMIT_JOB, "a", "3");
    bench.grab(worker);
    bench.line(client, &format!("cancel job {cancelled}"));
    assert_eq!(bench.line(client, "status"), "b\t0\t0\t1\na\t2\t1\t1\n.\n");
    assert_eq!(bench.line(client, "status"), "b\t0\t0\t1\na\t2\t1\t1\n.\n");
    assert_eq!(bench.line(client, "prioritystatus"), "b\t0\t0\t0\t1\na\t0\t1\t0\t1\n.\n");
}

#[test]
fn workers_lists_every_connection() {
    let mut bench = Bench::new();
    let client = bench.connect();
    let worker = bench.worker(&["f1", "f2"]);
    bench.send(worker, kind::SET_CLIENT_ID, &["GearmanWorker:17"]);
    bench.send(worker, kind::SET_CLIENT_ID, &["Zuul Merger"]);
    assert_eq!(bench.line(client, "workers"), "0 127.0.0.1 - :\n1 127.0.0.1 Zuul Merger : f1 f2\n.\n");
}

#[test]
fn show_jobs_and_uniques() {
    let mut bench = Bench::new();
    let (client, worker) = (bench.connect(), bench.worker(&["f"]));
    let first = bench.submit(client, kind::SUBMIT_JOB, "f", "u1");
    let second = bench.submit(client, kind::SUBMIT_JOB, "f", "u2");
    bench.grab(worker);
    assert_eq!(bench.line(client, "show jobs"), format!("{first}\t0\t0\t0\n{second}\t0\t0\t1\n.\n"));
    assert_eq!(bench.line(client, "show unique jobs"), "u1\nu2\n.\n");
}

#[test]
fn functions_are_created_limited_and_dropped_by_the_administrator() {
    let mut bench = Bench::new();
    let peer = bench.connect();
    assert_eq!(bench.line(peer, "create function build:new"), "OK\n");
    assert_eq!(bench.counts("build:new").unwrap(), "0 0 0");
    assert_eq!(bench.line(peer, "maxqueue build:new 1"), "OK\n");
    bench.submit(peer, kind::SUBMIT_JOB, "build:new", "1");
    bench.send(peer, kind::SUBMIT_JOB, &["build:new", "2", ""]);
    assert!(bench.read(peer)[0].starts_with("ERROR JOB_QUEUE_FULL|"));
    assert!(bench.line(peer, "drop function build:new").starts_with("ERR "));
    let worker = bench.worker(&["build:new"]);
    bench.grab(worker);
    bench.queue.disconnect(worker);
    bench.read(peer);
    bench.queue.take_events();
    assert_eq!(bench.line(peer, "drop function build:new"), "OK\n");
    assert_eq!(bench.counts("build:new"), None);
    assert_eq!(bench.line(peer, "drop function build:new"), "ERR function not found\n");
    bench.worker(&["build:new"]);
    assert_eq!(bench.counts("build:new").unwrap(), "0 0 1");
    let name = bytes::Bytes::from_static(b"build:new");
    assert_eq!(
        bench.queue.take_events(),
        [Event::DroppedName { name: name.clone() }, Event::NewName { name }]
    );
}

#[test]
fn zuul_t_3_no_name_or_id_ends_an_answer_for_its_reader() {
    let mut bench = Bench::new();
    let peer = bench.worker(&[".first", "a\n.\nb\tc"]);
    bench.send(peer, kind::SET_CLIENT_ID, &["one\r\n.\n\0two"]);
    bench.submit(peer, kind::SUBMIT_JOB, ".first", ".");
    assert_eq!(bench.line(peer, "status"), "?first\t1\t0\t1\na?.?b?c\t0\t0\t1\n.\n");
    assert_eq!(bench.line(peer, "workers"), "0 127.0.0.1 one??.??two : .first a?.?b?c\n.\n");
    assert_eq!(bench.line(peer, "show unique jobs"), "?\n.\n");
}
