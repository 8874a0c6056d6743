//! Nodes and leases: one commit, by compare-and-set (pools-P3).

use std::future::Future;

use crate::model::{BuildId, Event, LeaseId, LeaseState, Millis, NodeId, NodeState, Subject};
use crate::store::{EventFilter, LeaseFilter, LeaseRow, LeaseWrite, NodeRow, PoolWrite, Store, StoreError};

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
    only_a_node_that_is_being_deleted_is_marked(&new().await).await;
    each_state_of_a_lease_is_written(&new().await).await;
    ends_stay_until_they_are_pruned(&new().await).await;
}

fn writes(leases: &[LeaseRow]) -> Vec<LeaseWrite> {
    leases.iter().cloned().map(LeaseWrite::from).collect()
}

/// Writes rows and counts their versions up, as their owner does.
async fn save(store: &dyn Store, nodes: &mut [NodeRow], leases: &mut [LeaseRow]) {
    let write = PoolWrite { nodes: nodes.to_vec(), leases: writes(leases), events: Vec::new() };
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
    let write = PoolWrite { nodes: vec![stolen], leases: vec![thief.into()], ..PoolWrite::default() };
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
        leases: lease.cloned().map(LeaseWrite::from).into_iter().collect(),
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
        PoolWrite { nodes: nodes.to_vec(), leases: writes(&leases), events: vec![gone(nodes[0].id)] };
    for _ in 0..2 {
        store.save_pool(write.clone()).await.unwrap();
    }
    (nodes[0].version, leases[0].version) = (1, 1);
    assert_eq!(store.nodes().await.unwrap(), nodes);
    leases[0].state = LeaseState::Released;
    (write.nodes, write.leases) = (nodes.to_vec(), writes(&leases));
    for _ in 0..2 {
        store.save_pool(write.clone()).await.unwrap();
    }
    assert!(store.leases().await.unwrap().is_empty());
    let events = store.events(EventFilter { limit: 9, ..EventFilter::default() }).await.unwrap();
    assert_eq!(events.len(), 2, "one for each write that was one: {events:?}");
}

async fn only_a_node_that_is_being_deleted_is_marked(store: &dyn Store) {
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
    let stone = store.node(nodes[0].id).await.unwrap().unwrap();
    assert_eq!((stone.state, stone.since, stone.version), (NodeState::Deleted, Millis(1), 3));
    let events = store.events(EventFilter { limit: 9, ..EventFilter::default() }).await.unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
}

/// pools-P6: the version counts the states, those that took no time too.
async fn each_state_of_a_lease_is_written(store: &dyn Store) {
    use LeaseState::{Active, Allocating, Granted, Queued, Released, Releasing};
    let write = |state, version, through: &[LeaseState]| PoolWrite {
        leases: vec![LeaseWrite { row: LeaseRow { version, ..lease(9, state) }, through: through.to_vec() }],
        ..PoolWrite::default()
    };
    let id = lease(9, Queued).id;
    for (write, state, version) in [
        (write(Queued, 0, &[]), Queued, 1),
        (write(Active, 1, &[Allocating, Granted]), Active, 4),
        (write(Active, 1, &[Allocating, Granted]), Active, 4),
        (write(Released, 4, &[Releasing]), Released, 6),
    ] {
        store.save_pool(write).await.unwrap();
        let stored = store.lease(id).await.unwrap().unwrap();
        assert_eq!((stored.state, stored.version), (state, version));
    }
    let late = store.save_pool(write(Active, 1, &[Allocating])).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    let brief = LeaseWrite { row: lease(10, LeaseState::Cancelled), through: vec![Queued] };
    let brief = PoolWrite { leases: vec![brief], ..PoolWrite::default() };
    for _ in 0..2 {
        store.save_pool(brief.clone()).await.unwrap();
    }
    let stored = store.lease(lease(10, Queued).id).await.unwrap().unwrap();
    assert_eq!((stored.state, stored.version), (LeaseState::Cancelled, 2), "it came and went in one commit");
}

/// pools 4.1 and 4.2: what is over stays for those who ask, and goes by age and number.
async fn ends_stay_until_they_are_pruned(store: &dyn Store) {
    let states = [LeaseState::Released, LeaseState::Queued, LeaseState::Cancelled, LeaseState::Failed];
    let mut leases: Vec<LeaseRow> = states.into_iter().zip(1..).map(|(state, at)| lease(at, state)).collect();
    let mut nodes = [node(1), node(2), node(3)];
    nodes[..2].iter_mut().for_each(|row| row.state = NodeState::Deleting);
    save(store, &mut nodes, &mut leases).await;
    for row in &nodes[..2] {
        store.remove_node(row.id, gone(row.id)).await.unwrap();
    }
    assert_eq!(store.leases().await.unwrap(), leases[1..2]);
    assert_eq!(store.nodes().await.unwrap(), nodes[2..]);
    let listed = async |over, before: Option<usize>, limit| {
        let filter = LeaseFilter { over, before: before.map(|at| leases[at].id), limit };
        let rows = store.recent_leases(filter).await.unwrap();
        rows.iter().map(|row| row.queued_at.0).collect::<Vec<_>>()
    };
    assert_eq!(listed(None, None, 9).await, [4, 3, 2, 1]);
    assert_eq!(listed(None, Some(2), 1).await, [2]);
    assert_eq!(listed(Some(true), None, 2).await, [4, 3]);
    assert_eq!(listed(Some(false), None, 9).await, [2]);

    let prune = async |oldest, most| {
        let mut gone = 0;
        loop {
            match store.prune_pool(Millis(oldest), most).await.unwrap() {
                0 => return gone,
                some => gone += some,
            }
        }
    };
    assert_eq!(prune(0, 9).await, 0);
    assert_eq!(prune(2, 9).await, 3, "two nodes deleted at 1, one lease");
    assert_eq!(listed(None, None, 9).await, [4, 3, 2]);
    assert_eq!(prune(0, 1).await, 1);
    assert_eq!(listed(None, None, 9).await, [4, 2], "the newest end, and what is not over");
    assert_eq!(prune(99, 9).await, 1);
    assert_eq!((store.leases().await.unwrap().len(), store.nodes().await.unwrap().len()), (1, 1));
}
