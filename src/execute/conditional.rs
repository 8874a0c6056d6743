//! The `conditional-step` builder (jjb 23): its condition is judged once and recorded, so that after a restart the same steps go on.

use super::archive;
use super::condition::{Answers, Judged, Looked, Patterns, Surroundings, judge};
use super::ending;
use super::limits::Span;
use super::order::Placed;
use super::run::Trouble;
use super::steps::Steps;
use super::stop::StopWatch;
use super::verdict::Effect;
use crate::artifact::Selection;
use crate::catalog::cron::{Minute, STARTED_BY_CLOCK};
use crate::catalog::recipe::{ConditionalStep, OnEvaluationFailure};
use crate::model::{Cause, Origin, ResultWord, StepEnd, StepState};

/// How the record has what a condition came to: as a program would say it.
const HOLDS: StepEnd = StepEnd::Exit(0);
const FAILS: StepEnd = StepEnd::Exit(1);
const UNCLEAR: StepEnd = StepEnd::Exit(2);

/// A build, as its conditions see it.
struct Now<'a> {
    steps: &'a Steps<'a>,
    so_far: ResultWord,
}

impl Surroundings for Now<'_> {
    fn expand(&self, text: &str) -> String {
        self.steps.expand(text)
    }

    fn result(&self) -> ResultWord {
        self.so_far
    }

    fn minute(&self) -> Option<Minute> {
        Minute::of(self.steps.now().0, jiff::tz::TimeZone::system())
    }

    fn cause(&self) -> &'static str {
        match &self.steps.record().request.origin {
            Origin::Build(_) => "UPSTREAM_CAUSE",
            Origin::Http { user } if user == STARTED_BY_CLOCK => "TIMER_CAUSE",
            Origin::Http { .. } => "USER_CAUSE",
            Origin::Gearman { .. } => "ZUUL",
        }
    }
}

impl Steps<'_> {
    /// Runs the steps under a condition, if it holds; until one of them fails.
    ///
    /// # Errors
    /// When the node is lost.
    pub async fn conditional(
        &self,
        placed: &Placed<'_>,
        step: &ConditionalStep,
        span: Span,
        stop: &mut StopWatch,
        so_far: ResultWord,
    ) -> Result<Option<Effect>, Trouble> {
        let end = match self.recorded(placed.index).map(|known| &known.state) {
            Some(StepState::Ended { end, .. }) => end.clone(),
            Some(StepState::Started) | None => match self.judged(placed, step, span, stop, so_far).await? {
                Ok(end) => end,
                Err(effect) => return Ok(Some(effect)),
            },
        };
        let (run, mut effect) = consequence(&end, step.on_evaluation_failure, placed.index);
        if !run {
            return Ok(effect);
        }
        for inner in &placed.inner {
            if stop.mark().is_some() && !self.begun(inner) {
                let cause = Cause::Stopped { by: String::new() };
                return Ok(Some(Effect::of(ResultWord::Aborted, cause)));
            }
            let so_far = effect.as_ref().map_or(so_far, |effect| so_far.max(effect.word));
            let Some(next) = self.step(inner, span, stop, so_far).await? else { continue };
            let ends = next.ends;
            effect = Some(match effect {
                Some(before) => before.and(next),
                None => next,
            });
            if ends {
                break;
            }
        }
        Ok(effect)
    }

    /// Asks the node what it has to tell, judges, and records it; an effect when a script was stopped or ran too long.
    async fn judged(
        &self,
        placed: &Placed<'_>,
        step: &ConditionalStep,
        span: Span,
        stop: &mut StopWatch,
        so_far: ResultWord,
    ) -> Result<Result<StepEnd, Effect>, Trouble> {
        let now = Now { steps: self, so_far };
        let mut known = vec![None; placed.scripts.len()];
        let mut looked = Looked::new();
        let judged = loop {
            let at = match judge(&step.condition, &now, &mut Answers::new(&known, &looked)) {
                Judged::Asks(at) => at,
                Judged::Looks(patterns) => {
                    let found = self.has_files(&patterns).await?;
                    looked.insert(patterns, found);
                    continue;
                }
                judged @ (Judged::Holds(_) | Judged::Fails(_) | Judged::Unclear(_)) => break judged,
            };
            let (index, script) = &placed.scripts[at];
            let title = format!("step {index} (condition's script)");
            let end = self.script(*index, &title, script, span, stop).await?;
            known[at] = Some(match &end {
                StepEnd::Exit(code) => Some(*code),
                StepEnd::CannotStart { .. } => None,
                StepEnd::Stopped
                | StepEnd::Timeout
                | StepEnd::Inactivity
                | StepEnd::Memory(_)
                | StepEnd::Processes(_)
                | StepEnd::Output
                | StepEnd::Signal(_) => {
                    let effect = ending::judge(&end, &title, None, span.limits);
                    return Ok(effect.map_or(Ok(UNCLEAR), Err));
                }
            });
        };
        let title = format!("step {} (condition)", placed.index);
        if self.recorded(placed.index).is_none() {
            self.announce(placed.index, &title).await?;
        }
        let (end, line) = match judged {
            Judged::Holds(why) => (HOLDS, format!("holds ({why}): its steps run")),
            Judged::Fails(why) => (FAILS, format!("does not hold ({why}): its steps are skipped")),
            Judged::Asks(_) | Judged::Looks(_) => (UNCLEAR, "cannot be judged".to_owned()),
            Judged::Unclear(why) => (UNCLEAR, format!("cannot be judged: {why}")),
        };
        self.say(&format!("The condition of step {} {line}\n", placed.index)).await;
        self.ended(placed.index, end.clone()).await?;
        Ok(Ok(end))
    }

    /// Whether the workspace has files that are meant, as an archive would find them.
    async fn has_files(&self, (includes, excludes): &Patterns) -> Result<bool, Trouble> {
        let selection = Selection::new(includes, excludes, true, true);
        let selected = archive::list(self.session(), &self.workspace_below_node(), &selection).await?;
        Ok(!selected.files.is_empty())
    }
}

/// Whether the steps run, and what the condition alone does to the build.
fn consequence(end: &StepEnd, unclear: OnEvaluationFailure, index: u32) -> (bool, Option<Effect>) {
    let detail = format!("the condition of step {index} cannot be judged");
    let effect = |word| {
        let cause = Cause::Publisher { name: "conditional-step".to_owned(), detail: detail.clone() };
        Some(Effect::of(word, cause))
    };
    match (end, unclear) {
        (StepEnd::Exit(0), _) => (true, None),
        (StepEnd::Exit(1), _) => (false, None),
        (_, OnEvaluationFailure::Fail) => (false, effect(ResultWord::Failure)),
        (_, OnEvaluationFailure::MarkUnstable) => (false, effect(ResultWord::Unstable)),
        (_, OnEvaluationFailure::RunAndMarkUnstable) => (true, effect(ResultWord::Unstable)),
        (_, OnEvaluationFailure::Run) => (true, None),
        (_, OnEvaluationFailure::DontRun) => (false, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jjb_23_what_cannot_be_judged_means_what_the_job_says() {
        let what = |end: StepEnd, unclear| {
            let (run, effect) = consequence(&end, unclear, 3);
            (run, effect.map(|effect| effect.word))
        };
        for (unclear, want) in [
            (OnEvaluationFailure::Fail, (false, Some(ResultWord::Failure))),
            (OnEvaluationFailure::MarkUnstable, (false, Some(ResultWord::Unstable))),
            (OnEvaluationFailure::RunAndMarkUnstable, (true, Some(ResultWord::Unstable))),
            (OnEvaluationFailure::Run, (true, None)),
            (OnEvaluationFailure::DontRun, (false, None)),
        ] {
            assert_eq!(what(UNCLEAR, unclear), want);
            assert_eq!(what(HOLDS, unclear), (true, None));
            assert_eq!(what(FAILS, unclear), (false, None));
        }
    }
}
