//! Comparisons of shadow builds: for programs, and a page with the two side by side.

use askama::Template;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Web;
use super::console::tail;
use super::failure::Failure;
use super::pages::render;
use super::view::Line;
use crate::model::{BuildId, BuildRecord, Comparison, JobName, NameError, VerdictWord};
use crate::store::ComparisonFilter;

/// Comparisons in one answer, when nothing else is asked for.
const LIMIT: u32 = 1_000;
/// The most of them.
const LIMIT_MAX: u32 = 10_000;
/// Bytes of each log's end on the page.
const LOG_SHOWN: u64 = 32 * 1024;

/// Which comparisons.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Filter {
    job: Option<String>,
    before: Option<String>,
    limit: Option<u32>,
}

/// `GET /causeway/v1/comparisons`: newest first; `before` is where the next page begins.
pub(super) async fn list(
    State(web): State<Web>,
    Query(filter): Query<Filter>,
) -> Result<Json<Value>, Failure> {
    let job = filter.job.map(|job| job.parse::<JobName>()).transpose();
    let job = job.map_err(|error: NameError| Failure::bad_request(error.to_string()))?;
    let before = filter.before.map(|id| id.parse::<BuildId>()).transpose();
    let before = before.map_err(|_| Failure::bad_request("'before' is no id of a build."))?;
    let limit = filter.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let found = web.history.comparisons(ComparisonFilter { job, before, limit }).await?;
    let before = found.last().filter(|_| found.len() >= limit as usize).map(|last| last.id.to_string());
    let list: Vec<Value> = found.iter().map(|one| comparison_json(&web, one)).collect();
    Ok(Json(json!({ "comparisons": list, "before": before })))
}

fn comparison_json(web: &Web, one: &Comparison) -> Value {
    json!({
        "id": one.id.as_str(), "job": one.job.as_str(), "number": one.number, "at_ms": one.at.0,
        "shadow": one.shadow.map(|(id, _)| id.to_string()), "shadow_number": one.shadow.map(|(_, number)| number),
        "verdict": one.verdict.as_str(), "why": one.why, "left_out": one.left_out,
        "url": format!("{}compare/{}", web.addresses.root(), one.id),
    })
}

/// One of the two.
struct Half {
    title: &'static str,
    line: Line,
    log: String,
}

#[derive(Template)]
#[template(path = "compare.html", config = "src/web/askama.toml")]
struct Page {
    job: String,
    number: u64,
    word: &'static str,
    tone: &'static str,
    why: Vec<String>,
    left_out: Vec<String>,
    halves: Vec<Half>,
}

/// `/compare/ID`, by the id of the master's build.
pub(super) async fn page(State(web): State<Web>, Path(text): Path<String>) -> Result<Response, Failure> {
    let unknown = || {
        Failure::not_found("There is no such comparison; a build's verdict comes when both sides have ended.")
    };
    let id: BuildId = text.parse().map_err(|_| unknown())?;
    let comparison = web.history.comparison(id).await?.ok_or_else(unknown)?;
    let mut halves = Vec::new();
    let sides = [("On the master", Some(comparison.id)), ("On a node", comparison.shadow.map(|(id, _)| id))];
    for (title, id) in sides {
        let Some(id) = id else { continue };
        if let Some(record) = web.builds.find(id).await? {
            halves.push(half(&web, title, &record).await?);
        }
    }
    let (word, tone) = match comparison.verdict {
        VerdictWord::Same => ("same", "good"),
        VerdictWord::Differs => ("differs", "bad"),
        VerdictWord::Flaky => ("flaky", "warn"),
        VerdictWord::NotComparable => ("not comparable", "calm"),
    };
    render(&Page {
        job: comparison.job.to_string(),
        number: comparison.number,
        word,
        tone,
        why: comparison.why,
        left_out: comparison.left_out,
        halves,
    })
}

async fn half(web: &Web, title: &'static str, record: &BuildRecord) -> Result<Half, Failure> {
    let log = tail(web, record, LOG_SHOWN).await?;
    Ok(Half { title, line: Line::new(record, web.builds.now()), log })
}
