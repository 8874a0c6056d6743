//! What jobs that speak of Docker mean (docker-M1 to M40).

use serde::{Deserialize, Serialize};

use super::Place;
use crate::image::BuildWords;

/// The `docker-custom-build-env` wrapper: builders run in a container of this image (docker-M1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildContainer {
    /// The image.
    pub image: ContainerImage,
    /// Pull it even when it is there (docker-M21).
    pub force_pull: bool,
    /// The credential for its registry.
    pub credential: Option<String>,
    /// Further directories, perhaps with variables.
    pub volumes: Vec<Volume>,
    /// Replaces the group of the steps: a number, or a name of the image's (docker-M22).
    pub group: Option<String>,
    /// What else is to run in the container, words split at blanks (docker-M23).
    pub command: Option<String>,
    /// Its network.
    pub network: ContainerNetwork,
    /// At most this much memory.
    pub memory_bytes: Option<u64>,
    /// Its weight.
    pub cpu_shares: Option<u32>,
    /// All rights of the host.
    pub privileged: bool,
    /// Where it was written.
    pub place: Place,
}

impl BuildContainer {
    /// What the plugin makes of an image when nothing else is said (docker-27.2).
    pub fn of(image: ContainerImage, place: Place) -> BuildContainer {
        BuildContainer {
            image,
            force_pull: false,
            credential: None,
            volumes: Vec::new(),
            group: None,
            command: None,
            network: ContainerNetwork::Lease,
            memory_bytes: None,
            cpu_shares: None,
            privileged: false,
            place,
        }
    }
}

/// Where a container's image comes from. Texts may have variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContainerImage {
    /// It is pulled.
    Pull(String),
    /// It is built from the workspace (docker-M2).
    Dockerfile {
        /// The directory that is sent, below the workspace.
        context: String,
        /// The Dockerfile, relative to it.
        dockerfile: String,
    },
}

/// A directory of the host in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// On the host.
    pub source: String,
    /// In the container.
    pub target: String,
}

/// Networks of a build container (docker-M3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContainerNetwork {
    /// The lease's own: `bridge`.
    Lease,
    /// None.
    None,
    /// The host's.
    Host,
    /// Another one by name.
    Named(String),
}

/// The `docker-pull-image` builder (docker-M7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullImage {
    /// The reference, the registry's host in front; perhaps with variables.
    pub image: String,
    /// The credential for its registry.
    pub credential: Option<String>,
    /// Where it was written.
    pub place: Place,
}

/// The builders `docker-build-publish` (docker-M6) and `build-publish-docker-image` (docker-M36).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildImage {
    /// The builder's name in the YAML.
    pub component: String,
    /// How it is built; `None`: it is only tagged and pushed (`skip-build`).
    pub source: Option<ImageSource>,
    /// Under which names.
    pub names: ImageNames,
    /// Whether it is pushed.
    pub push: bool,
    /// The credential for the registry.
    pub credential: Option<String>,
    /// Where it was written.
    pub place: Place,
}

/// What an image is built from. Texts may have variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSource {
    /// The directory that is sent; relative to the workspace.
    pub context: String,
    /// The Dockerfile; relative to the workspace. `None`: `Dockerfile` in the context.
    pub dockerfile: Option<String>,
    /// Nothing is taken from the cache.
    pub no_cache: bool,
    /// Further options.
    pub words: BuildWords,
}

/// The names of an image. Texts may have variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImageNames {
    /// One repository and several tags, separated by commas.
    Repository {
        /// The repository, the registry's host in front.
        name: String,
        /// The tags; empty: the repository alone.
        tags: String,
        /// `latest` is one of them.
        latest: bool,
    },
    /// References, one a line.
    References(String),
}

/// The `docker-container` property with `commit-on-success` (docker-M5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitContainer {
    /// A further reference or tag; empty: none.
    pub tag: String,
    /// Whether that is pushed.
    pub push: bool,
    /// The credential for the registry.
    pub credential: Option<String>,
    /// Where it was written.
    pub place: Place,
}
