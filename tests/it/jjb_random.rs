//! Random trees through the real Job Builder and through ours (contrib/parity). Thousands of seeds are run by hand;
//! some hundred show here that nothing has come apart.

use std::path::Path;
use std::process::Command;

use crate::support::{jjb_python, jjb_unified_python, repository, shared};

/// Seeds of a dialect, and the time after which no other is begun.
const SEEDS: &str = "200";
const SECONDS: &str = "40";

fn compare(python: &Path, shared: &Path) {
    let done = Command::new(python)
        .arg(repository().join("contrib/parity/random_parity.py"))
        .args(["--inside", "--seeds", SEEDS, "--seconds", SECONDS])
        .arg("--reader")
        .arg(env!("CARGO_BIN_EXE_causeway"))
        .arg("--oracle")
        .arg(shared.join("harness/jjb_oracle.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("Python starts");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains(" passed, 0 failed") && !said.contains(": 0 passed"), "{said}");
}

#[test]
fn jjb_j132_random_trees_read_as_release_4_3_0_reads_them() {
    if let (Some(python), Some(shared)) = (jjb_python(), shared()) {
        compare(&python, &shared);
    }
}

#[test]
fn jjb_j132_random_trees_read_as_release_6_5_0_reads_them() {
    if let (Some(python), Some(shared)) = (jjb_unified_python(), shared()) {
        compare(&python, &shared);
    }
}
