//! Changes of routes.

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use super::error::said;
use super::rows::{millis, parsed, signed, unsigned};
use crate::model::{Selector, Setting, Stage, Turn, TurnKind};
use crate::store::{StoreError, TURNS_AT_ONCE, TURNS_KEPT, TurnFilter};

const COLUMNS: &str = "number, at, actor, why, kind, which, stage, share, master, master_job, before";

/// A selector as it is stored and compared: job, project, pipeline, branch.
fn selector_text(which: &Selector) -> Result<String, StoreError> {
    let parts = (&which.jobs, &which.project, &which.pipeline, &which.branch);
    serde_json::to_string(&parts).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn selector(text: &str) -> Result<Selector, StoreError> {
    let (jobs, project, pipeline, branch) =
        serde_json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(Selector { jobs, project, pipeline, branch })
}

/// Writes turns; one whose number is there already stays as it is. The oldest go that count no more.
pub(super) async fn add(connection: &mut SqliteConnection, turns: &[Turn]) -> Result<(), StoreError> {
    for turn in turns {
        let which = turn.which.as_ref().map(selector_text).transpose()?;
        let setting = turn.setting.as_ref();
        let sql = format!(
            "INSERT INTO route_turns ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (number) DO NOTHING"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(signed(turn.number))
            .bind(signed(turn.at.0))
            .bind(&turn.by)
            .bind(&turn.why)
            .bind(turn.kind.as_str())
            .bind(which)
            .bind(setting.map(|setting| setting.stage.as_str()))
            .bind(setting.map(|setting| i64::from(setting.share)))
            .bind(setting.and_then(|setting| setting.master.as_deref()))
            .bind(setting.and_then(|setting| setting.job.as_ref()).map(|job| job.as_str()))
            .bind(turn.before.map(signed))
            .execute(&mut *connection)
            .await
            .map_err(said)?;
    }
    sqlx::query(
        "DELETE FROM route_turns WHERE number <= (SELECT max(number) FROM route_turns) - ?1 \
         AND number NOT IN (SELECT max(number) FROM route_turns GROUP BY which)",
    )
    .bind(signed(TURNS_KEPT))
    .execute(connection)
    .await
    .map_err(said)?;
    Ok(())
}

/// The newest turn of each selector, and the newest one about all routes, the oldest first.
pub(super) async fn in_force(readers: &SqlitePool) -> Result<Vec<Turn>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM route_turns WHERE number IN (SELECT max(number) FROM route_turns GROUP BY which) \
         ORDER BY number"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(readers).await.map_err(said)?;
    rows.iter().map(turn).collect()
}

/// Turns, newest first.
pub(super) async fn listed(readers: &SqlitePool, filter: &TurnFilter) -> Result<Vec<Turn>, StoreError> {
    let jobs = if filter.jobs.is_some() { "AND json_extract(which, '$[0]') = ?3" } else { "" };
    let sql =
        format!("SELECT {COLUMNS} FROM route_turns WHERE number < ?1 {jobs} ORDER BY number DESC LIMIT ?2");
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(filter.before.map_or(i64::MAX, signed))
        .bind(filter.limit.min(TURNS_AT_ONCE))
        .bind(filter.jobs.as_deref());
    query.fetch_all(readers).await.map_err(said)?.iter().map(turn).collect()
}

fn turn(row: &SqliteRow) -> Result<Turn, StoreError> {
    let text = |column| row.try_get::<String, _>(column).map_err(said);
    let optional = |column| row.try_get::<Option<String>, _>(column).map_err(said);
    let number = |column| row.try_get::<Option<i64>, _>(column).map_err(said);
    let strange = |what: &str, word: &str| StoreError::Corrupt(format!("no {what} is called '{word}'"));
    let setting = match optional("stage")? {
        None => None,
        Some(word) => Some(Setting {
            stage: Stage::from_text(&word).ok_or_else(|| strange("stage", &word))?,
            share: u8::try_from(number("share")?.unwrap_or(0)).unwrap_or(0),
            master: optional("master")?,
            job: optional("master_job")?.map(|job| parsed(&job)).transpose()?,
        }),
    };
    let kind = text("kind")?;
    Ok(Turn {
        number: unsigned(row.try_get("number").map_err(said)?)?,
        at: millis(row, "at")?,
        by: text("actor")?,
        why: text("why")?,
        kind: TurnKind::from_text(&kind).ok_or_else(|| strange("turn", &kind))?,
        which: optional("which")?.map(|which| selector(&which)).transpose()?,
        setting,
        before: number("before")?.map(unsigned).transpose()?,
    })
}
