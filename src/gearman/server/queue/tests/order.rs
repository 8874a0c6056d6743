//! Submitting and the order of service: zuul-S-6 to S-9, zuul-B-8, zuul-J-1.

use super::{Bench, options};
use crate::gearman::limits::Limits;
use crate::gearman::packet::kind;

#[test]
fn zuul_b_8_handles_are_short_and_never_used_again() {
    let mut options = options();
    options.boot_prefix = "a-very/long prefix of a start, longer than it may be".into();
    let mut bench = Bench::with(options);
    let client = bench.connect();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..5 {
        let handle = bench.submit(client, kind::SUBMIT_JOB, "f", "u");
        assert!(handle.len() <= 63 && !handle.contains([' ', '\t']), "{handle}");
        assert!(seen.insert(handle.clone()));
        assert_eq!(bench.line(client, &format!("cancel job {handle}")), "OK\n");
        bench.queue.trim();
    }
}

#[test]
fn zuul_s_6_job_created_comes_first_even_when_we_serve_the_job() {
    let mut bench = Bench::new();
    bench.set_local(&[], &["stop:us"]);
    let client = bench.connect();
    let handle = bench.submit(client, kind::SUBMIT_JOB_HIGH, "stop:us", "u");
    assert_eq!(bench.events().len(), 1);
    assert!(handle.starts_with("H:boot:"));
}

#[test]
fn zuul_s_8_equal_uniques_are_not_merged() {
    let mut bench = Bench::new();
    let (client, worker) = (bench.connect(), bench.worker(&["f"]));
    let first = bench.submit(client, kind::SUBMIT_JOB, "f", "same");
    let second = bench.submit(client, kind::SUBMIT_JOB, "f", "same");
    assert_ne!(first, second);
    assert!(bench.grab(worker).is_some() && bench.grab(worker).is_some());
}

#[test]
fn zuul_s_9_orders_across_functions() {
    let mut bench = Bench::new();
    let client = bench.connect();
    let worker = bench.worker(&["a", "b", "c"]);
    let jobs = [
        (kind::SUBMIT_JOB_LOW, "a", "6"),
        (kind::SUBMIT_JOB, "b", "3"),
        (kind::SUBMIT_JOB_LOW, "c", "7"),
        (kind::SUBMIT_JOB, "a", "4"),
        (kind::SUBMIT_JOB_HIGH, "c", "1"),
        (kind::SUBMIT_JOB, "b", "5"),
        (kind::SUBMIT_JOB_HIGH, "a", "2"),
    ];
    for (kind, function, unique) in jobs {
        bench.submit(client, kind, function, unique);
    }
    let order: Vec<String> = std::iter::from_fn(|| bench.grab(worker)).map(|(_, unique)| unique).collect();
    assert_eq!(order, ["1", "2", "3", "4", "5", "6", "7"]);
}

#[test]
fn zuul_s_9_holds_for_a_worker_that_comes_over_a_backlog() {
    let mut bench = Bench::new();
    let client = bench.connect();
    for number in 0..30 {
        let kind = [kind::SUBMIT_JOB_LOW, kind::SUBMIT_JOB, kind::SUBMIT_JOB_HIGH][number % 3];
        bench.submit(client, kind, &format!("f{}", number % 5), &format!("{number:02}"));
    }
    let worker = bench.worker(&["f3", "f0", "f4", "f1", "f2"]);
    let order: Vec<String> = std::iter::from_fn(|| bench.grab(worker)).map(|(_, unique)| unique).collect();
    let by_level =
        |rest: usize| (0..30).filter(move |number| number % 3 == rest).map(|number| format!("{number:02}"));
    assert_eq!(order, by_level(2).chain(by_level(1)).chain(by_level(0)).collect::<Vec<_>>());
}

#[test]
fn zuul_s_9_holds_when_a_function_is_in_very_many_classes() {
    let mut bench = Bench::new();
    let client = bench.connect();
    let workers: Vec<_> =
        (0..200).map(|number| bench.sleeper(&["shared", &format!("own{number}")])).collect();
    bench.submit(client, kind::SUBMIT_JOB, "own7", "1");
    bench.submit(client, kind::SUBMIT_JOB, "shared", "2");
    bench.submit(client, kind::SUBMIT_JOB_HIGH, "shared", "0");
    let order: Vec<_> = std::iter::from_fn(|| bench.grab(workers[7])).map(|(_, unique)| unique).collect();
    assert_eq!(order, ["0", "1", "2"]);
    for worker in &workers[20..] {
        bench.queue.disconnect(*worker);
    }
    bench.submit(client, kind::SUBMIT_JOB, "shared", "3");
    assert_eq!(bench.grab(workers[3]).unwrap().1, "3");
}

#[test]
fn zuul_j_1_a_unique_is_made_up() {
    let mut bench = Bench::new();
    let (client, worker) = (bench.connect(), bench.worker(&["f"]));
    bench.submit(client, kind::SUBMIT_JOB, "f", "");
    let (_, unique) = bench.grab(worker).unwrap();
    assert!(!unique.is_empty());
}

#[test]
fn an_epoch_job_waits_for_its_time() {
    let mut bench = Bench::new();
    let (client, worker) = (bench.connect(), bench.sleeper(&["f"]));
    bench.send(client, kind::SUBMIT_JOB_EPOCH, &["f", "u", "1010", "data"]);
    bench.queue.disconnect(client);
    bench.turn(9_000);
    assert!(bench.read(worker).is_empty());
    assert_eq!(bench.counts("f").unwrap(), "1 0 1");
    bench.turn(1_000);
    assert_eq!(bench.read(worker), ["NOOP"]);
    assert_eq!(bench.grab(worker).unwrap().1, "u");
}

#[test]
fn a_reduce_job_goes_to_grab_job_all_with_its_reducer() {
    let mut bench = Bench::new();
    let (client, worker) = (bench.connect(), bench.worker(&["f"]));
    bench.send(client, kind::SUBMIT_REDUCE_JOB, &["f", "u", "r", "data"]);
    bench.submit_and_grab_all(client, worker);
}

impl Bench {
    fn submit_and_grab_all(&mut self, client: super::ConnectionId, worker: super::ConnectionId) {
        self.read(client);
        self.submit(client, kind::SUBMIT_JOB, "f", "plain");
        for expected in ["JOB_ASSIGN_ALL", "JOB_ASSIGN_UNIQ", "NO_JOB"] {
            self.send(worker, kind::GRAB_JOB_ALL, &[]);
            assert!(self.read(worker)[0].starts_with(expected));
        }
    }
}

#[test]
fn a_full_queue_is_answered() {
    let mut options = options();
    options.limits = Limits { jobs: 2, queued_bytes: 100, ..Limits::default() };
    let mut bench = Bench::with(options);
    let client = bench.connect();
    bench.send(client, kind::SUBMIT_JOB, &["f", "u", &"x".repeat(100)]);
    assert!(bench.read(client)[0].starts_with("ERROR QUEUE_FULL|"));
    bench.submit(client, kind::SUBMIT_JOB, "f", "1");
    let second = bench.submit(client, kind::SUBMIT_JOB, "f", "2");
    bench.send(client, kind::SUBMIT_JOB, &["f", "3", ""]);
    assert!(bench.read(client)[0].starts_with("ERROR QUEUE_FULL|"));
    bench.line(client, &format!("cancel job {second}"));
    bench.submit(client, kind::SUBMIT_JOB, "f", "3");
}
