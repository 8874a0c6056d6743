//! The reader of Job Builder YAML against what Job Builder itself makes (jjb-J132).

use std::collections::HashMap;
use std::fmt::Write;

use jjb_compat::{FileSystem, Options, oracle, read};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::{run, shared};

/// Keys sorted, no blanks, nothing escaped that need not be.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            out.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                let _ = write!(out, "{}:", Value::from(key.as_str()));
                canonical(&map[key], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

fn sum(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    let mut out = String::new();
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[test]
fn jjb_j132_reads_every_job_of_wikimedia_as_the_original() {
    let Some(shared) = shared() else { return };
    let corpus = shared.join("corpora/wikimedia");
    let options = Options::default();
    let outcome = read(&FileSystem::new(), &[corpus.join("jjb")], &options);
    let rendered: Vec<String> =
        outcome.problems.iter().map(|problem| problem.render(&outcome.files)).collect();
    assert!(rendered.is_empty(), "problems:\n{}", rendered.concat());

    let expected = std::fs::read_to_string(corpus.join("expected-jjb-4.3.0.txt")).expect("the list of sums");
    let expected: Vec<(&str, &str)> = expected
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut parts = line.split('\t');
            Some((parts.next()?, parts.nth(1)?))
        })
        .collect();
    let names: Vec<&str> = outcome.jobs.iter().map(|job| &*job.name).collect();
    let expected_names: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, expected_names, "order of the jobs");

    let files: HashMap<String, String> = oracle::export(&outcome, &options).collect();
    let mut failed = Vec::new();
    for (name, wanted) in &expected {
        let file = format!("jobs/{}/job.json", oracle::safe_name(name));
        let json: Value = serde_json::from_str(&files[&file]).expect("exported JSON");
        if sum(&json["components"]) != *wanted {
            failed.push(*name);
        }
    }
    assert!(
        failed.is_empty(),
        "{} passed, {} failed: {failed:?}",
        expected.len() - failed.len(),
        failed.len()
    );
}

#[test]
fn what_the_yaml_parser_gives_up_on_is_a_problem_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.yaml"), "- job: {name: j, node: [!!str, x]}\n").expect("a file");
    let finished = run(&["jobs", "list", folder.path().to_str().expect("UTF-8")]);
    assert!(finished.stderr.contains("[unknown-tag]"), "{}", finished.transcript());
    assert!(!finished.stderr.contains("panicked"), "{}", finished.transcript());
}
