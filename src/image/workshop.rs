//! What a provider's engine does for one lease with images, and with a container of the build's own.

use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;

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
