//! Nodes and leases together.

use sqlx::SqliteConnection;

use super::error::said;
use super::rows::signed;
use super::{leases, nodes};
use crate::model::Millis;
use crate::store::{PoolWrite, StoreError};

/// So many rows go in one commit of the clean-up: some milliseconds, in which builds wait.
const PRUNED_AT_ONCE: u32 = 1_000;

/// Writes rows by compare-and-set on their versions (pools-P3). `false`: they are written already. A conflict leaves some of them
/// written: the commit must not go on.
pub(super) async fn save(connection: &mut SqliteConnection, write: &PoolWrite) -> Result<bool, StoreError> {
    let mut written = 0;
    for row in &write.nodes {
        written += usize::from(nodes::save(connection, row).await?);
    }
    for lease in &write.leases {
        written += usize::from(leases::save(connection, lease).await?);
    }
    match written {
        0 if write.nodes.len() + write.leases.len() > 0 => Ok(false),
        all if all == write.nodes.len() + write.leases.len() => Ok(true),
        _ => Err(StoreError::Conflict("a part of it is written already".to_owned())),
    }
}

/// Forgets a part of what is over for long, or too much; returns how many.
pub(super) async fn prune(
    connection: &mut SqliteConnection,
    oldest: Millis,
    most: u64,
) -> Result<u64, StoreError> {
    let mut gone = 0;
    for sql in [
        "DELETE FROM nodes WHERE id IN (SELECT id FROM nodes WHERE state = 'deleted' AND (since < ?1 OR since < \
         (SELECT since FROM nodes WHERE state = 'deleted' ORDER BY since DESC LIMIT 1 OFFSET ?2 - 1)) \
         ORDER BY since LIMIT ?3)",
        "DELETE FROM leases WHERE id IN (SELECT id FROM leases WHERE state IN ('released', 'cancelled', 'failed') \
         AND (since < ?1 OR since < (SELECT since FROM leases WHERE state IN ('released', 'cancelled', 'failed') \
         ORDER BY since DESC LIMIT 1 OFFSET ?2 - 1)) ORDER BY since LIMIT ?3)",
    ] {
        let query = sqlx::query(sql).bind(signed(oldest.0)).bind(signed(most.max(1))).bind(PRUNED_AT_ONCE);
        gone += query.execute(&mut *connection).await.map_err(said)?.rows_affected();
    }
    Ok(gone)
}
