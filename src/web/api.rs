//! `/causeway/v1`: what programs and the command line ask (decision 23, pools-14.2).

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Web;
use super::api_jobs;
use super::api_routes;
use super::build_json::BuildJson;
use super::compare;
use super::console;
use super::events;
use super::failure::Failure;
use super::health::Trouble;
use super::leases;
use super::live::{Form, From, follow};
use crate::build::StopAnswer;
use crate::model::{BuildId, Cause, JobName};
use crate::pool::PoolStatus;
use crate::store::BuildFilter;

/// Builds in one answer, when nothing else is asked for.
const LIMIT: u32 = 50;
/// The most builds in one answer.
const LIMIT_MAX: u32 = 500;

/// The addresses below `/causeway/v1`.
pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/status", get(status))
        .route("/nodes", get(nodes))
        .route("/leases", get(leases::list))
        .route("/leases/{id}", get(leases::show))
        .route("/events", get(events::api))
        .route("/builds", get(builds).post(api_jobs::start))
        .route("/builds/{id}", get(build).post(change))
        .route("/builds/{id}/log", get(log))
        .route("/jobs", get(api_jobs::list))
        .route("/jobs:reload", post(api_jobs::reload))
        .route("/jobs/{*name}", get(api_jobs::show))
        .route("/comparisons", get(compare::list))
        .route("/routes", get(api_routes::list).post(api_routes::set))
        .route("/routes:jobs", get(api_routes::jobs))
        .route("/routes:history", get(api_routes::history))
        .route("/routes:promote", post(api_routes::promote))
        .route("/routes:roll-back", post(api_routes::roll_back))
        .route("/routes:freeze", post(api_routes::freeze))
        .route("/routes/{*job}", get(api_routes::show))
        .fallback(super::pages::nothing)
}

#[derive(Serialize)]
struct Status {
    version: &'static str,
    gearman: String,
    url: String,
    ready: bool,
    troubles: Vec<Trouble>,
    builds_running: u32,
    builds_waiting: u32,
    jobs: usize,
    jobs_owned: usize,
    labels: Vec<Value>,
    providers: Vec<Value>,
}

async fn status(State(web): State<Web>) -> Json<Status> {
    let counts = web.builds.counts();
    let pool = web.pool.as_ref().map(|pool| pool.status()).unwrap_or_default();
    let troubles = web.troubles();
    let catalog = web.catalog.current();
    Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        gearman: web.gearman.clone(),
        url: web.addresses.root().to_owned(),
        ready: troubles.is_empty(),
        troubles,
        builds_running: counts.running,
        builds_waiting: counts.waiting,
        jobs: catalog.jobs().len(),
        jobs_owned: catalog.owned().count(),
        labels: labels(&pool),
        providers: providers(&pool),
    })
}

fn labels(pool: &PoolStatus) -> Vec<Value> {
    let one = |label: &crate::pool::LabelStatus| {
        json!({
            "name": label.name, "provider": label.provider, "wanted": label.wanted, "ready": label.ready,
            "launching": label.launching, "leased": label.leased, "trouble": label.trouble,
        })
    };
    pool.labels.iter().map(one).collect()
}

fn providers(pool: &PoolStatus) -> Vec<Value> {
    let one = |provider: &crate::pool::ProviderStatus| {
        json!({
            "name": provider.name, "healthy": provider.healthy, "summary": provider.summary, "nodes": provider.nodes,
            "max_nodes": provider.max_nodes, "draining": provider.draining, "leaked": provider.leaked,
            "unmanaged": provider.unmanaged, "alert": provider.alert,
        })
    };
    pool.providers.iter().map(one).collect()
}

async fn nodes(State(web): State<Web>) -> Json<Value> {
    let pool = web.pool.as_ref().map(|pool| pool.status()).unwrap_or_default();
    let node = |node: &crate::pool::NodeStatus| {
        json!({
            "id": node.id.as_str(), "label": node.label, "provider": node.provider, "state": node.state.as_str(),
            "since_ms": node.since.0, "created_ms": node.created_at.0,
            "lease": node.lease.map(|(lease, _)| lease.to_string()),
            "build": node.lease.map(|(_, build)| build.to_string()), "detail": node.detail,
        })
    };
    let nodes: Vec<Value> = pool.nodes.iter().map(node).collect();
    Json(json!({ "nodes": nodes }))
}

/// Which builds.
#[derive(Debug, Default, Deserialize)]
struct Filter {
    job: Option<String>,
    number: Option<u64>,
    /// `ended` or `live`.
    state: Option<String>,
    before: Option<String>,
    limit: Option<u32>,
}

async fn builds(State(web): State<Web>, Query(filter): Query<Filter>) -> Result<Json<Value>, Failure> {
    let job: Option<JobName> = filter
        .job
        .map(|job| {
            job.parse().map_err(|error: crate::model::NameError| Failure::bad_request(error.to_string()))
        })
        .transpose()?;
    let records = match (job, filter.number) {
        (Some(job), Some(number)) => web.builds.find_by_number(&job, number).await?.into_iter().collect(),
        (None, Some(_)) => return Err(Failure::bad_request("'number' needs a 'job'.")),
        (job, None) => {
            let ended = match filter.state.as_deref() {
                None => None,
                Some("ended") => Some(true),
                Some("live") => Some(false),
                Some(_) => return Err(Failure::bad_request("'state' is 'ended' or 'live'.")),
            };
            let before = super::pages::Before { before: filter.before }.id()?;
            let limit = filter.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
            web.builds.list(BuildFilter { job, ended, before, limit }).await?
        }
    };
    let next = records.last().filter(|_| records.len() > 1).map(|record| record.id.to_string());
    let builds: Vec<_> = records.iter().map(|record| BuildJson::new(record, &web.addresses)).collect();
    Ok(Json(json!({ "builds": builds, "before": next })))
}

fn id(text: &str) -> Result<BuildId, Failure> {
    text.parse().map_err(|_| Failure::not_found(format!("There is no build {text}.")))
}

async fn build(State(web): State<Web>, Path(text): Path<String>) -> Result<Json<BuildJson>, Failure> {
    let found = web.builds.find(id(&text)?).await?;
    let record = found.ok_or_else(|| Failure::not_found(format!("There is no build {text}.")))?;
    Ok(Json(BuildJson::new(&record, &web.addresses)))
}

#[derive(Serialize)]
struct Aborted {
    id: String,
    /// `taken`, `already`, `ended`.
    answer: &'static str,
}

/// `POST /builds/ID:abort`.
async fn change(State(web): State<Web>, Path(text): Path<String>) -> Result<Json<Aborted>, Failure> {
    let Some(text) = text.strip_suffix(":abort") else {
        return Err(Failure::method());
    };
    let id = id(text)?;
    let cause = Cause::Stopped { by: "a user".to_owned() };
    let answer = match web.builds.stop(id, cause).await? {
        StopAnswer::Taken => "taken",
        StopAnswer::Already => "already",
        StopAnswer::Ended => "ended",
    };
    Ok(Json(Aborted { id: id.to_string(), answer }))
}

/// Which part of a log.
#[derive(Debug, Default, Deserialize)]
struct LogPart {
    #[serde(default)]
    start: u64,
    /// Until the build has ended.
    #[serde(default)]
    follow: bool,
}

/// `GET /builds/ID/log`: bytes as the build wrote them.
async fn log(
    State(web): State<Web>,
    Path(text): Path<String>,
    Query(part): Query<LogPart>,
) -> Result<Response, Failure> {
    let found = web.builds.find(id(&text)?).await?;
    let record = found.ok_or_else(|| Failure::not_found(format!("There is no build {text}.")))?;
    if part.follow {
        return follow(&web, &record, From { start: part.start, seen: None }, Form::Plain);
    }
    console::text_from(&web, &record, part.start).await.map(IntoResponse::into_response)
}
