//! Whether a wish for routes can be granted: pure, against what is known at that moment.

use std::collections::BTreeSet;

use super::decide::Routes;
use super::router::{able, jobs};
use super::rule::{Asked, Rule};
use super::wish::{RouteError, Wish, setting_of_nothing};
use crate::catalog::{Catalog, Weight};
use crate::model::{JobName, Selector, Setting, Stage};

/// The share that a canary begins with, in percent.
const SHARE: u8 = 10;

/// What a wish is held against.
pub(super) struct World<'a> {
    pub routes: &'a Routes,
    pub catalog: &'a Catalog,
    /// The masters that are asked by REST.
    pub masters: &'a [String],
    /// The jobs that Gearman workers have ever registered.
    pub registered: &'a BTreeSet<String>,
}

/// A granted wish.
pub(super) struct Granted {
    pub setting: Setting,
    /// Jobs that the pattern takes and that cannot run here.
    pub left_out: Vec<(JobName, Vec<String>)>,
    /// Only this master can say whether it has the job.
    pub ask: Option<(String, JobName)>,
}

impl World<'_> {
    /// What counts for these builds now, whatever else is said about some of them.
    pub fn present(&self, which: &Selector) -> Result<Setting, RouteError> {
        if let Some(rule) = self.routes.of(which) {
            return Ok(rule.setting.clone());
        }
        let job = which.name().ok_or_else(|| RouteError::NoRoute { which: which.clone() })?;
        Ok(self.beneath(&job, self.routes))
    }

    /// What `routes` say about all builds of a job.
    pub fn beneath(&self, job: &JobName, routes: &Routes) -> Setting {
        let able = able(self.catalog, job);
        let rule = routes.rule(&Asked::of_job(job.clone()), able);
        rule.map_or_else(|| setting_of_nothing(able.owned), |rule| rule.setting.clone())
    }

    /// Completes a wish and checks it.
    pub fn grant(&self, which: &Selector, wish: &Wish) -> Result<Granted, RouteError> {
        let present = self.present(which).ok();
        let master = self.master(which, wish, present.as_ref())?;
        let share = match (wish.stage, wish.share) {
            (Stage::Canary, Some(share)) if share <= 100 => share,
            (Stage::Canary, None) => SHARE,
            (Stage::Canary, Some(_)) => return Err(RouteError::Words("a share is from 0 to 100 percent")),
            (_, Some(_)) => return Err(RouteError::Words("only the stage canary has a share")),
            (_, None) => 0,
        };
        let there = present.filter(|present| present.master == master).and_then(|present| present.job);
        let job = master.as_ref().and_then(|_| wish.job.clone().or(there));
        let setting = Setting { stage: wish.stage, share, master, job };
        self.check(which, setting)
    }

    fn master(
        &self,
        which: &Selector,
        wish: &Wish,
        present: Option<&Setting>,
    ) -> Result<Option<String>, RouteError> {
        if let Some(master) = &wish.master {
            if wish.stage == Stage::Pool || wish.plugin {
                return Err(RouteError::Words(
                    "a route to the pool, or to whoever registers the job, has no master",
                ));
            }
            let known = self.masters.contains(master);
            let unknown =
                || RouteError::UnknownMaster { master: master.clone(), known: self.masters.to_vec() };
            return known.then(|| Some(master.clone())).ok_or_else(unknown);
        }
        let present = present.and_then(|present| present.master.clone());
        match wish.stage {
            Stage::Pool => Ok(None),
            Stage::Master if wish.plugin => Ok(None),
            Stage::Master => Ok(present.or_else(|| self.configured(which))),
            Stage::Shadow | Stage::Canary => {
                let only = || match self.masters {
                    [only] => Some(only.clone()),
                    _ => None,
                };
                let master = present.or_else(|| self.configured(which)).or_else(only);
                let missing = || RouteError::NoMaster {
                    stage: wish.stage,
                    which: which.clone(),
                    known: self.masters.to_vec(),
                };
                master.map(Some).ok_or_else(missing)
            }
        }
    }

    /// The master that the routes of the configuration name for the job, though something else counts now.
    fn configured(&self, which: &Selector) -> Option<String> {
        let job = which.name()?;
        let mut rules = self.routes.rules().filter(|rule| rule.takes_name(&job));
        rules.find_map(|rule| rule.setting.master.clone())
    }

    fn check(&self, which: &Selector, setting: Setting) -> Result<Granted, RouteError> {
        let taken = match which.name() {
            Some(job) => vec![job],
            None => self.matching(which)?,
        };
        let mut granted = Granted { setting, left_out: Vec::new(), ask: None };
        if let Some(job) = which.name().filter(|job| !self.is_known(job)) {
            let Some(master) = granted.setting.master.clone() else {
                return Err(RouteError::Unknown { job: job.to_string() });
            };
            granted.ask = Some((master, granted.setting.job.clone().unwrap_or(job)));
        }
        if granted.setting.stage == Stage::Canary {
            self.may_run_twice(&taken)?;
        }
        if granted.setting.stage != Stage::Master {
            granted.left_out = self.unable(which, granted.setting.stage, &taken)?;
        }
        if granted.setting.stage == Stage::Master && granted.setting.master.is_none() {
            let registered = |job: &&JobName| self.registered.contains(job.as_str());
            if let Some(job) = which.name().filter(|job| !registered(&job)) {
                return Err(RouteError::NotRegistered { job });
            }
        }
        if !which.is_for_all_builds() {
            let others = |job: &&JobName| {
                self.routes.decide(&Asked::of_job((*job).clone()), able(self.catalog, job)).is_none()
            };
            if let Some(job) = taken.iter().find(others) {
                return Err(RouteError::HalfOurs { job: job.clone() });
            }
        }
        Ok(granted)
    }

    fn is_known(&self, job: &JobName) -> bool {
        self.catalog.job(job.as_str()).is_some()
            || self.registered.contains(job.as_str())
            || self.routes.rules().any(|rule| rule.which.name().as_ref() == Some(job))
    }

    fn matching(&self, which: &Selector) -> Result<Vec<JobName>, RouteError> {
        let rule = Rule::configured(which.clone(), Setting::pool());
        let registered = self.registered.iter().filter_map(|name| name.parse().ok());
        let mut all: Vec<JobName> = jobs(self.routes, self.catalog).into_iter().chain(registered).collect();
        all.retain(|job| rule.takes_name(job));
        all.sort();
        all.dedup();
        if all.is_empty() {
            return Err(RouteError::NoMatch { pattern: which.jobs.clone() });
        }
        Ok(all)
    }

    /// While a job is a canary, builds of it run on both sides at once.
    fn may_run_twice(&self, taken: &[JobName]) -> Result<(), RouteError> {
        let alone = |job: &&JobName| {
            self.catalog.job(job.as_str()).is_some_and(|entry| entry.runs() && !entry.recipe.concurrent)
        };
        match taken.iter().find(alone) {
            Some(job) => Err(RouteError::Alone { job: job.clone() }),
            None => Ok(()),
        }
    }

    /// Which of these jobs cannot run on nodes; an error when none can.
    fn unable(
        &self,
        which: &Selector,
        stage: Stage,
        taken: &[JobName],
    ) -> Result<Vec<(JobName, Vec<String>)>, RouteError> {
        let unable = |job: &JobName| reasons(self.catalog, job).map(|reasons| (job.clone(), reasons));
        let left_out: Vec<(JobName, Vec<String>)> = taken.iter().filter_map(unable).collect();
        match left_out.first() {
            Some((_, reasons)) if left_out.len() == taken.len() => {
                let reasons = reasons.clone();
                Err(RouteError::CannotRun { job: which.jobs.clone(), stage, reasons })
            }
            _ => Ok(left_out),
        }
    }
}

/// Why a job cannot run on nodes, as `causeway plan` says it.
pub(super) fn reasons(catalog: &Catalog, job: &JobName) -> Option<Vec<String>> {
    let Some(entry) = catalog.job(job.as_str()) else {
        return Some(vec!["it is not in the job definitions".to_owned()]);
    };
    if entry.runs() {
        return None;
    }
    let against = entry.findings.iter().filter(|finding| finding.weight > Weight::Difference);
    let mut reasons: Vec<String> =
        against.map(|finding| format!("{}: {}", finding.component, finding.problem.message)).collect();
    if entry.recipe.disabled {
        reasons.push("it is disabled ('disabled: true')".to_owned());
    }
    Some(reasons)
}
