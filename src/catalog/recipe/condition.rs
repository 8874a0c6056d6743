//! Steps under a condition.

use serde::{Deserialize, Serialize};

use super::{Place, ShellStep, Step};

/// The `conditional-step` builder (jjb 23). Its steps run in order until one fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionalStep {
    /// When its steps run.
    pub condition: Condition,
    /// The steps.
    pub steps: Vec<Step>,
    /// What a condition that cannot be judged means.
    pub on_evaluation_failure: OnEvaluationFailure,
    /// Where it was written.
    pub place: Place,
}

/// A condition. Variables in its texts are replaced first (jjb-T26).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// Holds.
    Always,
    /// Does not hold.
    Never,
    /// A Java pattern takes the whole of a text.
    RegexMatch {
        /// The pattern.
        pattern: String,
        /// The text.
        text: String,
    },
    /// Two texts are the same.
    StringsMatch {
        /// One.
        left: String,
        /// The other.
        right: String,
        /// Capitals and small letters are the same.
        ignore_case: bool,
    },
    /// A text that means yes: `1`, `y`, `yes`, `t`, `true`, `on`, `run`, in any case.
    Boolean(String),
    /// The build's result so far lies between two words.
    CurrentStatus {
        /// The worst result with which it holds.
        worst: String,
        /// The best result with which it holds.
        best: String,
    },
    /// Two numbers compare so.
    Numbers {
        /// One.
        left: String,
        /// The other.
        right: String,
        /// How.
        comparator: Comparator,
    },
    /// The time of day lies between two, in the server's time zone; both in minutes, both belong to it.
    TimeOfDay {
        /// The first minute.
        earliest: u32,
        /// The last minute.
        latest: u32,
    },
    /// It is one of these days (0: Sunday), in the server's time zone.
    DayOfWeek(Vec<u32>),
    /// The build was started so: `USER_CAUSE`, `TIMER_CAUSE`, `UPSTREAM_CAUSE`, or something that does not happen here.
    Cause(String),
    /// The build's node, or the label of its node, is one of these.
    Node(Vec<String>),
    /// Files of the workspace are meant by Ant patterns, separated by commas.
    FilesMatch {
        /// What is looked for.
        includes: String,
        /// What does not count.
        excludes: String,
    },
    /// A file exists in the workspace.
    FileExists {
        /// Its path, relative to the workspace.
        path: String,
    },
    /// A script ends with 0.
    Shell(ShellStep),
    /// The other does not hold.
    Not(Box<Condition>),
    /// All hold.
    And(Vec<Condition>),
    /// One holds.
    Or(Vec<Condition>),
}

/// How numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparator {
    /// `<`
    Less,
    /// `>`
    Greater,
    /// `=`
    Equal,
    /// `≠`
    NotEqual,
    /// `≤`
    AtMost,
    /// `≥`
    AtLeast,
}

/// What becomes of a step whose condition cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnEvaluationFailure {
    /// The step fails.
    Fail,
    /// The build becomes UNSTABLE; the steps do not run.
    MarkUnstable,
    /// The build becomes UNSTABLE; the steps run.
    RunAndMarkUnstable,
    /// The steps run.
    Run,
    /// The steps do not run.
    DontRun,
}
