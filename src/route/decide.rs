//! The routing decision: a pure function of policy and job (design A10).

use crate::catalog::matches;
use crate::model::{JobName, Route, Side, Stage};

/// One rule: jobs by a pattern of their names, and where their builds run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// A shell pattern of names.
    pub jobs: String,
    /// The stage.
    pub stage: Stage,
    /// The master, for the stage that needs one.
    pub master: Option<String>,
    /// The job's full name there, where it has another one (in a folder).
    pub job: Option<JobName>,
}

impl Rule {
    /// The one name that it is about, if its pattern has no signs.
    fn name(&self) -> Option<JobName> {
        if self.jobs.contains(['*', '?', '[']) { None } else { self.jobs.parse().ok() }
    }
}

/// The policy: the first rule whose pattern takes a name counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routes {
    rules: Vec<Rule>,
}

impl Routes {
    /// A policy of these rules.
    pub fn new(rules: Vec<Rule>) -> Routes {
        Routes { rules }
    }

    /// The rules in their order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Where builds of a job run, `owned` saying whether it is one of the jobs that run on our nodes. `None`: it is none of ours, and
    /// goes to whoever registers it.
    pub fn decide(&self, job: &JobName, owned: bool) -> Option<Route> {
        let rule = self.rules.iter().find(|rule| matches(&rule.jobs, job.as_str()));
        let Some(rule) = rule else {
            let reason = "no route names the job, and 'catalog.own' does".to_owned();
            return owned.then_some(Route { side: Side::Pool, reason });
        };
        match (rule.stage, &rule.master) {
            (Stage::Master, Some(master)) => {
                let there = rule.job.clone().unwrap_or_else(|| job.clone());
                let side = Side::Master { name: master.clone(), job: there };
                Some(Route { side, reason: format!("the route '{}' says master {master}", rule.jobs) })
            }
            // A rule without a master is refused by the configuration.
            (Stage::Master, None) | (Stage::Pool, _) => {
                let reason = format!("the route '{}' says pool", rule.jobs);
                owned.then_some(Route { side: Side::Pool, reason })
            }
        }
    }

    /// The jobs that run on a master and that nobody else has to name: those that rules call by their whole names.
    pub fn named(&self) -> impl Iterator<Item = JobName> {
        self.rules.iter().filter(|rule| rule.stage == Stage::Master).filter_map(Rule::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(jobs: &str, master: Option<&str>) -> Rule {
        let stage = if master.is_some() { Stage::Master } else { Stage::Pool };
        Rule { jobs: jobs.into(), stage, master: master.map(str::to_owned), job: None }
    }

    fn decided(routes: &Routes, job: &str, owned: bool) -> Option<String> {
        routes
            .decide(&job.parse().unwrap(), owned)
            .map(|route| format!("{}: {}", route.stage().as_str(), route.reason))
    }

    #[test]
    fn a_10_the_first_rule_counts_and_is_named() {
        let routes = Routes::new(vec![rule("docs-fast", None), rule("docs-*", Some("ci"))]);
        let said = |job, owned| decided(&routes, job, owned);
        assert_eq!(said("docs-a", false).unwrap(), "master: the route 'docs-*' says master ci");
        assert_eq!(said("docs-fast", true).unwrap(), "pool: the route 'docs-fast' says pool");
        assert_eq!(said("docs-fast", false), None, "the pool has no such job");
        assert_eq!(said("unit", true).unwrap(), "pool: no route names the job, and 'catalog.own' does");
        assert_eq!(said("unit", false), None);
    }

    #[test]
    fn a_job_in_a_folder_has_its_own_name_there() {
        let job: JobName = "team/unit".parse().unwrap();
        let routes = Routes::new(vec![Rule { job: Some(job.clone()), ..rule("unit", Some("ci")) }]);
        let route = routes.decide(&"unit".parse().unwrap(), false).unwrap();
        assert_eq!(route.side, Side::Master { name: "ci".into(), job });
        assert_eq!(routes.named().collect::<Vec<_>>(), ["unit".parse().unwrap()]);
    }
}
