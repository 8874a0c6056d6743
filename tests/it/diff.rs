//! `causeway jobs diff` through the real executable: two trees, two revisions of a git checkout, and trouble.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Finished, run, run_with, says};

const OLD: &str = "\
- builder:
    name: unit
    builders:
      - shell: |
          set -eux
          cd src
          make
          make test
          echo done
- job-template:
    name: '{name}-unit'
    node: debian
    builders: [unit]
- project: {name: mail, jobs: ['{name}-unit']}
- project: {name: news, jobs: ['{name}-unit']}
- job:
    name: nightly
    triggers: [timed: '@daily']
    builders: [shell: one, shell: two]
- job: {name: gone}
- job: {name: stays, node: debian}
";

fn new() -> String {
    OLD.replace("make test", "make check")
        .replace(
            "[shell: one, shell: two]",
            "[shell: one, inject: {properties-file: p}, shell: two]\n    concurrent: true",
        )
        .replace("'@daily'", "'@weekly'")
        .replace("gone", "fresh")
}

fn write(folder: &Path, text: &str) {
    std::fs::create_dir_all(folder).expect("the folder can be made");
    std::fs::write(folder.join("jobs.yaml"), text).expect("the file can be written");
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[track_caller]
fn git(folder: &Path, arguments: &[&str]) {
    let settings = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
    let done =
        Command::new("git").arg("-C").arg(folder).args(settings).args(arguments).output().expect("git");
    assert!(done.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A checkout with two commits of `OLD` and `new()` below `ci/jjb`, where a script is included.
fn checkout(folder: &Path) {
    let tree = folder.join("ci/jjb");
    let script = "- job: {name: script, builders: [shell: !include-raw: run.sh]}\n";
    git(folder, &["init", "--quiet", "--initial-branch=main"]);
    write(&tree, &format!("{OLD}{script}"));
    std::fs::create_dir_all(folder.join("shared")).expect("the folder can be made");
    std::fs::write(folder.join("shared/run.sh"), "echo first\n").expect("the script can be written");
    std::os::unix::fs::symlink("../../shared/run.sh", tree.join("run.sh")).expect("the link can be made");
    git(folder, &["add", "."]);
    git(folder, &["commit", "--quiet", "-m", "one"]);
    git(folder, &["tag", "v1"]);
    write(&tree, &format!("{}{script}", new()));
    std::fs::write(folder.join("shared/run.sh"), "echo second\n").expect("the script can be written");
    git(folder, &["commit", "--quiet", "--all", "-m", "two"]);
}

fn names(found: &Value) -> Vec<&str> {
    found["jobs"]["changed"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|job| job["name"].as_str())
        .collect()
}

fn parsed(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", finished.transcript()))
}

#[test]
fn two_trees_differ_job_by_job() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (old, other) = (folder.path().join("old"), folder.path().join("new"));
    write(&old, OLD);
    write(&other, &new());
    says!("jobs-diff", run(&["jobs", "diff", &text(&old), &text(&other)]), [folder.path() => "FOLDER"]);
    says!("jobs-diff-brief", run(&["jobs", "diff", "--brief", &text(&old), &text(&other)]), [folder.path() => "FOLDER"]);

    let same = run(&["jobs", "diff", &text(&old), &text(&old)]);
    assert_eq!((same.code, same.stdout.as_str()), (Some(0), ""), "{}", same.transcript());

    let finished = run(&["jobs", "diff", "--json", &text(&old), &text(&other)]);
    assert_eq!(finished.code, Some(1));
    let found = parsed(&finished);
    assert_eq!(names(&found), ["mail-unit", "news-unit", "nightly"]);
    assert_eq!((&found["jobs"]["added"], &found["jobs"]["removed"]), (&json!(["fresh"]), &json!(["gone"])));
    assert_eq!(
        found["jobs"]["changed"][2]["changes"],
        json!([
            {"path": "triggers[0].timed", "old": "@daily", "new": "@weekly"},
            {"path": "builders[1]", "new": {"inject": {"properties-file": "p"}}},
            {"path": "concurrent", "new": true},
        ])
    );
}

#[test]
fn revisions_of_a_checkout_are_read_without_checking_them_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    checkout(folder.path());
    let tree = folder.path().join("ci/jjb");
    let two = run(&["jobs", "diff", "--json", "--rev", "v1..main", &text(&tree)]);
    assert_eq!(two.code, Some(1), "{}", two.transcript());
    // The script behind the link lies outside of the tree and changed too.
    assert_eq!(names(&parsed(&two)), ["mail-unit", "news-unit", "nightly", "script"]);
    assert_eq!(parsed(&two)["jobs"]["changed"][3]["changes"][0]["old"], "echo first\n");

    let none = run(&["jobs", "diff", "--rev", "main..main", &text(&tree)]);
    assert_eq!(none.code, Some(0), "{}", none.transcript());
    let disk = run(&["jobs", "diff", "--rev", "HEAD", &text(&tree)]);
    assert_eq!(disk.code, Some(0), "{}", disk.transcript());
    write(&tree, OLD);
    let disk = run(&["jobs", "diff", "--json", "--rev", "v1", &text(&tree)]);
    assert_eq!(parsed(&disk)["jobs"]["removed"], json!(["script"]), "{}", disk.transcript());
}

#[test]
fn trouble_is_no_difference() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    checkout(folder.path());
    let tree = text(&folder.path().join("ci/jjb"));
    let broken = folder.path().join("broken");
    write(&broken, "- job: {name: a, builders: [nonsense]}\n- job: {name: b}\n");
    // The transcripts end with the exit code, 2 in all of them.
    let unknown = run(&["jobs", "diff", "--rev", "v1..v9", &tree]);
    says!("jobs-diff-unknown-revision", unknown, [folder.path() => "FOLDER"]);
    let no_git = run_with(&[("PATH", "/nowhere")], &["jobs", "diff", "--rev", "v1..main", &tree]);
    says!("jobs-diff-no-git", no_git, [folder.path() => "FOLDER"]);
    says!("jobs-diff-no-checkout", run(&["jobs", "diff", "--rev", "v1..main", "/"]), [folder.path() => "FOLDER"]);
    says!("jobs-diff-one-tree", run(&["jobs", "diff", &tree]), [folder.path() => "FOLDER"]);
    let broken_too = run(&["jobs", "diff", &tree, &text(&broken)]);
    says!("jobs-diff-broken", broken_too, [folder.path() => "FOLDER"]);
    let going = run(&["jobs", "diff", "--brief", "--keep-going", &text(&broken), &text(&broken)]);
    assert_eq!(going.code, Some(0), "{}", going.transcript());
}
