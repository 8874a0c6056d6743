//! What happened to builds, nodes and leases (pools-P4): a page, a part of other pages, and the API.

use askama::Template;
use axum::Json;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Web;
use super::failure::Failure;
use super::pages::render;
use super::time::Moment;
use super::view;
use crate::model::{BuildId, Millis, Subject};
use crate::store::{EventFilter, LoggedEvent, StoreError};

/// Events in one answer, when nothing else is asked for.
const LIMIT: u32 = 100;
/// The most events in one answer.
const LIMIT_MAX: u32 = 1_000;
/// A build that waits and is stopped has some ten; whatever made it more stands on the page of events.
const OF_BUILD: u32 = 30;
/// Of all nodes together, on the nodes' page.
const OF_NODES: u32 = 15;

/// Which events.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Filter {
    /// The id of a build, node or lease.
    object: Option<String>,
    /// `build`, `node` or `lease`.
    kind: Option<String>,
    before: Option<u64>,
    since: Option<u64>,
    limit: Option<u32>,
}

impl Filter {
    fn checked(self) -> Result<EventFilter, Failure> {
        let kinds = ["build", "node", "lease"];
        if self.kind.as_deref().is_some_and(|kind| !kinds.contains(&kind)) {
            return Err(Failure::bad_request("'kind' is 'build', 'node' or 'lease'."));
        }
        // An id of one kind reads like one of another.
        if self.object.as_deref().is_some_and(|id| id.parse::<BuildId>().is_err()) {
            return Err(Failure::bad_request("'object' is no id of a build, node or lease."));
        }
        Ok(EventFilter {
            object: self.object,
            kind: self.kind,
            before: self.before,
            since: self.since,
            limit: self.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX),
        })
    }
}

/// `GET /causeway/v1/events`: newest first; `before` is where the next page begins.
pub(super) async fn api(
    State(web): State<Web>,
    Query(filter): Query<Filter>,
) -> Result<Json<Value>, Failure> {
    let filter = filter.checked()?;
    let limit = filter.limit;
    let events = web.history.events(filter).await?;
    let before = next(&events, limit);
    let events: Vec<Value> = events.iter().map(event_json).collect();
    Ok(Json(json!({ "events": events, "before": before })))
}

fn next(events: &[LoggedEvent], limit: u32) -> Option<u64> {
    let last = events.last()?;
    (events.len() >= limit as usize).then_some(last.number)
}

fn event_json(logged: &LoggedEvent) -> Value {
    let event = &logged.event;
    json!({
        "number": logged.number, "at_ms": event.at.0, "kind": event.subject.kind(), "object": event.subject.id(),
        "from": event.from, "to": event.to, "cause": event.cause, "actor": event.actor,
    })
}

/// One event on a page.
pub(super) struct EventView {
    pub at: Moment,
    pub tone: &'static str,
    pub kind: &'static str,
    pub object: String,
    /// Where more about the object stands.
    pub link: String,
    pub to: String,
    pub cause: String,
    pub actor: String,
}

impl EventView {
    fn new(logged: &LoggedEvent, now: Millis) -> EventView {
        let event = &logged.event;
        let id = event.subject.id();
        EventView {
            at: Moment::new(event.at, now),
            tone: tone(&event.to, &event.cause),
            kind: event.subject.kind(),
            object: id.to_owned(),
            link: match event.subject {
                Subject::Build(_) => format!("/build/{id}"),
                Subject::Node(_) | Subject::Lease(_) => format!("/events?object={id}"),
            },
            to: event.to.to_string(),
            cause: event.cause.clone(),
            actor: event.actor.to_string(),
        }
    }
}

fn tone(to: &str, cause: &str) -> &'static str {
    match to {
        // The cause of an end begins with its word.
        "ended" => view::tone(cause.split(':').next().unwrap_or_default()),
        "ready" => "good",
        "failed" | "lost" => "bad",
        "leased" | "active" => "busy",
        "stopping" => "warn",
        other => view::tone(other),
    }
}

impl Web {
    /// What happened to a build, oldest first.
    pub(super) async fn history(&self, id: BuildId) -> Result<Vec<EventView>, StoreError> {
        let filter = EventFilter { object: Some(id.to_string()), limit: OF_BUILD, ..EventFilter::default() };
        let mut events = self.event_views(filter).await?;
        events.reverse();
        Ok(events)
    }

    /// What happened to nodes lately, newest first.
    pub(super) async fn node_events(&self) -> Result<Vec<EventView>, StoreError> {
        let filter = EventFilter { kind: Some("node".to_owned()), limit: OF_NODES, ..EventFilter::default() };
        self.event_views(filter).await
    }

    async fn event_views(&self, filter: EventFilter) -> Result<Vec<EventView>, StoreError> {
        let now = self.builds.now();
        let events = self.history.events(filter).await?;
        Ok(events.iter().map(|logged| EventView::new(logged, now)).collect())
    }
}

#[derive(Template)]
#[template(path = "events.html", config = "src/web/askama.toml")]
struct Events {
    object: Option<String>,
    events: Vec<EventView>,
    older: Option<String>,
}

/// `/events`.
pub(super) async fn page(State(web): State<Web>, Query(filter): Query<Filter>) -> Result<Response, Failure> {
    let filter = filter.checked()?;
    let now = web.builds.now();
    let found = web.history.events(filter.clone()).await?;
    let older = next(&found, filter.limit).map(|before| {
        let object = filter.object.as_ref().map(|id| format!("&object={id}")).unwrap_or_default();
        let kind = filter.kind.as_ref().map(|kind| format!("&kind={kind}")).unwrap_or_default();
        format!("/events?before={before}{object}{kind}")
    });
    let events = found.iter().map(|logged| EventView::new(logged, now)).collect();
    render(&Events { object: filter.object, events, older })
}
