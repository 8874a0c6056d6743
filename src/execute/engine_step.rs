//! Steps that Causeway does by itself through the node's engine, wherever they stand (docker-M25): recorded as other steps are, ended by a
//! stop and by the time limit. After a restart such a step is done again: it comes to the same, and what was done already costs little.

use std::future::Future;

use super::ending::judge;
use super::limits::Span;
use super::room::over;
use super::run::Trouble;
use super::steps::Steps;
use super::stop::StopWatch;
use super::verdict::Effect;
use crate::model::{Cause, ResultWord, StepEnd, StepState};

/// How the work of such a step failed.
pub(super) struct Failed {
    /// For the record.
    pub end: StepEnd,
    /// For people.
    pub detail: String,
}

impl Failed {
    /// A failure that is nothing but its text.
    pub fn because(detail: impl Into<String>) -> Failed {
        Failed { end: StepEnd::Exit(1), detail: detail.into() }
    }
}

/// What the work came to: an outer error is trouble of ours.
pub(super) type Worked = Result<Result<(), Failed>, Trouble>;

impl Steps<'_> {
    /// Does the work of a step, or reads its end from the record. Dropping the work ends it.
    ///
    /// # Errors
    /// When the engine fails, or nothing can be recorded.
    pub async fn engine_step(
        &self,
        index: u32,
        component: &str,
        span: Span,
        stop: &mut StopWatch,
        work: impl Future<Output = Worked>,
    ) -> Result<Option<Effect>, Trouble> {
        let title = format!("step {index} ({component})");
        match self.recorded(index).map(|step| &step.state) {
            Some(StepState::Ended { end, .. }) => return Ok(judge(end, &title, None, span.limits)),
            Some(StepState::Started) => {}
            None if span.over(self.now()) => return Ok(judge(&StepEnd::Timeout, &title, None, span.limits)),
            None => {
                self.announce(index, &title).await?;
            }
        }
        self.say(&format!("[{}] {title}\n", self.record().request.job.base())).await;
        let left = span.left(self.now());
        let failed = tokio::select! {
            worked = work => match worked? {
                Ok(()) => {
                    self.ended(index, StepEnd::Exit(0)).await?;
                    return Ok(None);
                }
                Err(failed) => failed,
            },
            () = stop.asked() => Failed { end: StepEnd::Stopped, detail: String::new() },
            () = over(left) => Failed { end: StepEnd::Timeout, detail: String::new() },
        };
        if !failed.detail.is_empty() {
            self.say(&format!("{component}: {}\n", failed.detail)).await;
        }
        self.ended(index, failed.end.clone()).await?;
        Ok(match failed.end {
            StepEnd::Exit(_) => {
                let detail = self.secrets().masks.hide(&failed.detail);
                let cause = Cause::Publisher { name: component.to_owned(), detail };
                Some(Effect::of(ResultWord::Failure, cause))
            }
            end => judge(&end, &title, None, span.limits),
        })
    }
}
