//! Somebody else writes to the store while the pool works with it: no node is lost, none has two leases (pools-P3).

use causeway::model::{Event, LeaseId, LeaseState, Millis, NodeId, NodeState, Subject};
use causeway::store::{EventFilter, LeaseRow, NodeRow, PoolWrite, Store};
use causeway::telemetry::Metrics;

use super::bench::Bench;

/// A bench with one node in stock, and how conflicts are counted.
async fn with_stock() -> (Bench, Metrics, NodeRow) {
    let bench = Bench::small(1, 10).await;
    let metrics = Metrics::new();
    bench.pool.measure(metrics.pool.clone()).await;
    bench.until_ready(1).await;
    let row = stored(&bench).await.remove(0);
    (bench, metrics, row)
}

async fn stored(bench: &Bench) -> Vec<NodeRow> {
    bench.store.nodes().await.unwrap()
}

/// Another process writes these rows.
async fn interfere(bench: &Bench, nodes: Vec<NodeRow>, leases: Vec<LeaseRow>) {
    bench
        .store
        .save_pool(PoolWrite {
            nodes,
            leases: leases.into_iter().map(Into::into).collect(),
            events: Vec::new(),
        })
        .await
        .unwrap();
}

/// The states that a node went through, oldest first.
async fn states(bench: &Bench, node: NodeId) -> Vec<String> {
    let filter = EventFilter { object: Some(node.to_string()), limit: 100, ..EventFilter::default() };
    let events = bench.store.events(filter).await.unwrap();
    events.into_iter().rev().map(|logged| logged.event.to.into_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn pools_p3_a_row_written_by_somebody_else_is_written_over() {
    let (bench, metrics, row) = with_stock().await;
    interfere(&bench, vec![NodeRow { detail: "mine".to_owned(), ..row.clone() }], vec![]).await;
    let lease = bench.lease("small").await.unwrap();
    assert_eq!(lease.node(), row.id);
    assert_eq!(metrics.store.conflicts.get(), 1);
    let after = stored(&bench).await.into_iter().find(|node| node.id == row.id).unwrap();
    assert_eq!((after.state, after.lease, &*after.detail), (NodeState::Leased, Some(lease.id()), ""));
    assert_eq!(after.version, row.version + 2, "theirs and ours");
    assert_eq!(
        states(&bench, row.id).await,
        ["requested", "creating", "booting", "checking", "ready", "leased"],
        "each transition is logged once, whatever it took to write it"
    );
    lease.release().await;
    bench.until_ready(1).await;
}

#[tokio::test(start_paused = true)]
async fn pools_p3_a_row_that_somebody_took_away_is_written_again() {
    let (bench, metrics, row) = with_stock().await;
    interfere(&bench, vec![NodeRow { state: NodeState::Deleting, ..row.clone() }], vec![]).await;
    let gone = Event::new(Millis(1), Subject::Node(row.id), (None, "gone"), String::new(), "somebody");
    bench.store.remove_node(row.id, gone).await.unwrap();
    let lease = bench.lease("small").await.unwrap();
    assert_eq!((lease.node(), metrics.store.conflicts.get()), (row.id, 1));
    assert!(stored(&bench).await.iter().any(|node| node.id == row.id && node.lease == Some(lease.id())));
    lease.keeper().await.unwrap().ping().await.unwrap();
    lease.release().await;
    bench.until_ready(1).await;
}

#[tokio::test(start_paused = true)]
async fn pools_p3_a_node_that_somebody_gave_away_is_not_given_to_a_second_build() {
    let (bench, metrics, row) = with_stock().await;
    let build = bench.stored_build().await;
    let theirs = LeaseRow {
        id: LeaseId::new(1, 1),
        build: build.id,
        expression: "small".to_owned(),
        state: LeaseState::Active,
        node: Some(row.id),
        queued_at: bench.clock.now(),
        since: bench.clock.now(),
        version: 0,
    };
    let taken = NodeRow { state: NodeState::Leased, lease: Some(theirs.id), ..row.clone() };
    interfere(&bench, vec![taken], vec![theirs.clone()]).await;

    let lease = bench.lease("small").await.unwrap();
    assert_ne!(lease.node(), row.id);
    assert!(metrics.store.conflicts.get() > 0);
    let holder = async |id| stored(&bench).await.iter().find(|node| node.id == id).unwrap().lease;
    assert_eq!(holder(row.id).await, Some(theirs.id));
    assert_eq!(holder(lease.node()).await, Some(lease.id()));
    assert!(
        !states(&bench, row.id).await.contains(&"leased".to_owned()),
        "what was never stored is not told"
    );

    lease.release().await;
    // Their lease was taken up: its build finds it, and it ends with that build.
    let resumed = bench.pool.resume(build.id, theirs.id).await.unwrap();
    assert_eq!(resumed.node(), row.id);
    drop(resumed);
    bench.end_build(build.id).await;
    bench.until("their node is gone", |status| status.nodes.iter().all(|node| node.id != row.id)).await;
    assert!(bench.store.leases().await.unwrap().is_empty());
}
