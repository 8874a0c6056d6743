//! Publishers: all of them, in order, whatever happened (jjb-T1, T2).

use std::time::Duration;

use super::archive::Collection;
use super::limits::Span;
use super::order::{Placed, PlacedPublisher};
use super::run::Trouble;
use super::steps::Steps;
use super::stop::StopWatch;
use super::test_report::TestResults;
use super::verdict::Verdict;
use crate::build::BuildEvent;
use crate::catalog::recipe::{PostGroup, Publisher};
use crate::model::{Cause, Millis, ResultWord, StepEnd, StepState};
use crate::sys::failpoint;

/// The shortest time that a post step gets, so that cleaning up is tried even when the others used all the time.
const LEAST: Duration = Duration::from_secs(5);

/// How the record has what a publisher did to the build: as a program would say it.
const WELL: StepEnd = StepEnd::Exit(0);

fn ends(word: ResultWord) -> StepEnd {
    StepEnd::Exit(if word == ResultWord::Unstable { 2 } else { 1 })
}

/// What a publisher that ended before a restart did to the build.
fn remember(end: &StepEnd, name: &str, verdict: &mut Verdict) {
    let word = match end {
        StepEnd::Exit(0) => return,
        StepEnd::Exit(2) => ResultWord::Unstable,
        _ => ResultWord::Failure,
    };
    let detail = "the console says why".to_owned();
    verdict.worsen(word, Cause::Publisher { name: name.to_owned(), detail });
}

/// The publishers of one build.
pub(super) struct Publishing<'a> {
    steps: Steps<'a>,
    stop: StopWatch,
    since: Millis,
}

impl<'a> Publishing<'a> {
    /// Begins to publish: a stop that ended the builders does not end the publishers, a later one does (pools-D66).
    pub fn new(steps: Steps<'a>, stop: StopWatch) -> Publishing<'a> {
        let since = steps.now();
        // A stop in this very millisecond is still the builders'.
        Publishing { stop: stop.from(Millis(since.0 + 1)), steps, since }
    }

    /// Runs all publishers.
    ///
    /// # Errors
    /// When the node is lost.
    pub async fn run(mut self, verdict: &mut Verdict) -> Result<(), Trouble> {
        let committed = self.steps.commit_room(verdict).await?;
        self.steps.leave_room().await;
        self.steps.remove_files().await?;
        self.steps.sweep().await?;
        let mut done = self.run_all(verdict).await;
        if done.is_ok() {
            done = self.steps.publish_commit(committed, verdict).await;
        }
        self.steps.clean_images().await;
        done
    }

    async fn run_all(&mut self, verdict: &mut Verdict) -> Result<(), Trouble> {
        let publishers = self.steps.publishers();
        if publishers.is_empty() {
            return Ok(());
        }
        failpoint::hit("before-publish");
        self.steps.tell(BuildEvent::Publishing).await?;
        let mut tests = TestResults::default();
        for publisher in &publishers {
            if let Some(mark) = self.stop.mark() {
                verdict.worsen(mark.word(), mark.cause);
                break;
            }
            match publisher {
                PlacedPublisher::PostBuildScript { groups, mark_unstable } => {
                    for (group, steps) in groups {
                        self.group(group, steps, *mark_unstable, verdict).await?;
                    }
                }
                PlacedPublisher::Plain { index, publisher } => {
                    self.read(*index, publisher, &mut tests, verdict).await?;
                }
                PlacedPublisher::StartsAfter { .. } => {}
            }
        }
        self.starts(&publishers, verdict).await
    }

    /// Carries out a publisher that reads the workspace. It is recorded as a step is, and what it found is kept before the next one
    /// begins: a later post step may empty the workspace, and after a restart nothing could be read any more.
    async fn read(
        &mut self,
        index: u32,
        publisher: &Publisher,
        tests: &mut TestResults,
        verdict: &mut Verdict,
    ) -> Result<(), Trouble> {
        let name = match publisher {
            Publisher::Archive(_) => "archive",
            Publisher::TestReports(wanted) => &wanted.publisher,
            Publisher::Mail(_) => "email-ext",
            Publisher::PostBuildScript(_) | Publisher::StartsAfter(_) => return Ok(()),
        };
        match self.steps.recorded(index).map(|step| &step.state) {
            Some(StepState::Ended { end, .. }) => {
                remember(end, name, verdict);
                return Ok(());
            }
            Some(StepState::Started) => {}
            None => drop(self.steps.announce(index, &format!("step {index} ({name})")).await?),
        }
        let mut after = verdict.clone();
        match publisher {
            Publisher::Archive(wanted) => {
                let mut collection = Collection::default();
                collection.collect(&self.steps, wanted, &mut after).await?;
                failpoint::hit("before-archive");
                collection.commit(&self.steps, &mut after).await;
                failpoint::hit("after-archive");
            }
            Publisher::TestReports(wanted) => tests.read(&self.steps, index, wanted, &mut after).await?,
            Publisher::Mail(mail) => self.steps.mail(index, mail, verdict.word()).await?,
            Publisher::PostBuildScript(_) | Publisher::StartsAfter(_) => {}
        }
        let end = if after == *verdict { WELL } else { ends(after.word()) };
        self.steps.ended(index, end).await?;
        *verdict = after;
        Ok(())
    }

    /// Starts other builds, now that the result is what it will be.
    async fn starts(&mut self, publishers: &[PlacedPublisher<'_>], verdict: &Verdict) -> Result<(), Trouble> {
        let limit = self.steps.context().settings.post_steps_timeout;
        for publisher in publishers {
            if let PlacedPublisher::StartsAfter { index, starts } = publisher
                && self.stop.mark().is_none()
            {
                let span = Span::with_least(limit, self.since, LEAST);
                self.steps.start_after(*index, starts, verdict.word(), span, &mut self.stop).await?;
            }
        }
        Ok(())
    }

    /// A group runs when the result so far is one of its own; its steps run until one fails.
    async fn group(
        &mut self,
        group: &PostGroup,
        steps: &[Placed<'_>],
        mark_unstable: bool,
        verdict: &mut Verdict,
    ) -> Result<(), Trouble> {
        if !group.build_on.iter().any(|word| word == verdict.word().as_str()) {
            return Ok(());
        }
        let limit = self.steps.context().settings.post_steps_timeout;
        for placed in steps {
            let span = Span::with_least(limit, self.since, LEAST);
            let left = span.left(self.steps.now()).unwrap_or_default();
            let effect = self.steps.step(placed, span, &mut self.stop, verdict.word()).await?;
            let Some(effect) = effect else { continue };
            let word = match effect.word {
                ResultWord::Failure if mark_unstable => ResultWord::Unstable,
                word => word,
            };
            let cause = match (effect.cause, self.stop.mark()) {
                (Cause::Stopped { .. }, Some(mark)) => mark.cause,
                (Cause::Timeout { .. }, _) => Cause::Timeout { limit: left },
                (cause, _) => cause,
            };
            verdict.worsen(word, cause);
            if effect.ends {
                break;
            }
        }
        Ok(())
    }
}
