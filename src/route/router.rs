//! What becomes of a build that is asked for: its recipe, its route, its number.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::check::reasons;
use super::decide::{Place, Routes};
use super::listing::{self, Listing};
use super::rule::{Able, Asked};
use crate::catalog::recipe::Compiled;
use crate::catalog::{Catalog, CatalogHandle, Entry};
use crate::model::{BuildNumber, JobName, Route, Turn};

/// Catalogue and routes of this moment. Cheap to clone; a reload or a turn changes all clones.
#[derive(Debug, Clone)]
pub struct Router {
    catalog: CatalogHandle,
    routes: Arc<ArcSwap<Routes>>,
}

/// How a build begins.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Where it runs; `None`: the job is none of ours.
    pub route: Option<Route>,
    /// What it carries.
    pub recipe: Compiled,
    /// The number from which the job's builds are counted.
    pub floor: BuildNumber,
}

impl Router {
    /// A router over that catalogue.
    pub fn new(catalog: CatalogHandle, routes: Routes) -> Router {
        Router { catalog, routes: Arc::new(ArcSwap::from_pointee(routes)) }
    }

    /// Other routes of the configuration, effective for the next build; turns go on counting before them.
    pub fn set(&self, base: &Routes) {
        self.routes.rcu(|now| now.over(base));
    }

    /// Other turns, effective for the next build.
    pub(super) fn turn<'a>(&self, turns: impl IntoIterator<Item = &'a Turn> + Clone) {
        self.routes.rcu(|now| now.under(turns.clone()));
    }

    /// The routes that count now.
    pub fn routes(&self) -> Arc<Routes> {
        self.routes.load_full()
    }

    /// The catalogue that counts now.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.current()
    }

    /// Where a build runs now.
    pub fn route(&self, asked: &Asked) -> Option<Route> {
        self.routes.load().decide(asked, able(&self.catalog.current(), &asked.job))
    }

    /// What a build is begun with now.
    pub fn plan(&self, asked: &Asked) -> Planned {
        let (catalog, job) = (self.catalog.current(), &asked.job);
        let route = self.routes.load().decide(asked, able(&catalog, job));
        Planned { route, recipe: catalog.compiled(job), floor: catalog.first_number(job) }
    }

    /// Whether a name is a job's, of the tree or of a route.
    pub fn knows(&self, name: &str) -> bool {
        let catalog = self.catalog.current();
        let placed = |job: JobName| self.routes.load().place(&job, able(&catalog, &job));
        catalog.job(name).is_some() || name.parse().ok().and_then(placed).is_some()
    }

    /// The routes as they are shown.
    pub fn listing(&self) -> Listing {
        listing::listing(&self.routes.load(), &self.catalog.current())
    }

    /// Every known job with its route.
    pub fn by_job(&self) -> Vec<(JobName, Option<Route>)> {
        listing::by_job(&self.routes.load(), &self.catalog.current())
    }

    /// Why a job cannot run on nodes, as `causeway plan` says it; `None`: it can.
    pub fn against(&self, job: &JobName) -> Option<Vec<String>> {
        reasons(&self.catalog.current(), job)
    }

    /// Where the names of jobs belong now: those of the tree, and those that routes name.
    pub fn places(&self) -> Vec<(JobName, Place)> {
        let (routes, catalog) = (self.routes.load(), self.catalog.current());
        let jobs = jobs(&routes, &catalog);
        let place = |job: JobName| routes.place(&job, able(&catalog, &job)).map(|place| (job, place));
        jobs.into_iter().filter_map(place).collect()
    }
}

/// The jobs that tree or routes name, by name.
pub(super) fn jobs(routes: &Routes, catalog: &Catalog) -> Vec<JobName> {
    let mut jobs: Vec<JobName> = catalog.jobs().map(|(job, _)| job.clone()).chain(routes.named()).collect();
    jobs.sort();
    jobs.dedup();
    jobs
}

/// What we can do with a job.
pub(super) fn able(catalog: &Catalog, job: &JobName) -> Able {
    let entry = catalog.job(job.as_str());
    Able { runs: entry.is_some_and(Entry::runs), owned: entry.is_some_and(Entry::owned) }
}
