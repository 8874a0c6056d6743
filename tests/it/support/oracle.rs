//! Programs of `contrib/parity`, which hold `causeway` against the real Job Builder.

use std::path::Path;
use std::process::Command;

use super::places::{jjb_python, jjb_unified_python, repository, shared};

/// A release of Job Builder, by its dialect.
#[derive(Clone, Copy)]
pub enum Release {
    /// 4.3.0.
    Classic,
    /// 6.5.0.
    Unified,
}

/// Runs a program of `contrib/parity` beside that release: some have to pass, and none may fail.
#[track_caller]
pub fn as_job_builder_does(release: Release, program: &str, arguments: &[&str]) {
    let python = match release {
        Release::Classic => jjb_python(),
        Release::Unified => jjb_unified_python(),
    };
    let (Some(python), Some(shared)) = (python, shared()) else { return };
    let done = Command::new(python)
        .arg(repository().join("contrib/parity").join(program))
        .args(arguments)
        .args(["--reader".as_ref(), Path::new(env!("CARGO_BIN_EXE_causeway"))])
        .args(["--oracle".as_ref(), shared.join("harness/jjb_oracle.py").as_path()])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("Python starts");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains(" passed, 0 failed") && !said.contains(": 0 passed"), "{said}");
}
