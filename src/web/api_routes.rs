//! `/causeway/v1/routes`: where jobs run, since when and why, and the way to change it.

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Web;
use super::api_jobs::TOKEN_USER;
use super::failure::Failure;
use crate::model::{JobName, NameError, Route, Selector, Setting, Side, Stage, Turn, ZuulChange};
use crate::route::{Asked, Meant, RouteError, Rule, Source, Turned, Who, Wish};
use crate::store::TurnFilter;

/// Turns in one answer, when nothing else is asked for.
const LIMIT: u32 = 50;
/// The most turns in one answer.
const LIMIT_MAX: u32 = 1_000;
/// Turns that are shown with one job.
const TURNS_OF_ONE: u32 = 10;

fn selector_json(which: &Selector) -> Value {
    json!({ "jobs": which.jobs, "project": which.project, "pipeline": which.pipeline, "branch": which.branch })
}

fn setting_json(setting: &Setting) -> Value {
    let share = (setting.stage == Stage::Canary).then_some(setting.share);
    json!({
        "stage": setting.stage.as_str(), "share": share, "master": setting.master,
        "job_there": setting.job.as_ref().map(JobName::as_str), "text": setting.to_string(),
    })
}

fn turn_json(turn: &Turn) -> Value {
    json!({
        "number": turn.number, "at_ms": turn.at.0, "by": turn.by, "why": turn.why, "kind": turn.kind.as_str(),
        "which": turn.which.as_ref().map(selector_json), "setting": turn.setting.as_ref().map(setting_json),
    })
}

fn rule_json((rule, jobs): &(Rule, usize)) -> Value {
    let turn = match &rule.source {
        Source::Configured => None,
        Source::Turned(turn) => Some(turn_json(turn)),
    };
    json!({
        "which": selector_json(&rule.which), "setting": setting_json(&rule.setting), "jobs": jobs, "turn": turn,
    })
}

fn route_json(route: Option<&Route>) -> Value {
    let side = route.map(|route| match &route.side {
        Side::Pool => json!({ "side": "pool" }),
        Side::Master { name, job } => json!({ "side": "master", "master": name, "job_there": job.as_str() }),
    });
    match (side, route) {
        (Some(mut json), Some(route)) => {
            json["stage"] = route.stage.as_str().into();
            json["reason"] = route.reason.as_str().into();
            json
        }
        _ => {
            json!({ "side": "others", "stage": null, "reason": "whoever registers the job gets its builds" })
        }
    }
}

/// `GET /routes`.
pub(super) async fn list(State(web): State<Web>) -> Json<Value> {
    let listing = web.routes.router().listing();
    let stage =
        |stage: Stage| (stage.as_str().to_owned(), listing.stages.get(&stage).copied().unwrap_or(0).into());
    let stages: serde_json::Map<String, Value> = Stage::ALL.map(stage).into_iter().collect();
    let rules: Vec<Value> = listing.rules.iter().map(rule_json).collect();
    let frozen = web.routes.frozen().await;
    Json(json!({
        "routes": rules, "stages": stages, "left": listing.left, "frozen": frozen.as_ref().map(turn_json),
    }))
}

/// `GET /routes:jobs`.
pub(super) async fn jobs(State(web): State<Web>) -> Json<Value> {
    let jobs = web.routes.router().by_job();
    let one = |(job, route): &(JobName, Option<Route>)| {
        let mut json = route_json(route.as_ref());
        json["name"] = job.as_str().into();
        json
    };
    Json(json!({ "jobs": jobs.iter().map(one).collect::<Vec<_>>() }))
}

/// What a build would be for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Build {
    project: String,
    pipeline: String,
    branch: String,
    change: String,
    patch_set: String,
}

/// `GET /routes/JOB`: where a build would run, by what, and what stands in the way of a node.
pub(super) async fn show(
    State(web): State<Web>,
    Path(text): Path<String>,
    Query(build): Query<Build>,
) -> Result<Json<Value>, Failure> {
    let job = name(&text)?;
    let Build { project, pipeline, branch, change, patch_set } = build;
    let change = ZuulChange { project, pipeline, change, patch_set, ..ZuulChange::default() };
    let router = web.routes.router();
    let route = router.route(&Asked { job: job.clone(), branch, change });
    let against = router.against(&job);
    if route.is_none() && router.catalog().job(job.as_str()).is_none() {
        return Err(Failure::not_found(format!("No job called {job} is known here.")).detail(
            "`causeway route list --jobs` shows those that there are; one that only masters know is theirs.",
        ));
    }
    let filter = TurnFilter { jobs: Some(job.to_string()), before: None, limit: TURNS_OF_ONE };
    let turns: Vec<Value> = web.routes.history(filter).await?.iter().map(turn_json).collect();
    let mut json = route_json(route.as_ref());
    json["name"] = job.as_str().into();
    json["in_the_way"] = against.unwrap_or_default().into();
    json["turns"] = turns.into();
    Ok(Json(json))
}

/// Which turns.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Filter {
    jobs: Option<String>,
    before: Option<u64>,
    limit: Option<u32>,
}

/// `GET /routes:history`: newest first; `before` is where the next page begins.
pub(super) async fn history(
    State(web): State<Web>,
    Query(filter): Query<Filter>,
) -> Result<Json<Value>, Failure> {
    let limit = filter.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let turns = web.routes.history(TurnFilter { jobs: filter.jobs, before: filter.before, limit }).await?;
    let before = turns.last().filter(|_| turns.len() >= limit as usize).map(|turn| turn.number);
    Ok(Json(json!({ "turns": turns.iter().map(turn_json).collect::<Vec<_>>(), "before": before })))
}

/// What every change says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// Names or patterns.
    #[serde(default)]
    jobs: Vec<String>,
    project: Option<String>,
    pipeline: Option<String>,
    branch: Option<String>,
    stage: Option<String>,
    share: Option<u8>,
    master: Option<String>,
    #[serde(default)]
    plugin: bool,
    job_there: Option<String>,
    /// For a freeze: whether it begins.
    on: Option<bool>,
    by: Option<String>,
    #[serde(default)]
    why: String,
}

impl Change {
    fn split(self) -> (Meant, Who) {
        let Change { jobs, project, pipeline, branch, by, why, .. } = self;
        let by = by.filter(|by| !by.trim().is_empty()).unwrap_or_else(|| TOKEN_USER.to_owned());
        (Meant { jobs, project, pipeline, branch }, Who { by, why })
    }

    fn wish(&self) -> Result<Wish, Failure> {
        let word = self.stage.as_deref().unwrap_or_default();
        let stage = Stage::from_text(word).ok_or_else(|| {
            Failure::bad_request(format!("'{word}' is no stage."))
                .detail("The stages are master, shadow, canary and pool.")
        })?;
        let job = self.job_there.as_deref().map(name).transpose()?;
        if job.is_some() && self.jobs.len() != 1 {
            return Err(Failure::bad_request("Many jobs cannot have one name on the master."));
        }
        Ok(Wish { stage, share: self.share, master: self.master.clone(), plugin: self.plugin, job })
    }
}

/// `POST /routes`.
pub(super) async fn set(State(web): State<Web>, Json(change): Json<Change>) -> Result<Json<Value>, Failure> {
    let wish = change.wish()?;
    let (meant, who) = change.split();
    answer(web.routes.set(&meant, &wish, &who).await)
}

/// `POST /routes:promote`.
pub(super) async fn promote(
    State(web): State<Web>,
    Json(change): Json<Change>,
) -> Result<Json<Value>, Failure> {
    let share = change.share;
    let (meant, who) = change.split();
    answer(web.routes.promote(&meant, share, &who).await)
}

/// `POST /routes:roll-back`.
pub(super) async fn roll_back(
    State(web): State<Web>,
    Json(change): Json<Change>,
) -> Result<Json<Value>, Failure> {
    let (meant, who) = change.split();
    answer(web.routes.roll_back(&meant, &who).await)
}

/// `POST /routes:freeze`.
pub(super) async fn freeze(
    State(web): State<Web>,
    Json(change): Json<Change>,
) -> Result<Json<Value>, Failure> {
    let on = change.on.unwrap_or(true);
    let (_, who) = change.split();
    answer(web.routes.freeze(on, &who).await)
}

fn answer(turned: Result<Turned, RouteError>) -> Result<Json<Value>, Failure> {
    let turned = turned?;
    let left_out =
        |(job, reasons): &(JobName, Vec<String>)| json!({ "name": job.as_str(), "reasons": reasons });
    Ok(Json(json!({
        "turns": turned.turns.iter().map(turn_json).collect::<Vec<_>>(),
        "unchanged": turned.unchanged,
        "left_out": turned.left_out.iter().map(left_out).collect::<Vec<_>>(),
    })))
}

fn name(text: &str) -> Result<JobName, Failure> {
    text.parse().map_err(|error: NameError| Failure::bad_request(error.to_string()))
}

impl From<RouteError> for Failure {
    fn from(cause: RouteError) -> Failure {
        let (text, cure) = (cause.to_string(), cause.cure());
        let failure = match cause {
            RouteError::Unknown { .. } | RouteError::NotThere { .. } | RouteError::NoMatch { .. } => {
                Failure::not_found(text)
            }
            RouteError::CannotRun { .. }
            | RouteError::NotRegistered { .. }
            | RouteError::HalfOurs { .. }
            | RouteError::Alone { .. }
            | RouteError::AtTheEnd { .. }
            | RouteError::NothingBefore { .. }
            | RouteError::NoRoute { .. }
            | RouteError::Frozen { .. } => Failure::conflict(text),
            RouteError::NoMaster { .. } | RouteError::UnknownMaster { .. } | RouteError::Words(_) => {
                Failure::bad_request(text)
            }
            RouteError::Store(store) => return store.into(),
        };
        failure.detail(cure)
    }
}
