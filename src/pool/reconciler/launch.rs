//! The launch of one node: image, create, start, connect (design A5, pools 4.2, 5). Every state is stored before its effect.
//!
//! The same steps take up a launch that a former process left half done: what is there is looked up first, nothing is blindly
//! repeated (pools 5, P26 `ambiguous`).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::keeper::Keeper;
use crate::model::{NodeId, NodeState};
use crate::pool::config::PoolTiming;
use crate::pool::message::{Message, News};
use crate::pool::provider::{BoxStream, ImageFacts, NodeSpec, ObservedState, Provider, ProviderError};
use crate::sys::failpoint;

/// Between two tries at a keeper that does not answer yet.
const CONNECT_PAUSE: Duration = Duration::from_millis(200);
/// A create or start whose answer was lost is looked up, then sent once more (pools 5); then the node is given up.
const TRIES: u32 = 2;
/// After a lost answer the object is looked for so many times, `settle` apart, as it may appear late (pools-P53).
const LOOKS: u32 = 3;

/// Everything that a launch needs.
pub(super) struct Launch {
    pub(super) spec: NodeSpec,
    pub(super) provider: Arc<dyn Provider>,
    pub(super) messages: mpsc::Sender<Message>,
    pub(super) timing: PoolTiming,
    /// The provider's launcher slots.
    pub(super) slots: Arc<Semaphore>,
    /// Ends the launch while nothing is made yet (pools-P29).
    pub(super) cancel: CancellationToken,
}

/// Why a launch ended early.
enum Stop {
    /// The reconciler does not want the node any more, or is gone.
    Unwanted,
    /// Something failed.
    Failed(ProviderError),
}

impl From<ProviderError> for Stop {
    fn from(error: ProviderError) -> Self {
        Stop::Failed(error)
    }
}

impl Launch {
    /// Works from the stored state to a connected keeper, and tells the reconciler how it went.
    pub(super) async fn run(self, from: NodeState) {
        let node = self.spec.node;
        let news = match self.work(from).await {
            Ok((keeper, image)) => News::Launched { keeper, image },
            Err(Stop::Failed(error)) => News::Failed(error),
            Err(Stop::Unwanted) => return,
        };
        // A reconciler that is gone does not need to know; the next one looks for itself.
        let _ = self.messages.send(Message::Node { node, news }).await;
    }

    async fn work(&self, from: NodeState) -> Result<(Keeper, Option<Arc<ImageFacts>>), Stop> {
        let (image, _slot) = self.before_create(from).await?;
        if from == NodeState::Requested {
            self.advance(NodeState::Creating, None).await?;
        }
        let found = match from {
            NodeState::Creating => self.look(2).await?,
            _ => None,
        };
        // Made in this process, just now: it is known not to have run yet.
        let mut new = false;
        if matches!(from, NodeState::Requested | NodeState::Creating) {
            new = found.is_none();
            let id = match found {
                Some(id) => id,
                None => self.create().await?,
            };
            self.advance(NodeState::Booting, Some(id)).await?;
        }
        let stream = self.start(new).await?;
        if from != NodeState::Checking {
            self.advance(NodeState::Checking, None).await?;
        }
        Ok((self.connect(stream).await?, image))
    }

    /// The image, and a launcher slot: not held while the image is being pulled, which others may be waiting for as well.
    async fn before_create(
        &self,
        from: NodeState,
    ) -> Result<(Option<Arc<ImageFacts>>, tokio::sync::OwnedSemaphorePermit), Stop> {
        let work = async {
            let image = match from {
                NodeState::Requested | NodeState::Creating => {
                    let prepare = self.provider.prepare(&self.spec.label);
                    limited(self.timing.pull_timeout, "the image's pull", prepare).await?
                }
                _ => None,
            };
            // The semaphore is never closed; if it were, launching without a slot is the lesser evil.
            let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Stop::Unwanted)?;
            Ok((image.map(Arc::new), slot))
        };
        tokio::select! {
            () = self.cancel.cancelled(), if from == NodeState::Requested => Err(Stop::Unwanted),
            done = work => done,
        }
    }

    /// Has the next state stored. From here on its effect may be made.
    async fn advance(&self, to: NodeState, external_id: Option<String>) -> Result<(), Stop> {
        let (answer, stored) = oneshot::channel();
        let news = News::Advance { to, external_id, answer };
        let message = Message::Node { node: self.spec.node, news };
        self.messages.send(message).await.map_err(|_| Stop::Unwanted)?;
        match stored.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Stop::Unwanted),
        }
    }

    async fn create(&self) -> Result<String, ProviderError> {
        let mut last = ProviderError::Transient("never tried".to_owned());
        for _ in 0..TRIES {
            failpoint::hit("before-create");
            let created =
                limited(self.timing.create_timeout, "create", self.provider.create(&self.spec)).await;
            failpoint::hit("after-create");
            match created {
                Err(error @ (ProviderError::Ambiguous(_) | ProviderError::NotFound)) => {
                    if let Some(id) = self.look(LOOKS).await? {
                        return Ok(id);
                    }
                    last = ProviderError::Transient(format!("create: {error}"));
                }
                other => return other,
            }
        }
        Err(last)
    }

    /// Looks for the object under its name, so many times.
    async fn look(&self, times: u32) -> Result<Option<String>, ProviderError> {
        for time in 0..times {
            if time > 0 {
                sleep(self.timing.settle).await;
            }
            if let Some(object) = self.find().await? {
                return Ok(Some(object.external_id));
            }
        }
        Ok(None)
    }

    async fn find(&self) -> Result<Option<crate::pool::provider::Observed>, ProviderError> {
        limited(self.timing.create_timeout, "find", self.provider.find(self.spec.node)).await
    }

    /// Starts the node. Unless it is new, it is looked at first: a container that has ended would run a second time (pools 11.2).
    async fn start(&self, new: bool) -> Result<BoxStream, ProviderError> {
        let mut last = ProviderError::NotFound;
        for time in 0..TRIES {
            if !new || time > 0 {
                match self.find().await? {
                    Some(object) => still_there(object.state)?,
                    None => return Err(ProviderError::Transient("it vanished while it was made".to_owned())),
                }
            }
            failpoint::hit("before-start");
            let started = limited(self.timing.create_timeout, "start", self.provider.start(&self.spec)).await;
            failpoint::hit("after-start");
            match started {
                Err(error @ (ProviderError::Ambiguous(_) | ProviderError::Transient(_))) => last = error,
                other => return other,
            }
        }
        Err(last)
    }

    /// Waits for the keeper's first words, over as many streams as it takes; they name the node (pools-P35).
    async fn connect(&self, first: BoxStream) -> Result<Keeper, ProviderError> {
        let node = self.spec.node;
        let deadline = Instant::now() + self.timing.boot_timeout;
        let mut stream = Ok(first);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let error = match stream {
                Ok(stream) => match timeout(left, Keeper::connect(stream, node)).await {
                    Ok(Ok(keeper)) => return Ok(keeper),
                    Ok(Err(error)) if error.is_retryable() => error.to_string(),
                    Ok(Err(error)) => return Err(ProviderError::Transient(error.to_string())),
                    Err(_) => "the keeper said nothing".to_owned(),
                },
                Err(error) => ProviderError::to_string(&error),
            };
            if let Some(object) = self.find().await? {
                still_there(object.state)?;
            }
            if Instant::now() + CONNECT_PAUSE >= deadline {
                let limit = self.timing.boot_timeout.as_secs_f32();
                let text = format!("no keeper answered within {limit} s: {error}");
                return Err(ProviderError::Transient(text));
            }
            sleep(CONNECT_PAUSE).await;
            stream = self.provider.open(node).await;
        }
    }
}

fn still_there(state: ObservedState) -> Result<(), ProviderError> {
    match state {
        ObservedState::Created | ObservedState::Running => Ok(()),
        ObservedState::Exited(text) => {
            Err(ProviderError::Transient(format!("the node ended while it was made: {text}")))
        }
    }
}

/// A call to a provider with the core's own limit beside the driver's; running into it is a lost answer.
pub(super) async fn limited<T>(
    limit: Duration,
    what: &str,
    call: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    match timeout(limit, call).await {
        Ok(answer) => answer,
        Err(_) => Err(ProviderError::Ambiguous(format!("no answer to {what} within {limit:?}"))),
    }
}

/// Has a node's last words collected; a provider that hangs has nothing to say.
pub(super) async fn diagnose(provider: &dyn Provider, node: NodeId) -> String {
    /// pools 4.2, `failed`.
    const LIMIT: Duration = Duration::from_secs(30);
    timeout(LIMIT, provider.diagnose(node)).await.unwrap_or_default()
}
