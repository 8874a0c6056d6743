//! Streams to keepers that were there before: those of stock nodes after a restart or a broken stream, and those of leases.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::launch::limited;
use crate::keeper::Keeper;
use crate::model::NodeId;
use crate::pool::config::PoolTiming;
use crate::pool::provider::{ObservedState, Provider, ProviderError};
use crate::sys::Backoff;

/// The first pause between two tries; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why there is no stream.
#[derive(Debug)]
pub(in crate::pool) enum NoKeeper {
    /// The provider answered: the node is not there any more, or has ended.
    Gone(String),
    /// Nobody answered for as long as was waited.
    Unreachable(String),
}

/// Opens a stream to the keeper of a node that runs, and tries again for `patience` (`None`: for ever) while the provider does not answer.
pub(in crate::pool) async fn connect(
    provider: &Arc<dyn Provider>,
    node: NodeId,
    timing: &PoolTiming,
    patience: Option<Duration>,
) -> Result<Keeper, NoKeeper> {
    let began = Instant::now();
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        let error = match once(provider, node, timing).await {
            Ok(keeper) => return Ok(keeper),
            Err(error) => error,
        };
        let found = limited(timing.create_timeout, "find", provider.find(node)).await;
        match found.map(|object| object.map(|object| object.state)) {
            Ok(None) => return Err(NoKeeper::Gone("the provider does not have it any more".to_owned())),
            Ok(Some(ObservedState::Exited(text))) => {
                return Err(NoKeeper::Gone(format!("it ended by itself: {text}")));
            }
            Ok(Some(ObservedState::Created)) => {
                return Err(NoKeeper::Gone("it was never started".to_owned()));
            }
            Ok(Some(ObservedState::Running)) | Err(_) => {}
        }
        let pause = backoff.pause();
        if patience.is_some_and(|patience| began.elapsed() + pause > patience) {
            let waited = began.elapsed().as_secs();
            return Err(NoKeeper::Unreachable(format!(
                "its keeper was out of reach for {waited} s: {error}"
            )));
        }
        tracing::debug!(node.id = %node, provider.name = provider.name(), error, "no stream to a keeper yet");
        sleep(pause).await;
    }
}

async fn once(provider: &Arc<dyn Provider>, node: NodeId, timing: &PoolTiming) -> Result<Keeper, String> {
    let stream = limited(timing.create_timeout, "open", provider.open(node)).await;
    let stream = stream.map_err(|error: ProviderError| error.to_string())?;
    match timeout(timing.boot_timeout, Keeper::connect(stream, node)).await {
        Ok(Ok(keeper)) => Ok(keeper),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the keeper said nothing".to_owned()),
    }
}
