//! What tests use from outside the repository, and what becomes of a test without it.

use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Says that the current test is not run, and why. With `CI=true` that is a failure.
///
/// The line goes to `CAUSEWAY_NOT_RUN`, whose lines `contrib/test` counts, and past the capture of the test harness
/// to standard error.
#[track_caller]
pub fn not_run(reason: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("a test");
    assert!(!in_ci(), "{name} cannot be left out in CI: {reason}");
    let line = format!("{name}: {reason}\n");
    if let Some(path) = std::env::var_os("CAUSEWAY_NOT_RUN") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("CAUSEWAY_NOT_RUN can be written");
    }
    let _ = std::io::stderr().write_all(format!("not run: {line}").as_bytes());
}

fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !["", "0", "false"].contains(&value.as_str()))
}

/// The folder of shared contracts and corpora, or the note that the test is not run.
#[track_caller]
pub fn shared() -> Option<PathBuf> {
    let place =
        std::env::var_os("CAUSEWAY_SHARED").map_or_else(|| repository().join("../shared"), PathBuf::from);
    if place.join("corpora").is_dir() {
        return Some(place);
    }
    not_run(&format!("no shared folder at {} (CAUSEWAY_SHARED)", place.display()));
    None
}

/// A Python with the real Zuul 2.6.0, made by `contrib/ci/install tests`.
#[track_caller]
pub fn zuul_python() -> Option<PathBuf> {
    python("CAUSEWAY_ZUUL_PYTHON", "venv-zuul")
}

/// A Python with the real Jenkins Job Builder 4.3.0, made by `contrib/ci/install tests`.
#[track_caller]
pub fn jjb_python() -> Option<PathBuf> {
    python("CAUSEWAY_JJB_PYTHON", "venv-jjb")
}

/// The same with the release of the unified dialect, 6.5.0.
#[track_caller]
pub fn jjb_unified_python() -> Option<PathBuf> {
    python("CAUSEWAY_JJB_UNIFIED_PYTHON", "venv-jjb-unified")
}

#[track_caller]
fn python(variable: &str, environment: &str) -> Option<PathBuf> {
    let place = std::env::var_os(variable)
        .map_or_else(|| repository().join("target").join(environment).join("bin/python"), PathBuf::from);
    if place.exists() {
        return Some(place);
    }
    not_run(&format!("no {} ({variable}, or contrib/ci/install tests)", place.display()));
    None
}
