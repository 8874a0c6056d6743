//! Nodes and leases.

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row, SqliteConnection};

use super::error::said;
use super::rows::{millis, parsed, signed};
use crate::model::{NodeId, NodeState};
use crate::store::{LeaseRow, LeaseState, NodeRow, StoreError};

/// Every node.
pub(super) async fn nodes(readers: &SqlitePool) -> Result<Vec<NodeRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, provider, label, recipe_hash, state, since, created_at, lease, external_id, detail \
         FROM nodes ORDER BY id",
    )
    .fetch_all(readers)
    .await
    .map_err(said)?;
    rows.iter().map(node).collect()
}

/// Every lease.
pub(super) async fn leases(readers: &SqlitePool) -> Result<Vec<LeaseRow>, StoreError> {
    let rows =
        sqlx::query("SELECT id, build, expression, state, node, queued_at, since FROM leases ORDER BY id")
            .fetch_all(readers)
            .await
            .map_err(said)?;
    rows.iter().map(lease).collect()
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
    })
}

/// Why `rows` may not be saved, if they may not: a node is never handed from one lease to another (pools-P3, P7).
pub(super) async fn conflict(
    connection: &mut SqliteConnection,
    rows: &[NodeRow],
) -> Result<Option<StoreError>, StoreError> {
    for row in rows {
        let Some(lease) = row.lease else { continue };
        let taken: Option<String> =
            sqlx::query_scalar("SELECT lease FROM nodes WHERE id = ? AND lease IS NOT NULL AND lease <> ?")
                .bind(row.id.as_str())
                .bind(lease.as_str())
                .fetch_optional(&mut *connection)
                .await
                .map_err(said)?;
        if taken.is_some() {
            let text = format!("node {} belongs to another lease than {lease}", row.id);
            return Ok(Some(StoreError::Conflict(text)));
        }
    }
    Ok(None)
}

/// Writes nodes as they are.
pub(super) async fn save_nodes(
    connection: &mut SqliteConnection,
    rows: &[NodeRow],
) -> Result<(), StoreError> {
    for row in rows {
        sqlx::query(
            "INSERT OR REPLACE INTO nodes \
             (id, provider, label, recipe_hash, state, since, created_at, lease, external_id, detail) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
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
        .execute(&mut *connection)
        .await
        .map_err(said)?;
    }
    Ok(())
}

/// Writes leases as they are; a released one is forgotten.
pub(super) async fn save_leases(
    connection: &mut SqliteConnection,
    rows: &[LeaseRow],
) -> Result<(), StoreError> {
    for row in rows {
        let state = match row.state {
            LeaseState::Queued => "queued",
            LeaseState::Active => "active",
            LeaseState::Released => {
                sqlx::query("DELETE FROM leases WHERE id = ?")
                    .bind(row.id.as_str())
                    .execute(&mut *connection)
                    .await
                    .map_err(said)?;
                continue;
            }
        };
        sqlx::query(
            "INSERT OR REPLACE INTO leases (id, build, expression, state, node, queued_at, since) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(row.id.as_str())
        .bind(row.build.as_str())
        .bind(row.expression.as_str())
        .bind(state)
        .bind(row.node.as_ref().map(|node| node.as_str()))
        .bind(signed(row.queued_at.0))
        .bind(signed(row.since.0))
        .execute(&mut *connection)
        .await
        .map_err(said)?;
    }
    Ok(())
}

/// Forgets a node.
pub(super) async fn remove_node(connection: &mut SqliteConnection, id: NodeId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM nodes WHERE id = ?")
        .bind(id.as_str())
        .execute(connection)
        .await
        .map_err(said)?;
    Ok(())
}
