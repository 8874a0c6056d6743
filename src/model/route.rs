//! Where a build runs, and how far one is that runs on a Jenkins master.

use super::JobName;

/// The stage of a job: which side its builds run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// On a Jenkins master, which is asked by REST.
    Master,
    /// On a node of our pools.
    Pool,
}

impl Stage {
    /// The word in configurations and listings.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Master => "master",
            Stage::Pool => "pool",
        }
    }
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
    /// The side.
    pub side: Side,
    /// Why, for people.
    pub reason: String,
}

impl Route {
    /// The stage that it stands for.
    pub fn stage(&self) -> Stage {
        match self.side {
            Side::Pool => Stage::Pool,
            Side::Master { .. } => Stage::Master,
        }
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
