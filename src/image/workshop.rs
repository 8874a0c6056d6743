//! What a provider's engine does for one lease with images, and with a container of the build's own.

use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::Reference;
use crate::pool::label::{Mount, NetworkMode};
use crate::pool::provider::{BoxStream, ImageFacts, ProviderError};

/// The directory of the build container's keeper, in the node's directory.
pub const ROOM: &str = "room";
/// The directory in it that lies in memory: for files with secrets, which then are in no image and go with the container (docker-M37).
pub const SECRETS: &str = "secretFiles";

/// User and password for a registry. Only ever sent as a header.
#[derive(Clone)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A build container (docker-M1), checked against the label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomSpec {
    /// The image's id: never a name, which may mean another image by now (docker-M21).
    pub image: String,
    /// `USER:GROUP`; the group may be a name of the image's.
    pub user: String,
    /// Directories of the host, besides the workspace.
    pub mounts: Vec<Mount>,
    /// Directories to be made before, below the node's workspace.
    pub made: Vec<PathBuf>,
    /// Its network.
    pub network: NetworkMode,
    /// At most this much memory; `None`: as the node.
    pub memory_bytes: Option<u64>,
    /// Its weight within the lease.
    pub cpu_shares: Option<u32>,
    /// All rights of the host.
    pub privileged: bool,
}

/// What is known of a build container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomFacts {
    /// The engine's id.
    pub id: String,
    /// Whether the image knows the user; else nothing that it could use is its home.
    pub knows_user: bool,
}

/// An image to be built (docker-27.3). Paths are relative to the directory in which the node's workspaces lie.
#[derive(Debug, Clone)]
pub struct BuildSpec {
    /// The directory that is sent.
    pub context: PathBuf,
    /// The Dockerfile.
    pub dockerfile: PathBuf,
    /// Values of build arguments.
    pub arguments: Vec<(String, String)>,
    /// Labels of the image.
    pub labels: Vec<(String, String)>,
    /// The stage that is built; `None`: the last.
    pub target: Option<String>,
    /// Nothing is taken from the cache.
    pub no_cache: bool,
    /// Base images are pulled even when they are there.
    pub pull: bool,
    /// At most this much memory; `None`: as the node.
    pub memory_bytes: Option<u64>,
    /// Builds of one scope share what is cached (docker-M14).
    pub scope: String,
    /// A registry's host, and the login for it.
    pub login: Option<(String, Login)>,
}

/// An image that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The engine's id.
    pub id: String,
    /// The images that it is made from.
    pub bases: Vec<ImageFacts>,
    /// Files that were sent.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Why there is no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildFailure {
    /// Refused before anything was sent: context, Dockerfile, base images, rules.
    #[error("{0}")]
    Refused(String),
    /// The engine's own words; with the code of a RUN that failed.
    #[error("{text}")]
    Failed {
        /// The exit code.
        code: Option<i32>,
        /// What the engine says.
        text: String,
    },
    /// A RUN was ended by the kernel for memory.
    #[error("{0}")]
    Memory(String),
    /// The engine did not answer, or broke off.
    #[error("{0}")]
    Engine(String),
}

/// An image that was made of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The engine's id.
    pub id: String,
    /// Its configuration, as text: nothing secret may stand in it (docker-M37).
    pub configuration: String,
}

/// Why an image did not reach its registry: the registry's words, or the engine's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PushFailure(pub String);

/// An engine, as far as one lease may use it. Calls may be repeated.
#[async_trait]
pub trait Workshop: Send + Sync {
    /// Makes sure that an image is there (docker-M21): pulled always, or when it is absent.
    ///
    /// # Errors
    /// `Permanent` when it would end the same way again: not found, denied.
    async fn pull(
        &self,
        image: &Reference,
        always: bool,
        login: Option<&Login>,
    ) -> Result<ImageFacts, ProviderError>;

    /// Builds an image from a directory of the workspace (docker-M10 to M12). What the engine says goes to `log`, line by line. Dropping
    /// the future ends the build.
    ///
    /// # Errors
    /// See [`BuildFailure`].
    async fn build(&self, spec: &BuildSpec, log: &mpsc::Sender<String>) -> Result<Built, BuildFailure>;

    /// Gives an image that this lease built, or another one that is there, a name, and pushes it if `push` says so. Answers with the
    /// digest of a push (docker-M16).
    ///
    /// # Errors
    /// The registry's words; what could pass has been tried several times.
    async fn publish(
        &self,
        id: &str,
        name: &Reference,
        push: bool,
        login: Option<&Login>,
    ) -> Result<Option<String>, PushFailure>;

    /// Makes an image of the build container, or of the node itself (docker-M5).
    ///
    /// # Errors
    /// `Permanent` when it would end the same way again.
    async fn commit(&self, of_room: bool) -> Result<Committed, ProviderError>;

    /// Takes away names that this installation gave, and images of former builds that nobody has used for long (docker-M14, M18).
    async fn clean(&self, names: &[Reference]);

    /// Makes and starts the build container, and opens a stream to its keeper; the one that is there already is used.
    ///
    /// # Errors
    /// `Permanent` when it would end the same way again.
    async fn open_room(&self, room: &RoomSpec) -> Result<BoxStream, ProviderError>;

    /// Opens a further stream to the keeper of the build container.
    ///
    /// # Errors
    /// `Permanent` when the container has ended or is gone; the text says how.
    async fn join_room(&self) -> Result<BoxStream, ProviderError>;

    /// Looks at the build container.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    async fn room(&self) -> Result<RoomFacts, ProviderError>;

    /// Removes the build container with all that runs in it; none is well, too.
    ///
    /// # Errors
    /// When the engine does not do it; it goes with the node then.
    async fn close_room(&self) -> Result<(), ProviderError>;
}
