//! Names of Gearman functions: masters register hundreds of thousands at once (zuul-S-5).

use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::error::said;
use crate::store::StoreError;

/// Names in one statement.
const TOGETHER: usize = 100;

/// Every name.
pub(super) async fn all(readers: &SqlitePool) -> Result<Vec<Vec<u8>>, StoreError> {
    sqlx::query_scalar("SELECT name FROM gearman_names").fetch_all(readers).await.map_err(said)
}

/// Adds names; those known already stay.
pub(super) async fn add(connection: &mut SqliteConnection, names: &[Vec<u8>]) -> Result<(), StoreError> {
    for chunk in names.chunks(TOGETHER) {
        let places = vec!["(?)"; chunk.len()].join(",");
        let sql = format!("INSERT INTO gearman_names (name) VALUES {places} ON CONFLICT (name) DO NOTHING");
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for name in chunk {
            query = query.bind(name.as_slice());
        }
        query.persistent(chunk.len() == TOGETHER).execute(&mut *connection).await.map_err(said)?;
    }
    Ok(())
}

/// Forgets names; unknown ones are ignored. Few at a time: an administrator drops them by hand.
pub(super) async fn forget(connection: &mut SqliteConnection, names: &[Vec<u8>]) -> Result<(), StoreError> {
    for name in names {
        let query = sqlx::query("DELETE FROM gearman_names WHERE name = ?").bind(name.as_slice());
        query.execute(&mut *connection).await.map_err(said)?;
    }
    Ok(())
}
