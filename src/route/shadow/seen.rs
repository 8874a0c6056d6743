//! What both sides left behind, as the comparison wants it.

use std::sync::Arc;

use super::ShadowContext;
use crate::artifact::{TestReport, TestStatus};
use crate::compare::{Names, Seen, TestsSeen};
use crate::model::{BuildId, BuildRecord, BuildState, ResultWord, Side};
use crate::store::BuildFilter;

/// Bytes of a log that are read for a comparison, from its end.
const LOG_MAX: u64 = 8 * 1024 * 1024;
/// The master's other builds that are looked through for the same change.
const OTHERS: u32 = 50;

/// Both sides: of the master what it told us, of ours all that there is.
pub(super) async fn both(context: &ShadowContext, master: &BuildRecord, ours: &BuildRecord) -> (Seen, Seen) {
    let mut left = common(context, master).await;
    left.names = names_of_master(master);
    let mut right = common(context, ours).await;
    right.names = Names::new(ours.lease.iter().map(|(_, node)| node.to_string()));
    right.tests = context.artifacts.tests(ours.id).await.ok().flatten().map(|report| tests(&report));
    (left, right)
}

async fn common(context: &ShadowContext, record: &BuildRecord) -> Seen {
    let outcome = record.state.outcome();
    let useless = outcome
        .filter(|outcome| outcome.result.is_none())
        .map(|outcome| format!("was lost: {}", outcome.cause));
    let log = log(context, record.id).await.map(|log| without_end(log, record));
    let ran = record.started_at.zip(record.ended_at).map(|(started, ended)| ended.since(started));
    Seen { result: outcome.and_then(|outcome| outcome.result), useless, log, lasted: ran, ..Seen::default() }
}

/// The log without the lines in which we tell the end ourselves.
fn without_end(log: String, record: &BuildRecord) -> String {
    let BuildState::Ended(outcome) = &record.state else { return log };
    let told = format!("{}\nFinished: {}\n", outcome.cause, outcome.word());
    log.strip_suffix(&told).map_or_else(|| log.clone(), str::to_owned)
}

async fn log(context: &ShadowContext, id: BuildId) -> Option<String> {
    let reader = context.consoles.reader(id).await.ok().flatten()?;
    let mut at = reader.length().saturating_sub(LOG_MAX);
    let mut bytes = Vec::new();
    loop {
        let part = reader.read(at, 256 * 1024).await.ok()?;
        if part.is_empty() {
            break;
        }
        at += part.len() as u64;
        bytes.extend_from_slice(&part);
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn names_of_master(master: &BuildRecord) -> Names {
    let url = master.master.as_ref().and_then(|run| run.url.clone());
    let name = match master.request.route.as_ref().map(|route| &route.side) {
        Some(Side::Master { name, .. }) => Some(name.clone()),
        Some(Side::Pool) | None => None,
    };
    Names::new(url.into_iter().chain(name))
}

fn tests(report: &TestReport) -> TestsSeen {
    let totals = (report.totals.passed, report.totals.failed, report.totals.skipped);
    let cases = report.suites.iter().flat_map(|suite| &suite.cases).map(|case| {
        let word = match case.status {
            TestStatus::Passed => "passed",
            TestStatus::Skipped => "left out",
            TestStatus::Failed => "failed",
        };
        (format!("{}.{}", case.class, case.name), word.to_owned())
    });
    TestsSeen { totals, cases: cases.collect() }
}

/// The results of the master's other builds of the same job and change.
pub(super) async fn other_results(context: &ShadowContext, master: &Arc<BuildRecord>) -> Vec<ResultWord> {
    let filter =
        BuildFilter { job: Some(master.request.job.clone()), ended: Some(true), before: None, limit: OTHERS };
    let change = master.request.change();
    // What Zuul merged again has another reference, and is the same change.
    let same = |record: &BuildRecord| {
        let other = record.request.change();
        !change.change.is_empty()
            && (other.project, other.change, other.patch_set)
                == (change.project.clone(), change.change.clone(), change.patch_set.clone())
    };
    let records = context.store.builds(filter).await.unwrap_or_default();
    let others = records
        .into_iter()
        .filter(|record| record.id != master.id && !record.request.is_shadow() && same(record));
    others
        .filter(|record| record.request.route.as_ref().is_some_and(|route| route.is_on_master()))
        .filter_map(|record| record.state.outcome().and_then(|outcome| outcome.result))
        .filter(|result| *result != ResultWord::Aborted)
        .collect()
}
