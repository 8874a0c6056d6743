//! The end of one node: taken away, looked for until it is confirmed gone, its row marked (pools-P51, P52). Never given up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep, timeout};

use super::RECONCILER;
use super::launch::{diagnose, limited};
use crate::keeper::Keeper;
use crate::model::{Event, NodeId, NodeState, Subject};
use crate::pool::config::PoolTiming;
use crate::pool::message::{Message, News};
use crate::pool::provider::{Provider, ProviderError};
use crate::store::{Store, StoreError};
use crate::sys::{Backoff, SharedClock, failpoint};

/// The first pause after a delete that failed; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A node that could not be removed for so long is worth an alarm (pools 4.2 `deleting`).
const ALARM_AFTER: Duration = Duration::from_secs(30 * 60);
/// An object that vanishes slowly is looked for again after this time before delete is asked again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How long a keeper that is told to end may take, before its node is taken away by force.
const FAREWELL: Duration = Duration::from_secs(1);

/// Everything that a removal needs.
pub(super) struct Removal {
    pub(super) node: NodeId,
    pub(super) provider: Arc<dyn Provider>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: SharedClock,
    pub(super) messages: mpsc::Sender<Message>,
    pub(super) timing: PoolTiming,
    /// How many deletes a provider is asked for at once.
    pub(super) slots: Arc<Semaphore>,
    /// Whether a call to the provider was ever made for it.
    pub(super) made: bool,
    /// The open stream to its keeper, if there is one.
    pub(super) keeper: Option<Keeper>,
}

impl Removal {
    /// Collects the last words of a node that failed.
    pub(super) async fn diagnose(self) {
        let text = diagnose(self.provider.as_ref(), self.node).await;
        self.tell(News::Diagnosed(text)).await;
    }

    /// Removes the node, then marks its row.
    pub(super) async fn run(mut self) {
        if self.made {
            if let Some(keeper) = self.keeper.take() {
                self.tell_to_end(keeper).await;
            }
            self.until_gone().await;
        }
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        while let Err(error) = self.store.remove_node(self.node, self.gone_event()).await {
            tracing::warn!(node.id = %self.node, %error, "a node is gone, but that cannot be stored yet");
            if matches!(error, StoreError::Conflict(_)) {
                self.tell(News::RowChanged).await;
            }
            sleep(backoff.pause()).await;
        }
        self.tell(News::Gone).await;
    }

    fn gone_event(&self) -> Event {
        let states = (Some(NodeState::Deleting.as_str()), NodeState::Deleted.as_str());
        let cause = match self.made {
            true => "the provider does not have it any more",
            false => "nothing was ever made of it",
        };
        Event::new(self.clock.now(), Subject::Node(self.node), states, cause.to_owned(), RECONCILER)
    }

    /// A node that ends by itself is gone sooner than one that is killed: an engine starts a program of its own for a kill. One that
    /// does not end loses nothing but this time.
    async fn tell_to_end(&self, keeper: Keeper) {
        let end = async {
            if keeper.shutdown().await.is_ok() {
                self.provider.ended(self.node).await;
            }
        };
        if timeout(FAREWELL, end).await.is_err() {
            tracing::debug!(node.id = %self.node, "a keeper did not end when it was told to");
        }
    }

    async fn until_gone(&self) {
        let began = Instant::now();
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut alarmed = false;
        loop {
            let error = {
                // Never closed; without a slot the removal goes on all the same.
                let _slot = self.slots.acquire().await;
                match self.once().await {
                    Ok(()) => return,
                    Err(error) => error,
                }
            };
            tracing::info!(node.id = %self.node, provider.name = self.provider.name(), %error,
                "a node could not be removed, trying again");
            if !alarmed && began.elapsed() > ALARM_AFTER {
                alarmed = true;
                tracing::error!(node.id = %self.node, provider.name = self.provider.name(), %error,
                    "a node could not be removed for 30 minutes");
            }
            sleep(backoff.pause()).await;
        }
    }

    /// One round: delete, then a look whether it is gone (pools-P52: an answer alone confirms nothing).
    async fn once(&self) -> Result<(), ProviderError> {
        let limit = self.timing.delete_timeout;
        failpoint::hit("before-delete");
        let destroyed = limited(limit, "delete", self.provider.destroy(self.node)).await;
        failpoint::hit("after-delete");
        match destroyed {
            Ok(()) | Err(ProviderError::NotFound) => {}
            Err(error) => return Err(error),
        }
        for _ in 0..2 {
            if limited(limit, "find", self.provider.find(self.node)).await?.is_none() {
                return Ok(());
            }
            sleep(LOOK_AGAIN).await;
        }
        Err(ProviderError::Transient("it is still there".to_owned()))
    }

    async fn tell(&self, news: News) {
        // A reconciler that is gone does not need to know; the next one looks for itself.
        let _ = self.messages.send(Message::Node { node: self.node, news }).await;
    }
}
