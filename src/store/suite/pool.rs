//! Nodes and leases: one commit, by compare-and-set (pools-P3).

use std::future::Future;

use crate::model::{BuildId, Event, LeaseId, Millis, NodeId, NodeState, Subject};
use crate::store::{EventFilter, LeaseRow, LeaseState, NodeRow, PoolWrite, Store, StoreError};

pub(crate) fn node(millis: u64) -> NodeRow {
    NodeRow {
        id: NodeId::new(millis, 0),
        provider: "docker".to_owned(),
        label: "debian".to_owned(),
        recipe_hash: "abc".to_owned(),
        state: NodeState::Ready,
        since: Millis(millis),
        created_at: Millis(millis),
        lease: None,
        external_id: Some("e1".to_owned()),
        detail: String::new(),
        version: 0,
    }
}

pub(crate) fn lease(millis: u64, state: LeaseState) -> LeaseRow {
    LeaseRow {
        id: LeaseId::new(millis, 0),
        build: BuildId::new(millis, 0),
        expression: "debian && !arm".to_owned(),
        state,
        node: None,
        queued_at: Millis(millis),
        since: Millis(millis),
        version: 0,
    }
}

pub(super) async fn run<S: Store, F: Future<Output = S>>(new: &impl Fn() -> F) {
    nodes_and_leases_are_saved_together(&new().await).await;
    a_row_is_written_from_what_is_stored(&new().await).await;
    the_same_write_again_is_none(&new().await).await;
    only_a_node_that_is_being_deleted_is_forgotten(&new().await).await;
}

/// Writes rows and counts their versions up, as their owner does.
async fn save(store: &dyn Store, nodes: &mut [NodeRow], leases: &mut [LeaseRow]) {
    let write = PoolWrite { nodes: nodes.to_vec(), leases: leases.to_vec(), events: Vec::new() };
    store.save_pool(write).await.unwrap();
    nodes.iter_mut().for_each(|row| row.version += 1);
    leases.iter_mut().for_each(|row| row.version += 1);
}

fn gone(id: NodeId) -> Event {
    let states = (Some("deleting"), "deleted");
    Event::new(Millis(1), Subject::Node(id), states, "it is gone".to_owned(), "test")
}

async fn nodes_and_leases_are_saved_together(store: &dyn Store) {
    let mut nodes = [node(1), node(2)];
    let mut leases = [lease(9, LeaseState::Queued)];
    save(store, &mut nodes, &mut leases).await;
    assert_eq!(store.nodes().await.unwrap(), nodes);
    assert_eq!(store.leases().await.unwrap(), leases);

    (nodes[0].state, nodes[0].lease) = (NodeState::Leased, Some(leases[0].id));
    (leases[0].state, leases[0].node) = (LeaseState::Active, Some(nodes[0].id));
    save(store, &mut nodes[..1], &mut leases).await;
    assert_eq!(store.leases().await.unwrap(), leases);

    let mut thief = lease(10, LeaseState::Active);
    thief.node = Some(nodes[0].id);
    let stolen = NodeRow { lease: Some(thief.id), ..nodes[0].clone() };
    let write = PoolWrite { nodes: vec![stolen], leases: vec![thief], ..PoolWrite::default() };
    let refused = store.save_pool(write).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert_eq!(store.leases().await.unwrap(), leases);
    assert_eq!(store.nodes().await.unwrap(), nodes);

    (nodes[0].state, nodes[0].lease) = (NodeState::Deleting, None);
    leases[0].state = LeaseState::Released;
    save(store, &mut nodes[..1], &mut leases).await;
    assert!(store.leases().await.unwrap().is_empty());
    store.remove_node(nodes[0].id, gone(nodes[0].id)).await.unwrap();
    assert_eq!(store.nodes().await.unwrap(), nodes[1..]);
}

async fn a_row_is_written_from_what_is_stored(store: &dyn Store) {
    let (mut nodes, mut leases) = ([node(1), node(2)], [lease(9, LeaseState::Queued)]);
    save(store, &mut nodes, &mut leases).await;
    let (old_node, old_lease) = (nodes[0].clone(), leases[0].clone());
    nodes[0].detail = "newer".to_owned();
    leases[0].expression = "newer".to_owned();
    save(store, &mut nodes[..1], &mut leases).await;

    let write = |node: &NodeRow, lease: Option<&LeaseRow>| PoolWrite {
        // The first row alone could be written: with the second one refused it must not stay.
        nodes: vec![NodeRow { detail: "refused".to_owned(), ..nodes[1].clone() }, node.clone()],
        leases: lease.cloned().into_iter().collect(),
        events: vec![gone(node.id)],
    };
    let missing = NodeRow { version: 3, ..node(77) };
    let over = LeaseRow { state: LeaseState::Released, ..old_lease.clone() };
    for stale in [
        write(&old_node, None),
        write(&NodeRow { version: 0, ..old_node.clone() }, None),
        write(&missing, None),
        write(&nodes[0], Some(&old_lease)),
        write(&nodes[0], Some(&over)),
        write(&nodes[0], Some(&LeaseRow { version: 5, ..lease(88, LeaseState::Active) })),
    ] {
        let refused = store.save_pool(stale.clone()).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{stale:?}: {refused:?}");
        assert_eq!(store.nodes().await.unwrap(), nodes);
        assert_eq!(store.leases().await.unwrap(), leases);
    }
    let events = store.events(EventFilter { limit: 9, ..EventFilter::default() }).await.unwrap();
    assert!(events.is_empty(), "{events:?}");
}

async fn the_same_write_again_is_none(store: &dyn Store) {
    let (mut nodes, mut leases) = ([node(1)], [lease(9, LeaseState::Active)]);
    let mut write =
        PoolWrite { nodes: nodes.to_vec(), leases: leases.to_vec(), events: vec![gone(nodes[0].id)] };
    for _ in 0..2 {
        store.save_pool(write.clone()).await.unwrap();
    }
    (nodes[0].version, leases[0].version) = (1, 1);
    assert_eq!(store.nodes().await.unwrap(), nodes);
    leases[0].state = LeaseState::Released;
    (write.nodes, write.leases) = (nodes.to_vec(), leases.to_vec());
    for _ in 0..2 {
        store.save_pool(write.clone()).await.unwrap();
    }
    assert!(store.leases().await.unwrap().is_empty());
    let events = store.events(EventFilter { limit: 9, ..EventFilter::default() }).await.unwrap();
    assert_eq!(events.len(), 2, "one for each write that was one: {events:?}");
}

async fn only_a_node_that_is_being_deleted_is_forgotten(store: &dyn Store) {
    let mut nodes = [node(1)];
    save(store, &mut nodes, &mut []).await;
    let refused = store.remove_node(nodes[0].id, gone(nodes[0].id)).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    nodes[0].state = NodeState::Deleting;
    save(store, &mut nodes, &mut []).await;
    for _ in 0..2 {
        store.remove_node(nodes[0].id, gone(nodes[0].id)).await.unwrap();
    }
    assert!(store.nodes().await.unwrap().is_empty());
    let events = store.events(EventFilter { limit: 9, ..EventFilter::default() }).await.unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
}
