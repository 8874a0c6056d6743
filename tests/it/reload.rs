//! A migration job by job: a pattern moves a job to Causeway, removing it moves the job back, live, with nothing lost and nothing run twice.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use causeway::gearman::client::Client;
use causeway::gearman::packet::{Level, arguments, kind};
use rustix::process::Signal;

use crate::crash::{Place, builds, check};
use crate::support::{Program, within};

const LINES: usize = 5;
/// A debug build on two busy cores.
const SEEN_WITHIN: Duration = Duration::from_secs(60);

fn own(place: &Place, server: &Program, patterns: &str) {
    let path = place.path("causeway.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("own: [").unwrap();
    let (_, after) = rest.split_once(']').unwrap();
    std::fs::write(&path, format!("{before}own: [{patterns}]{after}")).unwrap();
    server.signal(Signal::HUP);
}

/// Submits a build in the foreground; its handle.
async fn launch(zuul: &mut Client, who: usize) -> Bytes {
    let arguments = format!(r#"{{"WHO": "{who}", "COUNT": {LINES}, "CODE": 0}}"#);
    let unique = format!("unique-{who}");
    zuul.submit(Level::Normal, b"build:lines", unique.as_bytes(), arguments.as_bytes()).await.unwrap()
}

/// Waits until so many jobs have ended at the client, each once.
async fn ends(zuul: &mut Client, count: usize, ended: &mut BTreeSet<Bytes>) {
    while ended.len() < count {
        let packet = tokio::time::timeout(SEEN_WITHIN, zuul.packet()).await;
        let (kind, body) = packet.unwrap_or_else(|_| panic!("{} of {count} ended", ended.len())).unwrap();
        if kind == kind::WORK_COMPLETE {
            let [handle, _] = arguments::<2>(&body).unwrap();
            assert!(ended.insert(body.slice_ref(handle)), "a second end of one job");
        }
        assert_ne!(kind, kind::WORK_FAIL);
    }
}

async fn complete(master: &mut Client, handle: &[u8]) {
    master.send(kind::WORK_COMPLETE, &[handle, br#"{"result": "SUCCESS", "number": 1}"#]).await.unwrap();
}

#[tokio::test]
async fn a_pattern_moves_a_job_and_moves_it_back() {
    let place = Place::new("driver: process", "min_ready: 0");
    let config = std::fs::read_to_string(place.path("causeway.yaml")).unwrap();
    std::fs::write(place.path("causeway.yaml"), config.replace("own: ['*']", "own: []")).unwrap();
    let server = place.serve().start();
    let address = server.gearman().parse().unwrap();
    let (mut zuul, mut master) =
        (Client::connect(address).await.unwrap(), Client::connect(address).await.unwrap());
    master.can_do(&[b"build:lines"]).await.unwrap();

    // On the master: two of six builds are taken, four wait.
    let mut handles = BTreeSet::new();
    for who in 0..6 {
        handles.insert(launch(&mut zuul, who * 4).await);
    }
    let first = master.grab().await.unwrap().expect("a job waits");
    let second = master.grab().await.unwrap().expect("a job waits");

    // The pattern: those that wait are ours, those that run stay where they run.
    own(&place, &server, "'lin*'");
    within(SEEN_WITHIN, || match builds(&server).len() {
        4 => Ok(()),
        other => Err(format!("{other} builds are ours; {}", server.stderr())),
    });
    assert!(master.grab().await.unwrap().is_none(), "a job of ours was given to a master (decision 9)");
    complete(&mut master, &first.handle).await;
    complete(&mut master, &second.handle).await;
    let mut ended = BTreeSet::new();
    ends(&mut zuul, 6, &mut ended).await;
    assert_eq!(ended, handles);
    for build in builds(&server) {
        check(&server, &build, LINES);
    }

    // And back. Until the reload is through a build may still become ours; the one after it is the master's.
    own(&place, &server, "");
    let mut ours = builds(&server).len();
    let mut launched = 6;
    let back = 'launch: loop {
        assert!(launched < 1000, "the job did not come back to the master");
        handles.insert(launch(&mut zuul, launched * 4).await);
        launched += 1;
        loop {
            if let Some(job) = master.grab().await.unwrap() {
                break 'launch job;
            }
            if builds(&server).len() > ours {
                ours += 1;
                break;
            }
        }
    };
    complete(&mut master, &back.handle).await;
    ends(&mut zuul, launched, &mut ended).await;
    assert_eq!(ended, handles);
}
