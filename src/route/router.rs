//! What becomes of a build that is asked for: its recipe, its route, its number.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Routes;
use crate::catalog::recipe::Compiled;
use crate::catalog::{Catalog, CatalogHandle};
use crate::model::{BuildNumber, JobName, Route, Side};

/// Catalogue and routes of this moment. Cheap to clone; a reload changes all clones.
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

    /// Other routes, effective for the next build.
    pub fn set(&self, routes: Routes) {
        self.routes.store(Arc::new(routes));
    }

    /// The routes that count now.
    pub fn routes(&self) -> Arc<Routes> {
        self.routes.load_full()
    }

    /// The catalogue that counts now.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.current()
    }

    /// Where builds of a job run now.
    pub fn route(&self, job: &JobName) -> Option<Route> {
        self.routes.load().decide(job, self.catalog.current().owns(job))
    }

    /// What a build of a job is begun with now.
    pub fn plan(&self, job: &JobName) -> Planned {
        let catalog = self.catalog.current();
        let route = self.routes.load().decide(job, catalog.owns(job));
        Planned { route, recipe: catalog.compiled(job), floor: catalog.first_number(job) }
    }

    /// Whether a name is a job's, of the tree or of a route.
    pub fn knows(&self, name: &str) -> bool {
        let on_master = || name.parse().ok().and_then(|job| self.route(&job));
        self.catalog.current().job(name).is_some() || on_master().is_some()
    }

    /// The jobs that run on masters now, with the master of each: those of the tree that a route takes, and those that routes name.
    pub fn on_masters(&self) -> Vec<(JobName, String)> {
        on_masters(&self.routes.load(), &self.catalog.current())
    }
}

fn on_masters(routes: &Routes, catalog: &Catalog) -> Vec<(JobName, String)> {
    let mut jobs: Vec<JobName> = catalog.jobs().map(|(job, _)| job.clone()).chain(routes.named()).collect();
    jobs.sort();
    jobs.dedup();
    let master = |job: JobName| match routes.decide(&job, catalog.owns(&job))?.side {
        Side::Master { name, .. } => Some((job, name)),
        Side::Pool => None,
    };
    jobs.into_iter().filter_map(master).collect()
}
