//! A lease as its holder sees it: asked for with a [`Want`], waited for with a [`Ticket`], used as a [`Lease`].

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, Notify, mpsc, oneshot, watch};

use super::config::PoolTiming;
use super::label::LabelDefinition;
use super::message::{Message, News};
use super::provider::{DoorSpec, ImageFacts, Provider, ProviderError};
use super::reconciler::{NoKeeper, connect};
use crate::guard::{Door, Refusals};
use crate::image::Workshop;
use crate::keeper::Keeper;
use crate::model::{BuildId, LeaseId, NodeId, Precedence};

/// What a build asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The build that will hold the lease.
    pub build: BuildId,
    /// A label expression (pools-P11); empty: any node.
    pub expression: String,
    /// Its class.
    pub priority: Precedence,
    /// Whether it gets a node even when labels and providers have as many as they may have: a build that holds a node waits for
    /// this one, and nothing would ever move if all of them waited (jjb 23, `trigger-builds`).
    pub beyond: bool,
}

/// Why there is no lease, or no node behind it any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseFailure {
    /// Another try would end the same way: no such label, image missing or refused (decision 8: `CONFIG_ERROR`).
    #[error("{0}")]
    Definition(String),
    /// Trouble of ours that may pass: an engine out of reach, a store that cannot be written.
    #[error("{0}")]
    Infrastructure(String),
    /// The node is confirmed gone.
    #[error("the node is gone: {0}")]
    NodeLost(String),
}

/// A place in the queue. Dropping it gives the place up (pools-P29).
#[derive(Debug)]
pub struct Ticket {
    pub(super) id: LeaseId,
    pub(super) reason: watch::Receiver<String>,
    pub(super) granted: oneshot::Receiver<Result<Lease, LeaseFailure>>,
    /// Set once the holder has the lease in hand: only then may anything have been done on the node.
    pub(super) taken: Arc<AtomicBool>,
    pub(super) pool: mpsc::Sender<Message>,
    pub(super) _gone: Gone,
}

/// Wakes the reconciler when a ticket or a lease is let go, so that it looks for holders that vanished.
#[derive(Debug, Clone)]
pub(super) struct Gone(pub(super) Arc<Notify>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Ticket {
    /// The lease's id, known from the start.
    pub fn id(&self) -> LeaseId {
        self.id
    }

    /// What the lease waits for, for people; changes while it waits.
    pub fn reason(&self) -> watch::Receiver<String> {
        self.reason.clone()
    }

    /// Waits for the lease. Safe to call again when the call itself was dropped; once it has answered, the ticket is used up.
    ///
    /// # Errors
    /// [`LeaseFailure`]: nobody can ever serve it, or the pool has ended.
    pub async fn lease(&mut self) -> Result<Lease, LeaseFailure> {
        match (&mut self.granted).await {
            Ok(answer) => {
                self.taken.store(true, Ordering::Release);
                answer
            }
            Err(_) => {
                Err(LeaseFailure::Infrastructure("the pool has ended while the lease was waiting".to_owned()))
            }
        }
    }

    /// Gives the place up; a lease that was granted meanwhile is released. The same as dropping it, but it returns when that is stored.
    pub async fn cancel(mut self) {
        self.granted.close();
        let (answer, stored) = oneshot::channel();
        let message = Message::Release { lease: self.id, answer };
        if self.pool.send(message).await.is_ok() {
            let _ = stored.await;
        }
    }
}

/// The right to use one node. Dropping it without [`Lease::release`] keeps the node for the build, as a shutdown must (pools-P9);
/// the reconciler lets it go once the store says that the build has ended.
#[derive(Clone)]
pub struct Lease {
    pub(super) held: Arc<Held>,
}

/// What a lease holds, shared by its clones.
pub(super) struct Held {
    pub(super) id: LeaseId,
    pub(super) build: BuildId,
    pub(super) node: NodeId,
    pub(super) label: Arc<LabelDefinition>,
    pub(super) directory: PathBuf,
    pub(super) image: Option<Arc<ImageFacts>>,
    pub(super) provider: Arc<dyn Provider>,
    /// The open stream, shared by all who ask.
    pub(super) keeper: Mutex<Option<Keeper>>,
    /// Why the node is lost, once it is.
    pub(super) fate: watch::Receiver<Option<String>>,
    pub(super) timing: PoolTiming,
    pub(super) pool: mpsc::Sender<Message>,
    pub(super) _gone: Gone,
}

impl fmt::Debug for Lease {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Lease")
            .field("id", &self.held.id)
            .field("build", &self.held.build)
            .field("node", &self.held.node)
            .finish_non_exhaustive()
    }
}

impl Lease {
    /// The lease's id.
    pub fn id(&self) -> LeaseId {
        self.held.id
    }

    /// The build that holds it.
    pub fn build(&self) -> BuildId {
        self.held.build
    }

    /// Its node.
    pub fn node(&self) -> NodeId {
        self.held.node
    }

    /// What the node was made from; a reload does not change it.
    pub fn label(&self) -> Arc<LabelDefinition> {
        Arc::clone(&self.held.label)
    }

    /// The provider's name.
    pub fn provider(&self) -> &str {
        self.held.provider.name()
    }

    /// The node's directory, the same path on the engine's host and in the node (decision 18).
    pub fn directory(&self) -> &Path {
        &self.held.directory
    }

    /// Workspaces lie below this directory, never it itself (pools-D1).
    pub fn workspace_root(&self) -> PathBuf {
        self.held.directory.join("workspace")
    }

    /// The guard's door to the engine of the node, where there is one (pools-D57).
    pub fn door(&self, refusals: Arc<dyn Refusals>) -> Option<Arc<dyn Door>> {
        self.held.provider.door(&self.door_spec(), refusals)
    }

    /// The engine of the node, for images and a container of the build's own, where there is one (docker-27).
    pub fn workshop(&self) -> Option<Arc<dyn Workshop>> {
        self.held.provider.workshop(&self.door_spec())
    }

    /// What the node and all that its build made take of the disk, in bytes, where the provider knows it (pools-D35).
    ///
    /// # Errors
    /// When the provider does not answer.
    pub async fn disk_use(&self) -> Result<Option<u64>, ProviderError> {
        self.held.provider.disk_use(&self.door_spec()).await
    }

    fn door_spec(&self) -> DoorSpec {
        DoorSpec { node: self.held.node, label: self.label(), workspace: self.workspace_root() }
    }

    /// The image that the node was made from (pools-D51), where it is known: not for providers without images, nor after a restart.
    pub fn image(&self) -> Option<Arc<ImageFacts>> {
        self.held.image.clone()
    }

    /// The node's keeper: over the open stream, or over a new one when that is gone. While the engine is down it is tried again for
    /// `engine_grace` (120 s).
    ///
    /// # Errors
    /// [`LeaseFailure::NodeLost`] when the provider says that the node is not there any more or has ended;
    /// [`LeaseFailure::Infrastructure`] when nobody answered.
    pub async fn keeper(&self) -> Result<Keeper, LeaseFailure> {
        let held = &self.held;
        let mut open = held.keeper.lock().await;
        if let Some(keeper) = open.as_ref().filter(|keeper| !keeper.is_closed()) {
            return Ok(keeper.clone());
        }
        if let Some(text) = held.fate.borrow().clone() {
            return Err(LeaseFailure::NodeLost(text));
        }
        let grace = Some(held.timing.engine_grace);
        match connect(&held.provider, held.node, &held.timing, grace).await {
            Ok(keeper) => Ok(open.insert(keeper).clone()),
            Err(NoKeeper::Unreachable(text)) => Err(LeaseFailure::Infrastructure(text)),
            Err(NoKeeper::Gone(text)) => {
                let news = News::Lost(text.clone());
                // A pool that has ended looks for itself at its next start.
                let _ = held.pool.send(Message::Node { node: held.node, news }).await;
                Err(LeaseFailure::NodeLost(text))
            }
        }
    }

    /// Resolves with the reason once the node is known to be lost (pools-P58). What is left in its directory stays until the release.
    pub async fn lost(&self) -> String {
        let mut fate = self.held.fate.clone();
        match fate.wait_for(Option::is_some).await {
            Ok(text) => text.clone().unwrap_or_default(),
            // Nobody is left who could find out.
            Err(_) => std::future::pending().await,
        }
    }

    /// Gives the node back. Returns when the release is stored; the node is taken away off the path.
    pub async fn release(self) {
        let (answer, stored) = oneshot::channel();
        let message = Message::Release { lease: self.held.id, answer };
        if self.held.pool.send(message).await.is_ok() {
            // An error means that the pool ends: the row stays active, and the next start releases it with the build's end.
            let _ = stored.await;
        }
    }
}
