//! Docker Engines for tests.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::places::{not_run, repository};

/// The engine that `contrib/test` started, as a value for `DOCKER_HOST`, or the note that the test is not run.
/// Other tests use it at the same time: do not restart it, and look only at what carries your own marks.
#[track_caller]
pub fn engine() -> Option<String> {
    let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
    match ping(&host) {
        Ok(()) => Some(host),
        Err(reason) => {
            not_run(&format!("no Docker Engine at {host}: {reason}"));
            None
        }
    }
}

fn ping(host: &str) -> Result<(), String> {
    let path = host.strip_prefix("unix://").ok_or("only unix sockets are asked")?;
    let mut stream = UnixStream::connect(path).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).map_err(|error| error.to_string())?;
    let request = b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n";
    stream.write_all(request).map_err(|error| error.to_string())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|error| error.to_string())?;
    let first = answer.lines().next().unwrap_or_default();
    if first.contains(" 200 ") { Ok(()) } else { Err(format!("it answered {first:?}")) }
}

/// An engine for one test alone, which may kill and restart it; it ends with the value.
pub struct OwnEngine {
    folder: tempfile::TempDir,
    host: String,
}

impl OwnEngine {
    /// Starts one, or notes that the test is not run (not root, or no engine installed).
    #[track_caller]
    pub fn start() -> Option<Self> {
        if !rustix::process::geteuid().is_root() || !Path::new("/usr/sbin/dockerd").exists() {
            not_run("an engine of its own needs root and Docker Engine");
            return None;
        }
        // Sockets lie below it, so the path is short.
        let folder = tempfile::Builder::new().prefix("cwe").tempdir_in("/tmp").expect("a folder in /tmp");
        let host = dockerd("start", folder.path());
        Some(Self { folder, host })
    }

    /// The value for `DOCKER_HOST`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Kills the daemon with -9; containers go on.
    pub fn kill(&self) {
        dockerd("kill", self.folder.path());
    }

    /// Starts it again on the same data.
    pub fn start_again(&self) {
        dockerd("start", self.folder.path());
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        dockerd("stop", self.folder.path());
    }
}

fn dockerd(verb: &str, folder: &Path) -> String {
    let output = Command::new(repository().join("contrib/ci/dockerd"))
        .arg(verb)
        .arg(folder)
        .output()
        .expect("contrib/ci/dockerd can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "contrib/ci/dockerd {verb}: {said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// An image that holds only busybox, made from the machine's own: no registry is asked.
pub const IMAGE: &str = "causeway-test/busybox:local";

pub fn import_busybox(host: &str) {
    const SCRIPT: &str = r#"
        set -e
        docker() { /usr/bin/docker -H "$HOST" "$@"; }
        docker image inspect "$IMAGE" >/dev/null 2>&1 && exit 0
        mkdir -p bin tmp etc root proc sys dev
        chmod 1777 tmp
        cp /bin/busybox bin/busybox
        for name in $(bin/busybox --list); do [ "$name" = busybox ] || ln -s busybox "bin/$name"; done
        mkdir usr && ln -s ../bin usr/bin
        tar -c . | docker import - "$IMAGE" >/dev/null
    "#;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new("/bin/sh")
        .args(["-c", SCRIPT])
        .envs([("HOST", host), ("IMAGE", IMAGE)])
        .env("DOCKER_CONFIG", folder.path().join(".docker"))
        .current_dir(folder.path())
        .output()
        .expect("a shell");
    assert!(output.status.success(), "no image: {}", String::from_utf8_lossy(&output.stderr));
}
