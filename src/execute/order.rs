//! The recipe as a list of places: every step has a number, whether it runs or is skipped, so that a record names it for ever.

use crate::catalog::recipe::{PostGroup, Publisher, Recipe, Step};

/// A step with its number and title.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed<'a> {
    /// 1, 2, … over builders and then publishers.
    pub index: u32,
    /// The step.
    pub step: &'a Step,
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
    /// Anything without steps of its own.
    Plain(&'a Publisher),
}

/// Numbers all steps of a recipe.
pub(super) fn place(recipe: &Recipe) -> (Vec<Placed<'_>>, Vec<PlacedPublisher<'_>>) {
    let mut next = 0;
    let mut number = |step| {
        next += 1;
        Placed { index: next, step }
    };
    let builders = recipe.steps.iter().map(&mut number).collect();
    let publishers = recipe
        .publishers
        .iter()
        .map(|publisher| match publisher {
            Publisher::PostBuildScript(script) => PlacedPublisher::PostBuildScript {
                groups: script
                    .groups
                    .iter()
                    .map(|group| (group, group.steps.iter().map(&mut number).collect()))
                    .collect(),
                mark_unstable: script.mark_unstable_if_failed,
            },
            other => PlacedPublisher::Plain(other),
        })
        .collect();
    (builders, publishers)
}
