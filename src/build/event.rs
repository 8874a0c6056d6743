//! What can happen to a build.

use crate::model::{Cause, LeaseId, MasterRun, NodeId, Outcome, StepEnd};

/// Something that happened to a build, or was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildEvent {
    /// It waits for a node.
    Waiting {
        /// What it waits for, for people.
        reason: String,
    },
    /// It has asked for or got a node; kept so that a restart finds the node again.
    Leased {
        /// The lease.
        lease: LeaseId,
        /// The node.
        node: NodeId,
    },
    /// It is so far on a Jenkins master; stored before the step's effect.
    OnMaster(MasterRun),
    /// A step is about to be started; stored before its process exists.
    StepStarted {
        /// Its place in the recipe.
        index: u32,
        /// Its title.
        title: String,
        /// Where its output will begin in the console.
        console_start: u64,
    },
    /// A step has ended and all its output is in the console.
    StepEnded {
        /// Its place in the recipe.
        index: u32,
        /// How.
        end: StepEnd,
        /// Where its output ends in the console.
        console_end: u64,
    },
    /// Builders are over; publishers begin.
    Publishing,
    /// Somebody wants it stopped. The first one counts.
    StopAsked {
        /// Why the build will end.
        cause: Cause,
    },
    /// A description was set; also after the end.
    Described {
        /// The text.
        text: String,
    },
    /// The end. The first one counts (pools-D63).
    Ended(Outcome),
}
