//! One rule of the policy: which builds it takes, and what it says about them.

use super::share::draw;
use crate::catalog::matches;
use crate::model::{BuildRequest, JobName, Selector, Setting, Side, Stage, Turn, ZuulChange};

/// What a build tells the routing decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its job.
    pub job: JobName,
    /// `ZUUL_BRANCH`, or nothing.
    pub branch: String,
    /// What it is for.
    pub change: ZuulChange,
}

impl Asked {
    /// What a request tells.
    pub fn of(request: &BuildRequest) -> Asked {
        let branch = request.parameters.text("ZUUL_BRANCH").map(|text| text.into_owned()).unwrap_or_default();
        Asked { job: request.job.clone(), branch, change: request.change() }
    }

    /// A build of a job of which nothing else is known.
    pub fn of_job(job: JobName) -> Asked {
        Asked { job, branch: String::new(), change: ZuulChange::default() }
    }
}

/// What we can do with a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Able {
    /// It is in the job definitions and can run on our nodes.
    pub runs: bool,
    /// The configuration names it as ours as well.
    pub owned: bool,
}

/// Where a rule comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The configuration.
    Configured,
    /// A turn by command.
    Turned(Box<Turn>),
}

/// One rule: builds by names, and where they run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Which builds.
    pub which: Selector,
    /// What it says about them.
    pub setting: Setting,
    /// Where it comes from.
    pub source: Source,
}

/// What a rule makes of a build that it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// It runs there; with what was drawn.
    Side(Side, Option<String>),
    /// It is left to whoever registers the job.
    Others,
    /// It would run on a node, and cannot.
    Cannot,
}

impl Rule {
    /// A rule of the configuration.
    pub fn configured(which: Selector, setting: Setting) -> Rule {
        Rule { which, setting, source: Source::Configured }
    }

    /// Whether builds of a job can be meant.
    pub(super) fn takes_name(&self, job: &JobName) -> bool {
        match self.which.jobs.contains(['*', '?', '[']) {
            true => matches(&self.which.jobs, job.as_str()),
            false => self.which.jobs == job.as_str(),
        }
    }

    /// Whether a build is meant.
    pub(super) fn takes(&self, asked: &Asked) -> bool {
        let part = |pattern: &Option<String>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| matches(pattern, text))
        };
        let which = &self.which;
        self.takes_name(&asked.job)
            && part(&which.project, &asked.change.project)
            && part(&which.pipeline, &asked.change.pipeline)
            && part(&which.branch, &asked.branch)
    }

    /// What becomes of a build that is meant.
    pub(super) fn say(&self, asked: &Asked, able: Able) -> Word {
        match self.setting.stage {
            Stage::Master | Stage::Shadow => match self.on_master(&asked.job) {
                Some(side) => Word::Side(side, None),
                None => Word::Others,
            },
            Stage::Canary => {
                let drawn = draw(asked, self.setting.share);
                match (drawn.in_pool && able.runs, self.on_master(&asked.job)) {
                    (true, _) => Word::Side(Side::Pool, Some(drawn.words)),
                    (false, Some(side)) => Word::Side(side, Some(drawn.words)),
                    (false, None) => Word::Cannot,
                }
            }
            Stage::Pool if able.runs => Word::Side(Side::Pool, None),
            Stage::Pool => Word::Cannot,
        }
    }

    fn on_master(&self, job: &JobName) -> Option<Side> {
        let name = self.setting.master.clone()?;
        Some(Side::Master { name, job: self.setting.job.clone().unwrap_or_else(|| job.clone()) })
    }

    /// What it is called in reasons.
    pub(super) fn words(&self) -> String {
        let said = format!("the route '{}' says {}", self.which, self.setting);
        match &self.source {
            Source::Configured => said,
            Source::Turned(turn) if turn.why.is_empty() => format!("{said} (set by {})", turn.by),
            Source::Turned(turn) => format!("{said} (set by {}: {})", turn.by, turn.why),
        }
    }
}
