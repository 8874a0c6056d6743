//! Comparisons of shadow builds.

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use super::error::said;
use super::rows::{millis, parsed, signed, unsigned};
use crate::model::{BuildId, Comparison, VerdictWord};
use crate::store::{COMPARISONS_AT_ONCE, COMPARISONS_KEPT, ComparisonFilter, StoreError};

const COLUMNS: &str = "id, job, number, shadow, shadow_number, at, verdict, why, left_out";

/// Writes a comparison; the first one of a build stays. Of each job the oldest go.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    comparison: &Comparison,
) -> Result<(), StoreError> {
    let list =
        |list: &[String]| serde_json::to_string(list).map_err(|error| StoreError::Corrupt(error.to_string()));
    let sql =
        format!("INSERT INTO comparisons ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO NOTHING");
    sqlx::query(AssertSqlSafe(sql))
        .bind(comparison.id.as_str())
        .bind(comparison.job.as_str())
        .bind(signed(comparison.number))
        .bind(comparison.shadow.as_ref().map(|(id, _)| id.as_str()))
        .bind(comparison.shadow.map(|(_, number)| signed(number)))
        .bind(signed(comparison.at.0))
        .bind(comparison.verdict.as_str())
        .bind(list(&comparison.why)?)
        .bind(list(&comparison.left_out)?)
        .execute(&mut *connection)
        .await
        .map_err(said)?;
    sqlx::query(
        "DELETE FROM comparisons WHERE job = ?1 AND id <= \
         (SELECT id FROM comparisons WHERE job = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    )
    .bind(comparison.job.as_str())
    .bind(COMPARISONS_KEPT)
    .execute(connection)
    .await
    .map_err(said)?;
    Ok(())
}

/// The comparison in which a build is one of the two.
pub(super) async fn of(readers: &SqlitePool, id: BuildId) -> Result<Option<Comparison>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM comparisons WHERE id = ?1");
    let found = sqlx::query(AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(readers).await;
    found.map_err(said)?.as_ref().map(comparison).transpose()
}

/// Comparisons, newest first.
pub(super) async fn listed(
    readers: &SqlitePool,
    filter: &ComparisonFilter,
) -> Result<Vec<Comparison>, StoreError> {
    let job = if filter.job.is_some() { "AND job = ?3" } else { "" };
    let sql = format!("SELECT {COLUMNS} FROM comparisons WHERE id < ?1 {job} ORDER BY id DESC LIMIT ?2");
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(filter.before.map_or_else(|| "~".to_owned(), |id| id.to_string()))
        .bind(filter.limit.min(COMPARISONS_AT_ONCE))
        .bind(filter.job.as_ref().map(|job| job.as_str().to_owned()));
    query.fetch_all(readers).await.map_err(said)?.iter().map(comparison).collect()
}

fn comparison(row: &SqliteRow) -> Result<Comparison, StoreError> {
    let text = |column| row.try_get::<String, _>(column).map_err(said);
    let list = |column| {
        let text = text(column)?;
        serde_json::from_str(&text).map_err(|error| StoreError::Corrupt(error.to_string()))
    };
    let shadow: Option<String> = row.try_get("shadow").map_err(said)?;
    let shadow_number: Option<i64> = row.try_get("shadow_number").map_err(said)?;
    let shadow = match shadow.zip(shadow_number) {
        Some((id, number)) => Some((parsed(&id)?, unsigned(number)?)),
        None => None,
    };
    let verdict = text("verdict")?;
    Ok(Comparison {
        id: parsed(&text("id")?)?,
        job: parsed(&text("job")?)?,
        number: unsigned(row.try_get("number").map_err(said)?)?,
        shadow,
        at: millis(row, "at")?,
        verdict: VerdictWord::from_text(&verdict)
            .ok_or_else(|| StoreError::Corrupt(format!("no verdict is '{verdict}'")))?,
        why: list("why")?,
        left_out: list("left_out")?,
    })
}
