//! Debian's docker-registry on loopback.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::{not_run, try_get, within};

/// User and password that a registry with accounts knows.
pub const USER: &str = "ci";
pub const PASSWORD: &str = "right horse";
/// The password's hash.
const HASH: &str = "$2b$05$abcdefghijklmnopqrstuuB05BVy0V7KomGh8K56xgiHLq3Wkqh46";

/// What a registry lets in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Accounts,
    ReadOnly,
}

pub struct Registry {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Registry {
    /// Starts one; `None`: the test is not run, and has been noted.
    #[track_caller]
    pub fn start(access: Access) -> Option<Registry> {
        if !Path::new("/usr/bin/docker-registry").exists() {
            not_run("no docker-registry is installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        // It cannot be asked to choose a port, so it is given one that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = run(folder.path(), port, access);
        let registry = Registry { child, port, folder };
        registry.until_up();
        Some(registry)
    }

    fn until_up(&self) {
        within(Duration::from_secs(20), || {
            let status = try_get(&format!("http://{}/v2/", self.host())).map(|answer| answer.status);
            if matches!(status, Ok(200 | 401)) { Ok(()) } else { Err(format!("{status:?}")) }
        });
    }

    /// Host and port, as names of images begin.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Stops it; what it has is kept.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The digest that a tag stands for, as files have it: no password is needed.
    pub fn digest(&self, repository: &str, tag: &str) -> Option<String> {
        let link =
            format!("data/docker/registry/v2/repositories/{repository}/_manifests/tags/{tag}/current/link");
        std::fs::read_to_string(self.folder.path().join(link)).ok()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(folder: &Path, port: u16, access: Access) -> Child {
    let shown = folder.display();
    let mut config = format!(
        "version: 0.1\nstorage:\n  filesystem: {{rootdirectory: {shown}/data}}\n  maintenance:\n    readonly: {{enabled: {}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n",
        access == Access::ReadOnly
    );
    if access == Access::Accounts {
        std::fs::write(folder.join("accounts"), format!("{USER}:{HASH}\n")).unwrap();
        config.push_str(&format!("auth:\n  htpasswd: {{realm: ci, path: {shown}/accounts}}\n"));
    }
    let path = folder.join("config.yml");
    std::fs::write(&path, config).unwrap();
    Command::new("/usr/bin/docker-registry")
        .arg("serve")
        .arg(path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("docker-registry starts")
}
