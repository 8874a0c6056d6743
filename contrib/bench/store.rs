//! Fills the store of a new state directory, for perf-R1: `bench-store STATE NODES BUILDS RECORDS`.
//!
//! NODES stand ready at a provider, BUILDS have not ended and wait, RECORDS have ended. Everything goes through the store's own
//! code, so that what a start finds is what a server would have written.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use causeway::catalog::recipe::Compiled;
use causeway::model::{
    BuildId, BuildRecord, BuildRequest, BuildState, Cause, JobName, LeaseId, LeaseState, Millis, NodeState,
    Origin, Outcome, Parameter, ParameterValue, Parameters, Precedence, ResultWord, StepEnd, StepRecord,
    StepState,
};
use causeway::store::sqlite::SqliteStore;
use causeway::store::{LeaseRow, NodeRow, PoolWrite, Store};
use causeway::sys::{Clock, SharedClock, SystemClock, new_build_id, new_lease_id, new_node_id};
use futures_util::{StreamExt, TryStreamExt, stream};

/// Calls under way at once: as many as the store commits together.
const TOGETHER: usize = 256;
/// Jobs that the records belong to.
const JOBS: usize = 500;

#[tokio::main]
async fn main() -> ExitCode {
    match fill().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing_subscriber::fmt().with_writer(std::io::stderr).init();
            tracing::error!("bench-store: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn fill() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [state, nodes, builds, records] = words.as_slice() else {
        bail!("usage: bench-store STATE NODES BUILDS RECORDS");
    };
    let (nodes, builds, records): (u64, u64, u64) = (nodes.parse()?, builds.parse()?, records.parse()?);
    let state = PathBuf::from(state);
    std::fs::create_dir_all(&state).context("the state directory cannot be made")?;
    let clock: SharedClock = Arc::new(SystemClock);
    let store = SqliteStore::open(&state, &clock).await?;
    let recipe: Arc<str> = Compiled::Runs(Box::default()).to_text().into();
    let all = (0..records).map(|number| record(&*clock, &recipe, number));
    stream::iter(all.map(Ok))
        .try_for_each_concurrent(TOGETHER, |record| {
            let store = &store;
            async move {
                store.accept_build(record.clone(), 1).await?;
                store.end_build(ended(record), None).await
            }
        })
        .await?;
    let mut ids = stream::iter((0..builds).map(|number| record(&*clock, &recipe, number)))
        .map(|record| async {
            let id = record.id;
            store.accept_build(record, 1).await.map(|_| id)
        })
        .buffered(TOGETHER);
    let mut leases = Vec::new();
    while let Some(id) = ids.try_next().await? {
        leases.push(lease(&*clock, id).into());
    }
    drop(ids);
    let nodes = (0..nodes).map(|_| node(&*clock)).collect();
    store.save_pool(PoolWrite { nodes, leases, ..PoolWrite::default() }).await?;
    store.close().await;
    Ok(())
}

/// A build as Zuul's parameters make it, some 2 KiB.
fn record(clock: &dyn Clock, recipe: &Arc<str>, number: u64) -> BuildRecord {
    let id = new_build_id(clock);
    let values = [
        ("ZUUL_PROJECT", format!("bench/project-{}", number % 50)),
        ("ZUUL_PIPELINE", "test".to_owned()),
        ("ZUUL_CHANGE", number.to_string()),
        ("ZUUL_PATCHSET", "1".to_owned()),
        ("ZUUL_UUID", id.to_string()),
        ("ZUUL_CHANGES", "bench/project:master:refs/changes/1/1/1^".repeat(40)),
    ];
    let parameter = |(name, value): (&str, String)| Parameter {
        name: name.to_owned(),
        value: ParameterValue::Text(value),
    };
    let parameters = Parameters(values.into_iter().map(parameter).collect());
    BuildRecord {
        state: BuildState::Waiting { reason: "all nodes are in use".to_owned() },
        ..BuildRecord::accepted(
            id,
            BuildRequest {
                job: job(number),
                label: None,
                parameters,
                precedence: Precedence::Normal,
                origin: Origin::Gearman { unique: id.to_string() },
                route: None,
            },
            Arc::clone(recipe),
            clock.now(),
        )
    }
}

fn job(number: u64) -> JobName {
    let name = format!("bench-job-{}", usize::try_from(number).unwrap_or(0) % JOBS);
    name.parse().expect("a plain name")
}

fn ended(mut record: BuildRecord) -> BuildRecord {
    let now = record.accepted_at.plus(Duration::from_secs(60));
    record.version = 1;
    record.started_at = Some(record.accepted_at);
    record.ended_at = Some(now);
    record.steps = vec![StepRecord {
        index: 1,
        title: "step 1 (shell)".to_owned(),
        console_start: 100,
        started_at: record.accepted_at,
        state: StepState::Ended { end: StepEnd::Exit(0), console_end: 10_000, at: now },
    }];
    record.state = BuildState::Ended(Outcome { result: Some(ResultWord::Success), cause: Cause::Finished });
    record
}

fn lease(clock: &dyn Clock, build: BuildId) -> LeaseRow {
    let (id, now): (LeaseId, Millis) = (new_lease_id(clock), clock.now());
    let expression = "bench".to_owned();
    LeaseRow {
        id,
        version: 0,
        build,
        expression,
        state: LeaseState::Queued,
        node: None,
        queued_at: now,
        since: now,
    }
}

fn node(clock: &dyn Clock) -> NodeRow {
    let (id, now) = (new_node_id(clock), clock.now());
    NodeRow {
        id,
        version: 0,
        provider: "far".to_owned(),
        label: "far".to_owned(),
        recipe_hash: "0".repeat(32),
        state: NodeState::Ready,
        since: now,
        created_at: now,
        lease: None,
        external_id: Some("0".repeat(64)),
        detail: String::new(),
    }
}
