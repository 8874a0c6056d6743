//! A build as programs get it from `/causeway/v1`. Names of fields stay as they are; new ones may come.

use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::secret::Secrets;
use super::view::{end_text, sentence};
use crate::model::{
    Addresses, BuildRecord, BuildState, Millis, Origin, ParameterValue, ResultWord, StepState,
};

/// A build.
#[derive(Serialize)]
pub(super) struct BuildJson {
    id: String,
    job: String,
    number: u64,
    url: String,
    /// `accepted`, `waiting`, `running`, `publishing`, `ended`.
    state: &'static str,
    /// The word that Zuul was told; absent while it runs and when Zuul runs it again.
    result: Option<&'static str>,
    /// Where it stands or why it ended, in words.
    reason: String,
    /// Why it ended, in a word of pools-12.9.
    cause: Option<String>,
    accepted_ms: u64,
    started_ms: Option<u64>,
    ended_ms: Option<u64>,
    node: Option<String>,
    label: Option<String>,
    zuul_uuid: Option<String>,
    user: Option<String>,
    /// The build that started it.
    parent: Option<ParentJson>,
    /// `master`, `shadow`, `canary` or `pool` (which side: `side`), and why; absent in builds of former versions.
    stage: Option<&'static str>,
    route_reason: Option<String>,
    /// `master` or `pool`.
    side: Option<&'static str>,
    /// The build's page on its master.
    master_url: Option<String>,
    stop_asked_ms: Option<u64>,
    description: String,
    parameters: Map<String, Value>,
    steps: Vec<StepJson>,
}

/// The build that started another one.
#[derive(Serialize)]
struct ParentJson {
    id: String,
    job: String,
    number: u64,
    url: String,
}

impl ParentJson {
    fn new(parent: &crate::model::Parent, addresses: &Addresses) -> ParentJson {
        ParentJson {
            id: parent.id.to_string(),
            job: parent.job.to_string(),
            number: parent.number,
            url: addresses.build(&parent.job, parent.number),
        }
    }
}

/// A step.
#[derive(Serialize)]
struct StepJson {
    index: u32,
    title: String,
    started_ms: u64,
    ended_ms: Option<u64>,
    /// How it ended, in words.
    end: Option<String>,
    /// The same in one word.
    end_kind: Option<&'static str>,
    console_start: u64,
    console_end: Option<u64>,
}

impl BuildJson {
    /// The build of that record.
    pub(super) fn new(record: &BuildRecord, addresses: &Addresses) -> BuildJson {
        let millis = |at: Option<Millis>| at.map(|at| at.0);
        let (zuul_uuid, user, parent) = match &record.request.origin {
            Origin::Gearman { unique } => (Some(unique.clone()), None, None),
            Origin::Http { user } => (None, Some(user.clone()), None),
            Origin::Build(parent) => (None, None, Some(ParentJson::new(parent, addresses))),
        };
        BuildJson {
            id: record.id.to_string(),
            job: record.request.job.to_string(),
            number: record.number,
            url: addresses.build(&record.request.job, record.number),
            state: record.state.as_str(),
            result: record.state.outcome().and_then(|outcome| outcome.result).map(ResultWord::as_str),
            reason: match &record.state {
                BuildState::Ended(outcome) => outcome.cause.to_string(),
                _ => sentence(record),
            },
            cause: record.state.outcome().map(|outcome| outcome.cause.kind()),
            accepted_ms: record.accepted_at.0,
            started_ms: millis(record.started_at),
            ended_ms: millis(record.ended_at),
            node: record.lease.map(|(_, node)| node.to_string()),
            label: record.request.label.clone(),
            zuul_uuid,
            user,
            parent,
            stage: record.request.route.as_ref().map(|route| route.stage.as_str()),
            route_reason: record.request.route.as_ref().map(|route| route.reason.clone()),
            side: record
                .request
                .route
                .as_ref()
                .map(|route| if route.is_on_master() { "master" } else { "pool" }),
            master_url: record.master.as_ref().and_then(|run| run.url.clone()),
            stop_asked_ms: record.stop.as_ref().map(|stop| stop.at.0),
            description: record.description.clone(),
            parameters: parameters(record),
            steps: record.steps.iter().map(StepJson::new).collect(),
        }
    }
}

impl StepJson {
    fn new(step: &crate::model::StepRecord) -> StepJson {
        let (end, end_kind, console_end, ended_ms) = match &step.state {
            StepState::Started => (None, None, None, None),
            StepState::Ended { end, console_end, at } => {
                (Some(end_text(end)), Some(end.kind()), Some(*console_end), Some(at.0))
            }
        };
        StepJson {
            index: step.index,
            title: step.title.clone(),
            started_ms: step.started_at.0,
            ended_ms,
            end,
            end_kind,
            console_start: step.console_start,
            console_end,
        }
    }
}

/// The parameters as they came, secrets as `null`.
pub(super) fn parameters(record: &BuildRecord) -> Map<String, Value> {
    let secrets = Secrets::of(record);
    let value = |value: &ParameterValue| match value {
        ParameterValue::Text(text) => Value::String(text.clone()),
        ParameterValue::Number(text) => {
            text.parse::<Number>().map_or_else(|_| Value::String(text.clone()), Value::Number)
        }
        ParameterValue::Bool(bool) => Value::Bool(*bool),
        ParameterValue::Null => Value::Null,
    };
    record
        .request
        .parameters
        .0
        .iter()
        .map(|parameter| {
            let shown = if secrets.hides(&parameter.name) { Value::Null } else { value(&parameter.value) };
            (parameter.name.clone(), shown)
        })
        .collect()
}
