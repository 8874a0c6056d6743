//! Merging by unique (zuul-S-8).

use std::collections::HashMap;

use proptest::prelude::*;

use super::{Bench, options};
use crate::gearman::packet::kind;
use crate::gearman::server::api::{ConnectionId, Options};

fn merging() -> Bench {
    Bench::with(Options { merge: true, ..options() })
}

fn submit(bench: &mut Bench, id: ConnectionId, kind: u32, unique: &str, data: &str) -> String {
    bench.send(id, kind, &["f", unique, data]);
    let answers = bench.read(id);
    answers.last().unwrap().strip_prefix("JOB_CREATED ").unwrap_or_else(|| panic!("{answers:?}")).to_owned()
}

#[test]
fn zuul_s_8_nothing_is_merged_by_default() {
    let mut bench = Bench::new();
    let client = bench.connect();
    let first = bench.submit(client, kind::SUBMIT_JOB, "f", "same");
    assert_ne!(bench.submit(client, kind::SUBMIT_JOB, "f", "same"), first);
    assert_eq!(bench.counts("f").unwrap(), "2 0 0");
}

#[test]
fn zuul_s_8_merged_clients_hear_everything_once() {
    let mut bench = merging();
    let (first, second, worker) = (bench.connect(), bench.connect(), bench.worker(&["f"]));
    let handle = submit(&mut bench, first, kind::SUBMIT_JOB, "u", "data");
    assert_eq!(submit(&mut bench, second, kind::SUBMIT_JOB_LOW, "u", "other data"), handle);
    assert_eq!(bench.counts("f").unwrap(), "1 0 1", "one job, one worker");
    assert_eq!(bench.grab(worker).unwrap().1, "u");
    bench.send(worker, kind::WORK_STATUS, &[&handle, "1", "2"]);
    bench.send(worker, kind::WORK_DATA, &[&handle, "half"]);
    bench.send(first, kind::GET_STATUS_UNIQUE, &["u"]);
    bench.send(worker, kind::WORK_COMPLETE, &[&handle, "whole"]);
    let told = [
        format!("WORK_STATUS {handle}|1|2"),
        format!("WORK_DATA {handle}|half"),
        format!("WORK_COMPLETE {handle}|whole"),
    ];
    let answers = bench.read(first);
    assert_eq!(answers[2], "STATUS_RES_UNIQUE u|1|1|1|2|2", "two clients wait");
    assert_eq!([&answers[..2], &answers[3..]].concat(), told);
    assert_eq!(bench.read(second), told);
    assert_ne!(submit(&mut bench, second, kind::SUBMIT_JOB, "u", "data"), handle, "it has ended");
    assert_eq!(bench.queue.stats(&Default::default()).merged, 1);
}

#[test]
fn zuul_s_8_what_is_compared() {
    let mut bench = merging();
    let client = bench.connect();
    let mut all = Vec::new();
    for (unique, data) in [("", "a"), ("", "a"), ("u", "a"), ("v", "a"), ("-", "a"), ("-", "b")] {
        all.push(submit(&mut bench, client, kind::SUBMIT_JOB, unique, data));
    }
    let distinct: std::collections::HashSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "an empty unique merges with nothing: {all:?}");
    assert_eq!(submit(&mut bench, client, kind::SUBMIT_JOB, "-", "b"), all[5], "the data is compared");
    bench.send(client, kind::SUBMIT_JOB, &["g", "u", "a"]);
    assert_ne!(bench.read(client), [format!("JOB_CREATED {}", all[2])], "the function too");
    let worker = bench.worker(&["f"]);
    let large = "x".repeat(8 << 10);
    let held = submit(&mut bench, client, kind::SUBMIT_JOB_HIGH, "-", &large);
    bench.grab(worker).unwrap();
    assert_eq!(submit(&mut bench, client, kind::SUBMIT_JOB, "-", &large), held, "also once it runs");
}

#[test]
fn zuul_s_8_a_job_goes_on_for_whoever_still_wants_it() {
    let mut bench = merging();
    let (first, second, third) = (bench.connect(), bench.connect(), bench.connect());
    let handle = submit(&mut bench, first, kind::SUBMIT_JOB, "u", "");
    for client in [second, third] {
        assert_eq!(submit(&mut bench, client, kind::SUBMIT_JOB, "u", ""), handle);
    }
    bench.queue.disconnect(second);
    bench.queue.disconnect(first);
    assert_eq!(bench.counts("f").unwrap(), "1 0 0", "the third waits");
    let worker = bench.worker(&["f"]);
    bench.grab(worker).unwrap();
    bench.queue.disconnect(worker);
    assert_eq!(bench.read(third), [format!("WORK_FAIL {handle}")], "zuul-S-15");

    let handle = submit(&mut bench, third, kind::SUBMIT_JOB, "u", "");
    bench.queue.disconnect(third);
    assert_eq!(bench.counts("f").unwrap(), "0 0 0", "nobody waits: zuul-S-16");
    let again = bench.connect();
    assert_ne!(submit(&mut bench, again, kind::SUBMIT_JOB, "u", ""), handle);
}

#[test]
fn zuul_s_8_background_and_foreground_meet() {
    let mut bench = merging();
    let (client, worker) = (bench.connect(), bench.worker(&["f"]));
    let handle = submit(&mut bench, client, kind::SUBMIT_JOB_BG, "b", "");
    assert_eq!(submit(&mut bench, client, kind::SUBMIT_JOB, "b", ""), handle);
    bench.grab(worker).unwrap();
    bench.send(worker, kind::WORK_COMPLETE, &[&handle, "done"]);
    assert_eq!(bench.read(client), [format!("WORK_COMPLETE {handle}|done")]);

    let handle = submit(&mut bench, client, kind::SUBMIT_JOB, "c", "");
    assert_eq!(submit(&mut bench, client, kind::SUBMIT_JOB_BG, "c", ""), handle);
    bench.queue.disconnect(client);
    assert_eq!(bench.grab(worker).unwrap().1, "c", "it needs no client any more");
}

/// What each client must have been told of a unique.
#[derive(Default)]
struct Model {
    /// Who waits for the living job of a unique: once for each submit.
    waiting: HashMap<u8, Vec<usize>>,
    /// Ends that a client has to have seen.
    ends: HashMap<usize, usize>,
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn zuul_s_8_each_submit_has_one_end(steps in prop::collection::vec((0u8..4, 0usize..4, 0u8..3), 1..120)) {
        let mut bench = merging();
        let mut model = Model::default();
        let mut clients: Vec<ConnectionId> = (0..4).map(|_| bench.connect()).collect();
        let worker = bench.worker(&["f"]);
        let mut seen: HashMap<usize, usize> = HashMap::new();
        for (what, client, unique) in steps {
            match what {
                0 | 1 => {
                    bench.send(clients[client], kind::SUBMIT_JOB, &["f", &format!("u{unique}"), ""]);
                    model.waiting.entry(unique).or_default().push(client);
                }
                2 => {
                    bench.read(worker);
                    bench.send(worker, kind::GRAB_JOB_UNIQ, &[]);
                    let answer = bench.read(worker).pop().unwrap();
                    if let Some(job) = answer.strip_prefix("JOB_ASSIGN_UNIQ ") {
                        let parts: Vec<&str> = job.split('|').collect();
                        bench.send(worker, kind::WORK_COMPLETE, &[parts[0], "done"]);
                        let unique: u8 = parts[2][1..].parse().unwrap();
                        for client in model.waiting.remove(&unique).expect("it was wanted") {
                            *model.ends.entry(client).or_default() += 1;
                        }
                    } else {
                        prop_assert!(model.waiting.is_empty(), "{:?} wait", model.waiting);
                    }
                }
                _ => {
                    bench.queue.disconnect(clients[client]);
                    clients[client] = bench.connect();
                    model.ends.remove(&client);
                    seen.remove(&client);
                    model.waiting.values_mut().for_each(|waiting| waiting.retain(|other| *other != client));
                    model.waiting.retain(|_, waiting| !waiting.is_empty());
                }
            }
            for (number, id) in clients.iter().enumerate() {
                let ends = bench.read(*id).iter().filter(|answer| answer.starts_with("WORK_COMPLETE")).count();
                *seen.entry(number).or_default() += ends;
                prop_assert_eq!(seen[&number], model.ends.get(&number).copied().unwrap_or(0));
            }
            let queued = bench.queue.stats(&Default::default()).queued.iter().sum::<u64>();
            prop_assert_eq!(queued, model.waiting.len() as u64);
        }
    }
}
