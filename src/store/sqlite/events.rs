//! What happened (pools-P4).

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use super::error::said;
use super::rows::{millis, signed, unsigned};
use crate::model::{Event, Millis, Subject};
use crate::store::{EVENTS_AT_ONCE, EventFilter, LoggedEvent, StoreError};

/// Events in one statement. Each number of rows is a statement of its own that stays prepared.
const TOGETHER: usize = 16;
/// So many of the oldest are looked at in one commit of the clean-up: some milliseconds, in which builds wait.
const PRUNED_AT_ONCE: u32 = 2_000;

/// Writes events in their order.
pub(super) async fn add(connection: &mut SqliteConnection, events: &[Event]) -> Result<(), StoreError> {
    for chunk in events.chunks(TOGETHER) {
        let places = vec!["(?,?,?,?,?,?,?)"; chunk.len()].join(",");
        let sql =
            format!("INSERT INTO events (at, kind, object, \"from\", \"to\", cause, actor) VALUES {places}");
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for event in chunk {
            query = query
                .bind(signed(event.at.0))
                .bind(event.subject.kind())
                .bind(event.subject.id())
                .bind(event.from.as_deref())
                .bind(event.to.as_ref())
                .bind(event.cause.as_str())
                .bind(event.actor.as_ref());
        }
        query.execute(&mut *connection).await.map_err(said)?;
    }
    Ok(())
}

/// Events, newest first.
pub(super) async fn listed(
    readers: &SqlitePool,
    filter: &EventFilter,
) -> Result<Vec<LoggedEvent>, StoreError> {
    let object = if filter.object.is_some() { "AND object = ?4" } else { "" };
    let kind = if filter.kind.is_some() { "AND kind = ?5" } else { "" };
    let sql = format!(
        "SELECT number, at, kind, object, \"from\", \"to\", cause, actor FROM events \
         WHERE number < ?1 AND number > ?2 {object} {kind} ORDER BY number DESC LIMIT ?3"
    );
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(filter.before.map_or(i64::MAX, signed))
        .bind(filter.since.map_or(0, signed))
        .bind(filter.limit.min(EVENTS_AT_ONCE))
        .bind(filter.object.as_deref())
        .bind(filter.kind.as_deref());
    query.fetch_all(readers).await.map_err(said)?.iter().map(event).collect()
}

fn event(row: &SqliteRow) -> Result<LoggedEvent, StoreError> {
    let text = |column| row.try_get::<String, _>(column).map_err(said);
    let (kind, id) = (text("kind")?, text("object")?);
    Ok(LoggedEvent {
        number: unsigned(row.try_get("number").map_err(said)?)?,
        event: Event {
            at: millis(row, "at")?,
            subject: Subject::from_parts(&kind, &id)
                .ok_or_else(|| StoreError::Corrupt(format!("no event is about '{kind} {id}'")))?,
            from: row.try_get::<Option<String>, _>("from").map_err(said)?.map(Into::into),
            to: text("to")?.into(),
            cause: text("cause")?,
            actor: text("actor")?.into(),
        },
    })
}

/// Forgets a part of what is too old or too much; returns how many.
pub(super) async fn prune(
    connection: &mut SqliteConnection,
    oldest: Millis,
    most: u64,
) -> Result<u64, StoreError> {
    let gone = sqlx::query(
        "DELETE FROM events WHERE number IN (SELECT number FROM (SELECT number, at FROM events ORDER BY number \
         LIMIT ?3), (SELECT max(number) AS last FROM events) \
         WHERE number < last AND (at < ?1 OR number <= last - ?2))",
    )
    .bind(signed(oldest.0))
    .bind(signed(most))
    .bind(PRUNED_AT_ONCE)
    .execute(connection)
    .await
    .map_err(said)?;
    Ok(gone.rows_affected())
}
