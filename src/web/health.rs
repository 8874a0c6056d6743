//! Whether the process lives, whether it is ready, and its figures.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};

use super::Web;
use super::failure::Failure;
use crate::catalog::ReloadReport;
use crate::pool::PoolStatus;
use crate::telemetry::metrics::{NodeLabels, ProviderLabels, StateLabels};

/// Something that is not ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// What: `catalog`, `store_full`, `providers`, `draining`.
    pub what: &'static str,
    /// For people.
    pub detail: String,
}

/// What is not ready yet, as the composition of the process knows it; empty when all is.
pub type Readiness = watch::Receiver<Vec<Trouble>>;

/// Whoever composes the process reads configuration and jobs again, and answers with what that did.
pub type Reloads = mpsc::Sender<oneshot::Sender<ReloadAnswer>>;

/// What a reload did; problems of the configuration are among its problems.
pub type ReloadAnswer = ReloadReport;

#[derive(Serialize)]
struct Ready {
    ready: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Trouble>,
}

impl Web {
    /// Everything that keeps `/ready` from 200: what the process knows, and providers that do not answer (decision 13).
    pub(super) fn troubles(&self) -> Vec<Trouble> {
        let mut troubles = self.readiness.borrow().clone();
        if self.builds.store_full() {
            let detail = "The store takes no new builds; own jobs stay queued.".into();
            troubles.push(Trouble { what: "store_full", detail });
        }
        for provider in self.pool.iter().flat_map(|pool| pool.status().providers.clone()) {
            let detail = match provider.healthy {
                Some(true) => continue,
                Some(false) => {
                    format!("The provider '{}' does not answer: {}", provider.name, provider.summary)
                }
                None => format!("The provider '{}' has not answered yet.", provider.name),
            };
            troubles.push(Trouble { what: "providers", detail });
        }
        troubles
    }
}

/// `/healthz`: the process answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// `/ready`: 200 when catalogue and providers are up.
pub(super) async fn ready(State(web): State<Web>) -> Response {
    let reasons = web.troubles();
    let ready = reasons.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, reasons })).into_response()
}

/// `/metrics`, in Prometheus' text form.
pub(super) async fn metrics(State(web): State<Web>) -> Result<Response, Failure> {
    mirror_builds(&web);
    if let Some(pool) = &web.pool {
        mirror_pool(&web, &pool.status());
    }
    let text =
        web.metrics.text().map_err(|error| Failure::internal("the metrics could not be written", &error))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

fn mirror_builds(web: &Web) {
    let counts = web.builds.counts();
    for (state, count) in [("waiting", counts.waiting), ("running", counts.running)] {
        web.metrics.builds.live.get_or_create(&StateLabels { state }).set(count.into());
    }
}

fn mirror_pool(web: &Web, status: &PoolStatus) {
    let pool = &web.metrics.pool;
    // Labels and providers may have gone since the last time.
    pool.nodes.clear();
    for node in &status.nodes {
        let labels = NodeLabels {
            provider: node.provider.clone(),
            label: node.label.clone(),
            state: node.state.as_str(),
        };
        pool.nodes.get_or_create(&labels).inc();
    }
    pool.leases_waiting.set(i64::try_from(status.waiting.len()).unwrap_or(i64::MAX));
    for family in [&pool.provider_up, &pool.quota_limit, &pool.quota_used, &pool.leaked] {
        family.clear();
    }
    for provider in &status.providers {
        let labels = ProviderLabels { provider: provider.name.clone() };
        pool.provider_up.get_or_create(&labels).set(i64::from(provider.healthy == Some(true)));
        pool.quota_limit.get_or_create(&labels).set(provider.max_nodes.into());
        pool.quota_used.get_or_create(&labels).set(provider.nodes.into());
        pool.leaked.get_or_create(&labels).set(provider.leaked.into());
    }
}
