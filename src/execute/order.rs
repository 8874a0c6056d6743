//! The recipe as a list of places: every step has a number, whether it runs or is skipped, so that a record names it for ever.

use std::borrow::Cow;

use super::condition::scripts;
use crate::catalog::recipe::{PostGroup, Publisher, Recipe, ShellStep, StartsAfter, Step};

/// The number of the step that starts an ssh agent, before all builders.
pub(super) const AGENT: u32 = 0;

/// A step with its numbers.
#[derive(Debug, Clone)]
pub(super) struct Placed<'a> {
    /// 1, 2, … over builders and then publishers; a conditional step comes before those inside it.
    pub index: u32,
    /// The step.
    pub step: &'a Step,
    /// The scripts of its condition, or its own script, which come before the step itself.
    pub scripts: Vec<(u32, Cow<'a, ShellStep>)>,
    /// The steps under its condition.
    pub inner: Vec<Placed<'a>>,
}

/// A publisher with the numbers of its steps.
#[derive(Debug)]
pub(super) enum PlacedPublisher<'a> {
    /// Groups of steps.
    PostBuildScript {
        /// As written.
        groups: Vec<(&'a PostGroup, Vec<Placed<'a>>)>,
        /// Whether a failure only makes the build UNSTABLE.
        mark_unstable: bool,
    },
    /// Starts of builds, when all else is done: their numbers come last.
    StartsAfter {
        /// The number.
        index: u32,
        /// As written.
        starts: &'a StartsAfter,
    },
    /// One without steps of its own: it reads the workspace, which the next one may change.
    Plain {
        /// The number.
        index: u32,
        /// As written.
        publisher: &'a Publisher,
    },
}

/// Numbers all steps of a recipe.
pub(super) fn place(recipe: &Recipe) -> (Vec<Placed<'_>>, Vec<PlacedPublisher<'_>>) {
    let mut next = 0;
    let builders = number(&recipe.steps, &mut next);
    let mut publishers: Vec<_> = recipe
        .publishers
        .iter()
        .filter(|publisher| !matches!(publisher, Publisher::StartsAfter(_)))
        .map(|publisher| match publisher {
            Publisher::PostBuildScript(script) => PlacedPublisher::PostBuildScript {
                groups: script.groups.iter().map(|group| (group, number(&group.steps, &mut next))).collect(),
                mark_unstable: script.mark_unstable_if_failed,
            },
            other => {
                next += 1;
                PlacedPublisher::Plain { index: next, publisher: other }
            }
        })
        .collect();
    for publisher in &recipe.publishers {
        if let Publisher::StartsAfter(starts) = publisher {
            next += 1;
            publishers.push(PlacedPublisher::StartsAfter { index: next, starts });
        }
    }
    (builders, publishers)
}

fn number<'a>(steps: &'a [Step], next: &mut u32) -> Vec<Placed<'a>> {
    let take = |next: &mut u32| {
        *next += 1;
        *next
    };
    let place = |step: &'a Step| {
        let conditional = match step {
            Step::Conditional(conditional) => Some(conditional),
            Step::Shell(_)
            | Step::TriggerBuilds(_)
            | Step::PullImage(_)
            | Step::BuildImage(_)
            | Step::Inject(_) => None,
        };
        let scripts = match step {
            Step::Conditional(conditional) => scripts(&conditional.condition),
            Step::Inject(inject) => inject.script.iter().map(Cow::Borrowed).collect(),
            _ => Vec::new(),
        };
        let scripts = scripts.into_iter().map(|script| (take(next), script)).collect();
        let index = take(next);
        let inner = conditional.map(|conditional| number(&conditional.steps, next)).unwrap_or_default();
        Placed { index, step, scripts, inner }
    };
    steps.iter().map(place).collect()
}

/// Whether the step of that number has a log of its own on the node, so that it is followed from where the console ends. The others
/// write lines of ours, which are written again.
pub(super) fn has_log(recipe: &Recipe, index: u32) -> bool {
    fn find(steps: &[Placed<'_>], index: u32) -> bool {
        steps.iter().any(|placed| {
            (placed.index == index && matches!(placed.step, Step::Shell(_)))
                || placed.scripts.iter().any(|(script, _)| *script == index)
                || find(&placed.inner, index)
        })
    }
    let (builders, publishers) = place(recipe);
    index == AGENT
        || find(&builders, index)
        || publishers.iter().any(|publisher| match publisher {
            PlacedPublisher::PostBuildScript { groups, .. } => {
                groups.iter().any(|(_, steps)| find(steps, index))
            }
            PlacedPublisher::StartsAfter { .. } | PlacedPublisher::Plain { .. } => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::recipe::{
        Condition, ConditionalStep, OnEvaluationFailure, PostBuildScript, TriggerBuilds,
    };

    fn shell() -> ShellStep {
        ShellStep {
            interpreter: vec!["/bin/sh".into()],
            script: String::new(),
            unstable_return: None,
            place: Default::default(),
        }
    }

    #[test]
    fn every_step_has_a_number_of_its_own_for_ever() {
        let trigger = Step::from(TriggerBuilds { starts: vec![], place: Default::default() });
        let conditional = Step::from(ConditionalStep {
            condition: Condition::And(vec![Condition::Always, Condition::Shell(shell())]),
            steps: vec![Step::Shell(shell().into()), trigger.clone()],
            on_evaluation_failure: OnEvaluationFailure::Fail,
            place: Default::default(),
        });
        let group = PostGroup { build_on: vec![], steps: vec![trigger] };
        let recipe = Recipe {
            steps: vec![Step::Shell(shell().into()), conditional, Step::Shell(shell().into())],
            publishers: vec![Publisher::PostBuildScript(PostBuildScript {
                groups: vec![group],
                mark_unstable_if_failed: false,
            })],
            ..Recipe::default()
        };
        let (builders, publishers) = place(&recipe);
        let numbers: Vec<u32> = builders.iter().map(|placed| placed.index).collect();
        assert_eq!(numbers, [1, 3, 6]);
        assert_eq!(builders[1].scripts[0].0, 2);
        assert_eq!(builders[1].inner.iter().map(|placed| placed.index).collect::<Vec<_>>(), [4, 5]);
        let PlacedPublisher::PostBuildScript { groups, .. } = &publishers[0] else { panic!() };
        assert_eq!(groups[0].1[0].index, 7);
        let logs: Vec<u32> = (1..9).filter(|index| has_log(&recipe, *index)).collect();
        assert_eq!(logs, [1, 2, 4, 6]);
    }
}
