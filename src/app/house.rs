//! The parts of a serving process, and who is handed which.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::reload::{self, ReadinessSender, Reload, Renewals};
use super::retention::Retention;
use super::secrets::Credentials;
use super::smtp::Smtp;
use super::timers::Timers;
use super::{StartError, gearman, masters, pool, tally};
use crate::artifact::{Artifacts, Limits};
use crate::build::Builds;
use crate::catalog::{CatalogHandle, ReloadReport};
use crate::config::{Config, Overrides};
use crate::console::Consoles;
use crate::execute::{self, Context, Mailer, Settings};
use crate::gearman::server::{LocalEvents, Server};
use crate::model::{Addresses, BuildId};
use crate::pool::Pool;
use crate::route::{self, Asked, Book, Masters, Router, RunContext, ShadowContext, Sides};
use crate::store::sqlite::SqliteStore;
use crate::store::{History, Store};
use crate::sys::{SharedClock, SteadyClock};
use crate::telemetry::Metrics;
use crate::web::{Hosts, Parts, Readiness, Token, Web};
use crate::zuul::feed::{Feed, FeedParts};
use crate::zuul::wire::WorkerFacts;

/// Builds on their way to one side; when it is full, they wait where they were accepted.
const SIDE: usize = 1024;
/// Reloads that wait for the one under way; further requests wait to be taken.
const RELOADS: usize = 4;
/// Requests to reload, with the way back for the report.
type Reloads = mpsc::Sender<oneshot::Sender<ReloadReport>>;

/// Everything that a part may be handed.
pub(super) struct House {
    pub config: Config,
    clock: SharedClock,
    metrics: Metrics,
    pub shutdown: CancellationToken,
    pub tasks: TaskTracker,
    store: Arc<dyn Store>,
    catalog: CatalogHandle,
    router: Router,
    masters: Masters,
    book: Book,
    /// Asks for the names to be listed anew, until `take_reloads` takes them.
    renewals: Option<Renewals>,
    addresses: Addresses,
    pub pool: Pool,
    pub server: Server,
    pub builds: Builds,
    consoles: Consoles,
    artifacts: Artifacts,
    credentials: Credentials,
}

impl House {
    /// Opens store, catalogue, pool, queue, logs and files. From here on Gearman listens, and whatever is ours waits.
    pub async fn open(
        config: Config,
        addresses: Addresses,
    ) -> Result<(House, LocalEvents, mpsc::Receiver<BuildId>), StartError> {
        let config = with_absolute_paths(config).map_err(StartError::State)?;
        let clock: SharedClock = Arc::new(SteadyClock::new());
        let (metrics, shutdown) = (Metrics::new(), CancellationToken::new());
        let store = SqliteStore::open(&config.state, &clock).await.map_err(StartError::Store)?;
        store.measure(metrics.store.clone());
        let store: Arc<dyn Store> = Arc::new(store);
        let catalog = CatalogHandle::load(config.catalog.clone()).await;
        reload::tell_problems(catalog.current().problems());
        let router = Router::new(catalog.clone(), config.routes.clone());
        let masters = masters::watched(&config);
        let (renew, renewals) = mpsc::channel(RELOADS);
        let book = Book::open(Arc::clone(&store), Arc::clone(&clock), router.clone(), masters.clone(), renew);
        let book = book.await.map_err(StartError::Names)?;
        let names = store.gearman_names().await.map_err(StartError::Names)?;
        let pool = pool::start(&config, &store, &clock, &shutdown).await?;
        let local = gearman::local_names(&config, &router, &pool);
        let (server, events) = gearman::start(&config, names, local, &*clock)?;
        let consoles =
            Consoles::open(config.state.join("logs"), Arc::clone(&clock)).map_err(StartError::State)?;
        consoles.measure(metrics.console.clone());
        let artifacts =
            Artifacts::open(config.state.join("artifacts"), Limits::default()).map_err(StartError::State)?;
        let (builds, accepted) = Builds::new(Arc::clone(&store), Arc::clone(&clock), metrics.builds.clone());
        let routes = router.clone();
        builds.route_by(move |request| routes.route(&Asked::of(request)));
        let tasks = TaskTracker::new();
        let credentials = Credentials::new(config.credentials.clone());
        let house = House {
            config,
            clock,
            metrics,
            shutdown,
            tasks,
            store,
            catalog,
            router,
            masters,
            book,
            renewals: Some(renewals),
            addresses,
            pool,
            server,
            builds,
            consoles,
            artifacts,
            credentials,
        };
        Ok((house, events, accepted))
    }

    /// Takes up what a former process left, then lets new builds in; returns how many builds were left, and the feed.
    pub async fn run_builds(
        &self,
        events: LocalEvents,
        accepted: mpsc::Receiver<BuildId>,
    ) -> Result<(usize, Arc<Feed>), StartError> {
        let builds = &self.config.builds;
        let context = Context {
            builds: self.builds.clone(),
            pool: self.pool.clone(),
            consoles: self.consoles.clone(),
            artifacts: self.artifacts.clone(),
            settings: Settings {
                grace: builds.grace,
                post_steps_timeout: builds.post_steps_timeout,
                timeout: builds.timeout,
                log_limit: builds.log_limit,
                end_at_log_limit: builds.end_at_log_limit,
            },
            addresses: self.addresses.clone(),
            catalog: self.catalog.clone(),
            mailer: self.config.mail.clone().map(|mail| Arc::new(Smtp(mail)) as Arc<dyn Mailer>),
            secrets: Arc::new(self.credentials.clone()),
        };
        let nodes = self.run_on_masters(accepted);
        self.tasks.spawn(execute::execute(context, nodes, self.shutdown.clone()));
        let former = self.builds.recover().await.map_err(StartError::Names)?;
        let feed = Feed::new(self.feed_parts(), &former);
        self.tasks.spawn(Arc::clone(&feed).run(events, self.shutdown.clone()));
        Ok((former.len(), feed))
    }

    /// Builds that stay on masters go there; the others come out again.
    fn run_on_masters(&self, accepted: mpsc::Receiver<BuildId>) -> mpsc::Receiver<BuildId> {
        let (to_nodes, nodes) = mpsc::channel(SIDE);
        let (to_masters, on_masters) = mpsc::channel(SIDE);
        let (to_shadows, shadowed) = mpsc::channel(SIDE);
        let context = RunContext {
            builds: self.builds.clone(),
            consoles: self.consoles.clone(),
            masters: self.masters.clone(),
            log_limit: self.config.builds.log_limit,
        };
        let both = Sides { nodes: to_nodes, masters: to_masters, shadows: to_shadows };
        self.tasks.spawn(route::shadow(self.shadows(), shadowed, self.shutdown.clone()));
        self.tasks.spawn(route::split(self.builds.clone(), accepted, both, self.shutdown.clone()));
        self.tasks.spawn(route::run_on_masters(context, on_masters, self.shutdown.clone()));
        nodes
    }

    fn shadows(&self) -> ShadowContext {
        ShadowContext {
            builds: self.builds.clone(),
            consoles: self.consoles.clone(),
            artifacts: self.artifacts.clone(),
            catalog: self.catalog.clone(),
            store: Arc::clone(&self.store),
            settings: self.config.shadow,
        }
    }

    fn feed_parts(&self) -> FeedParts {
        FeedParts {
            server: self.server.clone(),
            builds: self.builds.clone(),
            router: self.router.clone(),
            masters: self.masters.clone(),
            store: Arc::clone(&self.store),
            addresses: self.addresses.clone(),
            facts: WorkerFacts {
                manager: self.config.gearman.manager.clone(),
                worker_hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
                worker_program: "causeway".to_owned(),
                worker_version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            max_running: self.config.room(),
            lost_client_grace: self.config.gearman.lost_client_grace,
        }
    }

    /// Starts what counts and what clears away.
    pub async fn keep_in_order(&self) {
        self.tasks.spawn(tally::run(self.server.clone(), self.metrics.clone(), self.shutdown.clone()));
        self.pool.measure(self.metrics.pool.clone()).await;
        let retention = Retention {
            catalog: self.catalog.clone(),
            store: Arc::clone(&self.store),
            consoles: self.consoles.clone(),
            artifacts: self.artifacts.clone(),
            clock: Arc::clone(&self.clock),
        };
        self.tasks.spawn(retention.run(self.shutdown.clone()));
        let timers = Timers {
            catalog: self.catalog.clone(),
            builds: self.builds.clone(),
            clock: Arc::clone(&self.clock),
        };
        self.tasks.spawn(timers.run(self.shutdown.clone()));
    }

    /// Takes reloads from now on.
    pub fn take_reloads(
        &mut self,
        overrides: Overrides,
        feed: Arc<Feed>,
        readiness: ReadinessSender,
    ) -> Reloads {
        let reload = Reload {
            config: self.config.clone(),
            overrides,
            catalog: self.catalog.clone(),
            router: self.router.clone(),
            pool: self.pool.clone(),
            server: self.server.clone(),
            feed,
            readiness,
            credentials: self.credentials.clone(),
        };
        let (reloads, asked) = mpsc::channel(RELOADS);
        // Without them, as after a first call, nobody would ask.
        let renewals = self.renewals.take().unwrap_or_else(|| mpsc::channel(1).1);
        self.tasks.spawn(reload.run(asked, renewals, self.shutdown.clone()));
        reloads
    }

    /// Serves pages and the API.
    pub fn show(
        &self,
        listener: TcpListener,
        reload: Reloads,
        readiness: Readiness,
    ) -> Result<(), StartError> {
        let web = Web::new(Parts {
            builds: self.builds.clone(),
            consoles: self.consoles.clone(),
            artifacts: self.artifacts.clone(),
            history: History::new(Arc::clone(&self.store)),
            catalog: self.catalog.clone(),
            routes: self.book.clone(),
            reload,
            pool: Some(self.pool.clone()),
            metrics: self.metrics.clone(),
            hosts: Hosts::new(Hosts::of_url(self.addresses.root())),
            addresses: self.addresses.clone(),
            token: Some(Token::of(&self.config.state, &*self.clock).map_err(StartError::Token)?),
            readiness,
            gearman: self.server.address().to_string(),
            shutdown: self.shutdown.clone(),
        });
        self.tasks.spawn(web.serve(listener, self.shutdown.clone()));
        Ok(())
    }
}

/// Nodes, steps and engines know directories by their whole path (pools-D1).
fn with_absolute_paths(mut config: Config) -> std::io::Result<Config> {
    config.state = std::path::absolute(&config.state)?;
    config.nodes_dir = std::path::absolute(&config.nodes_dir)?;
    Ok(config)
}
