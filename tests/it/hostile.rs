//! Peers that mean harm against the whole program, in the short form of `contrib/bench/hostile`: memory and counts, no times.

use std::process::Command;

use crate::support::repository;

/// Runs scenarios; each has to report that all its promises held.
#[track_caller]
fn hold(scenarios: &[&str]) {
    let program = repository().join("contrib/bench/hostile/hostile.py");
    let said = Command::new("python3")
        .arg(program)
        .arg(env!("CARGO_BIN_EXE_causeway"))
        .args(["--short", "--seconds", "0.5"])
        .args(scenarios)
        .output()
        .expect("python3 can be started");
    let lines: Vec<serde_json::Value> = String::from_utf8_lossy(&said.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert_eq!(lines.len(), scenarios.len(), "{}", String::from_utf8_lossy(&said.stderr));
    for line in lines {
        assert_eq!(line["ok"], true, "{line:#}");
    }
}

#[test]
fn silent_peers_half_packets_and_single_bytes_cost_little() {
    hold(&["silent", "half-packets", "packet-per-byte"]);
}

#[test]
fn readers_that_stop_reading_stay_below_a_bound() {
    hold(&["stopped-readers"]);
}

#[test]
fn floods_of_submits_names_grabs_and_text_stay_below_a_bound() {
    hold(&["flood-submits", "flood-names", "flood-grabs", "flood-text"]);
}

#[test]
fn backlogs_registrations_and_jobs_that_never_end_cost_what_is_stated() {
    hold(&["million-jobs", "registrations", "never-ends"]);
}

#[test]
fn reconnect_storms_and_wrong_magic_leave_nothing_behind() {
    hold(&["reconnects", "wrong-magic"]);
}
