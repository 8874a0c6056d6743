//! Everything below `/job/`: a job's page, a build's page, and what hangs from it.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::Web;
use super::address::{Target, parse};
use super::console::{self, Part, Shown};
use super::events::EventView;
use super::failure::Failure;
use super::files::{self, FileView};
use super::jenkins;
use super::live::{self, Form, From};
use super::pages::render;
use super::test_report::{self, TestsView};
use super::view::Page;
use crate::image::ImageRecord;
use crate::model::{BuildRecord, JobName};

/// Kept files that a build's page lists; the rest is one click away.
const FILES_SHOWN: usize = 12;

#[derive(Template)]
#[template(path = "build.html", config = "src/web/askama.toml")]
struct BuildPage {
    id: String,
    page: Page,
    history: Vec<EventView>,
    tests: Option<TestsView>,
    images: Vec<ImageRecord>,
    artifacts: Vec<FileView>,
    more_artifacts: usize,
    console: Shown,
}

/// `GET /job/…`.
pub(super) async fn get(
    State(web): State<Web>,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    match parse(uri.path()) {
        None => Err(Failure::not_found("Nothing has this address.")),
        Some(Target::AddSlash) => {
            let query = query.map(|query| format!("?{query}")).unwrap_or_default();
            Ok(Redirect::permanent(&format!("{}/{query}", uri.path())).into_response())
        }
        Some(Target::Job(job)) => super::jobs::page(&web, &job, query.as_deref()).await,
        Some(Target::Build { job, number, rest }) => {
            let record = find(&web, &job, number).await?;
            below(&web, &record, rest, query.as_deref().unwrap_or_default(), &headers).await
        }
    }
}

/// `POST /job/…`: only the log in parts, with a form (jenkins-rest 4.3).
pub(super) async fn post(State(web): State<Web>, uri: Uri, body: Bytes) -> Result<Response, Failure> {
    let Some(Target::Build { job, number, rest: "logText/progressiveText" }) = parse(uri.path()) else {
        return Err(Failure::method());
    };
    let record = find(&web, &job, number).await?;
    let form = String::from_utf8_lossy(&body);
    console::progressive(&web, &record, start(&form)?).await
}

async fn find(web: &Web, job: &JobName, number: u64) -> Result<std::sync::Arc<BuildRecord>, Failure> {
    let found = web.builds.find_by_number(job, number).await?;
    found.ok_or_else(|| Failure::not_found(format!("There is no build #{number} of {job}.")))
}

/// What lies below a build's address.
async fn below(
    web: &Web,
    record: &BuildRecord,
    rest: &str,
    query: &str,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    match rest.trim_end_matches('/') {
        "" => page(web, record).await,
        "console" => console::page(web, record, Part::Tail).await,
        "consoleFull" => console::page(web, record, Part::From(number(query, "from").unwrap_or(0))).await,
        "consoleText" => console::text(web, record).await,
        "logText/progressiveText" => console::progressive(web, record, start(query)?).await,
        "logText/live" => {
            let back = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
            let start = back.or_else(|| number(query, "start")).unwrap_or(0);
            live::follow(web, record, From { start, seen: value(query, "seen") }, Form::Events)
        }
        "buildNumber" => Ok(record.number.to_string().into_response()),
        "api/json" => api_json(web, record, query).await,
        "testReport" => test_report::page(web, record).await,
        "testReport/api/json" => test_report::api_json(web, record).await,
        "artifact" => files::list(web, record).await,
        other => match other.strip_prefix("artifact/") {
            Some(path) => files::get(web, record, path).await,
            None => Err(Failure::not_found("Nothing has this address.")),
        },
    }
}

async fn page(web: &Web, record: &BuildRecord) -> Result<Response, Failure> {
    let mut artifacts = files::of(web, record, "artifact/").await?;
    let more_artifacts = artifacts.len().saturating_sub(FILES_SHOWN);
    artifacts.truncate(FILES_SHOWN);
    let tests = test_report::of(web, record).await?.as_ref().map(TestsView::new);
    let console = Shown::read(web, record, Part::Tail).await?;
    render(&BuildPage {
        id: record.id.to_string(),
        page: Page::new(record, web.builds.now()),
        history: web.history(record.id).await?,
        tests,
        images: images(web, record).await?,
        artifacts,
        more_artifacts,
        console,
    })
}

/// What is known of a build's images (docker-M40).
async fn images(web: &Web, record: &BuildRecord) -> Result<Vec<ImageRecord>, Failure> {
    let read = web.artifacts.images(record.id).await;
    read.map_err(|error| Failure::internal("what is known of the build's images could not be read", &error))
}

async fn api_json(web: &Web, record: &BuildRecord, query: &str) -> Result<Response, Failure> {
    let files = files::names(web, record).await?;
    let tests = test_report::of(web, record).await?.as_ref().map(test_report::action);
    let mut object = jenkins::build(record, &files, tests, &web.addresses, web.builds.now());
    let images = images(web, record).await?;
    if !images.is_empty() {
        object["causewayImages"] = serde_json::json!(images);
    }
    let text = match value(query, "pretty") {
        Some("true") => serde_json::to_string_pretty(&object),
        _ => serde_json::to_string(&object),
    };
    let text = text.map_err(|error| Failure::internal("the build has no JSON form", &error))?;
    Ok(([(header::CONTENT_TYPE, "application/json;charset=utf-8")], text).into_response())
}

/// A value of a query or form; those that are asked for here need no escapes.
fn value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .find_map(|pair| pair.split_once('=').filter(|(found, _)| *found == name))
        .map(|(_, value)| value)
}

fn number(query: &str, name: &str) -> Option<u64> {
    value(query, name)?.parse().ok()
}

/// The `start` of a log in parts; negative or no number is an error there (jenkins-rest 4.3).
fn start(query: &str) -> Result<u64, Failure> {
    match value(query, "start") {
        None | Some("") => Ok(0),
        Some(text) => text.parse().map_err(|_| Failure::bad_request("'start' is no offset.")),
    }
}
