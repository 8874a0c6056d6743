//! The log of events (pools-P4).

use std::future::Future;

use super::{accepted, ended, lease, node, record};
use crate::model::{BuildState, Event, LeaseId, LeaseState, Millis, NodeId, ResultWord, Subject};
use crate::store::{EventFilter, LoggedEvent, PoolWrite, Store};

pub(super) async fn run<S: Store, F: Future<Output = S>>(new: &impl Fn() -> F) {
    a_builds_events_stand_in_their_order(&new().await).await;
    a_write_that_comes_again_is_logged_once(&new().await).await;
    events_are_listed_by_object_kind_and_number(&new().await).await;
    old_events_and_too_many_go(&new().await).await;
}

fn event(at: u64, subject: Subject, to: &'static str) -> Event {
    Event::new(Millis(at), subject, (None, to), format!("cause {at}"), "test")
}

/// Every event that the filter lets through, newest first, by its state.
async fn states(store: &dyn Store, filter: EventFilter) -> Vec<String> {
    let events = store.events(filter).await.unwrap();
    events.into_iter().map(|logged| logged.event.to.into_owned()).collect()
}

fn of(id: &str) -> EventFilter {
    EventFilter { object: Some(id.to_owned()), limit: 100, ..EventFilter::default() }
}

async fn a_builds_events_stand_in_their_order(store: &dyn Store) {
    let build = accepted(store, record("a", 1)).await;
    let mut running = build.clone();
    running.state = BuildState::Running;
    let began = Event::of_build(&build, &running, Millis(2));
    store.save_build(running.clone(), began, false).await.unwrap();
    running.version += 1;
    let end = ended(running.clone(), Some(ResultWord::Success));
    let last = Event::of_build(&running, &end, Millis(3));
    store.end_build(end, last.clone()).await.unwrap();

    let events = store.events(of(build.id.as_str())).await.unwrap();
    let found: Vec<_> =
        events.iter().map(|logged| (logged.event.from.as_deref(), &*logged.event.to)).collect();
    assert_eq!(found, [(Some("running"), "ended"), (Some("accepted"), "running"), (None, "accepted")]);
    assert!(events.is_sorted_by(|newer, older| newer.number > older.number));
    assert_eq!(Some(&events[0].event), last.as_ref());
    assert_eq!(events[0].event.cause, "SUCCESS: ran to its end");
    assert_eq!(events[2].event.actor, "Zuul");
}

async fn a_write_that_comes_again_is_logged_once(store: &dyn Store) {
    let build = accepted(store, record("a", 1)).await;
    store.accept_build(record("a", 1), 1).await.unwrap();
    let mut running = build.clone();
    running.state = BuildState::Running;
    let began = Event::of_build(&build, &running, Millis(2));
    for _ in 0..2 {
        store.save_build(running.clone(), began.clone(), true).await.unwrap();
    }
    let end = ended(super::BuildRecord { version: 2, ..running.clone() }, None);
    let last = Event::of_build(&running, &end, Millis(3));
    for _ in 0..2 {
        store.end_build(end.clone(), last.clone()).await.unwrap();
    }
    assert_eq!(states(store, of(build.id.as_str())).await, ["ended", "running", "accepted"]);
}

async fn events_are_listed_by_object_kind_and_number(store: &dyn Store) {
    let (first, second) = (NodeId::new(1, 1), NodeId::new(1, 2));
    let wish = LeaseId::new(1, 9);
    let events = vec![
        event(1, Subject::Node(first), "a"),
        event(2, Subject::Node(second), "b"),
        event(3, Subject::Lease(wish), "c"),
        event(4, Subject::Node(first), "d"),
    ];
    let write = PoolWrite {
        nodes: vec![node(1)],
        leases: vec![lease(1, LeaseState::Queued).into()],
        events: events.clone(),
    };
    store.save_pool(write).await.unwrap();
    let all = EventFilter { limit: 100, ..EventFilter::default() };
    let stored = store.events(all.clone()).await.unwrap();
    let of_store: Vec<Event> = stored.iter().rev().map(|logged| logged.event.clone()).collect();
    assert_eq!(of_store, events, "every field comes back");
    assert_eq!(states(store, of(first.as_str())).await, ["d", "a"]);
    let leases = EventFilter { kind: Some("lease".to_owned()), ..all.clone() };
    assert_eq!(states(store, leases).await, ["c"]);
    let nodes = EventFilter { kind: Some("node".to_owned()), ..of(second.as_str()) };
    assert_eq!(states(store, nodes).await, ["b"]);
    let LoggedEvent { number, .. } = stored[1];
    let older = EventFilter { before: Some(number), limit: 1, ..all.clone() };
    assert_eq!(states(store, older).await, ["b"]);
    assert_eq!(states(store, EventFilter { since: Some(number), ..all }).await, ["d"]);
    assert!(states(store, EventFilter::default()).await.is_empty(), "a limit of 0");
}

async fn old_events_and_too_many_go(store: &dyn Store) {
    let subject = Subject::Node(NodeId::new(1, 1));
    let events: Vec<Event> = (1..=40).map(|at| event(at, subject, "a")).collect();
    store.save_pool(PoolWrite { events, ..PoolWrite::default() }).await.unwrap();
    let prune = async |oldest: u64, most: u64| {
        while store.prune_events(Millis(oldest), most).await.unwrap() > 0 {}
        let events = store.events(EventFilter { limit: 100, ..EventFilter::default() }).await.unwrap();
        events.iter().map(|logged| logged.event.at.0).collect::<Vec<_>>()
    };
    assert_eq!(prune(0, 1_000).await.len(), 40);
    assert_eq!(prune(11, 1_000).await, (11..=40).rev().collect::<Vec<_>>());
    assert_eq!(prune(0, 20).await, (21..=40).rev().collect::<Vec<_>>());
    let last = store.events(EventFilter { limit: 1, ..EventFilter::default() }).await.unwrap()[0].number;
    assert_eq!(prune(1_000, 0).await, [40], "the last one stays");
    let write = PoolWrite { events: vec![event(50, subject, "b")], ..PoolWrite::default() };
    store.save_pool(write).await.unwrap();
    let next = store.events(EventFilter { limit: 1, ..EventFilter::default() }).await.unwrap();
    assert_eq!(next[0].number, last + 1, "no number comes twice");
}
