//! `/causeway/v1/jobs`, and the start of a build.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::Web;
use super::build_json::BuildJson;
use super::failure::Failure;
use super::health::ReloadAnswer;
use crate::catalog::Entry;
use crate::catalog::recipe::{ParameterKind, Recipe};
use crate::model::{
    BuildRequest, JobName, NameError, Origin, Parameter, ParameterValue, Parameters, Precedence, Problem,
};
use crate::route::Asked;

/// Who asks with the one token that there is (decision 23).
pub(super) const TOKEN_USER: &str = "the token's holder";

/// What `POST /builds` is told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Start {
    job: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    parameters: Map<String, Value>,
}

/// `POST /builds`.
pub(super) async fn start(
    State(web): State<Web>,
    Json(start): Json<Start>,
) -> Result<(StatusCode, Json<BuildJson>), Failure> {
    let job = name(&start.job)?;
    let catalog = web.catalog.current();
    let routed = web.routes.router().route(&Asked::of_job(job.clone())).is_some();
    let owned = catalog.job(job.as_str()).filter(|_| routed);
    let entry = owned.ok_or_else(|| {
        Failure::not_found(format!("No job called '{job}' runs here."))
            .detail("`causeway jobs list` shows the jobs, and `causeway route list` which are ours.")
    })?;
    let request = BuildRequest {
        route: None,
        parameters: parameters(&entry.recipe, start.parameters)?,
        label: start.label,
        origin: Origin::Http { user: TOKEN_USER.to_owned() },
        precedence: Precedence::Normal,
        job: job.clone(),
    };
    let recipe = catalog.compiled(&job).to_text().into();
    let accepted = web.builds.submit(request, recipe, catalog.first_number(&job)).await?;
    let record = accepted.record.borrow().clone();
    Ok((StatusCode::CREATED, Json(BuildJson::new(&record, &web.addresses))))
}

/// What was given, and the declared defaults of what was not (decision 14).
fn parameters(recipe: &Recipe, given: Map<String, Value>) -> Result<Parameters, Failure> {
    let mut all = Vec::with_capacity(given.len() + recipe.parameters.len());
    for (name, value) in given {
        let value = match value {
            Value::Null => ParameterValue::Null,
            Value::Bool(value) => ParameterValue::Bool(value),
            Value::Number(number) => ParameterValue::Number(number.to_string()),
            Value::String(text) => ParameterValue::Text(text),
            Value::Array(_) | Value::Object(_) => {
                let reason = format!(
                    "The parameter '{name}' is a list or an object; a step's environment holds text."
                );
                return Err(Failure::bad_request(reason));
            }
        };
        all.push(Parameter { name, value });
    }
    for declared in &recipe.parameters {
        if all.iter().any(|given| given.name == declared.name) {
            continue;
        }
        let value = match declared.kind {
            ParameterKind::Bool => ParameterValue::Bool(declared.default == "true"),
            _ => ParameterValue::Text(declared.default.clone()),
        };
        all.push(Parameter { name: declared.name.clone(), value });
    }
    Ok(Parameters(all))
}

fn name(text: &str) -> Result<JobName, Failure> {
    text.parse().map_err(|error: NameError| Failure::bad_request(error.to_string()))
}

fn job_json(web: &Web, name: &JobName, entry: &Entry) -> Value {
    json!({
        "name": name.as_str(),
        "url": web.addresses.job(name),
        "owned": entry.owned(),
        "wanted": entry.wanted,
        "verdict": entry.verdict().as_str(),
        "node": entry.recipe.node,
        "file": entry.recipe.place.file,
        "line": entry.recipe.place.line,
    })
}

/// `GET /jobs`.
pub(super) async fn list(State(web): State<Web>) -> Json<Value> {
    let catalog = web.catalog.current();
    let jobs: Vec<Value> = catalog.jobs().map(|(name, entry)| job_json(&web, name, entry)).collect();
    let problems: Vec<Value> = catalog.problems().iter().map(problem_json).collect();
    Json(json!({ "jobs": jobs, "problems": problems }))
}

/// `GET /jobs/NAME`, with its recipe.
pub(super) async fn show(State(web): State<Web>, Path(text): Path<String>) -> Result<Json<Value>, Failure> {
    let name = name(&text)?;
    let catalog = web.catalog.current();
    let entry = catalog.job(name.as_str());
    let entry = entry.ok_or_else(|| Failure::not_found(format!("No job called '{name}' is known here.")))?;
    let recipe = serde_json::to_value(&*entry.recipe);
    let recipe = recipe.map_err(|error| Failure::internal("the recipe has no JSON form", &error))?;
    let findings: Vec<Value> = entry
        .findings
        .iter()
        .map(|finding| json!({ "component": finding.component, "problem": problem_json(&finding.problem) }))
        .collect();
    let mut job = job_json(&web, &name, entry);
    job["findings"] = findings.into();
    job["recipe"] = recipe;
    Ok(Json(job))
}

fn problem_json(problem: &Problem) -> Value {
    let position = problem.position.as_ref();
    json!({
        "severity": problem.severity.as_str(),
        "code": problem.code,
        "file": position.map(|position| position.file.as_str()),
        "line": position.map(|position| position.line),
        "column": position.map(|position| position.column),
        "message": problem.message,
        "reason": problem.reason,
        "cure": problem.cure,
    })
}

/// `POST /jobs:reload`: configuration and tree are read again; what has errors is not taken.
pub(super) async fn reload(State(web): State<Web>) -> Result<(StatusCode, Json<Value>), Failure> {
    let (answer, answered) = oneshot::channel();
    let ended = || Failure::unavailable("the server is about to end");
    web.reload.send(answer).await.map_err(|_| ended())?;
    let ReloadAnswer { taken, owned, jobs, gained, lost, changed, problems } =
        answered.await.map_err(|_| ended())?;
    let names = |names: Vec<JobName>| names.iter().map(JobName::to_string).collect::<Vec<_>>();
    let problems: Vec<Value> = problems.iter().map(problem_json).collect();
    let status = if taken { StatusCode::OK } else { StatusCode::CONFLICT };
    let body = json!({
        "taken": taken, "owned": owned, "jobs": jobs, "gained": names(gained), "lost": names(lost),
        "changed": names(changed), "problems": problems, "error": (!taken).then_some("refused"),
        "reason": if taken { "the tree was read again" } else { "the tree has errors; the last good one stays" },
    });
    Ok((status, Json(body)))
}
