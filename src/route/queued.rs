//! A build in the queue of its master.

use std::time::Duration;

use tokio::time::Instant;

use super::MasterError;
use super::run::{OnMaster, lost};
use super::watch::ItemSight;
use crate::jenkins::wire::{QueueId, QueueState, Refusal};
use crate::model::{MasterRun, MasterStep, Outcome};

/// What a master says about a waiting item may change with every second; it is stored this seldom.
const SAID_EVERY: Duration = Duration::from_secs(10);
/// Looks at which an item is neither in the queue nor a build before it is lost.
const GONE_LOOKS: u32 = 5;

impl OnMaster<'_> {
    /// Waits until the item has become a build.
    pub(super) async fn wait_in_queue(&mut self, run: &mut MasterRun, item: QueueId) -> Result<(), Outcome> {
        let mut sight = self.watched.item(item);
        let (mut said, mut gone, mut cancelled) = (None::<Instant>, 0, false);
        loop {
            tokio::select! {
                changed = sight.changed() => if changed.is_err() { return Err(lost("the masters are not watched any more")) },
                () = self.stop_asked(), if !cancelled => {
                    match self.cancel_item(item).await {
                        Some(true) => return Err(self.stopped()),
                        // It has just left: its build is stopped instead.
                        Some(false) => cancelled = true,
                        None => tokio::time::sleep(self.watched.settings().poll).await,
                    }
                    continue;
                }
            }
            let seen = sight.borrow_and_update().clone();
            match seen {
                ItemSight::Unknown | ItemSight::At(QueueState::Leaving) => {}
                ItemSight::At(QueueState::Waiting { why }) => {
                    if said.is_none_or(|at| at.elapsed() >= SAID_EVERY) {
                        said = Some(Instant::now());
                        let why = why.unwrap_or_else(|| "in the queue".to_owned());
                        self.waits_for(format!("master {}: {why}", self.watched.name())).await?;
                    }
                }
                ItemSight::At(QueueState::Started { number }) => {
                    return self.has_started(run, Some(item), number).await;
                }
                ItemSight::At(QueueState::Cancelled) => return Err(self.stopped()),
                ItemSight::Gone => {
                    let recent = self.master().recent(&self.job).await;
                    let found = recent.as_ref().ok().and_then(|recent| {
                        recent.iter().find(|build| build.queue_id == Some(item)).map(|build| build.number)
                    });
                    if let Some(number) = found {
                        return self.has_started(run, Some(item), number).await;
                    }
                    gone += u32::from(recent.is_ok());
                    if gone >= GONE_LOOKS {
                        return Err(lost(format!(
                            "master {} has forgotten the item of its queue",
                            self.watched.name()
                        )));
                    }
                }
            }
        }
    }

    /// `None`: the master did not answer.
    async fn cancel_item(&self, item: QueueId) -> Option<bool> {
        match self.master().cancel(item).await {
            Ok(cancelled) => Some(cancelled),
            // Already forgotten, or refused: the look that follows says more.
            Err(MasterError::Refused(Refusal::NotFound)) => Some(false),
            Err(_) => None,
        }
    }

    async fn has_started(
        &self,
        run: &mut MasterRun,
        item: Option<QueueId>,
        number: u64,
    ) -> Result<(), Outcome> {
        if let Some(item) = item {
            self.watched.started(item);
        }
        run.step = MasterStep::Started { item: item.map(|item| item.0), number };
        Ok(())
    }
}
