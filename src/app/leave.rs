//! A server that was only for a demonstration takes everything with it: its builds end and its nodes go.

use std::time::Duration;

use tracing::warn;

use super::Running;
use crate::drain;
use crate::model::Cause;
use crate::pool::LabelSet;

/// Builds that are asked to stop: their grace and a little.
const BUILDS_END_WITHIN: Duration = Duration::from_secs(15);
/// A container is gone within a second or two; an engine that hangs is not waited for.
const NODES_GO_WITHIN: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(50);

impl Running {
    /// Stops every build and has every node taken away, by the reconciler (decision 20). What does not go in time is said.
    pub async fn leave_nothing(&self) {
        self.builds.drain();
        for record in self.builds.live_builds() {
            let cause = Cause::Stopped { by: "the end of the demonstration".to_owned() };
            if let Err(error) = self.builds.stop(record.id, cause).await {
                warn!(build.id = %record.id, %error, "a build could not be stopped");
            }
        }
        drain::builds_end(&self.builds, BUILDS_END_WITHIN, &self.shutdown).await;
        self.pool.reload(LabelSet::default(), Vec::new()).await;
        let gone = async {
            while !self.pool.status().nodes.is_empty() {
                tokio::time::sleep(LOOK).await;
            }
        };
        if tokio::time::timeout(NODES_GO_WITHIN, gone).await.is_err() {
            warn!(nodes.left = self.pool.status().nodes.len(), "nodes are left on the engine");
        }
    }
}
