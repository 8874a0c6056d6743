//! Starting other builds.

use serde::{Deserialize, Serialize};

use super::Place;

/// The `trigger-builds` builder: starts, one after the other (jjb 23).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerBuilds {
    /// The starts, in order.
    pub starts: Vec<BuildStart>,
    /// Where it was written.
    pub place: Place,
}

/// One start: the same parameters for one or several jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildStart {
    /// The jobs' names, perhaps with variables (jjb-T26).
    pub jobs: Vec<String>,
    /// What is passed on, in order; a later value of a name wins.
    pub parameters: Vec<PassedParameters>,
    /// How the started builds' results count; `None`: start and go on.
    pub wait: Option<Thresholds>,
}

/// Parameters of a started build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PassedParameters {
    /// All of the current build's.
    Current,
    /// Names and values; variables in the values are replaced at the start (jjb-T26).
    Predefined(Vec<(String, String)>),
    /// Lines of `NAME=VALUE` in files of the workspace.
    Files {
        /// Their paths, separated by commas, perhaps with variables.
        paths: String,
        /// Nothing is started when one of them is missing; else it is passed over.
        required: bool,
    },
}

/// Starts after the build, by its result: publishers `trigger` and `trigger-parameterized-builds` (jjb 23). They never wait, and
/// nothing of them changes the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartsAfter {
    /// The publisher's name.
    pub publisher: String,
    /// The starts, in order.
    pub starts: Vec<StartAfter>,
    /// Where it was written.
    pub place: Place,
}

/// One start after the build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartAfter {
    /// The results with which it happens (Jenkins' words).
    pub on: Vec<String>,
    /// What is started.
    pub start: BuildStart,
    /// It happens even when there is no parameter to pass on.
    pub without_parameters: bool,
}

/// How results of builds that were waited for count: each is the best result that has the effect (`SUCCESS`, `UNSTABLE`, `FAILURE`),
/// or `None`: never.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thresholds {
    /// The step fails and the builders end.
    pub step_failure: Option<String>,
    /// This build becomes UNSTABLE.
    pub unstable: Option<String>,
    /// This build becomes FAILURE.
    pub failure: Option<String>,
}

impl Thresholds {
    /// Whether no result of a started build has any effect.
    pub fn never(&self) -> bool {
        self.step_failure.is_none() && self.unstable.is_none() && self.failure.is_none()
    }
}
