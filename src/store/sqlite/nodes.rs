//! Nodes.

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row, SqliteConnection};

use super::error::said;
use super::rows::{millis, parsed, signed, unsigned};
use crate::model::{Millis, NodeId, NodeState};
use crate::store::{NodeRow, StoreError};

/// Every node that is not deleted.
pub(super) async fn living(readers: &SqlitePool) -> Result<Vec<NodeRow>, StoreError> {
    let query = sqlx::query("SELECT * FROM nodes WHERE state <> 'deleted' ORDER BY id");
    query.fetch_all(readers).await.map_err(said)?.iter().map(node).collect()
}

/// One node, deleted or not.
pub(super) async fn by_id(readers: &SqlitePool, id: NodeId) -> Result<Option<NodeRow>, StoreError> {
    let query = sqlx::query("SELECT * FROM nodes WHERE id = ?").bind(id.as_str());
    query.fetch_optional(readers).await.map_err(said)?.as_ref().map(node).transpose()
}

fn node(row: &SqliteRow) -> Result<NodeRow, StoreError> {
    let state: &str = row.try_get("state").map_err(said)?;
    Ok(NodeRow {
        id: parsed(row.try_get("id").map_err(said)?)?,
        provider: row.try_get("provider").map_err(said)?,
        label: row.try_get("label").map_err(said)?,
        recipe_hash: row.try_get("recipe_hash").map_err(said)?,
        state: NodeState::from_text(state)
            .ok_or_else(|| StoreError::Corrupt(format!("no node is '{state}'")))?,
        since: millis(row, "since")?,
        created_at: millis(row, "created_at")?,
        lease: row.try_get::<Option<&str>, _>("lease").map_err(said)?.map(parsed).transpose()?,
        external_id: row.try_get("external_id").map_err(said)?,
        detail: row.try_get("detail").map_err(said)?,
        version: unsigned(row.try_get("version").map_err(said)?)?,
    })
}

/// `false`: this is what is stored. A node is never handed from one lease to another (pools-P7).
pub(super) async fn save(connection: &mut SqliteConnection, row: &NodeRow) -> Result<bool, StoreError> {
    let sql = if row.version == 0 {
        "INSERT INTO nodes (id, provider, label, recipe_hash, state, since, created_at, lease, external_id, detail, \
         version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 + 1) ON CONFLICT (id) DO NOTHING"
    } else {
        "UPDATE nodes SET provider = ?2, label = ?3, recipe_hash = ?4, state = ?5, since = ?6, created_at = ?7, \
         lease = ?8, external_id = ?9, detail = ?10, version = ?11 + 1 \
         WHERE id = ?1 AND version = ?11 AND (lease IS NULL OR ?8 IS NULL OR lease = ?8)"
    };
    let done = sqlx::query(sql)
        .bind(row.id.as_str())
        .bind(row.provider.as_str())
        .bind(row.label.as_str())
        .bind(row.recipe_hash.as_str())
        .bind(row.state.as_str())
        .bind(signed(row.since.0))
        .bind(signed(row.created_at.0))
        .bind(row.lease.as_ref().map(|lease| lease.as_str()))
        .bind(row.external_id.as_deref())
        .bind(row.detail.as_str())
        .bind(signed(row.version))
        .execute(&mut *connection)
        .await
        .map_err(said)?;
    if done.rows_affected() > 0 {
        return Ok(true);
    }
    let query = sqlx::query("SELECT * FROM nodes WHERE id = ?").bind(row.id.as_str());
    let stored = query.fetch_optional(connection).await.map_err(said)?;
    let stored = stored.as_ref().map(node).transpose()?;
    if stored.as_ref() == Some(&NodeRow { version: row.version + 1, ..row.clone() }) {
        return Ok(false);
    }
    Err(StoreError::Conflict(match stored {
        Some(stored) if stored.version == row.version => {
            format!("node {} belongs to another lease", row.id)
        }
        Some(stored) => format!("node {} is {}, version {}", row.id, stored.state.as_str(), stored.version),
        None => format!("node {} is not stored", row.id),
    }))
}

/// Marks a node that is being deleted as deleted. `false`: it is that already, or not there.
pub(super) async fn remove(
    connection: &mut SqliteConnection,
    id: NodeId,
    at: Millis,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE nodes SET state = 'deleted', since = ?2, lease = NULL, version = version + 1 \
         WHERE id = ?1 AND state = 'deleting'",
    )
    .bind(id.as_str())
    .bind(signed(at.0))
    .execute(&mut *connection)
    .await
    .map_err(said)?;
    if done.rows_affected() > 0 {
        return Ok(true);
    }
    let stored: Option<String> = sqlx::query_scalar("SELECT state FROM nodes WHERE id = ?")
        .bind(id.as_str())
        .fetch_optional(connection)
        .await
        .map_err(said)?;
    match stored {
        Some(state) if state != NodeState::Deleted.as_str() => {
            Err(StoreError::Conflict(format!("node {id} is {state}")))
        }
        _ => Ok(false),
    }
}
