//! `causeway jobs export` with every option beside the oracle's `run` with the same words (jjb-J130, `contrib/parity`).

use std::path::Path;
use std::process::Command;

use crate::support::{jjb_python, jjb_unified_python, repository, shared};

fn compare(python: &Path, shared: &Path) {
    let done = Command::new(python)
        .arg(repository().join("contrib/parity/export_options.py"))
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
fn jjb_j130_exports_with_every_option_as_release_4_3_0_reads() {
    if let (Some(python), Some(shared)) = (jjb_python(), shared()) {
        compare(&python, &shared);
    }
}

#[test]
fn jjb_j130_exports_with_every_option_as_release_6_5_0_reads() {
    if let (Some(python), Some(shared)) = (jjb_unified_python(), shared()) {
        compare(&python, &shared);
    }
}
