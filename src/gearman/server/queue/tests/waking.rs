//! Waking and grabbing: zuul-S-10, S-11, and few at a time.

use super::Bench;
use crate::gearman::packet::kind;
use crate::gearman::server::api::ConnectionId;

fn woken(bench: &mut Bench, workers: &[ConnectionId]) -> usize {
    workers.iter().filter(|worker| bench.read(**worker).contains(&"NOOP".to_owned())).count()
}

#[test]
fn zuul_s_10_each_grab_gets_its_own_answer() {
    let mut bench = Bench::new();
    let (client, worker) = (bench.connect(), bench.worker(&["f"]));
    let handle = bench.submit(client, kind::SUBMIT_JOB, "f", "u1");
    bench.send(worker, kind::GRAB_JOB, &[]);
    assert_eq!(bench.read(worker), [format!("JOB_ASSIGN {handle}|f|data")]);
    let handle = bench.submit(client, kind::SUBMIT_JOB, "f", "u2");
    bench.send(worker, kind::GRAB_JOB_UNIQ, &[]);
    assert_eq!(bench.read(worker), [format!("JOB_ASSIGN_UNIQ {handle}|f|u2|data")]);
    let handle = bench.submit(client, kind::SUBMIT_JOB, "f", "u3");
    bench.send(worker, kind::GRAB_JOB_ALL, &[]);
    assert_eq!(bench.read(worker), [format!("JOB_ASSIGN_UNIQ {handle}|f|u3|data")]);
    bench.send(worker, kind::GRAB_JOB_UNIQ, &[]);
    assert_eq!(bench.read(worker), ["NO_JOB"]);
}

#[test]
fn zuul_s_11_a_sleeper_that_registers_is_woken_by_a_waiting_job() {
    for mass in [false, true] {
        let mut bench = Bench::new();
        let (client, worker) = (bench.connect(), bench.sleeper(&["other"]));
        bench.submit(client, kind::SUBMIT_JOB, "f", "u");
        bench.turn(1);
        assert!(bench.read(worker).is_empty());
        bench.send(worker, if mass { kind::MASS_DO } else { kind::CAN_DO }, &["f"]);
        bench.turn(1);
        assert_eq!(bench.read(worker), ["NOOP"]);
    }
}

#[test]
fn pre_sleep_over_a_waiting_job_is_answered_at_once_and_again() {
    let mut bench = Bench::new();
    let client = bench.connect();
    bench.submit(client, kind::SUBMIT_JOB, "f", "u");
    let worker = bench.sleeper(&["f"]);
    assert_eq!(bench.read(worker), ["NOOP"]);
    bench.send(worker, kind::PRE_SLEEP, &[]);
    assert_eq!(bench.read(worker), ["NOOP"]);
}

#[test]
fn one_job_wakes_one_and_not_always_the_same() {
    let mut bench = Bench::new();
    let client = bench.connect();
    let workers: Vec<_> = (0..5).map(|_| bench.sleeper(&["f", "g"])).collect();
    for _ in 0..2 {
        for worker in &workers {
            bench.submit(client, kind::SUBMIT_JOB, "f", "u");
            assert_eq!(bench.read(*worker), ["NOOP"]);
            assert_eq!(woken(&mut bench, &workers), 0);
            assert!(bench.grab(*worker).is_some());
            bench.send(*worker, kind::PRE_SLEEP, &[]);
            bench.turn(1);
        }
    }
}

#[test]
fn a_late_grab_wakes_two_more_then_four_more_then_all() {
    let mut bench = Bench::new();
    let client = bench.connect();
    let workers: Vec<_> = (0..20).map(|_| bench.sleeper(&["f"])).collect();
    bench.submit(client, kind::SUBMIT_JOB, "f", "u");
    bench.turn(0);
    let mut counts = vec![woken(&mut bench, &workers)];
    for _ in 0..4 {
        bench.turn(19);
        assert_eq!(woken(&mut bench, &workers), 0);
        bench.turn(1);
        counts.push(woken(&mut bench, &workers));
    }
    assert_eq!(counts, [1, 2, 4, 13, 0]);
}

#[test]
fn a_grab_in_time_wakes_nobody_else() {
    let mut bench = Bench::new();
    let client = bench.connect();
    let workers: Vec<_> = (0..5).map(|_| bench.sleeper(&["f"])).collect();
    bench.submit(client, kind::SUBMIT_JOB, "f", "u");
    bench.turn(0);
    let first = workers[0];
    assert!(bench.grab(first).is_some());
    assert!(bench.queue.next_deadline(std::time::Duration::ZERO, 0).is_some());
    bench.turn(100);
    assert_eq!(woken(&mut bench, &workers), 0);
    assert!(bench.queue.next_deadline(std::time::Duration::ZERO, 0).is_none());
}

#[test]
fn a_woken_worker_that_dies_passes_the_wake_up_on() {
    let mut bench = Bench::new();
    let client = bench.connect();
    let workers: Vec<_> = (0..3).map(|_| bench.sleeper(&["f"])).collect();
    bench.submit(client, kind::SUBMIT_JOB, "f", "u");
    bench.queue.disconnect(workers[0]);
    assert_eq!(woken(&mut bench, &workers[1..]), 1);
}

#[test]
fn a_woken_worker_that_takes_an_older_job_leaves_nobody_sleeping_over_a_job() {
    let mut bench = Bench::new();
    let client = bench.connect();
    let narrow = bench.sleeper(&["f"]);
    let wide: Vec<_> = (0..2).map(|_| bench.sleeper(&["f", "g"])).collect();
    bench.submit(client, kind::SUBMIT_JOB, "f", "1");
    bench.submit(client, kind::SUBMIT_JOB, "g", "2");
    bench.turn(0);
    let mut started = 0;
    let mut rounds = 0;
    while started < 2 {
        rounds += 1;
        assert!(rounds < 10, "a job waits beside sleepers");
        for worker in wide.iter().chain([&narrow]) {
            if bench.read(*worker).contains(&"NOOP".to_owned()) {
                started += usize::from(bench.grab(*worker).is_some());
            }
        }
        bench.turn(20);
    }
}
