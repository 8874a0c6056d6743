//! This process as a worker: decision 9, room, ownership that changes live, and the gap of our own jobs.

use super::{Bench, options};
use crate::gearman::limits::Limits;
use crate::gearman::packet::kind;
use crate::gearman::server::api::{Command, Event, Handle};

fn room(bench: &mut Bench, credits: u32, seen: u64) {
    bench.queue.command(Command::Room { credits, seen });
}

/// The uniques of jobs that were handed to us.
fn assigned(bench: &mut Bench) -> Vec<String> {
    let unique = |event| match event {
        Event::Assigned { unique, .. } => Some(String::from_utf8(unique.to_vec()).unwrap()),
        _ => None,
    };
    bench.events().into_iter().filter_map(unique).collect()
}

#[test]
fn decision_9_a_name_that_is_ours_is_never_given_to_an_external_worker() {
    let mut bench = Bench::new();
    bench.set_local(&["build:ours"], &[]);
    let (client, worker) = (bench.connect(), bench.sleeper(&["build:ours", "build:theirs"]));
    assert_eq!(bench.counts("build:ours").unwrap(), "0 0 2");
    bench.submit(client, kind::SUBMIT_JOB, "build:ours", "1");
    bench.turn(0);
    bench.turn(100);
    assert!(bench.read(worker).is_empty());
    assert_eq!(bench.grab(worker), None);
    bench.submit(client, kind::SUBMIT_JOB, "build:theirs", "2");
    assert_eq!(bench.grab(worker).unwrap().1, "2");
    room(&mut bench, 1, 0);
    assert_eq!(assigned(&mut bench), ["1"]);
}

#[test]
fn decision_12_a_worker_that_serves_our_managers_name_is_told_of_once() {
    let mut bench = Bench::new();
    bench.set_local(&["build:ours"], &["stop:us"]);
    let contested = |bench: &mut Bench| {
        let of = |event| match event {
            Event::Contested { name, .. } => Some(name),
            _ => None,
        };
        bench.events().into_iter().filter_map(of).collect::<Vec<_>>()
    };
    let client = bench.connect();
    let worker = bench.sleeper(&["stop:us", "stop:them"]);
    assert_eq!(contested(&mut bench), ["stop:us"]);
    bench.sleeper(&["stop:us"]);
    assert!(contested(&mut bench).is_empty(), "a flood of registrations is told once");
    // It stays ours.
    bench.submit(client, kind::SUBMIT_JOB_HIGH, "stop:us", "stop");
    assert_eq!(bench.grab(worker), None);
    assert_eq!(assigned(&mut bench), ["stop"]);
    // A name that becomes ours while a worker serves it.
    bench.set_local(&["build:ours"], &["stop:them"]);
    assert_eq!(contested(&mut bench), ["stop:them"]);
}

#[test]
fn a_full_house_leaves_jobs_queued_where_cancel_finds_them() {
    let mut bench = Bench::new();
    bench.set_local(&["build:a", "build:b"], &["stop:us"]);
    let client = bench.connect();
    room(&mut bench, 2, 0);
    let mut handles = Vec::new();
    for (kind, function) in [
        (kind::SUBMIT_JOB, "build:a"),
        (kind::SUBMIT_JOB, "build:b"),
        (kind::SUBMIT_JOB, "build:a"),
        (kind::SUBMIT_JOB_HIGH, "build:b"),
        (kind::SUBMIT_JOB, "build:a"),
    ] {
        handles.push(bench.submit(client, kind, function, &format!("u{}", handles.len())));
    }
    assert_eq!(assigned(&mut bench), ["u0", "u1"]);
    bench.submit(client, kind::SUBMIT_JOB_HIGH, "stop:us", "stop");
    assert_eq!(assigned(&mut bench), ["stop"]);
    assert_eq!(bench.line(client, &format!("cancel job {}", handles[2])), "OK\n");
    room(&mut bench, 5, 0);
    assert_eq!(assigned(&mut bench), ["u3", "u4"], "the two under way count, the order is strict");
    bench.submit(client, kind::SUBMIT_JOB, "build:a", "u5");
    assert_eq!(assigned(&mut bench), ["u5"]);
    bench.submit(client, kind::SUBMIT_JOB, "build:a", "u6");
    assert_eq!(assigned(&mut bench), [""; 0]);
    bench.queue.command(Command::PauseLocal(true));
    room(&mut bench, 5, 5);
    assert_eq!(assigned(&mut bench), [""; 0]);
    bench.queue.command(Command::PauseLocal(false));
    assert_eq!(assigned(&mut bench), ["u6"]);
}

#[test]
fn ownership_changes_live_and_nothing_is_lost() {
    let mut bench = Bench::new();
    let (client, worker) = (bench.connect(), bench.sleeper(&["build:x"]));
    room(&mut bench, 9, 0);
    bench.set_local(&["build:y"], &[]);
    bench.submit(client, kind::SUBMIT_JOB, "build:x", "1");
    bench.read(worker);
    bench.set_local(&["build:x"], &[]);
    assert_eq!(assigned(&mut bench), ["1"], "a queued job of a name that became ours comes to us");
    assert_eq!(bench.grab(worker), None);
    bench.send(worker, kind::PRE_SLEEP, &[]);
    room(&mut bench, 0, 1);
    bench.submit(client, kind::SUBMIT_JOB, "build:x", "2");
    bench.set_local(&[], &[]);
    assert_eq!(bench.read(worker), ["NOOP"], "a queued job of a name that ceased to be ours goes to workers");
    assert_eq!(bench.grab(worker).unwrap().1, "2");
    assert_eq!(bench.counts("build:y").unwrap(), "0 0 0");
}

#[test]
fn what_we_say_reaches_the_client_and_ends_once() {
    let mut bench = Bench::new();
    bench.set_local(&["build:x"], &[]);
    room(&mut bench, 9, 0);
    let client = bench.connect();
    let text = bench.submit(client, kind::SUBMIT_JOB, "build:x", "1");
    let handle = Handle::new(&text);
    bench.queue.command(Command::Data { handle: handle.clone(), data: "{}".into() });
    bench.queue.command(Command::Status { handle: handle.clone(), numerator: 0, denominator: -1 });
    bench.send(client, kind::GET_STATUS, &[&text]);
    bench
        .queue
        .command(Command::Complete { handle: handle.clone(), data: "{\"result\":\"SUCCESS\"}".into() });
    bench.queue.command(Command::Fail { handle: handle.clone() });
    bench.queue.command(Command::Complete { handle, data: "again".into() });
    let expected = [
        format!("WORK_DATA {text}|{{}}"),
        format!("WORK_STATUS {text}|0|-1"),
        format!("STATUS_RES {text}|1|1|0|-1"),
        format!("WORK_COMPLETE {text}|{{\"result\":\"SUCCESS\"}}"),
    ];
    assert_eq!(bench.read(client), expected);
    assert_eq!(bench.counts("build:x").unwrap(), "0 0 1");
}

#[test]
fn zuul_8_3_cancel_in_the_gap_of_our_own_job() {
    let mut bench = Bench::new();
    bench.set_local(&["build:x"], &[]);
    room(&mut bench, 9, 0);
    let client = bench.connect();
    let text = bench.submit(client, kind::SUBMIT_JOB, "build:x", "1");
    assert_eq!(assigned(&mut bench), ["1"]);
    assert_eq!(bench.line(client, &format!("cancel job {text}")), "OK\n");
    let handle = Handle::new(&text);
    assert_eq!(bench.events(), [Event::Cancelled { handle: handle.clone() }]);
    bench.queue.command(Command::Data { handle, data: "{}".into() });
    assert!(bench.read(client).is_empty());
    let text = bench.submit(client, kind::SUBMIT_JOB, "build:x", "2");
    bench.queue.command(Command::Data { handle: Handle::new(&text), data: "{}".into() });
    bench.read(client);
    assert_eq!(bench.line(client, &format!("cancel job {text}")), "ERR UNKNOWN_JOB\n");
}

#[test]
fn a_lost_client_of_our_running_job_is_told_and_the_job_kept() {
    let mut bench = Bench::new();
    bench.set_local(&["build:x"], &[]);
    room(&mut bench, 1, 0);
    let client = bench.connect();
    let text = bench.submit(client, kind::SUBMIT_JOB, "build:x", "1");
    bench.submit(client, kind::SUBMIT_JOB, "build:x", "queued");
    bench.events();
    bench.queue.disconnect(client);
    let handle = Handle::new(&text);
    assert_eq!(bench.events(), [Event::ClientGone { handle: handle.clone() }]);
    assert_eq!(bench.counts("build:x").unwrap(), "1 1 1");
    bench.queue.command(Command::Forget { handle });
    assert_eq!(bench.counts("build:x").unwrap(), "0 0 1");
}

#[test]
fn a_process_that_does_not_keep_up_is_handed_nothing_more() {
    let mut options = options();
    options.limits = Limits { waiting_events: 3, ..Limits::default() };
    let mut bench = Bench::with(options);
    bench.set_local(&["build:x"], &["stop:us"]);
    bench.queue.take_events();
    room(&mut bench, 100, 0);
    let client = bench.connect();
    for number in 0..8 {
        let function = if number % 2 == 0 { "build:x" } else { "stop:us" };
        bench.submit(client, kind::SUBMIT_JOB, function, &number.to_string());
    }
    let mut all = Vec::new();
    for _ in 0..8 {
        let some = assigned(&mut bench);
        assert!(some.len() <= 3);
        all.extend(some);
        bench.queue.assign_waiting();
    }
    all.sort();
    assert_eq!(all, ["0", "1", "2", "3", "4", "5", "6", "7"]);
}
