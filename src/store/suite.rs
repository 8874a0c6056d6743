//! The promises of [`Store`] as tests that every implementation has to pass.

use std::future::Future;

use super::{BuildFilter, LeaseRow, LeaseState, NodeRow, Store, StoreError};
use crate::model::{
    BuildId, BuildRecord, BuildRequest, BuildState, Cause, JobName, LeaseId, Millis, NodeId, NodeState,
    Origin, Outcome, Parameter, ParameterValue, Parameters, ResultWord, StepEnd, StepRecord, StepState,
    StopMark,
};

/// A build of `job`, made at the moment `millis`, for change 1,1.
pub(crate) fn record(job: &str, millis: u64) -> BuildRecord {
    let text = |name: &str, value: &str| Parameter {
        name: name.to_owned(),
        value: ParameterValue::Text(value.to_owned()),
    };
    BuildRecord {
        id: BuildId::new(millis, millis),
        number: 0,
        request: BuildRequest {
            job: job.parse().unwrap(),
            label: None,
            parameters: Parameters(vec![
                text("ZUUL_PROJECT", "ops/puppet"),
                text("ZUUL_PIPELINE", "check"),
                text("ZUUL_CHANGE", "1"),
                text("ZUUL_PATCHSET", "1"),
            ]),
            precedence: crate::model::Precedence::Normal,
            origin: Origin::Gearman { unique: "0f0e".to_owned() },
        },
        state: BuildState::Accepted,
        recipe: "{}".into(),
        accepted_at: Millis(millis),
        started_at: None,
        ended_at: None,
        lease: None,
        steps: Vec::new(),
        stop: None,
        description: String::new(),
    }
}

/// `record`, ended with this word.
pub(crate) fn ended(mut record: BuildRecord, result: Option<ResultWord>) -> BuildRecord {
    record.ended_at = Some(record.accepted_at);
    record.state = BuildState::Ended(Outcome { result, cause: Cause::Finished });
    record
}

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
    }
}

/// Runs every test, each on a store of its own.
pub(crate) async fn run<S: Store, F: Future<Output = S>>(new: impl Fn() -> F) {
    names_are_kept_once(&new().await).await;
    numbers_grow_and_respect_the_floor(&new().await).await;
    accepting_twice_is_accepting_once(&new().await).await;
    every_field_comes_back(&new().await).await;
    the_first_end_stays(&new().await).await;
    listings_are_newest_first(&new().await).await;
    lost_builds_are_counted_in_a_row(&new().await).await;
    removed_builds_leave_their_number_used(&new().await).await;
    nodes_and_leases_are_saved_together(&new().await).await;
    assert!(!new().await.instance_id().await.unwrap().is_empty());
}

async fn names_are_kept_once(store: &dyn Store) {
    let first = vec![b"build:a".to_vec(), b"build:\xff".to_vec()];
    store.add_gearman_names(first).await.unwrap();
    let second = vec![b"build:a".to_vec(), b"stop:m".to_vec()];
    store.add_gearman_names(second).await.unwrap();
    store.add_gearman_names(Vec::new()).await.unwrap();
    store.add_gearman_names(vec![b"dropped".to_vec()]).await.unwrap();
    store.forget_gearman_names(vec![b"dropped".to_vec(), b"never known".to_vec()]).await.unwrap();
    let mut names = store.gearman_names().await.unwrap();
    names.sort();
    assert_eq!(names, [&b"build:a"[..], b"build:\xff", b"stop:m"]);
}

async fn numbers_grow_and_respect_the_floor(store: &dyn Store) {
    assert_eq!(store.accept_build(record("a", 1), 1).await.unwrap(), 1);
    assert_eq!(store.accept_build(record("a", 2), 1).await.unwrap(), 2);
    assert_eq!(store.accept_build(record("a", 3), 500).await.unwrap(), 500);
    assert_eq!(store.accept_build(record("a", 4), 1).await.unwrap(), 501);
    assert_eq!(store.accept_build(record("b", 5), 7).await.unwrap(), 7);
}

async fn accepting_twice_is_accepting_once(store: &dyn Store) {
    let number = store.accept_build(record("a", 1), 1).await.unwrap();
    let again = store.accept_build(record("a", 1), 900).await.unwrap();
    assert_eq!(number, again);
    assert_eq!(store.accept_build(record("a", 2), 1).await.unwrap(), 2);
}

/// A record with something in every field.
fn full_record() -> BuildRecord {
    let mut full = record("folder/job", 10);
    full.request.label = Some("big".to_owned());
    full.request.origin = Origin::Http { user: "ann".to_owned() };
    let kinds = [
        ParameterValue::Text("line\nquote\" é \u{1f600}".to_owned()),
        ParameterValue::Number("1.50".to_owned()),
        ParameterValue::Bool(true),
        ParameterValue::Null,
    ];
    full.request
        .parameters
        .0
        .extend(kinds.into_iter().map(|value| Parameter { name: "P".to_owned(), value }));
    full.started_at = Some(Millis(11));
    full.lease = Some((LeaseId::new(5, 5), NodeId::new(6, 6)));
    let ends = [
        StepEnd::Exit(-1),
        StepEnd::Signal(9),
        StepEnd::Memory,
        StepEnd::Timeout,
        StepEnd::Inactivity,
        StepEnd::Stopped,
        StepEnd::CannotStart("no bash".to_owned()),
    ];
    let ended = |end| StepState::Ended { end, console_end: 1 << 40, at: Millis(13) };
    let states = ends.into_iter().map(ended).chain([StepState::Started]);
    full.steps = (1..)
        .zip(states)
        .map(|(index, state)| StepRecord {
            index,
            title: format!("step {index} (shell)"),
            console_start: 77,
            started_at: Millis(12),
            state,
        })
        .collect();
    full.stop = Some(StopMark { at: Millis(14), cause: Cause::Stopped { by: "zuul".to_owned() } });
    full.description = "<b>text</b>".to_owned();
    full
}

/// Every cause there is.
pub(crate) fn causes() -> Vec<Cause> {
    let (step, detail) = (|| "step 1 (shell)".to_owned(), || "why".to_owned());
    let limit = std::time::Duration::from_millis(90_500);
    vec![
        Cause::Finished,
        Cause::Exit { step: step(), code: -1 },
        Cause::Signal { step: step(), signal: 9 },
        Cause::CannotStart { step: step(), detail: detail() },
        Cause::Memory { step: step() },
        Cause::Timeout { limit },
        Cause::Inactivity { limit },
        Cause::Stopped { by: "lost client".to_owned() },
        Cause::Publisher { name: "archive".to_owned(), detail: detail() },
        Cause::Definition { detail: detail() },
        Cause::Infrastructure { detail: detail() },
    ]
}

async fn every_field_comes_back(store: &dyn Store) {
    let mut full = full_record();
    full.number = store.accept_build(full.clone(), 1).await.unwrap();
    let states = [
        BuildState::Accepted,
        BuildState::Waiting { reason: "no room".to_owned() },
        BuildState::Running,
        BuildState::Publishing,
    ];
    for (place, state) in states.into_iter().enumerate() {
        full.state = state;
        store.save_build(full.clone(), place % 2 == 0).await.unwrap();
        assert_eq!(store.build(full.id).await.unwrap().as_ref(), Some(&full));
    }
    let unfinished = store.unfinished_builds().await.unwrap();
    assert_eq!(unfinished, [full.clone()]);
    let job: JobName = "folder/job".parse().unwrap();
    let found = store.build_by_number(&job, full.number).await.unwrap();
    assert_eq!(found, Some(full));
    assert_eq!(store.build_by_number(&job, 99).await.unwrap(), None);
    assert_eq!(store.build(BuildId::new(404, 0)).await.unwrap(), None);
    for (place, cause) in causes().into_iter().enumerate() {
        let mut build = record("causes", 100 + place as u64);
        build.number = store.accept_build(build.clone(), 1).await.unwrap();
        build.ended_at = Some(Millis(200));
        build.state = BuildState::Ended(Outcome { result: None, cause });
        store.end_build(build.clone()).await.unwrap();
        assert_eq!(store.build(build.id).await.unwrap(), Some(build));
    }
}

async fn the_first_end_stays(store: &dyn Store) {
    let mut build = record("a", 1);
    build.number = store.accept_build(build.clone(), 1).await.unwrap();
    let first = ended(build.clone(), Some(ResultWord::Aborted));
    store.end_build(first.clone()).await.unwrap();
    let second = ended(build.clone(), Some(ResultWord::Success));
    store.end_build(second).await.unwrap();
    assert_eq!(store.build(build.id).await.unwrap(), Some(first.clone()));
    build.state = BuildState::Running;
    build.recipe = "other".into();
    store.save_build(build.clone(), false).await.unwrap();
    assert_eq!(store.build(build.id).await.unwrap(), Some(first.clone()));
    store.describe_build(build.id, "late".to_owned()).await.unwrap();
    store.describe_build(BuildId::new(404, 0), "nobody".to_owned()).await.unwrap();
    let described = BuildRecord { description: "late".to_owned(), ..first };
    assert_eq!(store.build(build.id).await.unwrap(), Some(described));
    assert!(store.unfinished_builds().await.unwrap().is_empty());
    let unknown = store.save_build(record("a", 77), true).await;
    assert!(matches!(unknown, Err(StoreError::Conflict(_))), "{unknown:?}");
}

async fn listings_are_newest_first(store: &dyn Store) {
    for millis in 1..=6 {
        let job = if millis % 2 == 0 { "even" } else { "odd" };
        let build = record(job, millis);
        store.accept_build(build.clone(), 1).await.unwrap();
        if millis <= 4 {
            store.end_build(ended(build, None)).await.unwrap();
        }
    }
    let list = async |filter: BuildFilter| {
        let builds = store.builds(filter).await.unwrap();
        builds.iter().map(|build| build.accepted_at.0).collect::<Vec<_>>()
    };
    let all = BuildFilter { limit: 100, ..BuildFilter::default() };
    assert_eq!(list(all.clone()).await, [6, 5, 4, 3, 2, 1]);
    let page = BuildFilter { limit: 2, before: Some(BuildId::new(5, 5)), ..all.clone() };
    assert_eq!(list(page).await, [4, 3]);
    let even = BuildFilter { job: Some("even".parse().unwrap()), ..all.clone() };
    assert_eq!(list(even.clone()).await, [6, 4, 2]);
    assert_eq!(list(BuildFilter { ended: Some(true), ..even.clone() }).await, [4, 2]);
    let page = BuildFilter { ended: Some(true), before: Some(BuildId::new(4, 4)), ..even };
    assert_eq!(list(page).await, [2]);
    assert_eq!(list(BuildFilter { ended: Some(false), ..all }).await, [6, 5]);
}

async fn lost_builds_are_counted_in_a_row(store: &dyn Store) {
    let job: JobName = "a".parse().unwrap();
    let change = record("a", 1).request.change();
    assert_eq!(store.lost_in_a_row(&job, &change).await.unwrap(), 0);
    let words = [None, Some(ResultWord::Failure), None, None];
    for (millis, word) in (1..).zip(words) {
        let build = record("a", millis);
        store.accept_build(build.clone(), 1).await.unwrap();
        store.end_build(ended(build, word)).await.unwrap();
    }
    let mut other = record("a", 10);
    other.request.parameters.0[2].value = ParameterValue::Text("2".to_owned());
    store.accept_build(other.clone(), 1).await.unwrap();
    store.end_build(ended(other, Some(ResultWord::Success))).await.unwrap();
    store.accept_build(record("a", 11), 1).await.unwrap();
    assert_eq!(store.lost_in_a_row(&job, &change).await.unwrap(), 2);
    let b: JobName = "b".parse().unwrap();
    assert_eq!(store.lost_in_a_row(&b, &change).await.unwrap(), 0);
}

async fn removed_builds_leave_their_number_used(store: &dyn Store) {
    store.accept_build(record("a", 1), 1).await.unwrap();
    store.accept_build(record("a", 2), 1).await.unwrap();
    let both = vec![BuildId::new(1, 1), BuildId::new(2, 2), BuildId::new(3, 3)];
    store.remove_builds(both.clone()).await.unwrap();
    store.remove_builds(both).await.unwrap();
    assert_eq!(store.build(BuildId::new(1, 1)).await.unwrap(), None);
    assert_eq!(store.accept_build(record("a", 4), 1).await.unwrap(), 3);
}

async fn nodes_and_leases_are_saved_together(store: &dyn Store) {
    let (mut first, second) = (node(1), node(2));
    let mut wish = lease(9, LeaseState::Queued);
    store.save_pool(vec![first.clone(), second.clone()], vec![wish.clone()]).await.unwrap();
    assert_eq!(store.nodes().await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(store.leases().await.unwrap(), [wish.clone()]);

    (first.state, first.lease) = (NodeState::Leased, Some(wish.id));
    (wish.state, wish.node) = (LeaseState::Active, Some(first.id));
    store.save_pool(vec![first.clone()], vec![wish.clone()]).await.unwrap();
    assert_eq!(store.leases().await.unwrap(), [wish.clone()]);

    let mut thief = lease(10, LeaseState::Active);
    thief.node = Some(first.id);
    let stolen = NodeRow { lease: Some(thief.id), ..first.clone() };
    let refused = store.save_pool(vec![stolen], vec![thief]).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert_eq!(store.leases().await.unwrap(), [wish.clone()]);
    assert_eq!(store.nodes().await.unwrap(), [first.clone(), second.clone()]);

    (first.state, first.lease) = (NodeState::Deleting, None);
    wish.state = LeaseState::Released;
    store.save_pool(vec![first.clone()], vec![wish]).await.unwrap();
    assert!(store.leases().await.unwrap().is_empty());
    store.remove_node(first.id).await.unwrap();
    store.remove_node(first.id).await.unwrap();
    assert_eq!(store.nodes().await.unwrap(), [second]);
}
