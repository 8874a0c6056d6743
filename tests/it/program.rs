//! The executable itself.

use std::process::Command;
use std::time::Duration;

use crate::support::{Serve, jjb_python, repository, run};

/// Where a program header of an ELF file says what it is, and the kind that names an interpreter.
const PT_INTERP: u32 = 3;

fn number<const N: usize>(file: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes[..N].copy_from_slice(&file[at..at + N]);
    u64::from_le_bytes(bytes)
}

/// The kinds of all program headers of a 64-bit little-endian ELF file.
fn header_kinds(file: &[u8]) -> Vec<u32> {
    assert_eq!(&file[..6], b"\x7fELF\x02\x01", "a 64-bit little-endian ELF file");
    let start = number::<8>(file, 0x20) as usize;
    let (size, count) = (number::<2>(file, 0x36) as usize, number::<2>(file, 0x38) as usize);
    (0..count).map(|index| number::<4>(file, start + index * size) as u32).collect()
}

#[test]
fn the_program_is_one_static_file() {
    let file = std::fs::read(env!("CARGO_BIN_EXE_causeway")).expect("the program can be read");
    let kinds = header_kinds(&file);
    assert!(!kinds.is_empty());
    assert!(
        !kinds.contains(&PT_INTERP),
        "the program asks for an interpreter, so it does not run in an image without libraries; \
         is RUSTFLAGS set? It replaces the flags of {}/.cargo/config.toml",
        repository().display()
    );
    // The same reading finds the interpreter of a program that has one.
    let shell = std::fs::read("/bin/sh").expect("a shell");
    assert!(
        header_kinds(&shell).contains(&PT_INTERP) || shell.len() > 1 << 20,
        "a dynamic shell, or busybox"
    );
}

#[test]
fn the_demonstration_ends_with_its_build() {
    let finished = run(&["demo", "--once"]);
    assert_eq!(finished.code, Some(0), "{}", finished.transcript());
    assert!(finished.transcript().contains("12 stones, no wet feet."), "{}", finished.transcript());
    assert!(finished.transcript().contains("/job/demo-unit/1/"), "{}", finished.transcript());
}

#[test]
fn a_server_without_builds_ends_when_it_is_asked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = Serve::new(&folder.path().join("state")).start();
    let status = server.terminate(Duration::from_secs(20));
    assert_eq!(status.code(), Some(0), "{}", server.stderr());
}

/// What we ship as samples is what Jenkins Job Builder itself reads, and gives the same jobs here.
#[test]
fn the_samples_are_read_as_job_builder_reads_them() {
    let Some(python) = jjb_python() else { return };
    for tree in ["demo", "harness"] {
        let jobs = repository().join("fixtures").join(tree).join("jjb");
        let out = tempfile::tempdir().expect("a temporary folder");
        let status = Command::new(&python)
            .args(["-m", "jenkins_jobs", "test", "-o"])
            .arg(out.path())
            .arg(&jobs)
            .output()
            .expect("python can be started");
        assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
        let mut theirs: Vec<String> = std::fs::read_dir(out.path())
            .expect("it wrote its jobs")
            .map(|entry| entry.expect("a job").file_name().to_string_lossy().into_owned())
            .collect();
        theirs.sort();
        let config = out.path().join("causeway.yaml");
        std::fs::write(&config, format!("catalog:\n  jjb: [{}]\n", jobs.display())).expect("it is written");
        let listed = run(&["jobs", "list", "--json", "--config", &config.display().to_string()]);
        assert_eq!(listed.code, Some(0), "{}", listed.transcript());
        for name in &theirs {
            assert!(listed.stdout.contains(&format!("\"{name}\"")), "{name} is missing: {}", listed.stdout);
        }
    }
}
