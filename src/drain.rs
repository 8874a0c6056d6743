//! The phases of a shutdown: no new work → a time for builds to end → the process ends, and what still runs goes on on its node.
//!
//! A build that is cut off here is not lost: its node keeps running it, and the next process takes it up (pools-P9). Zuul, whose
//! connection ends with the process, launches it again (zuul 5.8); that is why builds get time to end first.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::build::Builds;

/// How often the number of builds that still run is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Waits for the first signal that asks the process to end, and hands out a token that a second one cancels.
///
/// # Errors
/// When the system does not let us listen for signals.
pub fn signals() -> std::io::Result<(CancellationToken, CancellationToken)> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (asked, now) = (CancellationToken::new(), CancellationToken::new());
    let (first, second) = (asked.clone(), now.clone());
    // Lives as long as the process: there is no end to listening for signals.
    tokio::spawn(async move {
        for token in [first, second] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            token.cancel();
        }
    });
    Ok((asked, now))
}

/// Waits until no build runs any more, at most `limit`, and says how it ended.
pub async fn builds_end(builds: &Builds, limit: Duration, now: &CancellationToken) -> usize {
    let wait = async {
        loop {
            let left = builds.live_builds().len();
            if left == 0 {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        _ = tokio::time::timeout(limit, wait) => {}
        () = now.cancelled() => info!("told to end at once"),
    }
    builds.live_builds().len()
}
