//! The pages about everything: overview, builds, nodes.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::Web;
use super::events::EventView;
use super::failure::Failure;
use super::pool_view::PoolView;
use super::view::Line;
use crate::build::Counts;
use crate::model::{Addresses, BuildId, BuildRecord, BuildState};
use crate::store::BuildFilter;

/// Live builds that the overview lists; the tiles count all of them.
const LIVE_SHOWN: usize = 40;
/// Ended builds on the overview.
const LATEST_SHOWN: u32 = 15;
/// Builds on a page of the list.
pub(super) const PAGE_SHOWN: u32 = 50;

/// Renders a page.
pub(super) fn render(page: &impl Template) -> Result<Response, Failure> {
    let html = page.render().map_err(|error| Failure::internal("the page could not be made", &error))?;
    Ok(Html(html).into_response())
}

#[derive(Template)]
#[template(path = "overview.html", config = "src/web/askama.toml")]
struct Overview {
    counts: Counts,
    troubles: Vec<String>,
    running: Vec<Line>,
    waiting: Vec<Line>,
    more_live: usize,
    latest: Vec<Line>,
    older: Option<String>,
    pool: PoolView,
}

/// `/`.
pub(super) async fn overview(State(web): State<Web>) -> Result<Response, Failure> {
    let now = web.builds.now();
    let live = web.builds.live_builds();
    let more_live = live.len().saturating_sub(LIVE_SHOWN);
    let (running, waiting): (Vec<_>, Vec<_>) = live
        .iter()
        .filter(|record| record.state.outcome().is_none())
        .partition(|record| matches!(record.state, BuildState::Running | BuildState::Publishing));
    let latest = web
        .builds
        .list(BuildFilter { ended: Some(true), limit: LATEST_SHOWN, ..BuildFilter::default() })
        .await?;
    let lines = |records: Vec<&Arc<BuildRecord>>| {
        records.into_iter().take(LIVE_SHOWN).map(|record| Line::new(record, now)).collect()
    };
    render(&Overview {
        counts: web.builds.counts(),
        troubles: web.troubles().into_iter().map(|trouble| trouble.detail).collect(),
        running: lines(running),
        waiting: lines(waiting),
        more_live,
        older: older(&latest, LATEST_SHOWN),
        latest: latest.iter().map(|record| Line::new(record, now)).collect(),
        pool: web.pool_view(),
    })
}

/// The address of the next page of builds, if there may be one.
fn older(shown: &[Arc<BuildRecord>], limit: u32) -> Option<String> {
    let last = shown.last()?;
    (shown.len() >= limit as usize).then(|| format!("/builds?before={}", last.id))
}

impl Web {
    /// The pool as pages show it.
    pub(super) fn pool_view(&self) -> PoolView {
        match &self.pool {
            Some(pool) => PoolView::new(&pool.status(), self.builds.now()),
            None => PoolView::default(),
        }
    }
}

/// Where a list of builds begins.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Before {
    pub before: Option<String>,
}

impl Before {
    /// The build before which the list begins.
    pub(super) fn id(&self) -> Result<Option<BuildId>, Failure> {
        self.before
            .as_deref()
            .map(|text| text.parse().map_err(|_| Failure::bad_request("'before' is no build's id.")))
            .transpose()
    }
}

#[derive(Template)]
#[template(path = "builds.html", config = "src/web/askama.toml")]
struct BuildList {
    builds: Vec<Line>,
    older: Option<String>,
}

/// `/builds`.
pub(super) async fn builds(
    State(web): State<Web>,
    Query(before): Query<Before>,
) -> Result<Response, Failure> {
    let filter = BuildFilter { before: before.id()?, limit: PAGE_SHOWN, ..BuildFilter::default() };
    let records = web.builds.list(filter).await?;
    let now = web.builds.now();
    render(&BuildList {
        older: older(&records, PAGE_SHOWN),
        builds: records.iter().map(|record| Line::new(record, now)).collect(),
    })
}

/// `/build/ID`: to the build's own address.
pub(super) async fn build_by_id(State(web): State<Web>, Path(id): Path<String>) -> Result<Redirect, Failure> {
    let unknown = || Failure::not_found("There is no such build.");
    let id: BuildId = id.parse().map_err(|_| unknown())?;
    let record = web.builds.find(id).await?.ok_or_else(unknown)?;
    Ok(Redirect::to(&Addresses::new("").build(&record.request.job, record.number)))
}

#[derive(Template)]
#[template(path = "nodes.html", config = "src/web/askama.toml")]
struct Nodes {
    pool: PoolView,
    events: Vec<EventView>,
}

/// `/nodes`.
pub(super) async fn nodes(State(web): State<Web>) -> Result<Response, Failure> {
    render(&Nodes { pool: web.pool_view(), events: web.node_events().await? })
}

/// Any address that nothing answers to.
pub(super) async fn nothing() -> Failure {
    Failure::not_found("Nothing has this address.")
}

/// An address that does not take the request's method.
pub(super) async fn method() -> Failure {
    Failure::method()
}
