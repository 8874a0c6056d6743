//! The benchmarks in their short form: every program runs, its answers, counts and bytes are right. Times are not judged.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{engine, not_run, repository};

/// What needs an engine, and its scenarios.
const ON_ENGINE: [(&str, &[&str]); 3] =
    [("container", &["container"]), ("output", &["output"]), ("kill", &["kill"])];
/// What needs none.
const ON_PROCESSES: [(&str, &[&str]); 4] = [
    ("start", &["start empty", "start full"]),
    ("logs", &["logs"]),
    ("readers", &["readers", "readers stop"]),
    ("memory", &["memory idle", "memory builds"]),
];
const STORE: &str = "examples/bench-store";

#[test]
fn the_benchmarks_run_with_right_answers() {
    if !Path::new("/usr/sbin/gearmand").exists() {
        not_run("no gearmand (contrib/ci/install bench)");
        return;
    }
    let program = Path::new(env!("CARGO_BIN_EXE_causeway"));
    if !program.with_file_name(STORE).exists() {
        // Made by `cargo test` for all targets, as `contrib/test` calls it.
        not_run("no program that fills a store (cargo build --example bench-store)");
        return;
    }
    let engine = engine();
    let folder = tempfile::tempdir().unwrap();
    let mut wanted: Vec<_> = ON_PROCESSES.to_vec();
    let mut command = Command::new(repository().join("contrib/bench/run"));
    command.arg("--short").arg("--program").arg(program).arg("--out").arg(folder.path());
    if let Some(host) = engine {
        wanted.extend(ON_ENGINE);
        command.env("DOCKER_HOST", host);
    }
    command.args(wanted.iter().map(|(which, _)| which)).stdin(Stdio::null());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let runs = runs(&String::from_utf8_lossy(&output.stdout));
    for scenario in wanted.iter().flat_map(|(_, scenarios)| scenarios.iter()) {
        assert!(runs.contains_key(*scenario), "{scenario} did not run:\n{said}");
    }
    assert!(output.status.success(), "{runs:#?}\n{said}");
    for run in runs.values().flatten() {
        assert_eq!(run["ok"], true, "{run}\n{said}");
        assert_eq!(run["violations"], serde_json::json!({}), "{run}");
        let figures = run["figures"].as_object().unwrap();
        assert!(!figures.is_empty() && figures.values().all(Value::is_number), "{run}");
    }
    let figure = |scenario: &str, name: &str| {
        let ours = runs[scenario].iter().find(|run| run["server"] == "causeway").unwrap();
        ours["figures"][name].as_f64().unwrap()
    };
    assert_eq!(figure("memory idle", "jobs"), 781.0);
    assert!(figure("memory builds", "keeper_private_mib") <= 1.5, "perf-M2: {runs:#?}");
    let table = std::fs::read_to_string(folder.path().join("table.md")).unwrap();
    assert!(table.contains("| perf-R1 |") && table.contains("gearmand: "), "{table}");
}

/// The runs by their scenario.
fn runs(output: &str) -> BTreeMap<String, Vec<Value>> {
    let mut runs: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in output.lines() {
        let run: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        runs.entry(run["scenario"].as_str().unwrap().to_owned()).or_default().push(run);
    }
    runs
}
