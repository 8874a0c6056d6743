//! The stored form of a build. These types are the store's own: the model can change its shape without a migration, and a
//! change here that old rows would not survive needs a step in `migrations`.

mod outcome;
mod request;
mod route;
mod step;

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::builds::short_digest;
use super::error::said;
use crate::model::{BuildRecord, BuildRequest, BuildState, Millis, Outcome, ResultWord, ZuulChange};
use crate::store::StoreError;

/// A number as SQLite has it: 63 bits.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number read back.
pub(super) fn unsigned(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Corrupt(format!("{number} is negative")))
}

/// A time read back.
pub(super) fn millis(row: &SqliteRow, column: &str) -> Result<Millis, StoreError> {
    unsigned(row.try_get(column).map_err(said)?).map(Millis)
}

fn optional_millis(row: &SqliteRow, column: &str) -> Result<Option<Millis>, StoreError> {
    let number: Option<i64> = row.try_get(column).map_err(said)?;
    number.map(|number| unsigned(number).map(Millis)).transpose()
}

/// An id or a name read back.
pub(super) fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|error: T::Err| StoreError::Corrupt(error.to_string()))
}

fn written<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// What stands in for a change in the index.
pub(super) fn change_key(change: &ZuulChange) -> Vec<u8> {
    let ZuulChange { project, pipeline, change, patch_set, reference, new_revision } = change;
    short_digest(&[project, pipeline, change, patch_set, reference, new_revision]).to_vec()
}

/// The same of what was asked for. A shadow build counts for no change: it is no try of what Zuul launched.
pub(super) fn request_key(request: &BuildRequest) -> Vec<u8> {
    match request.is_shadow() {
        true => short_digest(&["shadow"]).to_vec(),
        false => change_key(&request.change()),
    }
}

/// What was asked for, as text; the job has a column of its own.
pub(super) fn request_text(request: &BuildRequest) -> Result<String, StoreError> {
    written(&request::RequestRow::from(request))
}

/// The columns that change while a build lives.
pub(super) struct Progress<'a> {
    pub(super) state: &'static str,
    pub(super) reason: Option<&'a str>,
    pub(super) result: Option<&'static str>,
    pub(super) cause: Option<String>,
    pub(super) started_at: Option<i64>,
    pub(super) ended_at: Option<i64>,
    pub(super) lease: Option<&'a str>,
    pub(super) node: Option<&'a str>,
    pub(super) master: Option<String>,
    pub(super) steps: Option<String>,
    pub(super) stop: Option<String>,
}

impl<'a> Progress<'a> {
    pub(super) fn of(record: &'a BuildRecord) -> Result<Progress<'a>, StoreError> {
        let (reason, outcome) = match &record.state {
            BuildState::Waiting { reason } => (Some(reason.as_str()), None),
            BuildState::Ended(outcome) => (None, Some(outcome)),
            BuildState::Accepted | BuildState::Running | BuildState::Publishing => (None, None),
        };
        let cause = outcome.map(|outcome| written(&outcome::CauseRow::from(&outcome.cause))).transpose()?;
        let steps: Vec<_> = record.steps.iter().map(step::StepRow::from).collect();
        Ok(Progress {
            state: record.state.as_str(),
            reason,
            result: outcome.and_then(|outcome| outcome.result).map(ResultWord::as_str),
            cause,
            started_at: record.started_at.map(|at| signed(at.0)),
            ended_at: record.ended_at.map(|at| signed(at.0)),
            lease: record.lease.as_ref().map(|(lease, _)| lease.as_str()),
            node: record.lease.as_ref().map(|(_, node)| node.as_str()),
            master: record.master.as_ref().map(|run| written(&route::MasterRow::from(run))).transpose()?,
            steps: if steps.is_empty() { None } else { Some(written(&steps)?) },
            stop: record.stop.as_ref().map(|mark| written(&outcome::StopRow::from(mark))).transpose()?,
        })
    }
}

/// A row read back, `recipe` being its recipe's text.
pub(super) fn record(row: &SqliteRow, recipe: Arc<str>) -> Result<BuildRecord, StoreError> {
    let text = |column| row.try_get::<&str, _>(column).map_err(said);
    let optional = |column| row.try_get::<Option<&str>, _>(column).map_err(said);
    let request: request::RequestRow = read(text("request")?)?;
    let lease = match (optional("lease")?, optional("node")?) {
        (Some(lease), Some(node)) => Some((parsed(lease)?, parsed(node)?)),
        _ => None,
    };
    let steps: Vec<step::StepRow> = optional("steps")?.map(read).transpose()?.unwrap_or_default();
    let master: Option<route::MasterRow> = optional("master")?.map(read).transpose()?;
    let stop: Option<outcome::StopRow> = optional("stop")?.map(read).transpose()?;
    Ok(BuildRecord {
        id: parsed(text("id")?)?,
        number: unsigned(row.try_get("number").map_err(said)?)?,
        request: request.into_request(parsed(text("job")?)?)?,
        state: state(row)?,
        recipe,
        accepted_at: millis(row, "accepted_at")?,
        started_at: optional_millis(row, "started_at")?,
        ended_at: optional_millis(row, "ended_at")?,
        lease,
        master: master.map(route::MasterRow::into_run),
        steps: steps.into_iter().map(step::StepRow::into_record).collect(),
        stop: stop.map(outcome::StopRow::into_mark),
        description: text("description")?.to_owned(),
        version: unsigned(row.try_get("version").map_err(said)?)?,
    })
}

fn state(row: &SqliteRow) -> Result<BuildState, StoreError> {
    let optional = |column| row.try_get::<Option<&str>, _>(column).map_err(said);
    match row.try_get("state").map_err(said)? {
        "accepted" => Ok(BuildState::Accepted),
        "waiting" => Ok(BuildState::Waiting { reason: optional("reason")?.unwrap_or_default().to_owned() }),
        "running" => Ok(BuildState::Running),
        "publishing" => Ok(BuildState::Publishing),
        "ended" => {
            let word = optional("result")?;
            let result = word.map(|word| {
                ResultWord::from_text(word)
                    .ok_or_else(|| StoreError::Corrupt(format!("no build ends as '{word}'")))
            });
            let cause: outcome::CauseRow = read(optional("cause")?.unwrap_or("null"))?;
            Ok(BuildState::Ended(Outcome { result: result.transpose()?, cause: cause.into_cause() }))
        }
        other => Err(StoreError::Corrupt(format!("no build is '{other}'"))),
    }
}
