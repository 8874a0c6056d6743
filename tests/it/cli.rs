//! The command line against the real executable: exit codes, JSON, the demonstration.

use std::path::Path;

use crate::support::{Serve, repository, run};

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON ({error}): {text}"))
}

/// A server that owns the sample jobs and has nodes of processes.
fn configuration(folder: &Path) -> std::path::PathBuf {
    let file = folder.join("causeway.yaml");
    let tree = repository().join("fixtures/demo/jjb");
    let text = format!(
        "catalog:\n  jjb: [\"{}\"]\n  own: [\"demo-*\"]\n  default_shell: /bin/sh\n\
         providers:\n  - {{name: here, driver: process, max_nodes: 4}}\n\
         pools:\n  - name: main\n    provider: here\n    labels: [{{name: demo, min_ready: 1}}]\n",
        tree.display()
    );
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn pools_14_1_a_server_that_is_not_there_is_5_and_wrong_usage_2() {
    let status = run(&["status", "--server", "http://127.0.0.1:1"]);
    assert_eq!(status.code, Some(5), "{}", status.transcript());
    assert!(status.stderr.contains("hint: start one with `causeway serve`"), "{}", status.stderr);
    let status = run(&["status", "--json", "--server", "http://127.0.0.1:1"]);
    assert_eq!((status.code, &json(&status.stdout)["error"]), (Some(5), &"unreachable".into()));
    assert_eq!(run(&["build", "nonsense"]).code, Some(2));
    assert_eq!(run(&["serve", "--config", "/nowhere.yaml"]).code, Some(2));
    assert_eq!(run(&["--help"]).code, Some(0));
}

#[test]
fn builds_are_started_followed_listed_and_refused_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let server = Serve::new(&state).config(&configuration(folder.path())).start();
    let (url, state) = (server.http().to_owned(), state.display().to_string());
    let ask = |arguments: &[&str]| {
        let mut all = arguments.to_vec();
        all.extend(["--server", &url, "--state", &state]);
        run(&all)
    };
    let built = ask(&["build", "start", "demo-unit", "-p", "GREETING=Ahoy", "--follow"]);
    assert_eq!(built.code, Some(0), "{}", built.transcript());
    assert!(
        built.stdout.contains("Ahoy, unit!") && built.stdout.ends_with("Finished: SUCCESS\n"),
        "{}",
        built.stdout
    );
    let failed = ask(&["build", "start", "demo-fail", "--follow"]);
    assert_eq!(failed.code, Some(1), "{}", failed.transcript());
    assert!(failed.stderr.contains("demo-fail#1 ended with FAILURE"), "{}", failed.stderr);

    let shown = ask(&["build", "show", "demo-unit#1", "--json"]);
    assert_eq!(json(&shown.stdout)["result"], "SUCCESS");
    assert_eq!(ask(&["build", "log", "demo-unit#1"]).stdout, built.stdout);
    let listed = ask(&["build", "list", "--ended", "--json"]);
    assert_eq!(json(&listed.stdout).as_array().map(Vec::len), Some(2));
    assert_eq!(ask(&["build", "show", "demo-unit#9"]).code, Some(3));
    assert_eq!(ask(&["build", "start", "no-such-job"]).code, Some(3));
    assert_eq!(json(&ask(&["status", "--json"]).stdout)["jobs_owned"], 3);
    let refused = run(&["build", "abort", "demo-unit#1", "--server", &url, "--state", "/nowhere"]);
    assert_eq!(refused.code, Some(4), "{}", refused.transcript());
}

#[test]
fn the_demonstration_runs_by_itself_and_its_exit_code_is_the_result() {
    let good = run(&["demo", "--once", "--provider", "process"]);
    assert_eq!(good.code, Some(0), "{}", good.transcript());
    assert!(good.stdout.contains("12 stones, no wet feet."), "{}", good.stdout);
    let bad = run(&["demo", "--once", "--provider", "process", "--job", "demo-fail", "--json"]);
    assert_eq!(bad.code, Some(1), "{}", bad.transcript());
    assert_eq!(json(bad.stdout.lines().next().unwrap_or_default())["result"], "FAILURE");
}

#[test]
fn jjb_j130_a_tree_is_exported_as_the_reference_program_does() {
    let folder = tempfile::tempdir().unwrap();
    let (tree, out) = (repository().join("fixtures/demo/jjb"), folder.path().join("out"));
    let export = run(&[
        "jobs",
        "export",
        tree.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--filter",
        "demo-u*",
    ]);
    assert_eq!(export.code, Some(0), "{}", export.transcript());
    let read = |path: &str| json(&std::fs::read_to_string(out.join(path)).unwrap());
    let job = read("jobs/demo-unit/job.json");
    assert_eq!(job["name"], "demo-unit");
    assert!(
        job["components"].as_array().unwrap().iter().any(|component| component["name"] == "shell"),
        "{job}"
    );
    assert!(!out.join("jobs/demo-fail").exists());
    assert!(read("summary.json").is_object());
    assert!(out.join("index.json").exists());

    let missing = repository().join("fixtures/bad/macro");
    let failed = run(&["jobs", "export", missing.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert_eq!(failed.code, Some(1), "{}", failed.transcript());
}
