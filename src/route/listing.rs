//! The routes as they are shown: each rule with how many jobs it decides about, each job with its route.

use std::collections::BTreeMap;

use super::decide::Routes;
use super::router::{able, jobs};
use super::rule::{Asked, Rule};
use crate::catalog::Catalog;
use crate::model::{JobName, Route, Stage};

/// All routes of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The rules in the order in which they count, each with the number of known jobs that it decides about.
    pub rules: Vec<(Rule, usize)>,
    /// How many known jobs are at which stage.
    pub stages: BTreeMap<Stage, usize>,
    /// How many known jobs are left to whoever registers them.
    pub left: usize,
}

/// Counts what every rule decides about. A route for some builds of a job is not counted: what they are for is not known.
pub(super) fn listing(routes: &Routes, catalog: &Catalog) -> Listing {
    let mut counts: Vec<usize> = vec![0; routes.rules().count()];
    let mut listing = Listing::default();
    for job in jobs(routes, catalog) {
        let (able, asked) = (able(catalog, &job), Asked::of_job(job));
        match routes.decide(&asked, able) {
            Some(route) => *listing.stages.entry(route.stage).or_default() += 1,
            None => listing.left += 1,
        }
        let deciding = routes.rule(&asked, able);
        let place = deciding.and_then(|rule| routes.rules().position(|other| std::ptr::eq(rule, other)));
        if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
            *count += 1;
        }
    }
    listing.rules = routes.rules().cloned().zip(counts).collect();
    listing
}

/// Every known job with its route; without one it is left to whoever registers it.
pub(super) fn by_job(routes: &Routes, catalog: &Catalog) -> Vec<(JobName, Option<Route>)> {
    let route = |job: JobName| {
        let route = routes.decide(&Asked::of_job(job.clone()), able(catalog, &job));
        (job, route)
    };
    jobs(routes, catalog).into_iter().map(route).collect()
}
