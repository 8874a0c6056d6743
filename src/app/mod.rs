//! Composition: configure → bind → spawn. The only module that names adapters.
//!
//! [`start`] takes a checked configuration and returns a [`Running`] server when Gearman and HTTP listen (decision 13); everything that can
//! be wrong with configuration, state directory or ports is an error before that. Order matters: names from the store are
//! listed before the port listens (zuul-Z-2), and unfinished builds are in the house before the first new one.

mod error;
mod gearman;
mod house;
mod leave;
mod masters;
mod pool;
mod reload;
mod retention;
mod rooms;
mod secrets;
mod smtp;
mod tally;
mod timers;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

pub use error::StartError;
pub use masters::{MasterProbe, look_at_masters, master_problems};
pub use pool::{first_image, look_at_providers};

use self::house::House;
use crate::build::Builds;
use crate::config::{Config, Overrides};
use crate::drain;
use crate::gearman::server::{Command, Server};
use crate::model::Addresses;
use crate::pool::Pool;

/// How long what was begun gets to end once builds have drained.
const LAST_WORDS: Duration = Duration::from_secs(5);

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

/// Binds and spawns everything; a reload reads the configuration's file again, under the same `overrides`. Returns when Gearman
/// and HTTP listen; providers may still be on their way.
///
/// # Errors
/// [`StartError`], each with what to do.
pub async fn start(config: Config, overrides: Overrides) -> Result<Running, StartError> {
    let (listener, http) = listen(config.http.listen).await?;
    let url = config.http.public_url.clone().unwrap_or_else(|| format!("http://{http}/"));
    let (mut house, events, accepted) = House::open(config, Addresses::new(&url)).await?;
    let (unfinished, feed) = house.run_builds(events, accepted).await?;
    house.keep_in_order().await;
    let (readiness, ready) = reload::ReadinessSender::new();
    let reloads = house.take_reloads(overrides, feed, readiness.clone());
    house.show(listener, reloads, ready)?;
    let gearman = house.server.address();
    info!(gearman.address = %gearman, http.address = %http, builds.unfinished = unfinished, "serving");
    Ok(Running {
        gearman,
        http,
        url,
        drain_timeout: house.config.builds.drain_timeout,
        server: house.server,
        builds: house.builds,
        pool: house.pool,
        shutdown: house.shutdown,
        readiness,
        tasks: house.tasks,
    })
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Http { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

impl Running {
    /// The builds, for commands that run a server of their own.
    pub fn builds(&self) -> &Builds {
        &self.builds
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
}
