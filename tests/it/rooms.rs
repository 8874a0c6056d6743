//! Room label by label: a full label keeps its own builds queued, where `cancel job` finds them, and delays no others.

use std::time::Duration;

use causeway::gearman::client::Client;
use causeway::gearman::packet::{Level, kind};
use serde_json::{Value, json};

use crate::support::{Serve, get};

/// Nothing here takes as long.
const LIMIT: Duration = Duration::from_secs(30);

const JOBS: &str = "
- job: {name: long, node: few, concurrent: true, builders: [{shell: 'while :; do sleep 1; done'}]}
- job: {name: short, node: many, concurrent: true, builders: [{shell: 'true'}]}
";

/// One node with the label `few` at once; the provider could make more.
fn configuration(jobs: &std::path::Path) -> String {
    format!(
        "catalog:\n  jjb: [{jobs}]\n  own: ['*']\n\
         providers:\n  - name: here\n    driver: process\n    max_nodes: 4\n\
         pools:\n  - name: main\n    provider: here\n    labels:\n\
         \x20     - name: few\n        max_nodes: 1\n      - name: many\n",
        jobs = jobs.display()
    )
}

async fn submit(client: &mut Client, function: &str, unique: &str) -> String {
    let data = json!({"ZUUL_UUID": unique}).to_string();
    let handle = client.submit(Level::Normal, function.as_bytes(), unique.as_bytes(), data.as_bytes());
    String::from_utf8_lossy(&handle.await.expect("the build is taken")).into_owned()
}

/// Waits for a packet of this kind about a job.
async fn hear(client: &mut Client, wanted: u32, handle: &str) {
    let wait = async {
        loop {
            let (kind, body) = client.packet().await.expect("a packet");
            if kind == wanted && body.starts_with(handle.as_bytes()) {
                return;
            }
        }
    };
    tokio::time::timeout(LIMIT, wait).await.expect("in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_label_keeps_its_own_builds_queued_and_delays_no_others() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (jobs, config) = (folder.path().join("jobs.yaml"), folder.path().join("causeway.yaml"));
    std::fs::write(&jobs, JOBS).expect("it is written");
    std::fs::write(&config, configuration(&jobs)).expect("it is written");
    let server = Serve::new(&folder.path().join("state")).config(&config).start();
    let mut client = Client::connect(server.gearman().parse().expect("HOST:PORT")).await.expect("it accepts");

    let first = submit(&mut client, "build:long", "1").await;
    hear(&mut client, kind::WORK_DATA, &first).await;
    let waiting: Vec<String> =
        vec![submit(&mut client, "build:long", "2").await, submit(&mut client, "build:short:few", "3").await];
    let short = submit(&mut client, "build:short", "4").await;
    hear(&mut client, kind::WORK_COMPLETE, &short).await;

    // Those of the full label are in the queue still, so they can be cancelled without a trace.
    for handle in &waiting {
        let answer = client.ask(&format!("cancel job {handle}")).await.expect("an answer");
        assert_eq!(&answer[..], b"OK", "{handle}: {}", server.stderr());
    }
    let last = submit(&mut client, "build:short:few", "5").await;
    let stop = client.submit(Level::High, b"stop:causeway", b"6", br#"{"name": "long", "number": 1}"#);
    stop.await.expect("it is taken");
    hear(&mut client, kind::WORK_COMPLETE, &last).await;
    // Had they been accepted and waited for a node, there would be five builds.
    let builds: Value =
        serde_json::from_str(&get(&format!("{}/causeway/v1/builds", server.http())).body).expect("JSON");
    let builds = builds["builds"].as_array().expect("a list of builds");
    assert_eq!(builds.len(), 3, "{builds:?}");
}
