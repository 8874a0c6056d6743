//! The forms that the store has had, one file a step. A step that was released is never changed.

use std::path::Path;

use sqlx::{Connection, SqliteConnection};

use super::OpenError;
use super::error::said;

/// The steps, in order; the number of the last one that was made stands in the file's header (`user_version`).
pub(super) const STEPS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_events.sql"),
    include_str!("../migrations/0003_ends.sql"),
    include_str!("../migrations/0004_masters.sql"),
    include_str!("../migrations/0005_routes.sql"),
    include_str!("../migrations/0006_comparisons.sql"),
];

/// Brings the database to the last form, each step in a transaction of its own.
pub(super) async fn run(connection: &mut SqliteConnection, file: &Path) -> Result<(), OpenError> {
    run_steps(connection, file, STEPS).await
}

/// As [`run`], with the steps given.
pub(super) async fn run_steps(
    connection: &mut SqliteConnection,
    file: &Path,
    steps: &'static [&'static str],
) -> Result<(), OpenError> {
    let found: i64 =
        sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await.map_err(said)?;
    let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    let done = match usize::try_from(found) {
        Ok(done) if done <= steps.len() => done,
        _ => return Err(OpenError::Newer { file: file.to_owned(), found, known }),
    };
    for (step, number) in steps.iter().zip(1..).skip(done) {
        let mut transaction = connection.begin().await.map_err(said)?;
        sqlx::raw_sql(*step).execute(&mut *transaction).await.map_err(said)?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("PRAGMA user_version = {number}")))
            .execute(&mut *transaction)
            .await
            .map_err(said)?;
        transaction.commit().await.map_err(said)?;
    }
    Ok(())
}
