//! The promises of [`Store`] as tests that every implementation has to pass.

mod comparisons;
mod events;
mod pool;
mod turns;

use std::future::Future;

pub(crate) use pool::{lease, node};

use super::{BuildFilter, Store, StoreError};
use crate::model::{
    BuildId, BuildRecord, BuildRequest, BuildState, Cause, JobName, LeaseId, MasterLog, MasterRun,
    MasterStep, MemoryUse, Millis, NodeId, Origin, Outcome, Parameter, ParameterValue, Parameters,
    ResultWord, Route, Side, StepEnd, StepRecord, StepState, StopMark,
};

/// A build of `job`, made at the moment `millis`, for change 1,1.
pub(crate) fn record(job: &str, millis: u64) -> BuildRecord {
    let text = |name: &str, value: &str| Parameter {
        name: name.to_owned(),
        value: ParameterValue::Text(value.to_owned()),
    };
    BuildRecord::accepted(
        BuildId::new(millis, millis),
        BuildRequest {
            route: None,
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
        "{}".into(),
        Millis(millis),
    )
}

/// `record`, ended with this word.
pub(crate) fn ended(mut record: BuildRecord, result: Option<ResultWord>) -> BuildRecord {
    record.ended_at = Some(record.accepted_at);
    record.state = BuildState::Ended(Outcome { result, cause: Cause::Finished });
    record
}

/// What becomes of `record` when it is accepted.
pub(crate) async fn accepted(store: &dyn Store, mut record: BuildRecord) -> BuildRecord {
    record.number = store.accept_build(record.clone(), 1).await.unwrap();
    record.version = 1;
    record
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
    a_build_is_written_from_the_row_that_is_stored(&new().await).await;
    pool::run(&new).await;
    events::run(&new).await;
    turns::run(&new).await;
    comparisons::run(&new).await;
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
    full.request.route = Some(Route {
        stage: crate::model::Stage::Shadow,
        side: Side::Master { name: "ci".to_owned(), job: "folder/job".parse().unwrap() },
        reason: "a rule".to_owned(),
    });
    full.master = Some(MasterRun {
        step: MasterStep::Started { item: Some(3), number: 4 },
        mark: Some(("ZUUL_UUID".to_owned(), "u".to_owned())),
        items_before: 2,
        session: Some("s".to_owned()),
        estimated_ms: Some(5),
        url: Some("http://ci/job/folder/job/job/4/".to_owned()),
        log: MasterLog { next: 6, console_end: 7, carriage_return: true },
    });
    full.lease = Some((LeaseId::new(5, 5), NodeId::new(6, 6)));
    let ends = [
        StepEnd::Exit(-1),
        StepEnd::Signal(9),
        StepEnd::Memory(MemoryUse { limit: Some(1 << 40), peak: None }),
        StepEnd::Processes(2),
        StepEnd::Output,
        StepEnd::Timeout,
        StepEnd::Inactivity,
        StepEnd::Stopped,
        StepEnd::CannotStart { code: 127, detail: "no bash".to_owned() },
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
        Cause::CannotStart { step: step(), code: 126, detail: detail() },
        Cause::Memory { step: step(), memory: MemoryUse { limit: None, peak: Some(9) } },
        Cause::Processes { step: step(), code: 2 },
        Cause::Output { step: step() },
        Cause::Disk { used: 1 << 40, limit: 7 },
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
    full = accepted(store, full).await;
    let states = [
        BuildState::Accepted,
        BuildState::Waiting { reason: "no room".to_owned() },
        BuildState::Running,
        BuildState::Publishing,
    ];
    for (place, state) in states.into_iter().enumerate() {
        full.state = state;
        store.save_build(full.clone(), None, place % 2 == 0).await.unwrap();
        full.version += 1;
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
        let mut build = accepted(store, record("causes", 100 + place as u64)).await;
        build.ended_at = Some(Millis(200));
        build.state = BuildState::Ended(Outcome { result: None, cause });
        store.end_build(build.clone(), None).await.unwrap();
        build.version += 1;
        assert_eq!(store.build(build.id).await.unwrap(), Some(build));
    }
}

async fn the_first_end_stays(store: &dyn Store) {
    let mut build = accepted(store, record("a", 1)).await;
    let mut first = ended(build.clone(), Some(ResultWord::Aborted));
    store.end_build(first.clone(), None).await.unwrap();
    first.version += 1;
    let second = ended(build.clone(), Some(ResultWord::Success));
    store.end_build(second, None).await.unwrap();
    assert_eq!(store.build(build.id).await.unwrap(), Some(first.clone()));
    build.state = BuildState::Running;
    build.recipe = "other".into();
    store.save_build(build.clone(), None, false).await.unwrap();
    assert_eq!(store.build(build.id).await.unwrap(), Some(first.clone()));
    store.describe_build(build.id, "late".to_owned()).await.unwrap();
    store.describe_build(BuildId::new(404, 0), "nobody".to_owned()).await.unwrap();
    let described = BuildRecord { description: "late".to_owned(), version: first.version + 1, ..first };
    assert_eq!(store.build(build.id).await.unwrap(), Some(described));
    assert!(store.unfinished_builds().await.unwrap().is_empty());
    let unknown = store.save_build(record("a", 77), None, true).await;
    assert!(matches!(unknown, Err(StoreError::Conflict(_))), "{unknown:?}");
}

/// pools-P3.
async fn a_build_is_written_from_the_row_that_is_stored(store: &dyn Store) {
    let mut build = accepted(store, record("a", 1)).await;
    let mut stale = build.clone();
    build.state = BuildState::Running;
    store.save_build(build.clone(), None, true).await.unwrap();
    store.save_build(build.clone(), None, true).await.unwrap();
    let stored = BuildRecord { version: 2, ..build.clone() };
    assert_eq!(store.build(build.id).await.unwrap().as_ref(), Some(&stored), "the same write again is none");
    stale.state = BuildState::Publishing;
    for refused in [
        store.save_build(stale.clone(), None, false).await,
        store.end_build(ended(stale, Some(ResultWord::Success)), None).await,
    ] {
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    assert_eq!(store.build(build.id).await.unwrap(), Some(stored));
}

async fn listings_are_newest_first(store: &dyn Store) {
    for millis in 1..=6 {
        let job = if millis % 2 == 0 { "even" } else { "odd" };
        let build = accepted(store, record(job, millis)).await;
        if millis <= 4 {
            store.end_build(ended(build, None), None).await.unwrap();
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
        let build = accepted(store, record("a", millis)).await;
        store.end_build(ended(build, word), None).await.unwrap();
    }
    let mut other = record("a", 10);
    other.request.parameters.0[2].value = ParameterValue::Text("2".to_owned());
    let other = accepted(store, other).await;
    store.end_build(ended(other, Some(ResultWord::Success)), None).await.unwrap();
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
