//! The trigger: sent once, and looked for whenever its answer is not known (jenkins-rest 7.3).

use std::time::Duration;

use tokio::time::Instant;

use super::MasterError;
use super::run::{OnMaster, PAUSE_FIRST, PAUSE_LONGEST, lost};
use super::search::Wanted;
use crate::jenkins::wire::{Place, QueueId, Refusal};
use crate::model::{MasterRun, MasterStep, Outcome};
use crate::sys::{Backoff, failpoint};

impl OnMaster<'_> {
    /// Has the build in the master's queue, or further. `sure`: nothing was sent before.
    pub(super) async fn ask(&mut self, run: &mut MasterRun, mut sure: bool) -> Result<(), Outcome> {
        let (mut backoff, mut refused) = (Backoff::new(PAUSE_FIRST, PAUSE_LONGEST), None);
        loop {
            if !sure {
                if let Some(step) = self.look_for(run).await? {
                    run.step = step;
                    return Ok(());
                }
                if let Some(error) = refused.take() {
                    return Err(lost(format!("the master refuses the trigger: {error}")));
                }
            }
            if self.stop().is_some() {
                return Err(self.stopped());
            }
            failpoint::hit("master-before-trigger");
            let answer = self.trigger().await;
            failpoint::hit("master-after-trigger");
            match answer {
                Ok(Some(item)) if self.watched.hold(item, self.id) => {
                    run.step = MasterStep::Queued { item: item.0 };
                    return Ok(());
                }
                // Folded into a build of ours that waits with equal parameters: nothing new was made (jenkins-rest 3.2).
                Ok(Some(item)) => {
                    self.until_started(item).await?;
                    sure = true;
                    continue;
                }
                Ok(None) | Err(MasterError::Lost(_) | MasterError::Large) => sure = false,
                Err(MasterError::Unreachable(_)) => {}
                Err(MasterError::Refused(refusal)) => match refusal {
                    // Before anything was looked at.
                    Refusal::Starting | Refusal::Status { status: 429 } => {}
                    // A proxy's: the master may have had it.
                    Refusal::Status { status: 502 | 504 } | Refusal::NotJenkins { .. } => sure = false,
                    Refusal::Status { .. } => {
                        sure = false;
                        refused = Some(refusal);
                    }
                    _ => return Err(self.refusal(&MasterError::Refused(refusal))),
                },
            }
            self.waits_for(format!("master {} has not taken the build yet", self.watched.name())).await?;
            self.pause(backoff.pause()).await;
        }
    }

    async fn trigger(&mut self) -> Result<Option<QueueId>, MasterError> {
        let parameters = self.parameters();
        let _place = self.watched.request().await;
        // Asked just before, or some time ago: then it may have changed.
        let takes_any = match self.takes_any.take() {
            Some(takes_any) => takes_any,
            None => self.master().job(&self.job).await?.parameters.is_some(),
        };
        self.master().trigger(&self.job, takes_any.then_some(&parameters[..])).await
    }

    /// Looks for the build as long as a request that nobody waits for may still be carried out.
    async fn look_for(&self, run: &MasterRun) -> Result<Option<MasterStep>, Outcome> {
        let settings = self.watched.settings();
        let mut until = Instant::now() + settings.settle;
        loop {
            if let Some(step) = self.look_once(run, &mut until, settings.settle).await? {
                let item = match step {
                    MasterStep::Queued { item } => Some(item),
                    MasterStep::Started { item, .. } => item,
                    MasterStep::Asking => None,
                };
                if item.is_none_or(|item| self.watched.hold(QueueId(item), self.id)) {
                    return Ok(Some(step));
                }
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            tokio::time::sleep(settings.poll.min(settings.settle)).await;
        }
    }

    /// One look. While the master does not answer, the time to look in does not run. Also after a stop: what was triggered has to
    /// be found, so that it can be stopped.
    async fn look_once(
        &self,
        run: &MasterRun,
        until: &mut Instant,
        settle: Duration,
    ) -> Result<Option<MasterStep>, Outcome> {
        // The queue first: what leaves it in between is then seen as a build.
        let queue = self.master().queue_with_parameters().await;
        let seen = match queue {
            Ok(queue) => match self.master().job(&self.job).await {
                Ok(facts) => self.master().recent(&self.job).await.map(|recent| (queue, recent, facts)),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        let (queue, recent, facts) = match seen {
            Ok(seen) => seen,
            Err(error) => {
                *until = Instant::now() + settle;
                self.waits_for(format!("master {}: {error}", self.watched.name())).await?;
                tokio::time::sleep(Duration::from_millis(200)).await;
                return Ok(None);
            }
        };
        let defined = facts.parameters.unwrap_or_default();
        let mut sent = self.parameters();
        sent.retain(|(name, _)| defined.iter().any(|definition| definition.name == *name));
        let wanted = Wanted {
            job: Place::of(&self.job),
            mark: run.mark.as_ref(),
            items_before: run.items_before,
            sent: &sent,
        };
        Ok(wanted.found(&queue, &recent, |item| self.watched.is_held(item, self.id)))
    }

    async fn until_started(&self, item: QueueId) -> Result<(), Outcome> {
        self.waits_for("an equal build of ours waits on the master, and it would make one of both".into())
            .await?;
        while self.watched.waits(item) {
            if self.stop().is_some() {
                return Err(self.stopped());
            }
            self.pause(self.watched.settings().poll).await;
        }
        Ok(())
    }
}
