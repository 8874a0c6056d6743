//! Nodes as containers of one Docker Engine (pools 11.2).
//!
//! Process 1 of a container is the keeper, mounted read-only from this machine; the first stream is an attach to its standard streams, opened
//! before the start, every later one an exec of `keeper join` (decision 17). Only objects with this installation's marks are
//! ever touched. Start with [`DockerProvider`].

mod answer;
mod archive;
mod build;
mod children;
mod commit;
mod container;
mod context;
mod engine;
mod error;
mod guard;
mod host_image;
mod image;
mod keeper_file;
mod made;
mod network;
mod permit;
mod push;
mod stream;
mod tar;
mod workshop;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bollard::Docker;
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
    StartContainerOptions, WaitContainerOptionsBuilder,
};
use futures_util::StreamExt;
use tokio::time::timeout;

use self::engine::Engine;
use self::error::Phase;
use self::guard::DockerDoor;
use self::image::Images;
use self::keeper_file::KeeperFile;
use self::made::AllMade;
use self::permit::Permits;
use self::workshop::DockerWorkshop;
use super::directory::{self, Mark};
use crate::guard::{Door, Refusals};
use crate::image::Workshop;
use crate::model::NodeId;
use crate::pool::label::{LabelDefinition, NetworkMode};
use crate::pool::provider::{
    BoxStream, DoorSpec, Health, ImageFacts, Listing, NodeSpec, Observed, ObservedState, Provider,
    ProviderError,
};

pub use self::host_image::import_host_image;

/// An engine that takes longer to say its version is missed once (pools 11.2).
const PING_LIMIT: Duration = Duration::from_secs(5);

/// What a Docker driver needs to know.
#[derive(Debug, Clone)]
pub struct DockerConfig {
    /// Its name in the configuration.
    pub name: String,
    /// The engine's address: `unix:///var/run/docker.sock`.
    pub engine: String,
    /// This installation's mark (pools-P56).
    pub instance: String,
    /// Where nodes have their directories; the engine must see it under the same path.
    pub nodes_dir: PathBuf,
    /// Where the keeper's program is kept for the engine.
    pub keeper_dir: PathBuf,
    /// Causeway's own file: `/proc/self/exe`.
    pub program: PathBuf,
    /// The limit of a pull (pools-D52).
    pub pull_timeout: Duration,
}

/// Asks an engine for its version and changes nothing, for `causeway check`.
///
/// # Errors
/// Why there is no answer.
pub async fn engine_version(address: &str) -> Result<String, ProviderError> {
    let docker = Engine::new(address.to_owned()).client().await?;
    let version = docker.version().await.map_err(|error| error::classify(&error, Phase::Look))?;
    Ok(version.version.unwrap_or_else(|| "of unknown version".to_owned()))
}

/// The `docker` driver.
pub struct DockerProvider {
    config: DockerConfig,
    mark: Mark,
    engine: Arc<Engine>,
    images: Arc<Images>,
    keeper: Arc<KeeperFile>,
    permits: Arc<Permits>,
    made: AllMade,
}

impl DockerProvider {
    /// A driver; nothing is asked of the engine yet.
    pub fn new(config: DockerConfig) -> DockerProvider {
        DockerProvider {
            mark: Mark { instance: config.instance.clone(), provider: config.name.clone() },
            engine: Arc::new(Engine::new(config.engine.clone())),
            images: Arc::new(Images::new(config.pull_timeout)),
            keeper: Arc::new(KeeperFile::new(config.program.clone(), config.keeper_dir.clone())),
            permits: Arc::default(),
            made: AllMade::default(),
            config,
        }
    }

    fn directory(&self, node: NodeId) -> PathBuf {
        directory::of(&self.config.nodes_dir, node)
    }

    /// The container of that node and whose it is.
    async fn look(&self, node: NodeId) -> Result<Option<container::Seen>, ProviderError> {
        let docker = self.engine.client().await?;
        let found = container::inspect(&docker, &container::external_name(&self.config, node)).await?;
        Ok(found.map(|found| container::seen(&found, &self.config)))
    }

    /// The same, if it is ours.
    async fn ours(&self, node: NodeId) -> Result<Option<container::Seen>, ProviderError> {
        Ok(self.look(node).await?.filter(|seen| seen.ours))
    }

    /// Has the container made; [`ProviderError::NotFound`]: its image is not there.
    async fn make(&self, spec: &NodeSpec, keeper: &Path) -> Result<String, ProviderError> {
        let docker = self.engine.client().await?;
        let name = container::external_name(&self.config, spec.node);
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        let body = container::definition(spec, &self.config, keeper)?;
        match docker.create_container(Some(options), body).await {
            Ok(made) => {
                self.made.made(spec, &made.id);
                Ok(made.id)
            }
            Err(error) if error::is_conflict(&error) => match self.look(spec.node).await? {
                Some(seen) => seen.adopt(),
                None => Err(error::classify(&error, Phase::Change)),
            },
            Err(error) => Err(error::classify(&error, Phase::Change)),
        }
    }

    /// Removes a container with its volumes; not there is gone.
    async fn remove_container(&self, docker: &Docker, id: &str) -> Result<(), ProviderError> {
        let options = RemoveContainerOptionsBuilder::default().v(true).force(true).build();
        let removed = docker.remove_container(id, Some(options)).await;
        match removed.map_err(|error| error::classify(&error, Phase::Repeatable)) {
            Ok(()) | Err(ProviderError::NotFound) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// Removes the directory; what belongs to a user of the container and is out of our reach is removed by a helper (pools-D4).
    async fn remove_directory(&self, node: NodeId, image: Option<String>) -> Result<(), ProviderError> {
        let path = self.directory(node);
        if directory::read_mark(&path).is_some_and(|mark| mark != self.mark) {
            return Ok(());
        }
        let attempt = || {
            let path = path.clone();
            directory::off_the_loop(move || directory::remove(&path))
        };
        let Err(error) = attempt().await? else { return Ok(()) };
        if let (std::io::ErrorKind::PermissionDenied, Some(image)) = (error.kind(), image) {
            let keeper = self.keeper.directory().await?;
            let docker = self.engine.client().await?;
            container::erase(&docker, &self.config, node, &image, &keeper, &path).await?;
            if attempt().await?.is_ok() {
                return Ok(());
            }
        }
        Err(directory::trouble(&path, &error))
    }
}

#[async_trait]
impl Provider for DockerProvider {
    fn name(&self) -> &str {
        &self.config.name
    }

    async fn check(&self) -> Result<Health, ProviderError> {
        let asked = async {
            let docker = self.engine.client().await?;
            docker.version().await.map_err(|error| error::classify(&error, Phase::Look))
        };
        let late = |_| ProviderError::Transient(format!("no answer within {} s", PING_LIMIT.as_secs()));
        let version = timeout(PING_LIMIT, asked).await.map_err(late)??;
        self.keeper.directory().await?;
        Ok(Health {
            summary: format!(
                "Docker Engine {} (API {}) at {}",
                version.version.as_deref().unwrap_or("of unknown version"),
                version.api_version.as_deref().unwrap_or("?"),
                self.config.engine
            ),
        })
    }

    async fn prepare(&self, label: &LabelDefinition) -> Result<Option<ImageFacts>, ProviderError> {
        let Some(reference) = &label.image else {
            return Err(ProviderError::Permanent(format!("the label '{}' names no image", label.name)));
        };
        let docker = self.engine.client().await?;
        self.images.prepare(&docker, reference, label.pull, None).await.map(Some)
    }

    async fn create(&self, spec: &NodeSpec) -> Result<String, ProviderError> {
        // One that is there already is in the way of its name, and is looked at then.
        let keeper = self.keeper.directory().await?;
        let (path, node, mark) = (spec.directory.clone(), spec.node, self.mark.clone());
        directory::off_the_loop(move || {
            directory::make(&path, node, &mark).map_err(|error| directory::trouble(&path, &error))
        })
        .await??;
        if spec.label.network == NetworkMode::Isolated {
            let docker = self.engine.client().await?;
            network::make(&docker, &self.config, spec.node, &spec.label).await?;
        }
        match self.make(spec, &keeper).await {
            // The image went between `prepare` and this.
            Err(ProviderError::NotFound) => {
                self.prepare(&spec.label).await?;
                let again = self.make(spec, &keeper).await;
                again.map_err(|error| match error {
                    ProviderError::NotFound => ProviderError::Transient(
                        "its image went twice right before it was to be used".to_owned(),
                    ),
                    other => other,
                })
            }
            made => made,
        }
    }

    async fn start(&self, spec: &NodeSpec) -> Result<BoxStream, ProviderError> {
        let id = match self.made.to_start(spec.node) {
            Some(id) => id,
            None => {
                let seen = self.ours(spec.node).await?.ok_or(ProviderError::NotFound)?;
                match seen.state {
                    ObservedState::Running => return self.open(spec.node).await,
                    // Starting it again would run a node's life a second time (pools 11.2).
                    ObservedState::Exited(how) => {
                        return Err(ProviderError::Transient(format!("the container has ended: {how}")));
                    }
                    ObservedState::Created => seen.id,
                }
            }
        };
        let docker = self.engine.client().await?;
        let stream = stream::attach(&docker, &id, spec.node).await?;
        docker
            .start_container(&id, None::<StartContainerOptions>)
            .await
            .map_err(|error| error::classify(&error, Phase::Change))?;
        Ok(stream)
    }

    async fn open(&self, node: NodeId) -> Result<BoxStream, ProviderError> {
        let seen = self.ours(node).await?.ok_or(ProviderError::NotFound)?;
        let docker = self.engine.client().await?;
        stream::join(&docker, &seen.id, node, &self.directory(node)).await
    }

    async fn find(&self, node: NodeId) -> Result<Option<Observed>, ProviderError> {
        Ok(self.ours(node).await?.map(|seen| seen.observed(node)))
    }

    async fn list(&self) -> Result<Listing, ProviderError> {
        let docker = self.engine.client().await?;
        let options = ListContainersOptionsBuilder::default().all(true).build();
        let containers = docker
            .list_containers(Some(options))
            .await
            .map_err(|error| error::classify(&error, Phase::Look))?;
        let mut listing = container::listing(&containers, &self.config);
        // A directory without a container is also something that a crash can leave.
        let (nodes_dir, mark) = (self.config.nodes_dir.clone(), self.mark.clone());
        let (found, _) = directory::off_the_loop(move || {
            directory::list(&nodes_dir, &mark).map_err(|error| directory::trouble(&nodes_dir, &error))
        })
        .await??;
        let gone = || ObservedState::Exited("its container is gone".to_owned());
        for node in found {
            if listing.objects.iter().any(|object| object.node == node) {
                continue;
            }
            let used = self.directory(node).join(crate::keeper::wire::SOCKET).exists();
            let state = if used { gone() } else { ObservedState::Created };
            listing.objects.push(Observed { node, external_id: String::new(), state });
        }
        // And so is a network.
        for node in network::nodes(&docker, &self.config).await? {
            if listing.objects.iter().all(|object| object.node != node) {
                listing.objects.push(Observed { node, external_id: String::new(), state: gone() });
            }
        }
        Ok(listing)
    }

    async fn ended(&self, node: NodeId) {
        let Ok(docker) = self.engine.client().await else { return };
        let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
        // Whatever it says, the container is removed next.
        let _ =
            docker.wait_container(&container::external_name(&self.config, node), Some(options)).next().await;
    }

    async fn destroy(&self, node: NodeId) -> Result<(), ProviderError> {
        let docker = self.engine.client().await?;
        if let Some(made) = self.made.take(node).filter(|made| !made.beside.is_begun()) {
            self.remove_container(&docker, &made.id).await?;
            if made.isolated {
                network::remove(&docker, &self.config, node).await?;
            }
            return self.remove_directory(node, made.image).await;
        }
        // First what was made through the guard: it may lie in the node's control group and use its directory.
        children::remove(&docker, &self.config, node).await?;
        let seen = self.look(node).await?;
        let name = container::external_name(&self.config, node);
        let isolated = seen.as_ref().is_none_or(|seen| seen.network.as_deref() == Some(&*name));
        let mut image = None;
        if let Some(seen) = seen {
            if !seen.ours {
                return Ok(());
            }
            image = seen.image;
            self.remove_container(&docker, &seen.id).await?;
        }
        if isolated {
            network::remove(&docker, &self.config, node).await?;
        }
        self.remove_directory(node, image).await
    }

    fn door(&self, spec: &DoorSpec, refusals: Arc<dyn Refusals>) -> Option<Arc<dyn Door>> {
        spec.label.guard.as_ref()?;
        let socket = self.config.engine.strip_prefix("unix://")?;
        let marks = container::guard_marks(spec, &self.config);
        let name = container::external_name(&self.config, spec.node);
        // What a build makes is in its node's network.
        let network = network::of(&spec.label.network, &self.config, spec.node);
        let label = Arc::new(LabelDefinition { network, ..LabelDefinition::clone(&spec.label) });
        let spec = DoorSpec { label, ..spec.clone() };
        let beside = self.made.beside(spec.node);
        Some(Arc::new(DockerDoor::new(socket.into(), name, &spec, marks, refusals, beside)))
    }

    fn workshop(&self, lease: &DoorSpec) -> Option<Arc<dyn Workshop>> {
        self.made.beside(lease.node).begin();
        Some(Arc::new(DockerWorkshop {
            config: self.config.clone(),
            mark: self.mark.clone(),
            engine: Arc::clone(&self.engine),
            images: Arc::clone(&self.images),
            keeper: Arc::clone(&self.keeper),
            permits: Arc::clone(&self.permits),
            lease: lease.clone(),
        }))
    }

    async fn disk_use(&self, lease: &DoorSpec) -> Result<Option<u64>, ProviderError> {
        let docker = self.engine.client().await?;
        let written = children::written(&docker, &self.config, lease.node);
        let (written, directory) = tokio::join!(written, directory::usage(self.directory(lease.node)));
        Ok(Some(written? + directory?))
    }

    async fn diagnose(&self, node: NodeId) -> String {
        match self.look(node).await {
            Ok(Some(seen)) => seen.diagnosis,
            Ok(None) => "no container of that name".to_owned(),
            Err(error) => error.to_string(),
        }
    }
}
