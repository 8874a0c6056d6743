//! The watch over what a build takes of the disk (pools-D35): a look now and then, and a stop that says why when it is too much.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::{debug, info};

use super::context::Context;
use crate::model::{BuildId, Cause};
use crate::pool::Lease;

/// The first look. The time is doubled with each, since most of what fills a disk by mistake does so at once.
const FIRST: Duration = Duration::from_secs(1);
/// Between two looks, later on.
const LATER: Duration = Duration::from_secs(10);
/// Looking takes at most one part in so many of the time.
const SHARE: u32 = 20;

/// Looks until the build holds more than its label allows, then has it stopped. Never resolves: whoever waits for the builders drops it.
pub(super) async fn watch(context: &Context, lease: Lease, build: BuildId) {
    let limit = lease.label().disk_bytes;
    let mut pause = FIRST;
    while let Some(limit) = limit {
        sleep(pause).await;
        let begun = Instant::now();
        match lease.disk_use().await {
            Ok(Some(used)) if used > limit => {
                info!(build.id = %build, used, limit, "the build takes too much of the disk");
                if context.builds.stop(build, Cause::Disk { used, limit }).await.is_ok() {
                    break;
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => debug!(build.id = %build, %error, "the disk's use is not known now"),
        }
        pause = (pause * 2).min(LATER).max(begun.elapsed() * SHARE);
    }
    std::future::pending().await
}
