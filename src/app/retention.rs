//! What is not kept for ever. Builds that their jobs give up (`build-discarder`, `logrotate`): log and artifacts first, then the record, so that no record
//! points at what is gone. And events (pools-P4), nodes and leases that are over (pools 4.1, 4.2), by age and number.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::artifact::{Artifacts, GivenUp, KeptBuild, given_up};
use crate::catalog::CatalogHandle;
use crate::console::Consoles;
use crate::model::{BuildId, JobName, Millis};
use crate::store::{BuildFilter, Store, StoreError};
use crate::sys::SharedClock;

/// How often all jobs are looked at; limits are in days and counts.
const EVERY: Duration = Duration::from_secs(15 * 60);
/// Events are kept so long: who asks what happened to a build or a node asks within the month.
const EVENTS_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// No more are kept, whatever their age: those of some 60,000 builds, which take about 150 MB in the store.
const EVENTS_MOST: u64 = 1_000_000;
/// Nodes that were deleted and leases that are over are kept so long (pools 4.1, 4.2); their events stay longer.
const ENDS_FOR: Duration = Duration::from_secs(24 * 3600);
/// No more are kept of each, whatever their age: some 30 MB in the store.
const ENDS_MOST: u64 = 100_000;
/// Records read at once.
const PAGE: u32 = 500;

/// What giving up touches.
pub(super) struct Retention {
    pub catalog: CatalogHandle,
    pub store: Arc<dyn Store>,
    pub consoles: Consoles,
    pub artifacts: Artifacts,
    pub clock: SharedClock,
}

impl Retention {
    /// Looks at all jobs again and again until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        // The first tick is at once: the start of the process is left to what people wait for.
        tick.tick().await;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = tick.tick() => {
                    self.turn().await;
                    self.history().await;
                }
            }
        }
    }

    /// Forgets what only the history needs.
    async fn history(&self) {
        let before = |age: Duration| Millis(self.clock.now().0.saturating_sub(age.as_millis() as u64));
        in_parts("events", || self.store.prune_events(before(EVENTS_FOR), EVENTS_MOST)).await;
        in_parts("nodes and leases", || self.store.prune_pool(before(ENDS_FOR), ENDS_MOST)).await;
    }

    async fn turn(&self) {
        let catalog = self.catalog.current();
        for (job, entry) in catalog.jobs() {
            if let Err(problem) = self.job(job, &entry.recipe.retention).await {
                warn!(job.name = %job, error = %problem, "old builds were not removed; trying again later");
                return;
            }
        }
    }

    async fn job(&self, job: &JobName, limits: &crate::catalog::recipe::Retention) -> Result<(), StoreError> {
        if limits == &crate::catalog::recipe::Retention::default() {
            return Ok(());
        }
        let builds = self.builds(job).await?;
        let GivenUp { builds, artifacts } = given_up(limits, &builds, self.clock.now());
        for id in artifacts {
            self.remove_files(id, false).await;
        }
        for id in &builds {
            self.remove_files(*id, true).await;
        }
        if !builds.is_empty() {
            info!(job.name = %job, builds.removed = builds.len(), "old builds removed");
            self.store.remove_builds(builds).await?;
        }
        Ok(())
    }

    async fn builds(&self, job: &JobName) -> Result<Vec<KeptBuild>, StoreError> {
        let mut all: Vec<KeptBuild> = Vec::new();
        loop {
            let before = all.last().map(|build| build.id);
            let filter = BuildFilter { job: Some(job.clone()), ended: None, before, limit: PAGE };
            let page = self.store.builds(filter).await?;
            let last = page.is_empty();
            all.extend(page.iter().map(KeptBuild::from));
            if last {
                return Ok(all);
            }
        }
    }

    async fn remove_files(&self, id: BuildId, console: bool) {
        let artifacts = self.artifacts.remove(id).await;
        let console = if console { self.consoles.remove(id).await } else { Ok(()) };
        if let Err(problem) = artifacts.and(console) {
            warn!(build.id = %id, error = %problem, "files of an old build were not removed");
        }
    }
}

/// Forgets a part at a time, so that builds wait for no more than one of them.
async fn in_parts<F>(what: &str, prune: impl Fn() -> F)
where
    F: Future<Output = Result<u64, StoreError>>,
{
    let mut removed = 0;
    loop {
        match prune().await {
            Ok(0) => break,
            Ok(gone) => removed += gone,
            Err(problem) => {
                warn!(error = %problem, "old {what} were not removed; trying again later");
                break;
            }
        }
    }
    if removed > 0 {
        info!(rows.removed = removed, "old {what} removed");
    }
}
