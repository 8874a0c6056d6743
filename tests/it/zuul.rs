//! The real Zuul 2.6.0 against the real executable.

use std::path::Path;

use crate::support::{Serve, Zuul};

/// How many scenarios there are; one that is lost must not go unnoticed.
const SCENARIOS: usize = 32;

/// In this one Zuul itself races: it stops a running build and only then cancels the queued one behind it, which a
/// quick master has taken by then. gear's own server falls into it too, on a busy machine.
const RACES: &str = "sched-abandon";

#[test]
fn all_scenarios_hold_with_masters_behind_causeway() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let server = Serve::new(&state.path().join("state")).start();
    let Some(zuul) = Zuul::against(server.gearman()) else { return };
    let logs = state.path().join("logs");
    let said = zuul.prove(&logs, &[]);
    let failed: Vec<&str> = said
        .text
        .lines()
        .filter(|line| line.contains("FAILED"))
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    if failed == [RACES] {
        zuul.prove(&logs, &[RACES]).held();
        assert!(said.text.contains(&format!("{} passed, 1 failed", SCENARIOS - 1)), "{}", said.text);
        return;
    }
    assert!(said.success, "{}\n{}", said.text, scenario_logs(&logs, &failed));
    assert!(said.text.contains(&format!("{SCENARIOS} passed, 0 failed")), "{}", said.text);
}

/// Both sides of the scenarios that failed, from their end.
fn scenario_logs(logs: &Path, scenarios: &[&str]) -> String {
    const LINES: usize = 40;
    let mut text = String::new();
    for scenario in scenarios {
        for side in ["zuul", "worker"] {
            let path = logs.join(format!("server-{scenario}.{side}"));
            let log = std::fs::read_to_string(&path).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let end = lines[lines.len().saturating_sub(LINES)..].join("\n");
            text.push_str(&format!("== {scenario}, {side}\n{end}\n"));
        }
    }
    text
}
