//! A build: what was asked for, and what is known of it.

use std::sync::Arc;

use super::{
    BuildId, Cause, JobName, LeaseId, MasterRun, MemoryUse, Millis, NodeId, Outcome, Parameters, ResultWord,
    Route, Stage,
};

/// A build's number: per job, growing, never used twice (zuul 8.2).
pub type BuildNumber = u64;

/// Who asked for a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Zuul (or another Gearman client); `unique` is what it calls the build: `ZUUL_UUID`.
    Gearman {
        /// The Gearman unique, as text.
        unique: String,
    },
    /// A request over HTTP.
    Http {
        /// The user of the token.
        user: String,
    },
    /// Another build of ours (jjb 23, `trigger-builds`).
    Build(Parent),
}

/// The build that started another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// Its id.
    pub id: BuildId,
    /// Its job.
    pub job: JobName,
    /// Its number.
    pub number: BuildNumber,
    /// Whether it waits for the end of the one that it started, holding its node meanwhile.
    pub waits: bool,
}

/// How urgent a build is: Zuul's pipeline precedence (zuul 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Precedence {
    /// Before all others.
    High,
    /// The usual one.
    #[default]
    Normal,
    /// After all others.
    Low,
}

/// A build that is asked for: job and parameters, parsed and checked at the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildRequest {
    /// The job.
    pub job: JobName,
    /// The label of `build:JOB:LABEL`; overrides the job's own `node`.
    pub label: Option<String>,
    /// What was passed on.
    pub parameters: Parameters,
    /// How urgent it is.
    pub precedence: Precedence,
    /// Who asks.
    pub origin: Origin,
    /// Where it runs and why, decided when it is accepted; `None`: on a node, as all builds of former versions.
    pub route: Option<Route>,
}

impl BuildRequest {
    /// Whether it runs on a node beside one on a master, only for a comparison.
    pub fn is_shadow(&self) -> bool {
        self.route.as_ref().is_some_and(|route| route.stage == Stage::Shadow && !route.is_on_master())
    }

    /// The change that this build is for, as far as Zuul's parameters tell.
    pub fn change(&self) -> ZuulChange {
        let text = |name: &str| self.parameters.text(name).map(|text| text.into_owned()).unwrap_or_default();
        ZuulChange {
            project: text("ZUUL_PROJECT"),
            pipeline: text("ZUUL_PIPELINE"),
            change: text("ZUUL_CHANGE"),
            patch_set: text("ZUUL_PATCHSET"),
            reference: text("ZUUL_REF"),
            new_revision: text("ZUUL_NEWREV"),
        }
    }
}

/// What a build is for: the key by which tries of one job and change are counted (decision 8). Empty where Zuul sent nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ZuulChange {
    /// `ZUUL_PROJECT`.
    pub project: String,
    /// `ZUUL_PIPELINE`.
    pub pipeline: String,
    /// `ZUUL_CHANGE`.
    pub change: String,
    /// `ZUUL_PATCHSET`.
    pub patch_set: String,
    /// `ZUUL_REF`; differs when Zuul merged again.
    pub reference: String,
    /// `ZUUL_NEWREV`.
    pub new_revision: String,
}

/// Where a build stands.
///
/// ```text
/// Accepted -> Waiting -> Running -> Publishing -> Ended
///     |          |          |           |
///     +----------+----------+-----------+--> Ended
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildState {
    /// Recorded with its number; Zuul may see it.
    Accepted,
    /// Waits for a node.
    Waiting {
        /// What it waits for, for people.
        reason: String,
    },
    /// Its steps run on a node.
    Running,
    /// Post steps and collection, whatever happened.
    Publishing,
    /// Ended; nothing changes any more but its description.
    Ended(Outcome),
}

impl BuildState {
    /// The word used in the store and in listings.
    pub fn as_str(&self) -> &'static str {
        match self {
            BuildState::Accepted => "accepted",
            BuildState::Waiting { .. } => "waiting",
            BuildState::Running => "running",
            BuildState::Publishing => "publishing",
            BuildState::Ended(_) => "ended",
        }
    }

    /// The outcome, once there is one.
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            BuildState::Ended(outcome) => Some(outcome),
            BuildState::Accepted
            | BuildState::Waiting { .. }
            | BuildState::Running
            | BuildState::Publishing => None,
        }
    }
}

/// A stop that was asked for, kept so that a restart does not forget it (pools-D65).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopMark {
    /// When.
    pub at: Millis,
    /// Why the build will end.
    pub cause: Cause,
}

impl StopMark {
    /// What the build becomes by it: a limit of the node's is the build's failure, everything else somebody's wish.
    pub fn word(&self) -> ResultWord {
        match self.cause {
            Cause::Disk { .. } => ResultWord::Failure,
            _ => ResultWord::Aborted,
        }
    }
}

/// How a step's process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepEnd {
    /// With this exit code.
    Exit(i32),
    /// By this signal, not sent by us.
    Signal(i32),
    /// By the kernel, for memory.
    Memory(MemoryUse),
    /// With this exit code, after the node had no process left to give.
    Processes(i32),
    /// By the limit of its output.
    Output,
    /// By its absolute time limit.
    Timeout,
    /// By its inactivity limit.
    Inactivity,
    /// On request.
    Stopped,
    /// It never ran.
    CannotStart {
        /// 127: not there; 126: not to be run; 125: anything else.
        code: i32,
        /// Why, in the system's words.
        detail: String,
    },
}

impl StepEnd {
    /// The kind in one word, for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            StepEnd::Exit(_) => "exit",
            StepEnd::Signal(_) => "signal",
            StepEnd::Memory(_) => "memory",
            StepEnd::Processes(_) => "processes",
            StepEnd::Output => "output",
            StepEnd::Timeout => "timeout",
            StepEnd::Inactivity => "inactivity",
            StepEnd::Stopped => "stopped",
            StepEnd::CannotStart { .. } => "cannot-start",
        }
    }
}

/// The state of one step on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepState {
    /// Announced: its console position is stored, its process may or may not have been started.
    Started,
    /// Ended.
    Ended {
        /// How.
        end: StepEnd,
        /// Where its output ends in the console, in bytes.
        console_end: u64,
        /// When.
        at: Millis,
    },
}

/// One step that was started, with the place of its output in the console.
///
/// While a step runs nothing else is written to the console, so `console length - console_start` is the number of bytes of
/// its log that are stored already: the offset from which to follow after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRecord {
    /// The step's place in the recipe, counted from 1 over builders and then publishers, whether run or skipped.
    pub index: u32,
    /// Its title, as shown: `step 2 (shell)`.
    pub title: String,
    /// Where its output begins in the console, in bytes.
    pub console_start: u64,
    /// When it was started.
    pub started_at: Millis,
    /// Where it stands.
    pub state: StepState,
}

/// All that is known of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildRecord {
    /// Its id.
    pub id: BuildId,
    /// Its number.
    pub number: BuildNumber,
    /// What was asked for.
    pub request: BuildRequest,
    /// Where it stands.
    pub state: BuildState,
    /// The recipe that it runs by, or why it is refused, in the catalogue's stored form; a reload never changes it.
    pub recipe: Arc<str>,
    /// When it was accepted.
    pub accepted_at: Millis,
    /// When its first step began.
    pub started_at: Option<Millis>,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// The lease and the node that it has or had.
    pub lease: Option<(LeaseId, NodeId)>,
    /// How far it is on a Jenkins master, when it runs there.
    pub master: Option<MasterRun>,
    /// Its steps so far.
    pub steps: Vec<StepRecord>,
    /// A stop that was asked for.
    pub stop: Option<StopMark>,
    /// The description that Zuul or a user set; shown as text (decision 26).
    pub description: String,
    /// Counts how often the row was written; 0 before the first time. A write holds against the version that it was made
    /// from (pools-P3): one that comes twice is done once, and one that is made from an older row is refused.
    pub version: u64,
}

impl BuildRecord {
    /// A build that has just been accepted, with its number and its row still to come.
    pub fn accepted(id: BuildId, request: BuildRequest, recipe: Arc<str>, at: Millis) -> BuildRecord {
        BuildRecord {
            id,
            number: 0,
            request,
            state: BuildState::Accepted,
            recipe,
            accepted_at: at,
            started_at: None,
            ended_at: None,
            lease: None,
            master: None,
            steps: Vec::new(),
            stop: None,
            description: String::new(),
            version: 0,
        }
    }
}
