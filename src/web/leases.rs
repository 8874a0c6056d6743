//! `/causeway/v1/leases`: who has which node, who waits for one, and who had one within the last day (pools 4.1).

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Web;
use super::failure::Failure;
use crate::model::LeaseId;
use crate::store::{LeaseFilter, LeaseRow};

/// Leases in one answer, when nothing else is asked for.
const LIMIT: u32 = 100;
/// The most leases in one answer.
const LIMIT_MAX: u32 = 1_000;

/// Which leases.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Filter {
    /// `ended` or `live`.
    state: Option<String>,
    before: Option<String>,
    limit: Option<u32>,
}

impl Filter {
    fn checked(self) -> Result<LeaseFilter, Failure> {
        let over = match self.state.as_deref() {
            None => None,
            Some("ended") => Some(true),
            Some("live") => Some(false),
            Some(_) => return Err(Failure::bad_request("'state' is 'ended' or 'live'.")),
        };
        let before = self.before.map(|id| id.parse::<LeaseId>()).transpose();
        let before = before.map_err(|_| Failure::bad_request("'before' is no id of a lease."))?;
        Ok(LeaseFilter { over, before, limit: self.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX) })
    }
}

/// `GET /causeway/v1/leases`: newest first; `before` is where the next page begins.
pub(super) async fn list(
    State(web): State<Web>,
    Query(filter): Query<Filter>,
) -> Result<Json<Value>, Failure> {
    let filter = filter.checked()?;
    let rows = web.history.leases(filter).await?;
    let whole = rows.len() < filter.limit as usize;
    let before = rows.last().filter(|_| !whole).map(|row| row.id.to_string());
    let leases: Vec<Value> = rows.iter().map(lease_json).collect();
    Ok(Json(json!({ "leases": leases, "before": before })))
}

/// `GET /causeway/v1/leases/ID`.
pub(super) async fn show(State(web): State<Web>, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let unknown = || Failure::not_found(format!("There is no lease {id}; one that ended is kept for a day."));
    let lease = web.history.lease(id.parse().map_err(|_| unknown())?).await?;
    Ok(Json(lease_json(&lease.ok_or_else(unknown)?)))
}

fn lease_json(row: &LeaseRow) -> Value {
    json!({
        "id": row.id.as_str(), "state": row.state.as_str(), "since_ms": row.since.0, "queued_ms": row.queued_at.0,
        "expression": row.expression, "build": row.build.as_str(),
        "node": row.node.as_ref().map(|node| node.as_str()),
    })
}
