//! Where a build runs, and how far one is that runs on a Jenkins master.

use std::fmt;

use super::{JobName, Millis};

/// The stage of a job: which side its builds run on, and which side's result counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// On a Jenkins master: one that is asked by REST, or whoever registers the job.
    Master,
    /// On a Jenkins master, whose result counts, and on a node of our pools beside it.
    Shadow,
    /// A share of the changes on a node of our pools, the others on a Jenkins master; each counts where it runs.
    Canary,
    /// On a node of our pools.
    Pool,
}

impl Stage {
    /// All stages, in the order in which a job goes through them.
    pub const ALL: [Stage; 4] = [Stage::Master, Stage::Shadow, Stage::Canary, Stage::Pool];

    /// The word in configurations and listings.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Master => "master",
            Stage::Shadow => "shadow",
            Stage::Canary => "canary",
            Stage::Pool => "pool",
        }
    }

    /// The stage of that word.
    pub fn from_text(text: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.as_str() == text)
    }

    /// The stage that follows on this one.
    pub fn next(self) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| *stage > self)
    }
}

/// Which builds a route is about. All but the job's name is only known once a build is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    /// A shell pattern of jobs' names.
    pub jobs: String,
    /// A shell pattern of Zuul's projects; `None`: any, or none at all.
    pub project: Option<String>,
    /// A shell pattern of Zuul's pipelines.
    pub pipeline: Option<String>,
    /// A shell pattern of branches.
    pub branch: Option<String>,
}

impl Selector {
    /// All builds of the jobs that the pattern takes.
    pub fn of_jobs(jobs: impl Into<String>) -> Selector {
        Selector { jobs: jobs.into(), project: None, pipeline: None, branch: None }
    }

    /// The one job that it is about, if its pattern has no signs.
    pub fn name(&self) -> Option<JobName> {
        if self.jobs.contains(['*', '?', '[']) { None } else { self.jobs.parse().ok() }
    }

    /// Whether the job's name alone says that a build is meant.
    pub fn is_for_all_builds(&self) -> bool {
        self.project.is_none() && self.pipeline.is_none() && self.branch.is_none()
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.jobs)?;
        let parts = [("project", &self.project), ("pipeline", &self.pipeline), ("branch", &self.branch)];
        for (word, pattern) in parts {
            if let Some(pattern) = pattern {
                write!(formatter, " with {word} {pattern}")?;
            }
        }
        Ok(())
    }
}

/// What a route says about the builds that it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The stage.
    pub stage: Stage,
    /// How many of a hundred changes run in the pool, at the stage `canary`.
    pub share: u8,
    /// The master that is asked by REST; without one, at the stage `master`, the job is left to whoever registers it.
    pub master: Option<String>,
    /// The job's full name there, where it has another one (in a folder).
    pub job: Option<JobName>,
}

impl Setting {
    /// On a node of our pools.
    pub fn pool() -> Setting {
        Setting { stage: Stage::Pool, share: 0, master: None, job: None }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.stage, &self.master) {
            (Stage::Master, Some(master)) => write!(formatter, "master {master}"),
            (Stage::Master, None) => formatter.write_str("whoever registers it"),
            (Stage::Shadow, Some(master)) => write!(formatter, "shadow beside master {master}"),
            (Stage::Canary, Some(master)) => {
                write!(formatter, "canary with {} % beside master {master}", self.share)
            }
            (Stage::Shadow | Stage::Canary | Stage::Pool, _) => formatter.write_str(self.stage.as_str()),
        }
    }
}

/// Why a route was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnKind {
    /// Somebody said so.
    Set,
    /// On to the next stage.
    Promote,
    /// Back to what was before.
    RollBack,
    /// From here on nothing is moved on.
    Freeze,
    /// From here on it is, again.
    Thaw,
}

impl TurnKind {
    /// All of them.
    pub const ALL: [TurnKind; 5] =
        [TurnKind::Set, TurnKind::Promote, TurnKind::RollBack, TurnKind::Freeze, TurnKind::Thaw];

    /// The word in listings and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            TurnKind::Set => "set",
            TurnKind::Promote => "promote",
            TurnKind::RollBack => "roll-back",
            TurnKind::Freeze => "freeze",
            TurnKind::Thaw => "thaw",
        }
    }

    /// The kind of that word.
    pub fn from_text(text: &str) -> Option<TurnKind> {
        TurnKind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One change of a route, as it is kept: who, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Counts up over all turns; the later one counts where two speak of one build.
    pub number: u64,
    /// When.
    pub at: Millis,
    /// Who.
    pub by: String,
    /// Why, in the words of whoever did it; may be empty.
    pub why: String,
    /// What was done.
    pub kind: TurnKind,
    /// Which builds it is about; `None` where it is about all routes (a freeze).
    pub which: Option<Selector>,
    /// What counts for them from then on; `None`: what other turns and the configuration say.
    pub setting: Option<Setting>,
    /// The turn whose setting counted before, for the way back.
    pub before: Option<u64>,
}

/// The side that a build runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    /// A node of our pools.
    Pool,
    /// A Jenkins master.
    Master {
        /// The master's name in the configuration.
        name: String,
        /// The job's full name there.
        job: JobName,
    },
}

/// Where a build runs and why: decided once, when it is accepted (design A10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The stage of its job at that moment.
    pub stage: Stage,
    /// The side.
    pub side: Side,
    /// Why, for people.
    pub reason: String,
}

impl Route {
    /// Whether it runs on a master.
    pub fn is_on_master(&self) -> bool {
        matches!(self.side, Side::Master { .. })
    }
}

/// How far a build on a master is. Each step is stored before its effect (pools-P1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MasterStep {
    /// A trigger is about to be sent, or was sent and its answer is not known: from here on it is looked for before it is sent again.
    Asking,
    /// The master has it in its queue, as this item.
    Queued {
        /// The item's id.
        item: u64,
    },
    /// It runs or ran there under this number.
    Started {
        /// The item that it was, where that is known.
        item: Option<u64>,
        /// Its number on the master.
        number: u64,
    },
}

/// What is known of a build on a master beyond our own record of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterRun {
    /// How far it is.
    pub step: MasterStep,
    /// The parameter, unique among all builds, by which it is found again; `None` where the job defines none.
    pub mark: Option<(String, String)>,
    /// Items of the master's queue up to this id were there before the trigger, so none of them is ours.
    pub items_before: u64,
    /// The start of the master during which it was seen last (jenkins-rest 1.4).
    pub session: Option<String>,
    /// How long the master thinks it takes, in milliseconds.
    pub estimated_ms: Option<u64>,
    /// Its page on the master.
    pub url: Option<String>,
    /// How much of its log is in our console.
    pub log: MasterLog,
}

/// Where a master's log and our console stand at the same line. Stored with the console's bytes behind it, so that a restart cuts the
/// console there and goes on without a gap and without doubling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MasterLog {
    /// Where to go on in the master's log.
    pub next: u64,
    /// How long the console was then.
    pub console_end: u64,
    /// The part before ended in a carriage return whose line feed may still come.
    pub carriage_return: bool,
}
