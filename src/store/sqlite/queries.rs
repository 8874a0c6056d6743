//! Builds as they are read.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, Row};

use super::error::said;
use super::rows::{self, signed};
use crate::model::{BuildId, BuildNumber, BuildRecord, JobName, ZuulChange};
use crate::store::{BUILDS_AT_ONCE, BuildFilter, StoreError};

/// The columns, with the recipe's text.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT b.id, b.job, b.number, b.request, b.recipe, r.text AS recipe_text, b.state, b.reason, \
             b.result, b.cause, b.accepted_at, b.started_at, b.ended_at, b.lease, b.node, b.steps, b.stop, \
             b.description, b.master, b.version FROM builds b JOIN recipes r ON r.id = b.recipe ",
            $rest
        )
    };
}

/// Sorts after every id.
const AFTER_ALL: &str = "~";

/// One build.
pub(super) async fn by_id(readers: &SqlitePool, id: BuildId) -> Result<Option<BuildRecord>, StoreError> {
    let row = sqlx::query(select!("WHERE b.id = ?"))
        .bind(id.as_str())
        .fetch_optional(readers)
        .await
        .map_err(said)?;
    row.as_ref().map(|row| record(row, &mut HashMap::new())).transpose()
}

/// One build by its number.
pub(super) async fn by_number(
    readers: &SqlitePool,
    job: &JobName,
    number: BuildNumber,
) -> Result<Option<BuildRecord>, StoreError> {
    let row = sqlx::query(select!("WHERE b.job = ? AND b.number = ?"))
        .bind(job.as_str())
        .bind(signed(number))
        .fetch_optional(readers)
        .await
        .map_err(said)?;
    row.as_ref().map(|row| record(row, &mut HashMap::new())).transpose()
}

/// Builds, newest first. The conditions are written out for each filter, so that each has its index.
pub(super) async fn listed(
    readers: &SqlitePool,
    filter: &BuildFilter,
) -> Result<Vec<BuildRecord>, StoreError> {
    let job = if filter.job.is_some() { "AND b.job = ?3" } else { "" };
    let ended = match filter.ended {
        Some(true) => "AND b.state = 'ended'",
        Some(false) => "AND b.state <> 'ended'",
        None => "",
    };
    let sql = format!("{} {job} {ended} ORDER BY b.id DESC LIMIT ?2", select!("WHERE b.id < ?1"));
    let before = filter.before.as_ref().map_or(AFTER_ALL, |id| id.as_str());
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(before).bind(filter.limit.min(BUILDS_AT_ONCE));
    if let Some(job) = &filter.job {
        query = query.bind(job.as_str());
    }
    records(&query.fetch_all(readers).await.map_err(said)?)
}

/// Every build that has not ended.
pub(super) async fn unfinished(readers: &SqlitePool) -> Result<Vec<BuildRecord>, StoreError> {
    let query = sqlx::query(select!("WHERE b.state <> 'ended' ORDER BY b.id"));
    records(&query.fetch_all(readers).await.map_err(said)?)
}

/// How many of the newest ended builds of a job and change have no result.
pub(super) async fn lost_in_a_row(
    readers: &SqlitePool,
    job: &JobName,
    change: &ZuulChange,
) -> Result<u32, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM builds WHERE job = ?1 AND change = ?2 AND state = 'ended' AND result IS NULL \
         AND number > coalesce((SELECT number FROM builds WHERE job = ?1 AND change = ?2 \
         AND state = 'ended' AND result IS NOT NULL ORDER BY number DESC LIMIT 1), -1)",
    )
    .bind(job.as_str())
    .bind(rows::change_key(change))
    .fetch_one(readers)
    .await
    .map_err(said)?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

fn records(rows: &[SqliteRow]) -> Result<Vec<BuildRecord>, StoreError> {
    let mut recipes = HashMap::new();
    rows.iter().map(|row| record(row, &mut recipes)).collect()
}

/// A build's row as a record; builds of one recipe share its text.
fn record(row: &SqliteRow, recipes: &mut HashMap<i64, Arc<str>>) -> Result<BuildRecord, StoreError> {
    let recipe: i64 = row.try_get("recipe").map_err(said)?;
    let text: &str = row.try_get("recipe_text").map_err(said)?;
    let recipe = recipes.entry(recipe).or_insert_with(|| text.into()).clone();
    rows::record(row, recipe)
}
