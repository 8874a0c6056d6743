//! Pages for people, an API for programs, health and metrics; Jenkins' paths below a build's page (decision 25).
//!
//! A face: it translates what core modules say and decides nothing (design A11). A change needs the token and is never made by GET;
//! a request under a name that is not ours is refused (decision 23). Pages work without JavaScript; a small script lets
//! consoles grow and lists refresh. Start with [`Web::router`]; what pages show is made in `view`.

mod address;
mod api;
mod api_jobs;
mod api_routes;
pub(crate) mod assets;
mod build_json;
mod builds;
mod compare;
mod console;
mod description;
mod events;
mod failure;
mod files;
mod health;
mod jenkins;
mod jobs;
mod leases;
mod live;
mod origin;
mod pages;
mod pool_view;
mod protect;
mod secret;
mod server;
mod test_report;
#[cfg(test)]
mod tests;
mod time;
mod token;
mod view;
mod zip;

use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::artifact::Artifacts;
use crate::build::Builds;
use crate::catalog::CatalogHandle;
use crate::console::Consoles;
use crate::model::Addresses;
use crate::pool::Pool;
use crate::route::Book;
use crate::store::History;
use crate::telemetry::Metrics;
pub use health::{Readiness, ReloadAnswer, Reloads, Trouble};
pub use origin::Hosts;
pub use token::{FILE as TOKEN_FILE, Token, TokenError};

/// A request's body; parameters of a build are text.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What the pages are made from.
pub struct Parts {
    /// Builds.
    pub builds: Builds,
    /// Their logs.
    pub consoles: Consoles,
    /// What they have left behind.
    pub artifacts: Artifacts,
    /// What happened to builds, nodes and leases, and the leases themselves.
    pub history: History,
    /// The jobs.
    pub catalog: CatalogHandle,
    /// Where jobs run, and its history.
    pub routes: Book,
    /// Has configuration and jobs read again.
    pub reload: Reloads,
    /// Nodes; `None` when no pool is configured.
    pub pool: Option<Pool>,
    /// Everything that is counted.
    pub metrics: Metrics,
    /// Addresses of pages.
    pub addresses: Addresses,
    /// What a change needs; `None`: no change is taken.
    pub token: Option<Token>,
    /// The names that requests may use for us.
    pub hosts: Hosts,
    /// What is not ready yet.
    pub readiness: Readiness,
    /// The Gearman server's address, as it is shown.
    pub gearman: String,
    /// Ends live consoles, so that the process can end.
    pub shutdown: CancellationToken,
}

/// The web face. Cheap to clone.
#[derive(Clone)]
pub struct Web {
    parts: Arc<Parts>,
    frames: Arc<live::Frames>,
}

impl Deref for Web {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Web {
    /// The face of these parts.
    pub fn new(parts: Parts) -> Web {
        Web { parts: Arc::new(parts), frames: Arc::default() }
    }

    /// Serves until `shutdown`, then lets answers that have begun come to their end.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) {
        let metrics = self.metrics.http.clone();
        server::serve(listener, self.router(), metrics, shutdown).await;
    }

    /// Every address that is answered.
    pub fn router(self) -> Router {
        let jenkins = get(builds::get).post(builds::post);
        Router::new()
            .route("/", get(pages::overview))
            .route("/builds", get(pages::builds))
            .route("/build/{id}", get(pages::build_by_id))
            .route("/jobs", get(jobs::list))
            .route("/nodes", get(pages::nodes))
            .route("/compare/{id}", get(compare::page))
            .route("/events", get(events::page))
            .route("/job/{*path}", jenkins)
            .route("/assets/{hash}/{name}", get(assets::get))
            .route("/healthz", get(health::healthz))
            .route("/ready", get(health::ready))
            .route("/metrics", get(health::metrics))
            .nest("/causeway/v1", api::routes())
            .fallback(pages::nothing)
            .method_not_allowed_fallback(pages::method)
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .layer(from_fn_with_state(self.clone(), protect::protect))
            .with_state(self)
    }
}
