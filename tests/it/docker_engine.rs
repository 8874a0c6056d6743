//! An engine of its own for a test, with a driver for it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use causeway::model::NodeId;
use causeway::provider::docker::{DockerConfig, DockerProvider, import_host_image};

use crate::keeper_process::{PROGRAM, rand_bits};
use crate::support::OwnEngine;

pub struct Engine {
    own: OwnEngine,
    directory: tempfile::TempDir,
}

impl Engine {
    /// Starts one; `None`: this machine cannot, and that is noted.
    #[track_caller]
    pub fn start() -> Option<Engine> {
        Some(Engine { own: OwnEngine::start()?, directory: tempfile::tempdir().unwrap() })
    }

    pub fn kill(&self) {
        self.own.kill();
    }

    pub fn start_again(&self) {
        self.own.start_again();
    }

    pub fn address(&self) -> String {
        self.own.host().to_owned()
    }

    pub fn nodes(&self) -> PathBuf {
        self.directory.path().join("nodes")
    }

    pub async fn image(&self) -> String {
        import_host_image(&self.address()).await.unwrap()
    }

    pub fn provider(&self, instance: &str) -> DockerProvider {
        DockerProvider::new(DockerConfig {
            name: "here".to_owned(),
            engine: self.address(),
            instance: instance.to_owned(),
            nodes_dir: self.nodes(),
            keeper_dir: self.directory.path().join("keeper"),
            program: PROGRAM.into(),
            pull_timeout: Duration::from_secs(30),
        })
    }

    /// The id of a node's container.
    pub fn container(&self, node: NodeId) -> String {
        let label = format!("label=causeway.node={node}");
        self.docker(&["ps", "-aq", "--filter", &label, "--filter", "label=causeway.kind=node"])
            .trim()
            .to_owned()
    }

    /// The engine's own command line, for what only an outsider does.
    pub fn docker(&self, words: &[&str]) -> String {
        let output =
            Command::new("/usr/bin/docker").arg("-H").arg(self.address()).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

pub fn new_node() -> NodeId {
    NodeId::new(1_700_000_000_000, rand_bits())
}
