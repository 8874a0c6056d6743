//! A build as Jenkins' `api/json` shows it (jenkins-rest 4.1), for the one address that Zuul's reports and old scripts read.

use serde_json::{Value, json};

use super::build_json::parameters;
use crate::model::{Addresses, BuildRecord, BuildState, Millis, Origin, Outcome, ResultWord};

/// One kept file.
pub(super) struct FileName {
    /// Its path below the archive.
    pub path: String,
}

/// The object at `/job/NAME/NUMBER/api/json`.
pub(super) fn build(
    record: &BuildRecord,
    files: &[FileName],
    tests: Option<Value>,
    addresses: &Addresses,
    now: Millis,
) -> Value {
    let job = &record.request.job;
    let outcome = record.state.outcome();
    let building = outcome.is_none();
    let shown_parameters: Vec<Value> = parameters(record)
        .into_iter()
        .map(|(name, value)| {
            let kind = if value.is_boolean() { "Boolean" } else { "String" };
            // Jenkins' text parameters hold text whatever Zuul sent (zuul-Z-3).
            let value = match value {
                Value::Number(number) => Value::String(number.to_string()),
                other => other,
            };
            json!({ "_class": format!("hudson.model.{kind}ParameterValue"), "name": name, "value": value })
        })
        .collect();
    let artifacts: Vec<Value> = files
        .iter()
        .map(|file| {
            let name = file.path.rsplit('/').next().unwrap_or(&file.path);
            json!({ "displayPath": name, "fileName": name, "relativePath": file.path })
        })
        .collect();
    let mut actions = vec![
        json!({ "_class": "hudson.model.CauseAction", "causes": [cause(&record.request.origin)] }),
        json!({ "_class": "hudson.model.ParametersAction", "parameters": shown_parameters }),
    ];
    actions.extend(tests);
    json!({
        "_class": "hudson.model.FreeStyleBuild",
        "actions": actions,
        "artifacts": artifacts,
        "building": building,
        "description": if record.description.is_empty() { Value::Null } else { record.description.as_str().into() },
        "displayName": format!("#{}", record.number),
        "duration": duration(record),
        "estimatedDuration": -1,
        "executor": if building { json!({}) } else { Value::Null },
        "fullDisplayName": format!("{} #{}", job.as_str().replace('/', " » "), record.number),
        "id": record.number.to_string(),
        "inProgress": building,
        "keepLog": false,
        "number": record.number,
        "queueId": record.number,
        "result": outcome.map(result),
        "timestamp": record.started_at.unwrap_or(record.accepted_at).0.min(now.0),
        "url": addresses.build(job, record.number),
        "builtOn": record.lease.map(|(_, node)| node.to_string()).unwrap_or_default(),
        "changeSet": { "_class": "hudson.scm.EmptyChangeLogSet", "items": [], "kind": null },
        "culprits": [],
    })
}

/// 0 while it runs, as Jenkins has it.
fn duration(record: &BuildRecord) -> u64 {
    match (&record.state, record.ended_at) {
        (BuildState::Ended(_), Some(ended)) => {
            let millis = ended.since(record.started_at.unwrap_or(record.accepted_at)).as_millis();
            u64::try_from(millis).unwrap_or(u64::MAX)
        }
        _ => 0,
    }
}

/// Jenkins knows five words; ours that it does not know become the nearest that blames nobody's change without reason.
fn result(outcome: &Outcome) -> &'static str {
    match outcome.result {
        Some(ResultWord::ConfigError) => ResultWord::Failure.as_str(),
        Some(ResultWord::Lost) | None => ResultWord::NotBuilt.as_str(),
        Some(word) => word.as_str(),
    }
}

fn cause(origin: &Origin) -> Value {
    match origin {
        Origin::Gearman { .. } => json!({
            "_class": "hudson.model.Cause$RemoteCause", "shortDescription": "Started by Zuul", "addr": "zuul", "note": null,
        }),
        Origin::Http { user } => json!({
            "_class": "hudson.model.Cause$UserIdCause", "shortDescription": format!("Started by user {user}"),
            "userId": user, "userName": user,
        }),
        Origin::Build(parent) => json!({
            "_class": "hudson.model.Cause$UpstreamCause",
            "shortDescription": format!("Started by upstream project \"{}\" build number {}", parent.job, parent.number),
            "upstreamBuild": parent.number, "upstreamProject": parent.job.to_string(),
            "upstreamUrl": format!("job/{}/", parent.job.as_str().replace('/', "/job/")),
        }),
    }
}
