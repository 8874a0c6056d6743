//! Composition: configure → bind → spawn. The only module that names adapters.
//!
//! [`start`] takes a checked configuration and returns a [`Running`] server when Gearman and HTTP listen (decision 13); everything that can
//! be wrong with configuration, state directory or ports is an error before that. Order matters: names from the store are
//! listed before the port listens (zuul-Z-2), and unfinished builds are in the house before the first new one.

mod error;
mod gearman;
mod leave;
mod pool;
mod reload;
mod retention;
mod tally;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

pub use error::StartError;
pub use pool::first_image;

use self::reload::Reload;
use self::retention::Retention;
use crate::artifact::{Artifacts, Limits};
use crate::build::Builds;
use crate::catalog::CatalogHandle;
use crate::config::{Config, Overrides};
use crate::console::Consoles;
use crate::drain;
use crate::execute::{self, Context, Settings};
use crate::gearman::server::{Command, Server};
use crate::model::{Addresses, BuildId};
use crate::pool::Pool;
use crate::store::Store;
use crate::store::sqlite::SqliteStore;
use crate::sys::{SharedClock, SystemClock};
use crate::telemetry::Metrics;
use crate::web::{Hosts, Parts, Token, Web};
use crate::zuul::feed::{Feed, FeedParts};
use crate::zuul::wire::WorkerFacts;

/// How long what was begun gets to end once builds have drained.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Reloads that wait for the one under way; further requests wait to be taken.
const RELOADS: usize = 4;

/// A server that serves.
pub struct Running {
    /// Where Gearman listens.
    pub gearman: SocketAddr,
    /// Where pages are served; the port is the bound one.
    pub http: SocketAddr,
    /// The address of the overview that people use.
    pub url: String,
    server: Server,
    builds: Builds,
    pool: Pool,
    drain_timeout: Duration,
    shutdown: CancellationToken,
    readiness: reload::ReadinessSender,
    tasks: TaskTracker,
}

/// Binds and spawns everything; a reload reads the configuration's file again, under the same `overrides`. Returns when Gearman and HTTP listen; catalogue and providers may still be on their way.
///
/// # Errors
/// [`StartError`], each with what to do.
pub async fn start(config: Config, overrides: Overrides) -> Result<Running, StartError> {
    let config = with_absolute_paths(config).map_err(StartError::State)?;
    let clock: SharedClock = Arc::new(SystemClock);
    let metrics = Metrics::new();
    let shutdown = CancellationToken::new();
    let tasks = TaskTracker::new();
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&config.state, &clock).await.map_err(StartError::Store)?);

    let catalog = CatalogHandle::load(config.catalog.clone()).await;
    let http_listener = TcpListener::bind(config.http.listen)
        .await
        .map_err(|source| StartError::Http { address: config.http.listen, source })?;
    let http = http_listener
        .local_addr()
        .map_err(|source| StartError::Http { address: config.http.listen, source })?;
    let url = config.http.public_url.clone().unwrap_or_else(|| format!("http://{http}/"));
    let addresses = Addresses::new(&url);

    let names = store.gearman_names().await.map_err(StartError::Names)?;
    let pool = pool::start(&config, &store, &clock, &shutdown).await?;
    let local = gearman::local_names(&config, &catalog.current(), &pool);
    let (server, events) = gearman::start(&config, names, local, &*clock)?;

    let consoles =
        Consoles::open(config.state.join("logs"), Arc::clone(&clock)).map_err(StartError::State)?;
    let artifacts =
        Artifacts::open(config.state.join("artifacts"), Limits::default()).map_err(StartError::State)?;
    let (builds, accepted) = Builds::new(Arc::clone(&store), Arc::clone(&clock), metrics.builds.clone());
    let context = Context {
        builds: builds.clone(),
        pool: pool.clone(),
        consoles: consoles.clone(),
        artifacts: artifacts.clone(),
        settings: settings(&config),
        addresses: addresses.clone(),
    };
    tasks.spawn(execute::execute(context, accepted, shutdown.clone()));
    let former = builds.recover().await.map_err(StartError::Names)?;
    let feed = Feed::new(feed_parts(&config, &server, &builds, &catalog, &store, &addresses), &former);
    tasks.spawn(feed.run(events, shutdown.clone()));
    tasks.spawn(tally::run(server.clone(), metrics.clone(), shutdown.clone()));

    pool.measure(metrics.pool.clone()).await;
    let retention = Retention {
        catalog: catalog.clone(),
        store: Arc::clone(&store),
        consoles: consoles.clone(),
        artifacts: artifacts.clone(),
        clock: Arc::clone(&clock),
    };
    tasks.spawn(retention.run(shutdown.clone()));

    let (readiness, ready) = reload::ReadinessSender::new();
    let reload = Reload {
        config: config.clone(),
        overrides,
        catalog: catalog.clone(),
        pool: pool.clone(),
        server: server.clone(),
        readiness: readiness.clone(),
    };
    let (reloads, asked) = mpsc::channel(RELOADS);
    tasks.spawn(reload.run(asked, shutdown.clone()));
    let web = Web::new(Parts {
        builds: builds.clone(),
        consoles,
        artifacts,
        catalog,
        reload: reloads,
        pool: Some(pool.clone()),
        metrics,
        hosts: Hosts::new(Hosts::of_url(addresses.root())),
        addresses,
        token: Some(Token::of(&config.state, &*clock).map_err(StartError::Token)?),
        readiness: ready,
        gearman: server.address().to_string(),
        shutdown: shutdown.clone(),
    });
    tasks.spawn(web.serve(http_listener, shutdown.clone()));
    info!(gearman.address = %server.address(), http.address = %http, builds.unfinished = former.len(), "serving");
    let drain_timeout = config.builds.drain_timeout;
    Ok(Running {
        gearman: server.address(),
        http,
        url,
        server,
        builds,
        pool,
        drain_timeout,
        shutdown,
        readiness,
        tasks,
    })
}

/// Nodes, steps and engines know directories by their whole path (pools-D1).
fn with_absolute_paths(mut config: Config) -> std::io::Result<Config> {
    config.state = std::path::absolute(&config.state)?;
    config.nodes_dir = std::path::absolute(&config.nodes_dir)?;
    Ok(config)
}

fn settings(config: &Config) -> Settings {
    Settings {
        grace: config.builds.grace,
        post_steps_timeout: config.builds.post_steps_timeout,
        timeout: config.builds.timeout,
        log_limit: config.builds.log_limit,
    }
}

fn feed_parts(
    config: &Config,
    server: &Server,
    builds: &Builds,
    catalog: &CatalogHandle,
    store: &Arc<dyn Store>,
    addresses: &Addresses,
) -> FeedParts {
    FeedParts {
        server: server.clone(),
        builds: builds.clone(),
        catalog: catalog.clone(),
        store: Arc::clone(store),
        addresses: addresses.clone(),
        facts: WorkerFacts {
            manager: config.gearman.manager.clone(),
            worker_hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            worker_program: "causeway".to_owned(),
            worker_version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        max_running: u32::try_from(config.builds.max_running).unwrap_or(u32::MAX),
        lost_client_grace: config.gearman.lost_client_grace,
    }
}

impl Running {
    /// The builds, for commands that run a server of their own.
    pub fn builds(&self) -> &Builds {
        &self.builds
    }

    /// The nodes, for commands that run a server of their own.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Serves until a signal, then drains: no new work → builds get time to end → everything is closed. A second signal shortens it.
    ///
    /// # Errors
    /// When the system does not let us listen for signals.
    pub async fn until_stopped(self) -> std::io::Result<()> {
        self.until_drained().await?;
        self.close().await;
        Ok(())
    }

    /// Serves until a signal, and drains; everything is still open afterwards.
    ///
    /// # Errors
    /// When the system does not let us listen for signals.
    pub async fn until_drained(&self) -> std::io::Result<()> {
        let (asked, now) = drain::signals()?;
        asked.cancelled().await;
        info!(limit.seconds = self.drain_timeout.as_secs(), "draining: no new builds are taken");
        self.readiness.draining();
        self.builds.drain();
        // An error means that the thread has ended, and with it the taking of work.
        let _ = self.server.send(Command::PauseLocal(true)).await;
        let left = drain::builds_end(&self.builds, self.drain_timeout, &now).await;
        if left > 0 {
            info!(builds.left = left, "builds go on on their nodes; the next start takes them up");
        }
        Ok(())
    }

    /// Closes sockets and lets tasks come to their end; builds that run go on on their nodes.
    pub async fn close(self) {
        self.shutdown.cancel();
        let _ = self.server.send(Command::Shutdown).await;
        self.tasks.close();
        let all = async {
            self.server.ended().await;
            self.tasks.wait().await;
        };
        if tokio::time::timeout(LAST_WORDS, all).await.is_err() {
            warn!("some tasks did not end in time; nothing of theirs is lost");
        }
    }

    /// The build with that id ends; for `demo`.
    pub async fn ended(&self, id: BuildId) {
        if let Some(mut record) = self.builds.watch(id) {
            let _ = record.wait_for(|record| record.state.outcome().is_some()).await;
        }
    }
}
