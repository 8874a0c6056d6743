//! What only this store has to show: that it survives, and that its directory has one owner.

use std::path::Path;
use std::sync::Arc;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use super::{FILE, OpenError, SqliteStore, migration};
use crate::model::{BuildId, BuildRecord, JobName, LeaseState, NodeState, ResultWord};
use crate::store::{
    BuildFilter, ComparisonFilter, EventFilter, LeaseRow, NodeRow, PoolWrite, Store, StoreError, suite,
};
use crate::sys::{SharedClock, SystemClock};

fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

async fn open(directory: &Path) -> SqliteStore {
    SqliteStore::open(directory, &clock()).await.unwrap()
}

async fn raw(directory: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(directory.join(FILE)).create_if_missing(true);
    options.connect().await.unwrap()
}

#[tokio::test]
async fn sqlite_keeps_the_promises_of_a_store() {
    let directory = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    suite::run(|| {
        count.set(count.get() + 1);
        let path = directory.path().join(count.get().to_string());
        async move { open(&path).await }
    })
    .await;
}

#[tokio::test]
async fn everything_is_there_after_closing_and_opening() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    let instance = store.instance_id().await.unwrap();
    store.add_gearman_names(vec![b"build:a".to_vec()]).await.unwrap();
    store.accept_build(suite::record("a", 1), 40).await.unwrap();
    let first = BuildRecord { version: 1, ..suite::record("a", 1) };
    store.end_build(suite::ended(first, Some(ResultWord::Success)), None).await.unwrap();
    store.accept_build(suite::record("a", 2), 1).await.unwrap();
    store.remove_builds(vec![BuildId::new(2, 2)]).await.unwrap();
    let (node, lease) = (suite::node(1), suite::lease(2, LeaseState::Queued));
    let write =
        PoolWrite { nodes: vec![node.clone()], leases: vec![lease.clone().into()], ..PoolWrite::default() };
    store.save_pool(write).await.unwrap();
    store.close().await;

    let store = open(directory.path()).await;
    assert_eq!(store.instance_id().await.unwrap(), instance);
    assert_eq!(store.gearman_names().await.unwrap(), [b"build:a".to_vec()]);
    assert_eq!(store.accept_build(suite::record("a", 3), 1).await.unwrap(), 42);
    let job: JobName = "a".parse().unwrap();
    let first = store.build_by_number(&job, 40).await.unwrap().unwrap();
    assert_eq!(first.id, BuildId::new(1, 1));
    assert_eq!(store.unfinished_builds().await.unwrap().len(), 1);
    assert_eq!(store.nodes().await.unwrap(), [NodeRow { version: 1, ..node }]);
    assert_eq!(store.leases().await.unwrap(), [LeaseRow { version: 1, ..lease }]);
    let events = store.events(EventFilter { limit: 9, ..EventFilter::default() }).await.unwrap();
    assert_eq!(events.len(), 3, "the accepted ones: {events:?}");
}

#[tokio::test]
async fn pools_p2_a_second_owner_is_refused_with_the_firsts_name() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    let refused = SqliteStore::open(directory.path(), &clock()).await.err().unwrap();
    let text = refused.to_string();
    let name = format!("process {}, started 2", std::process::id());
    assert!(matches!(refused, OpenError::Owned { .. }) && text.contains(&name), "{text}");
    store.close().await;
    open(directory.path()).await;
}

#[tokio::test]
async fn a_directory_that_is_none_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = SqliteStore::open(&file, &clock()).await.err().unwrap();
    assert!(matches!(&refused, OpenError::Directory { directory, .. } if *directory == file), "{refused}");
}

#[tokio::test]
async fn a_file_that_is_no_store_is_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let text = "this is a letter, not a database; ".repeat(100);
    std::fs::write(directory.path().join(FILE), &text).unwrap();
    let refused = SqliteStore::open(directory.path(), &clock()).await.err().unwrap();
    assert!(matches!(refused, OpenError::Store(StoreError::Corrupt(_))), "{refused:?}");
    assert_eq!(std::fs::read_to_string(directory.path().join(FILE)).unwrap(), text);
}

#[tokio::test]
async fn a_later_form_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = raw(directory.path()).await;
    sqlx::query("PRAGMA user_version = 900").execute(&mut connection).await.unwrap();
    let refused = SqliteStore::open(directory.path(), &clock()).await.err().unwrap();
    assert!(matches!(refused, OpenError::Newer { found: 900, .. }), "{refused:?}");
}

/// Rows that each form of the store has to carry over, written as that form's version wrote them. A form that only adds to the one
/// before it has the same rows, and what is new in its own.
const FIRST: &str = "INSERT INTO facts VALUES ('instance', 'i1'); \
     INSERT INTO gearman_names VALUES (x'6275696c643a61'); \
     INSERT INTO job_numbers VALUES ('a', 7); \
     INSERT INTO recipes VALUES (1, x'00', '{}'); \
     INSERT INTO builds (id, job, number, change, request, recipe, state, reason, result, cause, accepted_at, \
       started_at, ended_at, lease, node, steps, stop, description) VALUES \
       ('00000000001000000a', 'a', 7, x'00', \
       '{\"origin\":{\"gearman\":\"u\"},\"parameters\":[[\"P\",\"v\"],[\"N\",{\"number\":\"1\"}],[\"O\",null]]}', \
       1, 'ended', NULL, 'SUCCESS', '{\"kind\":\"finished\"}', 1, 2, 3, '00000000001000000b', \
       '00000000001000000c', '[{\"index\":1,\"title\":\"t\",\"console_start\":5,\"started_at\":2,\
       \"end\":{\"how\":{\"exit\":0},\"console_end\":9,\"at\":3}}]', NULL, 'd'); \
     INSERT INTO nodes (id, provider, label, recipe_hash, state, since, created_at, lease, external_id, detail) \
       VALUES ('00000000001000000c', 'p', 'l', 'h', 'ready', 1, 1, NULL, 'e', ''); \
     INSERT INTO leases (id, build, expression, state, node, queued_at, since) \
       VALUES ('00000000001000000b', '00000000001000000a', 'l', 'active', NULL, 1, 1);";
const MASTERS: &str = "UPDATE builds SET master = '{\"step\":{\"started\":{\"item\":4,\"number\":9}},\"mark\":[\"ZUUL_UUID\",\"u\"],\
     \"items_before\":3,\"session\":\"s\",\"estimated_ms\":null,\"url\":null,\"log_next\":1,\"console_end\":2,\
     \"carriage_return\":false}'; \
     UPDATE nodes SET version = 5; \
     INSERT INTO events VALUES (1, 1, 'node', '00000000001000000c', NULL, 'requested', 'c', 'reconciler'), \
       (2, 1, 'lease', '00000000001000000d', 'releasing', 'released', 'c', 'reconciler'), \
       (3, 1, 'build', '00000000001000000a', NULL, 'accepted', 'c', 'Zuul'), \
       (4, 1, 'build', '00000000001000000a', 'accepted', 'ended', 'c', 'dispatcher');";
const TURNS: &str = "INSERT INTO route_turns VALUES (1, 1, 'anna', '', 'set', '[\"a\",null,null,null]', 'canary', 20, 'ci', NULL, NULL), \
           (2, 2, 'anna', '', 'roll-back', '[\"a\",null,null,null]', NULL, NULL, NULL, NULL, NULL);";
const SAMPLES: &[&[&str]] = &[
    &[FIRST],
    &[
        FIRST,
        "UPDATE nodes SET version = 5; \
         INSERT INTO events VALUES (1, 1, 'node', '00000000001000000c', NULL, 'requested', 'c', 'reconciler');",
    ],
    &[
        FIRST,
        "UPDATE nodes SET version = 5; \
         INSERT INTO events VALUES (1, 1, 'node', '00000000001000000c', NULL, 'requested', 'c', 'reconciler'), \
           (2, 1, 'lease', '00000000001000000d', 'releasing', 'released', 'c', 'reconciler'); \
         INSERT INTO leases VALUES ('00000000001000000d', '00000000001000000a', 'l', 'released', NULL, 1, 1, 6);",
    ],
    &[FIRST, MASTERS],
    &[FIRST, MASTERS, TURNS],
    &[
        FIRST,
        MASTERS,
        TURNS,
        "INSERT INTO comparisons VALUES ('00000000001000000a', 'a', 7, NULL, NULL, 1, 'same', '[]', '[]');",
    ],
];

#[tokio::test]
async fn migrations_carry_the_rows_of_every_form_over() {
    assert_eq!(SAMPLES.len(), migration::STEPS.len(), "each step needs sample rows");
    for (form, samples) in SAMPLES.iter().enumerate() {
        let directory = tempfile::tempdir().unwrap();
        let mut connection = raw(directory.path()).await;
        let steps = &migration::STEPS[..=form];
        migration::run_steps(&mut connection, Path::new("sample"), steps).await.unwrap();
        migration::run_steps(&mut connection, Path::new("sample"), steps).await.unwrap();
        for sample in *samples {
            sqlx::raw_sql(*sample).execute(&mut connection).await.unwrap();
        }
        drop(connection);

        let store = open(directory.path()).await;
        assert_eq!(store.instance_id().await.unwrap(), "i1");
        let builds = store.builds(BuildFilter { limit: 10, ..BuildFilter::default() }).await.unwrap();
        assert_eq!(builds.len(), 1);
        assert_eq!((builds[0].number, builds[0].steps.len(), builds[0].version), (7, 1, 1));
        assert_eq!(store.leases().await.unwrap().len(), 1);
        assert_eq!(store.gearman_names().await.unwrap().len(), 1);
        assert_eq!(store.accept_build(suite::record("a", 9), 1).await.unwrap(), 8);
        let events = store.events(EventFilter { limit: 9, ..EventFilter::default() }).await.unwrap();
        assert_eq!(events.len(), (form + 1 + usize::from(form == 3)).min(5));
        assert_eq!(builds[0].master.is_some(), form >= 3);
        assert_eq!(store.turns_in_force().await.unwrap().len(), usize::from(form >= 4));
        let compared = store.comparisons(ComparisonFilter { limit: 9, ..ComparisonFilter::default() });
        assert_eq!(compared.await.unwrap().len(), usize::from(form >= 5));
        // The row that was carried over can be written on from its version.
        let mut node = store.nodes().await.unwrap().remove(0);
        assert_eq!(node.version, if form == 0 { 1 } else { 5 });
        node.state = NodeState::Deleting;
        store.save_pool(PoolWrite { nodes: vec![node], ..PoolWrite::default() }).await.unwrap();
    }
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_form_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = raw(directory.path()).await;
    let steps = &["CREATE TABLE one (x)", "CREATE TABLE two (x); CREATE TABLE one (x)"];
    let path = Path::new("sample");
    assert!(migration::run_steps(&mut connection, path, steps).await.is_err());
    let form: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut connection).await.unwrap();
    assert_eq!(form, 1);
    assert!(sqlx::query("SELECT * FROM two").fetch_all(&mut connection).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decision_15_many_accepts_get_numbers_in_one_row() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(open(directory.path()).await);
    let accepts = (1..=500).map(|millis| {
        let store = store.clone();
        tokio::spawn(async move { store.accept_build(suite::record("a", millis), 1).await.unwrap() })
    });
    let mut numbers = Vec::new();
    for accept in accepts.collect::<Vec<_>>() {
        numbers.push(accept.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=500).collect::<Vec<_>>());
}

#[tokio::test]
async fn unused_recipes_go_with_their_last_build() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    for (millis, recipe) in [(1, "one"), (2, "one"), (3, "two")] {
        let mut record = suite::record("a", millis);
        record.recipe = recipe.into();
        store.accept_build(record, 1).await.unwrap();
    }
    let recipes = async || -> Vec<String> {
        let mut connection = raw(directory.path()).await;
        sqlx::query_scalar("SELECT text FROM recipes ORDER BY id").fetch_all(&mut connection).await.unwrap()
    };
    assert_eq!(recipes().await, ["one", "two"]);
    store.remove_builds(vec![BuildId::new(1, 1), BuildId::new(3, 3)]).await.unwrap();
    assert_eq!(recipes().await, ["one"]);
    store.accept_build(suite::record("a", 4), 1).await.unwrap();
    assert_eq!(recipes().await, ["one", "{}"]);
}
