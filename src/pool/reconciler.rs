//! The loop that makes plans real (design A5): the only caller of create, start and destroy.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::config::PoolConfig;
use super::labels::LabelTable;
use super::message::Message;
use super::provider::Provider;
use super::status::PoolStatus;
use crate::store::{Store, StoreError};
use crate::sys::SharedClock;

/// What the reconciler works with.
pub(super) struct Parts {
    pub(super) config: PoolConfig,
    pub(super) providers: Vec<Arc<dyn Provider>>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: SharedClock,
    pub(super) shutdown: CancellationToken,
    pub(super) inbox: mpsc::Receiver<Message>,
    pub(super) messages: mpsc::Sender<Message>,
    pub(super) gone: Arc<Notify>,
    pub(super) labels: Arc<ArcSwap<LabelTable>>,
    pub(super) status: Arc<ArcSwap<PoolStatus>>,
}

/// Loads the rows and starts the loop.
pub(super) async fn start(parts: Parts) -> Result<(), StoreError> {
    parts.store.nodes().await?;
    Ok(())
}
