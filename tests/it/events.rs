//! What happened to builds, nodes and leases, as the real program tells it: in order, nothing missing and nothing doubled, also after
//! kill -9 (pools-P4).

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{House, On, run, submit, try_get, until};

/// Builds at once.
const BUILDS: u64 = 4;

fn get(house: &House, path: &str) -> Value {
    let answer = try_get(&format!("{}/causeway/v1{path}", house.server.http())).expect("it answers");
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).expect("JSON")
}

/// The events of one object, oldest first; each goes on from where the one before ended.
fn history(house: &House, object: &str) -> Vec<Value> {
    let mut events = get(house, &format!("/events?object={object}&limit=100"))["events"].take();
    let events = std::mem::take(events.as_array_mut().expect("a list"));
    let events: Vec<Value> = events.into_iter().rev().collect();
    assert!(events[0]["from"].is_null(), "it came to be: {events:#?}");
    for pair in events.windows(2) {
        assert_eq!(pair[0]["to"], pair[1]["from"], "{events:#?}");
        assert!(pair[0]["number"].as_u64() < pair[1]["number"].as_u64(), "{events:#?}");
    }
    assert!(events.iter().all(|event| event["cause"] != "" && event["actor"] != ""), "{events:#?}");
    events
}

fn states(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["to"].as_str().expect("a word")).collect()
}

/// A build's whole history, that of its lease and that of its node; nothing that happens once is told twice.
fn all_told(house: &House, number: u64) {
    let builds = get(house, &format!("/builds?job=lines&number={number}"));
    let build = &builds["builds"][0];
    let events = history(house, build["id"].as_str().expect("an id"));
    let waited = events[1]["to"] == "waiting";
    let before = if waited { &["accepted", "waiting"][..] } else { &["accepted"][..] };
    let wanted = [before, &["leased", "running", "ended"]].concat();
    assert_eq!(states(&events), wanted, "build {number}: {events:#?}");
    let (first, last) = (&events[0], &events[events.len() - 1]);
    assert_eq!((&first["actor"], &last["cause"]), (&"Zuul".into(), &"SUCCESS: ran to its end".into()));

    let node = build["node"].as_str().expect("a node");
    let leased = &events[before.len()]["cause"].as_str().expect("a cause");
    let lease = leased.rsplit_once(' ').expect("a lease").1;
    assert_eq!(leased, &format!("node {node} by lease {lease}"));
    let wanted = ["queued", "allocating", "granted", "active", "releasing", "released"];
    assert_eq!(states(&history(house, lease)), wanted, "pools-P6: none is skipped");
    let over = get(house, &format!("/leases/{lease}"));
    assert_eq!((&over["state"], &over["node"]), (&"released".into(), &node.into()), "kept for a day: {over}");
    let life = history(house, node);
    let wanted = ["requested", "creating", "booting", "checking", "ready", "leased", "deleting", "deleted"];
    assert_eq!(states(&life), wanted, "{life:#?}");
    assert_eq!(life[6]["cause"], "its build is over");
}

#[tokio::test]
async fn pools_p4_and_p6_events_are_whole_and_in_order_over_kill_9() {
    let Some(mut house) = House::open(On::Process, 4) else { return };
    // The process dies when the first one runs: the others are wherever they are.
    let mut client = house.client().await;
    for number in 1..=BUILDS {
        let parameters = json!({"LINES_WANTED": 60, "LINE_SECONDS": "0.05"});
        submit(&mut client, "lines", &format!("told-{number}"), &parameters).await;
    }
    until(Duration::from_secs(60), || async {
        let accepted = get(&house, "/builds?job=lines")["builds"].as_array().map_or(0, Vec::len);
        let first = house.console("lines", 1)?;
        if accepted as u64 == BUILDS && first.contains("line 1\n") {
            Ok(())
        } else {
            Err(format!("{accepted}: {first}"))
        }
    })
    .await;
    let before = get(&house, "/events?limit=1000")["events"].as_array().expect("a list").clone();
    house.kill_and_start();
    for number in 1..=BUILDS {
        let result = until(Duration::from_secs(60), || async { house.result("lines", number) }).await;
        assert_eq!(result, "SUCCESS", "build {number}");
    }
    until(Duration::from_secs(60), || async {
        let nodes = get(&house, "/nodes");
        let left = nodes["nodes"].as_array().map_or(0, Vec::len);
        if left == 0 { Ok(()) } else { Err(format!("{left} nodes left")) }
    })
    .await;
    for number in 1..=BUILDS {
        all_told(&house, number);
    }
    let after = get(&house, "/events?limit=1000");
    let after = after["events"].as_array().expect("a list");
    assert!(before.iter().all(|event| after.contains(event)), "what was told once stays");

    let http = house.server.http();
    let told = run(&["events", "lines#1", "--json", "--server", http]);
    assert_eq!(told.code, Some(0), "{}", told.transcript());
    let told: Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(told[0]["to"], "accepted");
    let node = get(&house, "/builds?job=lines&number=1")["builds"][0]["node"].clone();
    let shown = run(&["node", "show", node.as_str().expect("a node"), "--server", http]);
    assert!(shown.code == Some(0) && shown.stdout.contains("its build is over"), "{}", shown.transcript());
    for kind in ["node", "lease"] {
        let nothing = run(&[kind, "show", "00000000000000000a", "--server", http]);
        assert_eq!(nothing.code, Some(3), "{}", nothing.transcript());
    }
    let none = run(&["lease", "list", "--server", http]);
    assert!(none.code == Some(0) && none.stderr.starts_with("no leases"), "{}", none.transcript());
    let all = run(&["lease", "list", "--all", "--json", "--server", http]);
    let all: Value = serde_json::from_str(&all.stdout).expect("JSON");
    assert_eq!(all.as_array().map(Vec::len), Some(BUILDS as usize), "{all}");
    let lease = run(&["lease", "show", all[0]["id"].as_str().expect("an id"), "--server", http]);
    assert!(lease.code == Some(0) && lease.stdout.contains("granted"), "{}", lease.transcript());
}
