//! Leases.

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use super::error::said;
use super::rows::{millis, parsed, signed, unsigned};
use crate::model::{LeaseId, LeaseState};
use crate::store::{LEASES_AT_ONCE, LeaseFilter, LeaseRow, LeaseWrite, StoreError};

/// The ends, as the indexes have them.
const OVER: &str = "('released', 'cancelled', 'failed')";

/// Every lease that is not over.
pub(super) async fn living(readers: &SqlitePool) -> Result<Vec<LeaseRow>, StoreError> {
    let query =
        sqlx::query(AssertSqlSafe(format!("SELECT * FROM leases WHERE state NOT IN {OVER} ORDER BY id")));
    query.fetch_all(readers).await.map_err(said)?.iter().map(lease).collect()
}

/// One lease, over or not.
pub(super) async fn by_id(readers: &SqlitePool, id: LeaseId) -> Result<Option<LeaseRow>, StoreError> {
    let query = sqlx::query("SELECT * FROM leases WHERE id = ?").bind(id.as_str());
    query.fetch_optional(readers).await.map_err(said)?.as_ref().map(lease).transpose()
}

/// Leases, newest first.
pub(super) async fn listed(readers: &SqlitePool, filter: LeaseFilter) -> Result<Vec<LeaseRow>, StoreError> {
    let over = match filter.over {
        None => String::new(),
        Some(true) => format!("AND state IN {OVER}"),
        Some(false) => format!("AND state NOT IN {OVER}"),
    };
    let before = if filter.before.is_some() { "AND id < ?2" } else { "" };
    let sql = format!("SELECT * FROM leases WHERE true {over} {before} ORDER BY id DESC LIMIT ?1");
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(filter.limit.min(LEASES_AT_ONCE))
        .bind(filter.before.as_ref().map(|id| id.as_str()));
    query.fetch_all(readers).await.map_err(said)?.iter().map(lease).collect()
}

fn lease(row: &SqliteRow) -> Result<LeaseRow, StoreError> {
    let state: &str = row.try_get("state").map_err(said)?;
    Ok(LeaseRow {
        id: parsed(row.try_get("id").map_err(said)?)?,
        build: parsed(row.try_get("build").map_err(said)?)?,
        expression: row.try_get("expression").map_err(said)?,
        state: LeaseState::from_text(state)
            .ok_or_else(|| StoreError::Corrupt(format!("no lease is '{state}'")))?,
        node: row.try_get::<Option<&str>, _>("node").map_err(said)?.map(parsed).transpose()?,
        queued_at: millis(row, "queued_at")?,
        since: millis(row, "since")?,
        version: unsigned(row.try_get("version").map_err(said)?)?,
    })
}

/// Writes every state that the lease went through, each by compare-and-set (pools-P3, P6). `false`: this is what is stored.
pub(super) async fn save(connection: &mut SqliteConnection, write: &LeaseWrite) -> Result<bool, StoreError> {
    let states = write.through.iter().copied().chain([write.row.state]);
    for (version, state) in (write.row.version..).zip(states) {
        if !step(connection, &LeaseRow { state, version, ..write.row.clone() }).await? {
            return is_stored(connection, write).await;
        }
    }
    Ok(true)
}

/// One state; whether it could be written.
async fn step(connection: &mut SqliteConnection, row: &LeaseRow) -> Result<bool, StoreError> {
    let sql = if row.version == 0 {
        "INSERT INTO leases (id, build, expression, state, node, queued_at, since, version) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 + 1) ON CONFLICT (id) DO NOTHING"
    } else {
        "UPDATE leases SET build = ?2, expression = ?3, state = ?4, node = ?5, queued_at = ?6, since = ?7, \
         version = ?8 + 1 WHERE id = ?1 AND version = ?8"
    };
    let done = sqlx::query(sql)
        .bind(row.id.as_str())
        .bind(row.build.as_str())
        .bind(row.expression.as_str())
        .bind(row.state.as_str())
        .bind(row.node.as_ref().map(|node| node.as_str()))
        .bind(signed(row.queued_at.0))
        .bind(signed(row.since.0))
        .bind(signed(row.version))
        .execute(connection)
        .await
        .map_err(said)?;
    Ok(done.rows_affected() > 0)
}

/// Why nothing could be written: `false` when it was written before.
async fn is_stored(connection: &mut SqliteConnection, write: &LeaseWrite) -> Result<bool, StoreError> {
    let id = write.row.id;
    let query = sqlx::query("SELECT * FROM leases WHERE id = ?").bind(id.as_str());
    let stored = query.fetch_optional(connection).await.map_err(said)?;
    match stored.as_ref().map(lease).transpose()? {
        Some(stored) if stored == write.written() => Ok(false),
        Some(stored) => {
            let state = stored.state.as_str();
            Err(StoreError::Conflict(format!("lease {id} is {state}, version {}", stored.version)))
        }
        None => Err(StoreError::Conflict(format!("lease {id} is not stored"))),
    }
}
