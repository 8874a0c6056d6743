//! Builds as they are written.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Row, Sqlite, SqliteConnection};

use super::error::said;
use super::rows::{self, signed};
use crate::model::{BuildId, BuildNumber, BuildRecord};
use crate::store::StoreError;

/// So many jobs' last numbers and recipes' keys are remembered; then it is begun anew.
const MOST_REMEMBERED: usize = 20_000;

/// The builds' writer. It remembers what only it changes; after a transaction that failed it forgets.
#[derive(Default)]
pub(super) struct Builds {
    last_numbers: HashMap<String, i64>,
    recipes: HashMap<[u8; 16], i64>,
}

impl Builds {
    /// What was remembered may not be what is stored.
    pub(super) fn forget(&mut self) {
        *self = Builds::default();
    }

    /// Writes a new build under its job's next number; one that is stored already keeps its number. With whether it is new.
    pub(super) async fn accept(
        &mut self,
        connection: &mut SqliteConnection,
        record: &BuildRecord,
        floor: BuildNumber,
    ) -> Result<(BuildNumber, bool), StoreError> {
        let job = record.request.job.as_str();
        let last = self.last_number(connection, job).await?;
        let number = last.saturating_add(1).max(signed(floor));
        let recipe = self.recipe(connection, &record.recipe).await?;
        if !insert(connection, record, number, recipe).await? {
            let stored: i64 = sqlx::query_scalar("SELECT number FROM builds WHERE id = ?")
                .bind(record.id.as_str())
                .fetch_one(connection)
                .await
                .map_err(said)?;
            return Ok((rows::unsigned(stored)?, false));
        }
        sqlx::query(
            "INSERT INTO job_numbers (job, last) VALUES (?1, ?2) ON CONFLICT (job) DO UPDATE SET last = ?2",
        )
        .bind(job)
        .bind(number)
        .execute(connection)
        .await
        .map_err(said)?;
        self.last_numbers.insert(job.to_owned(), number);
        Ok((rows::unsigned(number)?, true))
    }

    async fn last_number(&mut self, connection: &mut SqliteConnection, job: &str) -> Result<i64, StoreError> {
        if let Some(last) = self.last_numbers.get(job) {
            return Ok(*last);
        }
        if self.last_numbers.len() >= MOST_REMEMBERED {
            self.last_numbers.clear();
        }
        let stored = sqlx::query_scalar("SELECT last FROM job_numbers WHERE job = ?")
            .bind(job)
            .fetch_optional(connection)
            .await
            .map_err(said)?;
        Ok(stored.unwrap_or(0))
    }

    /// The key of a recipe, written if it is new.
    async fn recipe(&mut self, connection: &mut SqliteConnection, text: &str) -> Result<i64, StoreError> {
        let digest = short_digest(&[text]);
        if let Some(id) = self.recipes.get(&digest) {
            return Ok(*id);
        }
        sqlx::query("INSERT INTO recipes (digest, text) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING")
            .bind(&digest[..])
            .bind(text)
            .execute(&mut *connection)
            .await
            .map_err(said)?;
        let id = sqlx::query_scalar("SELECT id FROM recipes WHERE digest = ?")
            .bind(&digest[..])
            .fetch_one(connection)
            .await
            .map_err(said)?;
        if self.recipes.len() >= MOST_REMEMBERED {
            self.recipes.clear();
        }
        self.recipes.insert(digest, id);
        Ok(id)
    }

    /// Writes where a build stands, by compare-and-set on its version (pools-P3). `false`: nothing was to be written, as it has ended
    /// or this is what is stored. An error inside: there is no such build, or its row is another one by now.
    pub(super) async fn save(
        &mut self,
        connection: &mut SqliteConnection,
        record: &BuildRecord,
    ) -> Result<Result<bool, StoreError>, StoreError> {
        let updated = with_progress(
            record,
            "UPDATE builds SET version = ?2 + 1, state = ?3, reason = ?4, result = ?5, cause = ?6, started_at = ?7, \
             ended_at = ?8, lease = ?9, node = ?10, steps = ?11, stop = ?12, description = ?13, master = ?14 \
             WHERE id = ?1 AND version = ?2 AND state <> 'ended'",
        )?
        .execute(&mut *connection)
        .await
        .map_err(said)?;
        if updated.rows_affected() > 0 {
            return Ok(Ok(true));
        }
        let stored = sqlx::query("SELECT version, state FROM builds WHERE id = ?")
            .bind(record.id.as_str())
            .fetch_optional(&mut *connection)
            .await
            .map_err(said)?;
        let Some(stored) = stored else {
            return Ok(Err(StoreError::Conflict(format!("build {} is not stored", record.id))));
        };
        let state: &str = stored.try_get("state").map_err(said)?;
        if state == "ended" || is_written(connection, record).await? {
            return Ok(Ok(false));
        }
        let version: i64 = stored.try_get("version").map_err(said)?;
        Ok(Err(StoreError::Conflict(format!("build {} has version {version}", record.id))))
    }

    /// Sets a build's description.
    pub(super) async fn describe(
        &self,
        connection: &mut SqliteConnection,
        id: BuildId,
        text: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE builds SET description = ?, version = version + 1 WHERE id = ?")
            .bind(text)
            .bind(id.as_str())
            .execute(connection)
            .await
            .map_err(said)?;
        Ok(())
    }

    /// Removes builds, and the recipes that no other build has.
    pub(super) async fn remove(
        &mut self,
        connection: &mut SqliteConnection,
        ids: &[BuildId],
    ) -> Result<(), StoreError> {
        let mut recipes: Vec<i64> = Vec::new();
        for id in ids {
            let recipe: Option<i64> = sqlx::query_scalar("DELETE FROM builds WHERE id = ? RETURNING recipe")
                .bind(id.as_str())
                .fetch_optional(&mut *connection)
                .await
                .map_err(said)?;
            recipes.extend(recipe);
        }
        recipes.sort_unstable();
        recipes.dedup();
        for recipe in recipes {
            sqlx::query(
                "DELETE FROM recipes WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM builds WHERE recipe = ?1)",
            )
            .bind(recipe)
            .execute(&mut *connection)
            .await
            .map_err(said)?;
        }
        self.recipes.clear();
        Ok(())
    }
}

/// A statement with the columns that change, from the third place on; the first is the id, the second the version before.
fn with_progress<'q>(
    record: &'q BuildRecord,
    sql: &'static str,
) -> Result<Query<'q, Sqlite, SqliteArguments>, StoreError> {
    let progress = rows::Progress::of(record)?;
    Ok(sqlx::query(sql)
        .bind(record.id.as_str())
        .bind(signed(record.version))
        .bind(progress.state)
        .bind(progress.reason)
        .bind(progress.result)
        .bind(progress.cause)
        .bind(progress.started_at)
        .bind(progress.ended_at)
        .bind(progress.lease)
        .bind(progress.node)
        .bind(progress.steps)
        .bind(progress.stop)
        .bind(record.description.as_str())
        .bind(progress.master))
}

/// Whether the row is what this record makes of it: the write comes a second time.
async fn is_written(connection: &mut SqliteConnection, record: &BuildRecord) -> Result<bool, StoreError> {
    let found = with_progress(
        record,
        "SELECT 1 FROM builds WHERE id = ?1 AND version = ?2 + 1 AND state = ?3 AND reason IS ?4 AND result IS ?5 \
         AND cause IS ?6 AND started_at IS ?7 AND ended_at IS ?8 AND lease IS ?9 AND node IS ?10 AND steps IS ?11 \
         AND stop IS ?12 AND description = ?13 AND master IS ?14",
    )?
    .fetch_optional(connection)
    .await
    .map_err(said)?;
    Ok(found.is_some())
}

/// Inserts the row; `false`: its id is there already.
async fn insert(
    connection: &mut SqliteConnection,
    record: &BuildRecord,
    number: i64,
    recipe: i64,
) -> Result<bool, StoreError> {
    let progress = rows::Progress::of(record)?;
    let inserted = sqlx::query(
        "INSERT INTO builds (id, job, number, change, request, recipe, state, reason, result, cause, \
         accepted_at, started_at, ended_at, lease, node, steps, stop, description, master) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
    )
    .bind(record.id.as_str())
    .bind(record.request.job.as_str())
    .bind(number)
    .bind(rows::request_key(&record.request))
    .bind(rows::request_text(&record.request)?)
    .bind(recipe)
    .bind(progress.state)
    .bind(progress.reason)
    .bind(progress.result)
    .bind(progress.cause)
    .bind(signed(record.accepted_at.0))
    .bind(progress.started_at)
    .bind(progress.ended_at)
    .bind(progress.lease)
    .bind(progress.node)
    .bind(progress.steps)
    .bind(progress.stop)
    .bind(record.description.as_str())
    .bind(progress.master)
    .execute(connection)
    .await
    .map_err(said)?;
    Ok(inserted.rows_affected() > 0)
}

/// Sixteen bytes that stand for `parts`, each with its length.
pub(super) fn short_digest(parts: &[&str]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let mut short = [0; 16];
    short.copy_from_slice(&hash.finalize()[..16]);
    short
}
