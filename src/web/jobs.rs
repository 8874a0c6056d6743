//! The list of jobs, and a job's page.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::Web;
use super::failure::Failure;
use super::pages::{PAGE_SHOWN, render};
use super::view::{Fact, Line};
use crate::model::{Addresses, JobName};
use crate::store::BuildFilter;

/// A job in the list.
pub(super) struct JobLine {
    pub name: String,
    pub path: String,
    pub word: String,
    pub tone: &'static str,
    pub about: String,
    pub place: String,
}

/// What the list is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Search {
    /// Part of a name.
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "jobs.html", config = "src/web/askama.toml")]
struct Jobs {
    query: String,
    total: usize,
    notices: Vec<String>,
    jobs: Vec<JobLine>,
    more: Option<String>,
}

/// `/jobs`.
pub(super) async fn list(State(_web): State<Web>, Query(search): Query<Search>) -> Result<Response, Failure> {
    render(&Jobs { query: search.q, total: 0, notices: Vec::new(), jobs: Vec::new(), more: None })
}

/// A step as the page shows it.
struct ScriptView {
    title: String,
    place: String,
    script: String,
}

#[derive(Template)]
#[template(path = "job.html", config = "src/web/askama.toml")]
struct JobPage {
    name: String,
    description: String,
    notices: Vec<String>,
    facts: Vec<Fact>,
    live: bool,
    builds: Vec<Line>,
    older: Option<String>,
    steps: Vec<ScriptView>,
}

/// A job's page.
pub(super) async fn page(web: &Web, job: &JobName, query: Option<&str>) -> Result<Response, Failure> {
    let before = query
        .and_then(|query| query.strip_prefix("before="))
        .map(|text| text.parse().map_err(|_| Failure::bad_request("'before' is no build's id.")))
        .transpose()?;
    let filter = BuildFilter { job: Some(job.clone()), before, limit: PAGE_SHOWN, ..BuildFilter::default() };
    let records = web.builds.list(filter).await?;
    if records.is_empty() && before.is_none() {
        return Err(Failure::not_found(format!("No job called {job} is known here.")));
    }
    let now = web.builds.now();
    let last = records.last().filter(|_| records.len() >= PAGE_SHOWN as usize);
    render(&JobPage {
        name: job.to_string(),
        description: String::new(),
        notices: Vec::new(),
        facts: Vec::new(),
        live: records.iter().any(|record| record.state.outcome().is_none()),
        older: last.map(|record| format!("{}?before={}", Addresses::new("").job(job), record.id)),
        builds: records.iter().map(|record| Line::new(record, now)).collect(),
        steps: Vec::new(),
    })
}
