//! The trait that drivers implement: make a node, open a stream to its keeper, take it away.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

use super::label::LabelDefinition;
use crate::guard::{Door, Refusals};
use crate::image::Workshop;
use crate::model::NodeId;

/// A byte stream to a keeper. Losing it loses nothing (design A6).
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A stream to a keeper, of whatever kind.
pub type BoxStream = Box<dyn Stream>;

/// What to make.
#[derive(Debug, Clone)]
pub struct NodeSpec {
    /// The node: its external name is `causeway-NODE`.
    pub node: NodeId,
    /// The installation's mark (pools-P56).
    pub instance: String,
    /// What it is made from.
    pub label: LabelDefinition,
    /// The node's directory on the engine's host and, at the same path, in the node (pools-D1, decision 18). The caller
    /// has not created it: the driver does, with `workspace/` in it.
    pub directory: PathBuf,
}

/// Whose door to the engine it is.
#[derive(Debug, Clone)]
pub struct DoorSpec {
    /// The node.
    pub node: NodeId,
    /// What it was made from.
    pub label: Arc<LabelDefinition>,
    /// Workspaces lie in it.
    pub workspace: PathBuf,
}

/// Something of ours that a provider has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The node it belongs to, by its marks.
    pub node: NodeId,
    /// The provider's own id.
    pub external_id: String,
    /// Where it stands.
    pub state: ObservedState,
}

/// Where a provider's object stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObservedState {
    /// Made, not started.
    Created,
    /// Running: its keeper can be reached.
    Running,
    /// Ended by itself; the text says how.
    Exited(String),
}

/// Everything of ours at a provider.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The objects.
    pub objects: Vec<Observed>,
    /// A listing that is not complete is never used to conclude that something is gone (pools-P55).
    pub complete: bool,
    /// How many objects of other installations or of nobody were seen, and left alone (pools-P56).
    pub unmanaged: u32,
}

/// How well a provider is.
#[derive(Debug, Clone)]
pub struct Health {
    /// One line for people: version, host.
    pub summary: String,
}

/// Which image a node is made from: the first lines of a build's log say so (pools-D51).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFacts {
    /// The reference, as the label has it.
    pub reference: String,
    /// The engine's own id.
    pub id: String,
    /// Its digest, or the engine's own id when it never was in a registry.
    pub digest: String,
    /// When it was made, as the engine says it; empty if unknown.
    pub created: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// How long the pull took; `None` when it was there already.
    pub pulled_in: Option<Duration>,
}

/// A call that failed, by what it means for the caller (pools-P26). The text is the provider's own.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProviderError {
    /// No room now; not counted as an attempt.
    #[error("no room at the provider: {0}")]
    Quota(String),
    /// May work at the next try.
    #[error("{0}")]
    Transient(String),
    /// Will fail the same way again until somebody changes something: image missing, refused, forbidden.
    #[error("{0}")]
    Permanent(String),
    /// The answer was lost: look it up before anything else.
    #[error("the provider's answer was lost: {0}")]
    Ambiguous(String),
    /// The object does not exist.
    #[error("not found at the provider")]
    NotFound,
}

/// A driver. Each call has a time limit of its own (60 s unless said) and never waits for a state (pools-V1, V2).
/// `create`, `start` and `destroy` may be repeated: they look at what is there first.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// Its name in the configuration.
    fn name(&self) -> &str;

    /// Reachable, and able to do what is asked.
    async fn check(&self) -> Result<Health, ProviderError>;

    /// Makes sure that the label's image is there, pulling it if its policy says so. May take minutes; the time limit is the
    /// label's. Concurrent calls for one image share one pull (pools-D52).
    /// Answers with what is known of the image; `None` for providers without images.
    async fn prepare(&self, label: &LabelDefinition) -> Result<Option<ImageFacts>, ProviderError>;

    /// Makes the node's object, not started. An object of that name with our marks is adopted (pools 5).
    async fn create(&self, spec: &NodeSpec) -> Result<String, ProviderError>;

    /// Starts the node and returns the first stream to its keeper (decision 17): attached before the start. When it runs already, as `open`.
    async fn start(&self, spec: &NodeSpec) -> Result<BoxStream, ProviderError>;

    /// Opens a further stream to the keeper of a running node.
    async fn open(&self, node: NodeId) -> Result<BoxStream, ProviderError>;

    /// What is there under this node's name, if anything.
    async fn find(&self, node: NodeId) -> Result<Option<Observed>, ProviderError>;

    /// Everything with this installation's marks.
    async fn list(&self) -> Result<Listing, ProviderError>;

    /// Waits until a node whose keeper was told to end has ended, where it costs time until the provider knows of it. Cancelled by the
    /// caller when it takes too long.
    async fn ended(&self, _node: NodeId) {}

    /// Takes the node away: its processes, its object, its directory. Not found counts as done (pools-P52).
    async fn destroy(&self, node: NodeId) -> Result<(), ProviderError>;

    /// The guard's door to the engine that a node runs on (pools-D57); `None` when nodes have no engine, or the label gives none.
    fn door(&self, _: &DoorSpec, _: Arc<dyn Refusals>) -> Option<Arc<dyn Door>> {
        None
    }

    /// The engine that a node runs on, for images and a container of the build's own (docker-27); `None` when nodes have no engine.
    fn workshop(&self, _: &DoorSpec) -> Option<Arc<dyn Workshop>> {
        None
    }

    /// What a node, and all that its build made, takes of the disk, in bytes; `None`: the provider does not know (pools-D35).
    async fn disk_use(&self, _: &DoorSpec) -> Result<Option<u64>, ProviderError> {
        Ok(None)
    }

    /// The last output and state of the object, for people; best effort, at most 64 KiB (pools-P38).
    async fn diagnose(&self, node: NodeId) -> String;
}
