//! What is asked of the routes, and why it may be refused.

use crate::model::{JobName, Selector, Setting, Stage, Turn};
use crate::store::StoreError;

/// Who changes routes, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Who {
    /// A name, as whoever holds the token gives it.
    pub by: String,
    /// Why; may be empty.
    pub why: String,
}

/// Which builds are meant, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meant {
    /// Names or patterns of jobs.
    pub jobs: Vec<String>,
    /// A pattern of projects.
    pub project: Option<String>,
    /// A pattern of pipelines.
    pub pipeline: Option<String>,
    /// A pattern of branches.
    pub branch: Option<String>,
}

impl Meant {
    /// One selector for each name or pattern.
    pub(super) fn selectors(&self) -> Vec<Selector> {
        let one = |jobs: &String| Selector {
            jobs: jobs.clone(),
            project: self.project.clone(),
            pipeline: self.pipeline.clone(),
            branch: self.branch.clone(),
        };
        let mut all: Vec<Selector> = self.jobs.iter().map(one).collect();
        all.sort();
        all.dedup();
        all
    }
}

/// A setting, as far as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The stage.
    pub stage: Stage,
    /// The share of a canary.
    pub share: Option<u8>,
    /// The master that is asked by REST.
    pub master: Option<String>,
    /// At the stage `master`: whoever registers the job gets it, not a master that is asked by REST.
    pub plugin: bool,
    /// The job's name on the master.
    pub job: Option<JobName>,
}

/// What was changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Turned {
    /// The changes as they are kept.
    pub turns: Vec<Turn>,
    /// How many selectors had that setting already.
    pub unchanged: usize,
    /// Jobs that a pattern takes and that cannot run here, with why: for them other routes count.
    pub left_out: Vec<(JobName, Vec<String>)>,
}

/// A change of routes that is refused. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// Nobody has ever heard of the job.
    #[error(
        "nobody knows a job called '{job}': it is not in the job definitions, no route names it, and no master has registered it"
    )]
    Unknown {
        /// Its name.
        job: String,
    },
    /// The master says that it has no such job.
    #[error("master {master} has no job called '{job}', or does not show it to us")]
    NotThere {
        /// Its name there.
        job: JobName,
        /// The master.
        master: String,
    },
    /// The pattern takes no job.
    #[error("no job that is known is taken by the pattern '{pattern}'")]
    NoMatch {
        /// The pattern.
        pattern: String,
    },
    /// The job cannot be carried over.
    #[error("the job {job} cannot run on nodes, so it cannot be at the stage {}: {}", stage.as_str(), reasons.join("; "))]
    CannotRun {
        /// Its name, or the pattern.
        job: String,
        /// The stage that was asked for.
        stage: Stage,
        /// The reasons of `causeway plan`.
        reasons: Vec<String>,
    },
    /// The stage needs a master.
    #[error("the stage {} needs a master that is asked by REST, and it is not clear which one for '{which}'", stage.as_str())]
    NoMaster {
        /// The stage.
        stage: Stage,
        /// Which builds.
        which: Selector,
        /// Those that there are.
        known: Vec<String>,
    },
    /// No master has that name.
    #[error("no master is called '{master}'")]
    UnknownMaster {
        /// The name.
        master: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// Nobody registers the job.
    #[error("no master has ever registered the job {job}, so its builds would wait for ever")]
    NotRegistered {
        /// Its name.
        job: JobName,
    },
    /// A route for some builds of a job whose other builds are none of ours.
    #[error("the other builds of {job} are none of ours, and one name has one owner")]
    HalfOurs {
        /// Its name.
        job: JobName,
    },
    /// A canary of a job that must not run twice at once.
    #[error(
        "the job {job} must not run twice at once ('concurrent: false'), and a canary runs on both sides"
    )]
    Alone {
        /// Its name.
        job: JobName,
    },
    /// There is no further stage.
    #[error("'{which}' is at the stage pool already")]
    AtTheEnd {
        /// Which builds.
        which: Selector,
    },
    /// There is no turn to take back.
    #[error("nothing was turned for '{which}' that could be taken back")]
    NothingBefore {
        /// Which builds.
        which: Selector,
    },
    /// Neither a route nor one job.
    #[error("there is no route for exactly '{which}', and it is not the name of one job")]
    NoRoute {
        /// Which builds.
        which: Selector,
    },
    /// Nothing is moved on now.
    #[error("routes are frozen by {by}{}", if why.is_empty() { String::new() } else { format!(": {why}") })]
    Frozen {
        /// Who froze them.
        by: String,
        /// Why.
        why: String,
    },
    /// The words of the wish do not fit together.
    #[error("{0}")]
    Words(&'static str),
    /// It could not be kept.
    #[error("the change cannot be kept")]
    Store(#[from] StoreError),
}

impl RouteError {
    /// What to do about it.
    pub fn cure(&self) -> String {
        let listed = |known: &[String]| match known {
            [] => "there is none in 'masters' of the configuration".to_owned(),
            known => format!("there is: {}", known.join(", ")),
        };
        match self {
            RouteError::Unknown { .. } => "`causeway jobs list` shows the jobs of the tree; name a master that \
                 has it with --master"
                .to_owned(),
            RouteError::NotThere { .. } => {
                "--job-there gives its full name on the master (FOLDER/JOB); the user needs Job/Read".to_owned()
            }
            RouteError::NoMatch { .. } => "`causeway route list --jobs` shows the jobs".to_owned(),
            RouteError::CannotRun { .. } => "`causeway plan` says what stands in the way of which jobs".to_owned(),
            RouteError::NoMaster { known, .. } | RouteError::UnknownMaster { known, .. } => {
                format!("name one with --master; {}", listed(known))
            }
            RouteError::NotRegistered { .. } => {
                "name a master that is asked by REST with --master, or let its Gearman plugin register the job first"
                    .to_owned()
            }
            RouteError::HalfOurs { .. } => {
                "first say where all its builds run: `causeway route set master JOB --master NAME`".to_owned()
            }
            RouteError::Alone { .. } => {
                "go from the stage shadow to pool, or write 'concurrent: true' where the job may".to_owned()
            }
            RouteError::AtTheEnd { .. } => "`causeway route roll-back` goes back".to_owned(),
            RouteError::NothingBefore { .. } => {
                "what the configuration says is changed there, or by `causeway route set`".to_owned()
            }
            RouteError::NoRoute { .. } => "`causeway route list` shows the routes".to_owned(),
            RouteError::Frozen { .. } => "`causeway route freeze --off` lets them move again; a roll-back is always taken".to_owned(),
            RouteError::Words(_) | RouteError::Store(_) => String::new(),
        }
    }
}

/// What counts where nothing is set: the setting that a decision amounts to.
pub(super) fn setting_of_nothing(owned: bool) -> Setting {
    if owned { Setting::pool() } else { Setting { stage: Stage::Master, share: 0, master: None, job: None } }
}
