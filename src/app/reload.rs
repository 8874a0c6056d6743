//! Reload without a gap: on SIGHUP and on request the configuration and the tree are read again. What cannot be used leaves
//! everything as it was and says so; running builds keep their recipes (design A9).

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::gearman;
use super::secrets::Credentials;
use crate::catalog::{Catalog, CatalogHandle, ReloadReport};
use crate::config::{Config, Overrides};
use crate::gearman::server::{Command, Server};
use crate::model::Problem;
use crate::pool::Pool;
use crate::route::Router;
use crate::web::{Readiness, Trouble};
use crate::zuul::feed::Feed;

/// Requests to list the names that are ours anew, with the way back for the word that it was handed on.
pub(super) type Renewals = mpsc::Receiver<oneshot::Sender<()>>;

/// What a reload touches.
pub(super) struct Reload {
    /// The configuration in force.
    pub config: Config,
    /// What the command line said.
    pub overrides: Overrides,
    /// The jobs.
    pub catalog: CatalogHandle,
    /// Where jobs run.
    pub router: Router,
    /// The nodes.
    pub pool: Pool,
    /// The Gearman server.
    pub server: Server,
    /// What lets builds in.
    pub feed: Arc<Feed>,
    /// Says what is not ready.
    pub readiness: ReadinessSender,
    /// What jobs get of the secret store.
    pub credentials: Credentials,
}

/// Says what is not ready.
#[derive(Clone)]
pub(super) struct ReadinessSender(watch::Sender<Vec<Trouble>>);

impl ReadinessSender {
    /// Everything is ready until somebody says otherwise.
    pub fn new() -> (ReadinessSender, Readiness) {
        let (sender, readiness) = watch::channel(Vec::new());
        (ReadinessSender(sender), readiness)
    }

    /// The process takes no new work.
    pub fn draining(&self) {
        self.set("draining", Some("Causeway is draining and takes no new builds.".into()));
    }

    fn set(&self, what: &'static str, detail: Option<String>) {
        self.0.send_modify(|troubles| {
            troubles.retain(|trouble| trouble.what != what);
            troubles.extend(detail.map(|detail| Trouble { what, detail }));
        });
    }
}

impl Reload {
    /// Reloads on SIGHUP and on request, and lists names anew when routes were turned, until `shutdown`.
    pub async fn run(
        mut self,
        mut asked: mpsc::Receiver<oneshot::Sender<ReloadReport>>,
        mut renewals: Renewals,
        shutdown: CancellationToken,
    ) {
        let mut hang_up = match signal(SignalKind::hangup()) {
            Ok(hang_up) => hang_up,
            Err(problem) => {
                error!(error = %problem, "SIGHUP cannot be listened for; reload over HTTP");
                return;
            }
        };
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = hang_up.recv() => {
                    self.reload().await;
                }
                Some(done) = renewals.recv() => {
                    self.list_names().await;
                    // Whoever turned the routes may have gone away.
                    let _ = done.send(());
                }
                Some(answer) = asked.recv() => {
                    // Whoever asked may have gone away.
                    let _ = answer.send(self.reload().await);
                }
            }
        }
    }

    async fn reload(&mut self) -> ReloadReport {
        let read = match self.config.file.clone() {
            Some(file) => Config::load(&file, &self.overrides),
            None => Config::without_file(&self.overrides),
        };
        match read {
            Err(problems) => {
                error!("the configuration has problems; the one in force stays:\n{problems}");
                self.readiness
                    .set("configuration", Some("The last reload found problems; see the log.".into()));
                ReloadReport { problems: problems.list, ..ReloadReport::default() }
            }
            Ok(config) => {
                self.readiness.set("configuration", None);
                self.apply(config).await
            }
        }
    }

    async fn apply(&mut self, config: Config) -> ReloadReport {
        // First, so that no job comes before what it needs.
        self.credentials.set(config.credentials.clone());
        let began = Instant::now();
        let report = self.catalog.reload(config.catalog.clone()).await;
        let reading = began.elapsed();
        tell_problems(&report.problems);
        let kept = "The last reload found errors in the job definitions; the former ones stay. See the log.";
        self.readiness.set("catalog", (!report.taken).then(|| kept.into()));
        let pool = config.pool();
        self.pool.reload(pool.labels, pool.providers).await;
        self.feed.set_room(config.room()).await;
        self.router.set(&config.routes);
        let catalog: Arc<Catalog> = self.catalog.current();
        let (own, changed) = (catalog.owned().count(), report.changed.len());
        info!(jobs.own = own, jobs.changed = changed, read.ms = reading.as_millis(), "reloaded");
        self.config = config;
        self.list_names().await;
        report
    }

    /// The names that are ours by catalogue, routes and pool of this moment. Jobs that are queued change hands with them.
    async fn list_names(&self) {
        let names = gearman::local_names(&self.config, &self.router, &self.pool);
        if self.server.send(Command::SetLocal(names)).await.is_err() {
            warn!("the Gearman server has ended");
        }
    }
}

/// Says what is wrong with the job definitions, each problem with its place, reason and cure.
pub(super) fn tell_problems(problems: &[Problem]) {
    for problem in problems {
        match problem.is_error() {
            true => error!("job definitions: {problem}"),
            false => warn!("job definitions: {problem}"),
        }
    }
}
