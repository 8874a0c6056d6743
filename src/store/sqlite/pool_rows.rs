//! Nodes and leases.

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row, SqliteConnection};

use super::error::said;
use super::rows::{millis, parsed, signed, unsigned};
use crate::model::{NodeId, NodeState};
use crate::store::{LeaseRow, LeaseState, NodeRow, PoolWrite, StoreError};

/// Every node.
pub(super) async fn nodes(readers: &SqlitePool) -> Result<Vec<NodeRow>, StoreError> {
    let query = sqlx::query("SELECT * FROM nodes ORDER BY id");
    query.fetch_all(readers).await.map_err(said)?.iter().map(node).collect()
}

/// Every lease.
pub(super) async fn leases(readers: &SqlitePool) -> Result<Vec<LeaseRow>, StoreError> {
    let query = sqlx::query("SELECT * FROM leases ORDER BY id");
    query.fetch_all(readers).await.map_err(said)?.iter().map(lease).collect()
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

fn lease(row: &SqliteRow) -> Result<LeaseRow, StoreError> {
    Ok(LeaseRow {
        id: parsed(row.try_get("id").map_err(said)?)?,
        build: parsed(row.try_get("build").map_err(said)?)?,
        expression: row.try_get("expression").map_err(said)?,
        state: match row.try_get("state").map_err(said)? {
            "queued" => LeaseState::Queued,
            "active" => LeaseState::Active,
            other => return Err(StoreError::Corrupt(format!("no lease is '{other}'"))),
        },
        node: row.try_get::<Option<&str>, _>("node").map_err(said)?.map(parsed).transpose()?,
        queued_at: millis(row, "queued_at")?,
        since: millis(row, "since")?,
        version: unsigned(row.try_get("version").map_err(said)?)?,
    })
}

/// Writes rows by compare-and-set on their versions (pools-P3). `false`: they are written already. A conflict leaves some of them
/// written: the commit must not go on.
pub(super) async fn save(connection: &mut SqliteConnection, write: &PoolWrite) -> Result<bool, StoreError> {
    let mut written = 0;
    for row in &write.nodes {
        written += usize::from(save_node(connection, row).await?);
    }
    for row in &write.leases {
        written += usize::from(save_lease(connection, row).await?);
    }
    match written {
        0 if write.nodes.len() + write.leases.len() > 0 => Ok(false),
        all if all == write.nodes.len() + write.leases.len() => Ok(true),
        _ => Err(StoreError::Conflict("a part of it is written already".to_owned())),
    }
}

/// `false`: this is what is stored. A node is never handed from one lease to another (pools-P7).
async fn save_node(connection: &mut SqliteConnection, row: &NodeRow) -> Result<bool, StoreError> {
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

/// `false`: this is what is stored. A released lease is forgotten.
async fn save_lease(connection: &mut SqliteConnection, row: &LeaseRow) -> Result<bool, StoreError> {
    let sql = match (row.state, row.version) {
        // It came and went between two commits.
        (LeaseState::Released, 0) => return Ok(true),
        (LeaseState::Released, _) => "DELETE FROM leases WHERE id = ?1 AND version = ?8",
        (LeaseState::Queued | LeaseState::Active, 0) => {
            "INSERT INTO leases (id, build, expression, state, node, queued_at, since, version) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 + 1) ON CONFLICT (id) DO NOTHING"
        }
        (LeaseState::Queued | LeaseState::Active, _) => {
            "UPDATE leases SET build = ?2, expression = ?3, state = ?4, node = ?5, queued_at = ?6, since = ?7, \
             version = ?8 + 1 WHERE id = ?1 AND version = ?8"
        }
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
        .execute(&mut *connection)
        .await
        .map_err(said)?;
    if done.rows_affected() > 0 {
        return Ok(true);
    }
    let query = sqlx::query("SELECT * FROM leases WHERE id = ?").bind(row.id.as_str());
    let stored = query.fetch_optional(connection).await.map_err(said)?;
    let stored = stored.as_ref().map(lease).transpose()?;
    let wanted = LeaseRow { version: row.version + 1, ..row.clone() };
    match stored {
        None if row.state == LeaseState::Released => Ok(false),
        Some(stored) if stored == wanted => Ok(false),
        Some(stored) => {
            let state = stored.state.as_str();
            Err(StoreError::Conflict(format!("lease {} is {state}, version {}", row.id, stored.version)))
        }
        None => Err(StoreError::Conflict(format!("lease {} is not stored", row.id))),
    }
}

/// Forgets a node that is being deleted. `false`: it is not there.
pub(super) async fn remove_node(connection: &mut SqliteConnection, id: NodeId) -> Result<bool, StoreError> {
    let done = sqlx::query("DELETE FROM nodes WHERE id = ? AND state = ?")
        .bind(id.as_str())
        .bind(NodeState::Deleting.as_str())
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
        Some(state) => Err(StoreError::Conflict(format!("node {id} is {state}"))),
        None => Ok(false),
    }
}
