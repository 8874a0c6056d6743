//! Builds as they are written.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

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

    /// Writes a new build under its job's next number; one that is stored already keeps its number.
    pub(super) async fn accept(
        &mut self,
        connection: &mut SqliteConnection,
        record: &BuildRecord,
        floor: BuildNumber,
    ) -> Result<BuildNumber, StoreError> {
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
            return rows::unsigned(stored);
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
        rows::unsigned(number)
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

    /// Writes where a build stands; one that has ended stays as it is. `false`: there is no such build.
    pub(super) async fn save(
        &mut self,
        connection: &mut SqliteConnection,
        record: &BuildRecord,
    ) -> Result<bool, StoreError> {
        let progress = rows::Progress::of(record)?;
        let updated = sqlx::query(
            "UPDATE builds SET state = ?, reason = ?, result = ?, cause = ?, started_at = ?, ended_at = ?, \
             lease = ?, node = ?, steps = ?, stop = ?, description = ? WHERE id = ? AND state <> 'ended'",
        )
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
        .bind(record.id.as_str())
        .execute(&mut *connection)
        .await
        .map_err(said)?;
        if updated.rows_affected() > 0 {
            return Ok(true);
        }
        let stored: Option<i64> = sqlx::query_scalar("SELECT 1 FROM builds WHERE id = ?")
            .bind(record.id.as_str())
            .fetch_optional(connection)
            .await
            .map_err(said)?;
        Ok(stored.is_some())
    }

    /// Sets a build's description.
    pub(super) async fn describe(
        &self,
        connection: &mut SqliteConnection,
        id: BuildId,
        text: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE builds SET description = ? WHERE id = ?")
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
         accepted_at, started_at, ended_at, lease, node, steps, stop, description) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
    )
    .bind(record.id.as_str())
    .bind(record.request.job.as_str())
    .bind(number)
    .bind(rows::change_key(&record.request.change()))
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
