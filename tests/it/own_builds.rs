//! The real Zuul 2.6.0 with builds that Causeway itself runs, the same suite on every provider.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{House, On, Zuul, get};

/// Nodes at once: small, so that a full house is quickly made.
const NODES: usize = 4;

/// A house with Zuul in front of it.
struct Zuuled {
    house: House,
    zuul: Zuul,
}

/// `None`: the test is not run, and has been noted.
#[track_caller]
fn open(on: On) -> Option<Zuuled> {
    let house = House::open(on, NODES)?;
    let zuul = house.zuul()?;
    Some(Zuuled { house, zuul })
}

fn launch(job: &str, name: &str, params: &Value) -> Value {
    json!({"op": "launch", "job": job, "as": name, "params": params})
}

fn started(name: &str) -> Value {
    json!({"op": "wait", "build": name, "for": "started", "within": 30})
}

fn ended(name: &str, result: &str) -> Value {
    json!({"op": "wait", "build": name, "result": result, "within": 60})
}

/// A build's result, number, address and node reach Zuul as from a master (zuul-Z-6, zuul 6.4).
fn results(on: On) {
    let Some(road) = open(on) else { return };
    let steps = json!([
        launch("unit", "good", &json!({})),
        launch("lint", "bad", &json!({"FAKE_RESULT": "FAILURE"})),
        launch("docs", "shaky", &json!({"FAKE_RESULT": "UNSTABLE"})),
        launch("a", "broken", &json!({"FAKE_MODE": "fail"})),
        {"op": "wait", "build": "good", "for": "started", "within": 30, "number": 1, "url": "^http://.*/job/unit/1/$"},
        {"op": "wait", "build": "good", "result": "SUCCESS", "within": 60, "packet": "WORK_COMPLETE", "starts": 1},
        ended("bad", "FAILURE"),
        ended("shaky", "UNSTABLE"),
        ended("broken", "FAILURE"),
        launch("unit", "next", &json!({})),
        {"op": "wait", "build": "next", "result": "SUCCESS", "within": 60, "number": 2},
        {"op": "status", "function": "build:unit", "registered": true},
        {"op": "status", "function": "build:unit:debian", "registered": true},
        {"op": "status", "function": "build:nobody", "registered": false},
    ]);
    road.zuul.drive_steps(&steps).held();
    road.zuul.drive(&["--job", "nobody", "--expect", "NOT_REGISTERED"]).held();
}

/// `stop:` ends a running build as ABORTED; a second one of the same job is untouched (zuul-8.1).
fn cancel_running(on: On) {
    let Some(road) = open(on) else { return };
    let stop = |name: &str| json!({"op": "cancel", "build": name, "how": "running", "stopped": true, "result": "ABORTED"});
    let steps = json!([
        launch("slow", "one", &json!({})),
        launch("slow", "two", &json!({})),
        started("one"),
        started("two"),
        stop("one"),
        {"op": "never", "build": "two", "for": "finished", "during": 1},
        stop("two"),
    ]);
    road.zuul.drive_steps(&steps).held();
}

/// In a full house a build stays in Gearman's queue, where `cancel job` finds it (design section 4, 2).
fn cancel_queued(on: On) {
    let Some(road) = open(on) else { return };
    let full: Vec<String> = (0..NODES).map(|number| format!("full{number}")).collect();
    let mut steps: Vec<Value> = full.iter().map(|name| launch("slow", name, &json!({}))).collect();
    steps.extend(full.iter().map(|name| started(name)));
    steps.push(launch("unit", "waits", &json!({})));
    steps.push(json!({"op": "never", "build": "waits", "for": "started", "during": 1}));
    steps.push(json!({"op": "cancel", "build": "waits", "how": "queued"}));
    for name in &full {
        steps.push(
            json!({"op": "cancel", "build": name, "how": "running", "stopped": true, "result": "ABORTED"}),
        );
    }
    steps.push(launch("unit", "after", &json!({})));
    steps.push(ended("after", "SUCCESS"));
    // The cancelled one never ran: the next build of its job has the first number.
    steps.push(json!({"op": "wait", "build": "after", "number": 1}));
    road.zuul.drive_steps(&json!(steps)).held();
}

/// `set_description:` is answered and shown as text on the build's page (decision 26).
fn describe(on: On) {
    let Some(road) = open(on) else { return };
    let steps = json!([
        launch("slow", "described", &json!({})),
        started("described"),
        {"op": "describe", "build": "described", "text": "<b>Patch 7</b> of two"},
        {"op": "cancel", "build": "described", "how": "running", "stopped": true, "result": "ABORTED"},
    ]);
    let said = road.zuul.drive_steps(&steps).held();
    let page = get(&address(&said.events("started"), "described"));
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("Patch 7"), "{}", page.body);
    assert!(!page.body.contains("<b>Patch 7</b>"), "a description is text: {}", page.body);
}

fn address(started: &[Value], build: &str) -> String {
    let found = started.iter().find(|line| line["build"] == build).expect("the build started");
    found["url"].as_str().expect("it has an address").to_owned()
}

/// Two hundred builds at once: each has one end and a number of its own (zuul-Z-6).
fn burst(on: On) {
    let Some(road) = open(on) else { return };
    let steps = json!([{"op": "burst", "job": "unit", "count": 200, "within": 150}]);
    road.zuul.drive_steps(&steps).held();
    let status = road.house.server.stderr();
    assert!(!status.contains("panicked"), "{status}");
}

/// Values of every kind reach the step's environment as Jenkins gives them (zuul-Z-3, decision 14, jjb-T22 to T24).
fn parameters(on: On) {
    let Some(road) = open(on) else { return };
    let texts = [
        ("TEXT", "héllo 漢字 💩"),
        ("MULTILINE", "a\nb\\nc\td\n"),
        ("QUOTES", "'\"`$(id) & ; | < > \\ $HOME %s *"),
        ("EMPTY", ""),
        ("EQUALS", "a=b=c"),
        ("SPACES", "  two  "),
    ];
    let mut params = json!({
        "NUMBER": 30, "NEGATIVE": -7, "FRACTION": 1.5, "YES": true, "NO": false, "NOTHING": null, "mixedCase": "kept",
        "SHOW": "TEXT MULTILINE QUOTES EMPTY EQUALS SPACES NUMBER NEGATIVE FRACTION YES NO NOTHING mixedCase MIXEDCASE \
                 ABSENT ZUUL_CHANGE ZUUL_PROJECT JOB_NAME BUILD_NUMBER CI",
    });
    for (name, value) in texts {
        params[name] = json!(value);
    }
    let steps = json!([
        launch("environment", "typed", &params),
        ended("typed", "SUCCESS"),
        launch("environment", "list", &json!({"LIST": [1, 2]})),
        {"op": "wait", "build": "list", "for": "finished", "within": 30},
    ]);
    let said = road.zuul.drive_steps(&steps).held();
    let url = address(&said.events("started"), "typed");
    let console = get(&format!("{url}consoleText"));
    assert_eq!(console.status, 200, "{}", console.body);
    let mut wanted: BTreeMap<String, String> =
        texts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    for (name, value) in [
        ("NUMBER", "30"),
        ("NEGATIVE", "-7"),
        ("FRACTION", "1.5"),
        ("YES", "true"),
        ("NO", "false"),
        ("NOTHING", ""),
        ("mixedCase", "kept"),
        ("MIXEDCASE", "kept"),
        ("ZUUL_CHANGE", "1234"),
        ("ZUUL_PROJECT", "org/project"),
        ("JOB_NAME", "environment"),
        ("BUILD_NUMBER", "1"),
        ("CI", "true"),
    ] {
        wanted.insert(name.to_owned(), value.to_owned());
    }
    assert_eq!(shown(&console.body), wanted);
    assert!(console.body.contains("ABSENT is not set"), "{}", console.body);
}

/// What the job `environment` printed: `NAME=BASE64` lines.
fn shown(console: &str) -> BTreeMap<String, String> {
    console
        .lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| name.chars().all(|letter| letter.is_alphanumeric() || letter == '_'))
        .map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(&decode(value)).into_owned()))
        .collect()
}

/// Base64 without a crate: the alphabet is in order, the padding ends it.
fn decode(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut bytes) = (0_u32, 0_u32, Vec::new());
    for letter in text.bytes().take_while(|letter| *letter != b'=') {
        let value = ALPHABET.iter().position(|known| *known == letter).expect("base64");
        bits = bits << 6 | u32::try_from(value).expect("below 64");
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    bytes
}

/// Zuul's scheduler: votes from our results, in check and in gate.
fn scheduler(on: On) {
    let Some(road) = open(on) else { return };
    road.zuul.schedule(&["--job", "unit", "--job", "lint", "--timeout", "60"]).held();
    let failing =
        ["--job", "docs", "--param", "FAKE_RESULT=FAILURE", "--expect", "FAILURE", "--timeout", "60"];
    road.zuul.schedule(&failing).held();
}

macro_rules! on_every_provider {
    ($($name:ident),* $(,)?) => {
        mod process {
            $(#[test] fn $name() { super::$name(crate::support::On::Process); })*
        }
        mod docker {
            $(#[test] fn $name() { super::$name(crate::support::On::Docker); })*
        }
    };
}

on_every_provider!(results, cancel_running, cancel_queued, describe, burst, parameters, scheduler);

#[test]
fn the_reading_of_base64_is_right() {
    assert_eq!(decode("aMOpbGxvCg=="), "héllo\n".as_bytes());
    assert_eq!(decode(""), b"");
}
