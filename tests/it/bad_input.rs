//! Wrong input through the real executable: what is said and the exit code are snapshots.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{Finished, Program, Serve, get, not_run, repository, run, says, within};

/// `serve` with one of the wrong files.
fn configured(file: &Path) -> Finished {
    run(&["serve", "--log", "error", "--config", &file.display().to_string()])
}

/// One of `fixtures/bad`.
fn bad(file: &str) -> std::path::PathBuf {
    repository().join("fixtures/bad").join(file)
}

/// `serve` that does not get as far as serving.
fn serve(gearman: &str, state: &Path) -> Finished {
    let state = state.display().to_string();
    run(&["serve", "--log", "error", "--gearman", gearman, "--http", "127.0.0.1:0", "--state", &state])
}

#[test]
fn configuration_that_is_not_yaml() {
    says!("configuration-not-yaml", configured(&bad("broken.yaml")), []);
}

#[test]
fn configuration_with_unknown_keys() {
    says!("configuration-unknown-keys", configured(&bad("unknown-keys.yaml")), []);
}

#[test]
fn configuration_that_is_not_there() {
    says!("configuration-missing", configured(Path::new("/nowhere/causeway.yaml")), []);
}

#[test]
fn a_port_that_is_taken() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let finished = serve(&address, &folder.path().join("state"));
    says!("port-taken", finished, [folder.path() => "FOLDER"]);
}

#[test]
fn a_state_directory_that_cannot_be_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").expect("a file");
    let finished = serve("127.0.0.1:0", &file.join("state"));
    says!("state-not-writable", finished, [folder.path() => "FOLDER"]);
}

#[test]
fn a_state_directory_that_has_an_owner() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("state");
    let owner = Serve::new(&state).start();
    let finished = serve("127.0.0.1:0", &state);
    assert!(finished.stderr.contains(&owner.pid().to_string()), "the owner is named: {}", finished.stderr);
    says!("state-owned", finished, [folder.path() => "FOLDER"]);
}

#[test]
fn a_disk_that_is_full() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(disk) = SmallDisk::mount(folder.path()) else { return };
    let filler = vec![0_u8; 16 << 10];
    let mut file = std::fs::File::create(disk.0.join("filler")).expect("a file");
    while file.write_all(&filler).is_ok() {}
    let finished = serve("127.0.0.1:0", &disk.0.join("state"));
    says!("disk-full", finished, [folder.path() => "FOLDER"]);
}

/// A file system of one mebibyte.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(folder: &Path) -> Option<Self> {
        let place = folder.join("disk");
        std::fs::create_dir(&place).expect("a folder");
        let status = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(&place)
            .stderr(std::process::Stdio::null())
            .status();
        if status.is_ok_and(|status| status.success()) {
            return Some(Self(place));
        }
        not_run("a small file system needs the right to mount one");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn plain() -> (Program, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    (Serve::new(&folder.path().join("state")).start(), folder)
}

/// The server still does its work: the text protocol answers and the pages are healthy.
#[track_caller]
fn well(server: &Program) {
    let mut stream = TcpStream::connect(server.gearman()).expect("it accepts");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
    stream.write_all(b"version\n").expect("it reads");
    let mut answer = [0; 64];
    let read = stream.read(&mut answer).expect("it answers");
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("OK causeway-"), "{answer:?}");
    assert_eq!(get(&format!("{}/healthz", server.http())).status, 200);
}

/// Whether the other side closes this connection; what it says first is returned.
#[track_caller]
fn closed(stream: &mut TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a limit");
    let mut said = Vec::new();
    within(Duration::from_secs(10), || {
        let mut part = [0; 4096];
        match stream.read(&mut part) {
            Ok(0) => Ok(()),
            Ok(read) => {
                said.extend_from_slice(&part[..read]);
                Err("it still talks".to_owned())
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(()),
            Err(error) => Err(format!("still open: {error}")),
        }
    });
    said
}

#[test]
fn garbage_on_the_gearman_port() {
    let (server, _folder) = plain();
    let mut stream = TcpStream::connect(server.gearman()).expect("it accepts");
    // Neither a packet's magic nor a text command; long enough that no line could still come.
    let garbage: Vec<u8> =
        (0..200_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8 | 0x80).collect();
    let _ = stream.write_all(&garbage);
    closed(&mut stream);
    well(&server);
}

#[test]
fn a_frame_header_that_says_four_gibibytes() {
    let (server, _folder) = plain();
    let before = memory(&server);
    let mut stream = TcpStream::connect(server.gearman()).expect("it accepts");
    // SUBMIT_JOB with the largest size there is.
    stream.write_all(b"\0REQ\0\0\0\x07\xff\xff\xff\xff").expect("it reads");
    closed(&mut stream);
    let grown = memory(&server).saturating_sub(before);
    assert!(grown < 16 << 20, "the size was believed: {grown} bytes more");
    well(&server);
}

#[test]
fn ten_thousand_connections_that_say_nothing() {
    const SILENT: usize = 10_000;
    // On this side each is an open file, and the server inherits the limit.
    if !may_open(SILENT as u64 + 2_000) {
        not_run("the limit of open files is too low and cannot be raised");
        return;
    }
    let (server, _folder) = plain();
    let silent: Vec<TcpStream> = (0..SILENT)
        .map(|number| {
            TcpStream::connect(server.gearman())
                .unwrap_or_else(|error| panic!("connection {number}: {error}"))
        })
        .collect();
    well(&server);
    let each = memory(&server) / SILENT as u64;
    assert!(each < 16 << 10, "{each} bytes for each silent connection");
    drop(silent);
    well(&server);
}

/// Raises the limit of open files of this process and its children, where that is allowed.
fn may_open(files: u64) -> bool {
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= files) {
        return true;
    }
    let maximum = now.maximum.map(|maximum| maximum.max(files));
    setrlimit(Resource::Nofile, Rlimit { current: Some(files), maximum }).is_ok()
}

/// Resident memory in bytes.
fn memory(server: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("the kernel says");
    let kibibytes: u64 =
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number");
    kibibytes << 10
}
