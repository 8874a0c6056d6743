//! Publishers `junit` and `xunit`: reports that the build's tests wrote are read, counted and kept (pools-D73).

use std::path::Path;

use super::archive::list;
use super::run::Trouble;
use super::steps::Steps;
use super::verdict::Verdict;
use crate::artifact::{REPORT_MAX, Selection, TestReport, TestTotals};
use crate::catalog::recipe::{Counted, TestLimit, TestReports, TestSource};
use crate::keeper::{Entry, Keeper, KeeperError};
use crate::model::{Cause, ResultWord};

/// Reports that one publisher reads; real builds write some hundreds.
const FILES_MAX: usize = 10_000;

/// The tests of one build, over all of its publishers.
#[derive(Default)]
pub(super) struct TestResults {
    report: Option<TestReport>,
}

impl TestResults {
    /// Reads what one publisher means, and judges it.
    ///
    /// # Errors
    /// When the node is lost.
    pub async fn read(
        &mut self,
        steps: &Steps<'_>,
        index: u32,
        wanted: &TestReports,
        verdict: &mut Verdict,
    ) -> Result<(), Trouble> {
        steps.say("Recording test results\n").await;
        let mut report = match self.report.take() {
            Some(report) => report,
            // What a former process has read of this build.
            None => kept(steps).await,
        };
        let before = report.totals;
        let read = report.read_by.iter().find(|(reader, _)| *reader == index).map(|(_, found)| *found);
        let found = match read {
            Some(found) => found,
            None => {
                for source in &wanted.sources {
                    let missing = read_source(steps, source, &mut report).await?;
                    if let Some(detail) = missing {
                        fail(steps, wanted, verdict, ResultWord::Failure, detail).await;
                    }
                }
                report.totals.since(&before)
            }
        };
        if found.all() > 0 {
            steps.say(&format!("{}\n", sentence(&found))).await;
        }
        if found.all() > 0 && read.is_none() {
            report.read_by.push((index, found));
            keep(steps, &report, verdict).await;
        }
        self.report = Some(report);
        for limit in &wanted.limits {
            if let Some(detail) = over(limit, &found) {
                let word = if limit.fails { ResultWord::Failure } else { ResultWord::Unstable };
                fail(steps, wanted, verdict, word, detail).await;
            }
        }
        Ok(())
    }
}

/// What is kept of the build's tests already.
async fn kept(steps: &Steps<'_>) -> TestReport {
    steps.context().artifacts.tests(steps.record().id).await.ok().flatten().unwrap_or_default()
}

/// Keeps the report, before the next publisher and before the build's end is told (pools-D74).
async fn keep(steps: &Steps<'_>, report: &TestReport, verdict: &mut Verdict) {
    if let Err(problem) = steps.context().artifacts.keep_tests(steps.record().id, report.clone()).await {
        let detail = format!("the test report could not be kept: {problem}");
        verdict.worsen(ResultWord::Failure, Cause::Publisher { name: "junit".into(), detail });
    }
}

/// Reads one set of files; the text says why it is a failure that nothing is there.
async fn read_source(
    steps: &Steps<'_>,
    source: &TestSource,
    report: &mut TestReport,
) -> Result<Option<String>, Trouble> {
    let pattern = steps.expand(&source.pattern);
    let selection = Selection::new(&pattern, "", true, true);
    let workspace = steps.workspace_below_node();
    let mut selected = list(steps.session(), &workspace, &selection).await?;
    // A directory has no order of its own.
    selected.files.sort_by(|one, other| one.path.cmp(&other.path));
    for refused in selected.refused.iter().take(20) {
        steps.say(&format!("Not read: {}: {}\n", refused.path, refused.reason)).await;
    }
    let before = report.totals.all();
    for entry in selected.files.iter().take(FILES_MAX) {
        let path = String::from_utf8_lossy(&entry.path).into_owned();
        match content(steps, &workspace, entry).await? {
            Ok(bytes) => {
                let broken = report.add(&path, &bytes).err();
                if let Some(error) = broken.filter(|_| source.stop_on_error) {
                    return Ok(Some(format!("{path}: {error}")));
                }
            }
            Err(why) => report.add_broken(&path, &why),
        }
    }
    let nothing = report.totals.all() == before && !source.allow_empty;
    Ok(nothing.then(|| match selected.files.len() {
        0 => format!("no test report matches '{pattern}'"),
        _ => format!("no test report that matches '{pattern}' has a test in it"),
    }))
}

/// One file, or why it cannot be read.
async fn content(
    steps: &Steps<'_>,
    workspace: &Path,
    entry: &Entry,
) -> Result<Result<Vec<u8>, String>, Trouble> {
    let too_large = || format!("it is larger than {REPORT_MAX} bytes");
    if entry.size > REPORT_MAX {
        return Ok(Err(too_large()));
    }
    let path = workspace.join(String::from_utf8_lossy(&entry.path).as_ref());
    let path = path.as_path();
    let read = |keeper: Keeper| async move {
        let mut bytes = Vec::new();
        let mut reader = match keeper.get_file(path).await {
            Err(KeeperError::Refused(refusal)) => return Ok(Err(refusal.text)),
            other => other?,
        };
        loop {
            match reader.next().await {
                // What a node sends may be more than it said.
                Ok(Some(piece)) if (bytes.len() + piece.len()) as u64 <= REPORT_MAX => {
                    bytes.extend_from_slice(&piece);
                }
                Ok(Some(_)) => return Ok(Err(too_large())),
                Ok(None) => return Ok(Ok(bytes)),
                Err(KeeperError::Refused(refusal)) => return Ok(Err(refusal.text)),
                Err(error) => return Err(error),
            }
        }
    };
    Ok(steps.session().with_keeper(read).await?)
}

async fn fail(
    steps: &Steps<'_>,
    wanted: &TestReports,
    verdict: &mut Verdict,
    word: ResultWord,
    detail: String,
) {
    let detail = steps.secrets().masks.hide(&detail);
    steps.say(&format!("Test results: {detail}\n")).await;
    verdict.worsen(word, Cause::Publisher { name: wanted.publisher.clone(), detail });
}

/// `12 tests: 10 passed, 1 failed, 1 skipped`.
fn sentence(totals: &TestTotals) -> String {
    let TestTotals { passed, failed, skipped, .. } = totals;
    let tests = if totals.all() == 1 { "test" } else { "tests" };
    format!("{} {tests}: {passed} passed, {failed} failed, {skipped} skipped", totals.all())
}

/// Why a count is beyond its limit.
fn over(limit: &TestLimit, totals: &TestTotals) -> Option<String> {
    let (count, what) = match limit.counted {
        Counted::Failed => (totals.failed, "failed"),
        Counted::Skipped => (totals.skipped, "skipped"),
    };
    let most = limit.most;
    if !limit.percent {
        return (count > most).then(|| match most {
            0 => format!("{count} of {} tests {what}", totals.all()),
            _ => format!("{count} of {} tests {what}, more than {most}", totals.all()),
        });
    }
    let share = count.saturating_mul(100);
    (share > most.saturating_mul(totals.all()))
        .then(|| format!("{count} of {} tests {what}, more than {most} %", totals.all()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_make_the_result_as_the_publisher_says() {
        let totals = TestTotals { passed: 7, failed: 2, skipped: 1, seconds: 1.0 };
        let limit = |counted, percent, most| TestLimit { counted, percent, most, fails: false };
        assert_eq!(over(&limit(Counted::Failed, false, 0), &totals).as_deref(), Some("2 of 10 tests failed"));
        assert_eq!(over(&limit(Counted::Failed, false, 2), &totals), None);
        assert!(over(&limit(Counted::Failed, true, 19), &totals).is_some());
        assert_eq!(over(&limit(Counted::Failed, true, 20), &totals), None);
        assert!(over(&limit(Counted::Skipped, false, 0), &totals).is_some());
        assert_eq!(over(&limit(Counted::Failed, false, 0), &TestTotals::default()), None);
        assert_eq!(sentence(&totals), "10 tests: 7 passed, 2 failed, 1 skipped");
    }
}
