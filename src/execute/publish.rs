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
use crate::model::{Cause, Millis, ResultWord};

/// The shortest time that a post step gets, so that cleaning up is tried even when the others used all the time.
const LEAST: Duration = Duration::from_secs(5);

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
        self.steps.leave_room().await;
        self.steps.remove_files().await?;
        self.steps.sweep().await?;
        let done = self.run_all(verdict).await;
        self.steps.clean_images().await;
        done
    }

    async fn run_all(&mut self, verdict: &mut Verdict) -> Result<(), Trouble> {
        let publishers = self.steps.publishers();
        if publishers.is_empty() {
            return Ok(());
        }
        self.steps.tell(BuildEvent::Publishing).await?;
        let (mut collection, mut tests) = (Collection::default(), TestResults::default());
        for publisher in &publishers {
            if let Some(mark) = self.stop.mark() {
                verdict.worsen(ResultWord::Aborted, mark.cause);
                break;
            }
            match publisher {
                PlacedPublisher::PostBuildScript { groups, mark_unstable } => {
                    for (group, steps) in groups {
                        self.group(group, steps, *mark_unstable, verdict).await?;
                    }
                }
                PlacedPublisher::Plain(Publisher::Archive(wanted)) => {
                    collection.collect(&self.steps, wanted, verdict).await?;
                }
                PlacedPublisher::Plain(Publisher::TestReports(wanted)) => {
                    tests.read(&self.steps, wanted, verdict).await?;
                }
                PlacedPublisher::StartsAfter { .. }
                | PlacedPublisher::Plain(Publisher::PostBuildScript(_) | Publisher::StartsAfter(_)) => {}
            }
        }
        collection.commit(&self.steps, verdict).await;
        tests.commit(&self.steps, verdict).await;
        self.starts(&publishers, verdict).await
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
