//! Nodes as processes of this machine: a keeper in a session of its own, in a directory of its own. No isolation; for trying things out and
//! for machines without an engine.
//!
//! A node lives as long as its keeper, also when Causeway is killed: it is nobody's session and holds nobody's stream.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

use super::directory::{self, Mark};
use crate::keeper::wire::SOCKET;
use crate::keeper::{Keeper, KeeperError, WORD, end_all_marked, is_started_as_keeper};
use crate::model::NodeId;
use crate::pool::label::LabelDefinition;
use crate::pool::provider::{
    BoxStream, DoorSpec, Health, ImageFacts, Listing, NodeSpec, Observed, ObservedState, Provider,
    ProviderError,
};

/// Where a keeper says what it cannot say on a stream.
const ERRORS: &str = "keeper.err";
/// From its start to its socket a keeper takes a few milliseconds; a loaded machine takes longer.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How often the socket is looked for.
const START_PAUSE: Duration = Duration::from_millis(2);
/// A keeper ends all processes within 5 s, then itself.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);
/// How long leftovers of a keeper that was itself killed may take to go.
const KILL_LIMIT: Duration = Duration::from_secs(5);
/// What `diagnose` tells at most (pools-P38).
const DIAGNOSIS: usize = 64 * 1024;

/// The `process` driver.
#[derive(Debug, Clone)]
pub struct ProcessProvider {
    name: String,
    nodes_dir: PathBuf,
    program: PathBuf,
    mark: Mark,
}

impl ProcessProvider {
    /// A driver of that name in the configuration, for this installation, with its nodes below `nodes_dir`. `program` is Causeway's own file
    /// (`/proc/self/exe`, which also names it after an upgrade has replaced it).
    pub fn new(
        name: impl Into<String>,
        instance: impl Into<String>,
        nodes_dir: impl Into<PathBuf>,
        program: impl Into<PathBuf>,
    ) -> Self {
        let name = name.into();
        ProcessProvider {
            mark: Mark { instance: instance.into(), provider: name.clone() },
            name,
            nodes_dir: nodes_dir.into(),
            program: program.into(),
        }
    }

    fn directory(&self, node: NodeId) -> PathBuf {
        directory::of(&self.nodes_dir, node)
    }

    fn is_ours(&self, node: NodeId) -> bool {
        directory::read_mark(&self.directory(node)).as_ref() == Some(&self.mark)
    }

    async fn state(&self, node: NodeId) -> ObservedState {
        let directory = self.directory(node);
        match connect(&directory).await {
            Ok(_) => ObservedState::Running,
            Err(_) if directory.join(ERRORS).exists() => {
                ObservedState::Exited("its keeper does not run any more".to_owned())
            }
            Err(_) => ObservedState::Created,
        }
    }

    async fn observe(&self, node: NodeId) -> Observed {
        Observed { node, external_id: node.to_string(), state: self.state(node).await }
    }
}

#[async_trait]
impl Provider for ProcessProvider {
    fn name(&self) -> &str {
        &self.name
    }

    async fn check(&self) -> Result<Health, ProviderError> {
        let nodes_dir = self.nodes_dir.clone();
        directory::off_the_loop(move || {
            fs::create_dir_all(&nodes_dir)
                .and_then(|()| {
                    let probe = nodes_dir.join(".causeway-check");
                    fs::write(&probe, "")?;
                    fs::remove_file(probe)
                })
                .map_err(|error| directory::trouble(&nodes_dir, &error))
        })
        .await??;
        Ok(Health { summary: format!("processes of this machine, below {}", self.nodes_dir.display()) })
    }

    async fn prepare(&self, _label: &LabelDefinition) -> Result<Option<ImageFacts>, ProviderError> {
        Ok(None)
    }

    async fn create(&self, spec: &NodeSpec) -> Result<String, ProviderError> {
        let (path, node, mark) = (spec.directory.clone(), spec.node, self.mark.clone());
        directory::off_the_loop(move || {
            directory::make(&path, node, &mark).map_err(|error| directory::trouble(&path, &error))
        })
        .await??;
        Ok(spec.node.to_string())
    }

    async fn start(&self, spec: &NodeSpec) -> Result<BoxStream, ProviderError> {
        if let Ok(stream) = connect(&spec.directory).await {
            return Ok(Box::new(stream));
        }
        if !self.is_ours(spec.node) {
            return Err(ProviderError::NotFound);
        }
        let mut keeper = launch(&self.program, &spec.directory, &spec.label)
            .map_err(|error| directory::trouble(&spec.directory, &error))?;
        let deadline = Instant::now() + START_LIMIT;
        loop {
            if let Ok(stream) = connect(&spec.directory).await {
                // It outlives us; while we live, somebody has to reap it.
                tokio::spawn(async move { keeper.wait().await });
                return Ok(Box::new(stream));
            }
            if let Ok(Some(status)) = keeper.try_wait() {
                let said = self.diagnose(spec.node).await;
                return Err(ProviderError::Transient(format!("the keeper ended with {status}: {said}")));
            }
            if Instant::now() > deadline {
                return Err(ProviderError::Transient("the keeper did not come up".to_owned()));
            }
            sleep(START_PAUSE).await;
        }
    }

    async fn open(&self, node: NodeId) -> Result<BoxStream, ProviderError> {
        if !self.is_ours(node) {
            return Err(ProviderError::NotFound);
        }
        match connect(&self.directory(node)).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => {
                Err(ProviderError::Transient(format!("the keeper of {node} does not answer: {error}")))
            }
        }
    }

    async fn find(&self, node: NodeId) -> Result<Option<Observed>, ProviderError> {
        if !self.is_ours(node) {
            return Ok(None);
        }
        Ok(Some(self.observe(node).await))
    }

    async fn list(&self) -> Result<Listing, ProviderError> {
        let (nodes_dir, mark) = (self.nodes_dir.clone(), self.mark.clone());
        let (found, unmanaged) = directory::off_the_loop(move || {
            directory::list(&nodes_dir, &mark).map_err(|error| directory::trouble(&nodes_dir, &error))
        })
        .await??;
        let mut listing = Listing { objects: Vec::with_capacity(found.len()), complete: true, unmanaged };
        for found in found {
            listing.objects.push(self.observe(found).await);
        }
        Ok(listing)
    }

    async fn destroy(&self, node: NodeId) -> Result<(), ProviderError> {
        let path = self.directory(node);
        if !self.is_ours(node) {
            // Nothing there, or not ours to take away (pools-P56). One that is empty is the last of a removal that was cut off.
            let _ = fs::remove_dir(&path);
            return Ok(());
        }
        if let Ok(stream) = connect(&path).await {
            let asked =
                timeout(SHUTDOWN_LIMIT, async { Keeper::connect(stream, node).await?.shutdown().await });
            match asked.await {
                Ok(Ok(()) | Err(KeeperError::Lost(_))) => {}
                // What a keeper does not do any more is done below.
                Ok(Err(error)) => tracing::warn!(node.id = %node, %error, "the keeper did not shut down"),
                Err(_) => tracing::warn!(node.id = %node, "the keeper did not shut down in time"),
            }
        }
        directory::off_the_loop(move || {
            if !end_all_marked(node.as_str(), KILL_LIMIT) {
                return Err(ProviderError::Transient(format!("processes of node {node} do not end")));
            }
            directory::remove(&path).map_err(|error| directory::trouble(&path, &error))
        })
        .await?
    }

    async fn disk_use(&self, lease: &DoorSpec) -> Result<Option<u64>, ProviderError> {
        directory::usage(self.directory(lease.node)).await.map(Some)
    }

    async fn diagnose(&self, node: NodeId) -> String {
        let text = fs::read(self.directory(node).join(ERRORS)).unwrap_or_default();
        String::from_utf8_lossy(&text[text.len().saturating_sub(DIAGNOSIS)..]).trim().to_owned()
    }
}

/// Starts a keeper that is nobody's child in spirit: own session (it makes one itself), no stream of ours.
fn launch(program: &Path, directory: &Path, label: &LabelDefinition) -> io::Result<tokio::process::Child> {
    // A program that does not know the word and was started as a keeper (a test's own, say) must not start further ones.
    if is_started_as_keeper() {
        return Err(io::Error::new(ErrorKind::PermissionDenied, "a keeper does not make nodes"));
    }
    let errors = fs::OpenOptions::new().create(true).append(true).mode(0o644).open(directory.join(ERRORS))?;
    Command::new(program)
        .arg0("causeway")
        .args([WORD, "run"])
        .arg(directory)
        .env_clear()
        // The node's own environment (jjb-T20): what a login would give, and the label's.
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", directory)
        .envs(label.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .kill_on_drop(false)
        .spawn()
}

/// Connects to the keeper's socket. A socket's path may have 107 bytes; by the number of its open directory it always fits.
async fn connect(directory: &Path) -> io::Result<UnixStream> {
    use std::os::fd::AsRawFd;
    let open = fs::File::open(directory)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", open.as_raw_fd()));
    if !path.exists() {
        return Err(ErrorKind::NotFound.into());
    }
    UnixStream::connect(path).await
}
