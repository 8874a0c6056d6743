//! Starts of other builds when a build is done: publishers `trigger` and `trigger-parameterized-builds` (jjb 23).

use super::limits::Span;
use super::run::Trouble;
use super::steps::Steps;
use super::stop::StopWatch;
use crate::catalog::recipe::{PassedParameters, StartAfter, StartsAfter, TriggerBuilds};
use crate::model::ResultWord;

impl Steps<'_> {
    /// Starts what the result so far asks for. It waits for nothing, and changes nothing of this build (jjb-T1).
    ///
    /// # Errors
    /// When nothing can be recorded.
    pub async fn start_after(
        &self,
        index: u32,
        after: &StartsAfter,
        result: ResultWord,
        span: Span,
        stop: &mut StopWatch,
    ) -> Result<(), Trouble> {
        let mut starts = Vec::new();
        for wanted in
            after.starts.iter().filter(|wanted| wanted.on.iter().any(|word| word == result.as_str()))
        {
            if self.without_reason(wanted) {
                let jobs = wanted.start.jobs.join(", ");
                self.say(&format!("{jobs}: not started, since there is no parameter to pass on\n")).await;
            } else {
                starts.push(wanted.start.clone());
            }
        }
        if starts.is_empty() {
            return Ok(());
        }
        let trigger = TriggerBuilds { starts, place: after.place.clone() };
        self.trigger(index, &after.publisher, &trigger, span, stop).await?;
        Ok(())
    }

    /// As the plugin has it: without parameters nothing is started, unless the job says so.
    fn without_reason(&self, wanted: &StartAfter) -> bool {
        let empty = |passed: &PassedParameters| match passed {
            PassedParameters::Current => self.record().request.parameters.0.is_empty(),
            PassedParameters::Predefined(pairs) => pairs.is_empty(),
            PassedParameters::Files { .. } => false,
        };
        !wanted.without_parameters && wanted.start.parameters.iter().all(empty)
    }
}
