//! Bursts of builds from a client that behaves like Zuul, while Causeway is killed with -9 again and again and now and then
//! loses its client: each build has one end, each line stands once, nothing stays behind, memory is flat.
//!
//! `CAUSEWAY_SOAK_SECONDS` sets how long the bursts go on, `CAUSEWAY_SOAK_KILL_EVERY` how long a life of the server is;
//! `contrib/soak/run` is the long form.

mod launcher;

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use self::launcher::{End, Launch, Launcher};
use crate::crash::{Place, check, console, nothing_left};
use crate::support::{Program, engine, get, import_busybox, within};

/// How long the bursts go on in CI.
const SECONDS: u64 = 25;
/// How long a life of the server is in CI.
const KILL_EVERY: u64 = 8;
/// Lines of each build, over about a second.
const LINES: usize = 100;
/// How long the last builds may take.
const ENDS_WITHIN: Duration = Duration::from_secs(120);
/// What a later life of the server may need more than its second one: caches of the store and what the allocator has not
/// given back. Over ten minutes and 30 lives it was less than 1 MiB.
const GROWTH_MAX_KIB: u64 = 4 << 10;

/// Memory of one life.
#[derive(Debug)]
struct Life {
    /// After its first burst, in KiB.
    first_burst: u64,
    /// Before it was killed.
    last: u64,
}

pub(crate) fn seconds(name: &str, default: u64) -> Duration {
    let given = std::env::var(name).ok().map(|text| text.parse().expect("whole seconds"));
    Duration::from_secs(given.unwrap_or(default))
}

/// Resident memory of the server in KiB.
pub(crate) fn resident(server: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a resident size");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number of KiB")
}

/// Every build of the server, oldest first.
pub(crate) fn every_build(server: &Program) -> Vec<serde_json::Value> {
    let mut list = Vec::new();
    let mut before = String::new();
    loop {
        let answer = get(&format!("{}/causeway/v1/builds?limit=500{before}", server.http()));
        let answer: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        list.extend(answer["builds"].as_array().expect("a list").iter().cloned());
        match answer["before"].as_str() {
            Some(id) => before = format!("&before={id}"),
            None => break,
        }
    }
    list.reverse();
    list
}

/// One server after the other on the same state, until the time is over; the last one brings everything to its end.
async fn lives(place: &Place, launcher: &mut Launcher, length: Duration) -> (Program, Vec<Life>) {
    let serve = place.serve();
    let kill_every = seconds("CAUSEWAY_SOAK_KILL_EVERY", KILL_EVERY);
    let end = Instant::now() + length;
    let mut memory = Vec::new();
    loop {
        let mut server = serve.start();
        let killed_at = Instant::now() + kill_every;
        launcher.connect(server.gearman()).await;
        launcher.whole_burst().await;
        let first_burst = resident(&server);
        // Three at least, however slow the machine: the last is compared with the second.
        let last_life = Instant::now() >= end && memory.len() >= 2;
        // Every second life loses its client on the way, as when Zuul is restarted.
        if memory.len() % 2 == 1 && !last_life {
            launcher.bursts(Instant::now() + kill_every / 4).await;
            launcher.leave();
            launcher.connect(server.gearman()).await;
        }
        if last_life {
            launcher.rest().await;
            memory.push(Life { first_burst, last: resident(&server) });
            return (server, memory);
        }
        launcher.bursts(killed_at).await;
        memory.push(Life { first_burst, last: resident(&server) });
        server.kill();
        launcher.killed().await;
    }
}

/// Waits until every build has ended, those of lost clients too.
fn all_ended(server: &Program) -> Vec<serde_json::Value> {
    within(ENDS_WITHIN, || {
        let builds = every_build(server);
        let open: Vec<_> = builds.iter().filter(|build| build["state"] != "ended").collect();
        if open.is_empty() { Ok(builds) } else { Err(format!("{} builds go on: {open:?}", open.len())) }
    })
}

/// Every launch against the build that the server has of it, and every build against its launch.
fn compare(server: &Program, launcher: &Launcher, builds: &[serde_json::Value]) -> usize {
    let mut by_unique = HashMap::new();
    let mut numbers: Vec<u64> = Vec::new();
    for build in builds {
        let unique = build["zuul_uuid"].as_str().expect("Zuul's name").to_owned();
        let former = by_unique.insert(unique, build);
        assert!(former.is_none(), "two builds of one submit: {former:?} {build}");
        numbers.push(build["number"].as_u64().expect("a number"));
    }
    numbers.sort_unstable();
    assert!(numbers.is_sorted_by(|one, next| one < next), "a number was given twice: {numbers:?}");
    let mut stopped = 0;
    let mut done = vec![0; launcher.works()];
    for (place, launch) in launcher.launches.iter().enumerate() {
        let build = by_unique.remove(&Launch::unique(place));
        assert_ne!(launch.end, End::Open, "{launch:?}");
        done[launch.who] += usize::from(launch.end == End::Complete);
        // Only what was never announced may be missing: it died in the queue with the server.
        let Some(build) = build else {
            assert!(launch.number.is_none() && launch.end != End::Complete, "no build of {launch:?}");
            continue;
        };
        assert!(launch.number.is_none_or(|number| build["number"] == number), "{launch:?} is {build}");
        assert!(build["ended_ms"].is_u64(), "{build}");
        // Decision 6: only a client that is lost while the server runs lets a build be stopped.
        if launch.end == End::Left && build["result"] == "ABORTED" {
            check_stopped(server, build);
            stopped += 1;
        } else {
            check(server, build, LINES);
        }
    }
    assert!(by_unique.is_empty(), "builds that nobody launched: {by_unique:?}");
    assert!(done.iter().all(|ends| *ends == 1), "each piece of work is reported once: {done:?}");
    stopped
}

/// A build that was stopped has the beginning of its lines, and one end.
fn check_stopped(server: &Program, build: &serde_json::Value) {
    let text = console(server, build);
    let who = build["parameters"]["WHO"].as_str().expect("a name");
    let printed: Vec<&str> = text.lines().filter(|line| line.starts_with("line ")).collect();
    let expected: Vec<String> = (0..printed.len()).map(|line| format!("line {line} of {who}")).collect();
    assert_eq!(printed, expected, "build {build}");
    assert!(printed.len() <= LINES, "build {build}");
    assert_eq!(text.matches("Finished: ABORTED").count(), 1, "{text}");
}

/// Later lives need no more memory than the second (the first begins with an empty store).
fn flat(memory: &[Life]) {
    let [_, second, .., last] = memory else { panic!("too few lives to compare: {memory:?}") };
    assert!(last.first_burst <= second.first_burst + GROWTH_MAX_KIB, "memory grows: {memory:?}");
    let most = memory.iter().map(|life| life.last).max().unwrap_or_default();
    assert!(most <= second.last + GROWTH_MAX_KIB, "memory grows: {memory:?}");
}

#[expect(clippy::print_stdout, reason = "the harness shows it with --nocapture, or with a failure")]
fn soak(place: &Place, burst: usize, length: Duration) {
    let config = place.path("causeway.yaml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}gearman: {{lost_client_grace: 100ms}}\n")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut launcher = Launcher::new(burst, LINES);
    let (server, memory) = runtime.block_on(lives(place, &mut launcher, length));
    let builds = all_ended(&server);
    let stopped = compare(&server, &launcher, &builds);
    nothing_left(&place.path("state/nodes"));
    let count = |end| launcher.launches.iter().filter(|launch| launch.end == end).count();
    println!(
        "{}",
        serde_json::json!({
            "kills": memory.len() - 1, "work": launcher.works(), "launches": launcher.launches.len(),
            "reported": count(End::Complete), "lost_with_the_server": count(End::Killed),
            "lost_with_the_client": count(End::Left), "builds": builds.len(), "stopped": stopped,
            "memory_kib_after_first_burst": memory.iter().map(|life| life.first_burst).collect::<Vec<_>>(),
            "memory_kib_at_the_end": memory.iter().map(|life| life.last).collect::<Vec<_>>(),
        })
    );
    flat(&memory);
}

#[test]
fn bursts_and_kills_on_processes() {
    let place = Place::new("driver: process", "min_ready: 0");
    soak(&place, 8, seconds("CAUSEWAY_SOAK_SECONDS", SECONDS));
}

#[test]
fn bursts_and_kills_on_docker() {
    let Some(host) = engine() else { return };
    import_busybox(&host);
    let place = Place::on_docker(&host);
    soak(&place, 4, seconds("CAUSEWAY_SOAK_SECONDS", SECONDS) / 2);
    assert_eq!(place.containers(&host), 0);
}
