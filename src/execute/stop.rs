//! Waiting for a stop that somebody asks for.

use std::sync::Arc;

use tokio::sync::watch;

use crate::model::{BuildRecord, Millis, StopMark};

/// Sees the stop mark of one build, if it is younger than a moment.
#[derive(Clone)]
pub(super) struct StopWatch {
    record: watch::Receiver<Arc<BuildRecord>>,
    /// Stops asked for before this moment have done their work: publishers run although the builders were stopped (jjb-T2).
    since: Millis,
}

impl StopWatch {
    /// Sees every stop of the build.
    pub fn new(record: watch::Receiver<Arc<BuildRecord>>) -> StopWatch {
        StopWatch { record, since: Millis(0) }
    }

    /// Sees only stops that are asked for from `since` on.
    pub fn from(&self, since: Millis) -> StopWatch {
        StopWatch { record: self.record.clone(), since }
    }

    /// The mark, if there is one.
    pub fn mark(&self) -> Option<StopMark> {
        self.record.borrow().stop.clone().filter(|stop| stop.at >= self.since)
    }

    /// Resolves when a stop is asked for; never, when the build's writer is gone.
    pub async fn asked(&mut self) {
        let since = self.since;
        let asked = |record: &Arc<BuildRecord>| record.stop.as_ref().is_some_and(|stop| stop.at >= since);
        let gone = self.record.wait_for(asked).await.is_err();
        if gone {
            std::future::pending::<()>().await;
        }
    }
}
