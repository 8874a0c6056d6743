//! How steps end, row by row: the word for Zuul, the cause for programs, and the sentence that people read in the console and on the
//! build's page (pools-12.9, D60 to D63). Silence is the one row that is not here: jobs count it in minutes.

use std::time::Duration;

use serde_json::Value;

use crate::guard::place::Place;
use crate::support::{IMAGE, get, import_busybox, within};

/// An end is recorded within this time of its last line, on a busy machine too.
const RECORDED: Duration = Duration::from_secs(60);

/// A way to end: a name for the job, what the job has beside its name, the script, the word, the cause, and the words for people.
struct Row(&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    Row("well", "", "true", "SUCCESS", "finished", "ran to its end"),
    Row(
        "child",
        "",
        "tail /dev/zero || true",
        "SUCCESS",
        "finished",
        "ended a process of this step for memory",
    ),
    Row("unstable", "", "exit 3", "UNSTABLE", "exit", "ended with exit code 3"),
    Row("fails", "", "exit 4", "FAILURE", "exit", "step 1 (shell) ended with exit code 4"),
    Row(
        "missing",
        "",
        "#!/no/such\n",
        "FAILURE",
        "command_not_found",
        "could not start: cannot run /no/such",
    ),
    Row("directory", "", "#!/proc\n", "FAILURE", "not_executable", "could not start: cannot run /proc"),
    Row("memory", "", "exec tail /dev/zero", "FAILURE", "oom", "out of memory (at most 64 MiB of 64 MiB)"),
    Row("of-shell", "", "tail /dev/zero || exit $?", "FAILURE", "oom", "out of memory"),
    Row("killed", "", "kill -9 $$", "FAILURE", "killed_externally", "signal 9 (KILL), not sent by Causeway"),
    Row("as-killed", "", "exit 137", "FAILURE", "killed_externally", "exit code 137, as after KILL"),
    Row("signal", "", "kill -SEGV $$", "FAILURE", "signal:SEGV", "signal 11 (SEGV), not sent by Causeway"),
    Row("as-signal", "", "exit 143", "FAILURE", "signal:TERM", "exit code 143, as after TERM"),
    Row("aborted", "", "sleep 1000", "ABORTED", "abort:a user", "stopped by a user"),
    Row(
        "late",
        "timeout: {timeout: 0.03, fail: true}",
        "sleep 1000",
        "FAILURE",
        "timeout:absolute",
        "its limit of 1 s",
    ),
    Row(
        "late-aborts",
        "timeout: {timeout: 0.03}",
        "sleep 1000",
        "ABORTED",
        "timeout:absolute",
        "its limit of 1 s",
    ),
    Row(
        "disk",
        "",
        "dd if=/dev/zero of=big bs=1M count=32; sleep 1000",
        "FAILURE",
        "disk_limit",
        "of disk, and its label has 24 MiB",
    ),
    Row(
        "layer",
        "",
        "dd if=/dev/zero of=/big bs=1M count=32; sleep 1000",
        "FAILURE",
        "disk_limit",
        "of disk, and its label has",
    ),
    Row(
        "processes",
        "",
        "set +e; i=0; while [ $i -lt 99 ]; do i=$((i+1)); sleep 1000 & done; exit 5",
        "FAILURE",
        "pids",
        "no process left to give",
    ),
    Row("log", "", "while echo much; do :; done", "FAILURE", "log_limit", "wrote more than is kept of a log"),
];

/// The image of a label whose nodes can never be made, and what becomes of it.
const NO_IMAGE: Row = Row("image", "", "true", "CONFIG_ERROR", "definition", "causeway-test/none");
const LOST: Row = Row(
    "lost",
    "",
    "echo begun; sleep 1000",
    "no result; Zuul launches it again",
    "infrastructure",
    "the node is gone",
);

fn jobs() -> String {
    let mut jobs = Vec::new();
    for Row(name, wrapper, script, ..) in ROWS.iter().chain([&NO_IMAGE, &LOST]) {
        let node = if *name == NO_IMAGE.0 { "none" } else { "any" };
        let shell = if *name == "unstable" {
            serde_json::json!({"command": script, "unstable-return": 3})
        } else {
            serde_json::json!(script)
        };
        let mut job = serde_json::json!({"name": name, "node": node, "builders": [{"shell": shell}]});
        if !wrapper.is_empty() {
            job["wrappers"] = Value::from("WRAPPERS");
        }
        let text = serde_json::json!([{"job": job}]).to_string();
        jobs.push(text.trim_matches(['[', ']']).replace("\"WRAPPERS\"", &format!("[{{{wrapper}}}]")));
    }
    format!("[{}]", jobs.join(","))
}

#[track_caller]
fn is_told(place: &Place, row: &Row) {
    let Row(name, _, _, word, cause, words) = row;
    let (result, console) = place.result(name);
    assert_eq!(result, *word, "{name}: {console}");
    assert!(console.contains(words), "{name}: no {words:?} in {console}");
    // The last line of the console comes before the end is recorded.
    let build = within(RECORDED, || {
        let builds = get(&format!("{}/causeway/v1/builds?job={name}", place.server.http())).body;
        let builds: Value = serde_json::from_str(&builds).unwrap();
        let build = builds["builds"].as_array().unwrap().iter().find(|build| build["job"] == *name);
        build.filter(|build| !build["ended_ms"].is_null()).cloned().ok_or(builds.to_string())
    });
    assert_eq!(build["cause"], *cause, "{name}: {build}");
    if *cause != "finished" {
        assert!(build["reason"].as_str().unwrap().contains(words), "{build}");
        let page = place.page(name, "");
        assert!(page.contains(words), "{name}: no {words:?} in {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_12_9_every_row_of_the_table_is_told_in_words_on_docker() {
    let place = Place::with(&jobs(), |_, engine| {
        import_busybox(engine);
        let label = |name: &str, image: &str| {
            format!(
                "\x20     - {{name: {name}, image: '{image}', pull: never, network: none, memory: 64MiB, pids: 48, disk: 24MiB}}\n"
            )
        };
        format!(
            "catalog: {{jjb: [jobs.yaml], own: ['*']}}\nbuilds: {{grace: 1s, log_limit: 256KiB, on_log_limit: fail}}\n\
             providers:\n  - {{name: here, driver: docker, engine: '{engine}', max_nodes: 6}}\n\
             pools:\n  - name: main\n    provider: here\n    labels:\n{}{}",
            label("any", IMAGE),
            label("none", "causeway-test/none:1")
        )
    });
    let Some(mut place) = place else { return };
    for Row(name, ..) in [&LOST, &NO_IMAGE].into_iter().chain(ROWS) {
        place.submit(name).await;
    }
    place.until_console("lost", "begun\n");
    let container = place.container(&place.node("lost"), "node");
    place.docker(&place.engine, &["kill", &container]);
    place.until_console("aborted", "sleep 1000\n");
    place.abort("aborted");
    for row in ROWS.iter().chain([&NO_IMAGE, &LOST]) {
        is_told(&place, row);
    }
}
