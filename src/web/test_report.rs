//! A build's tests: in a few words on its page, in full on a page of their own, and as Jenkins' JSON (jenkins-rest 4.1).

use askama::Template;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Web;
use super::failure::Failure;
use super::pages::render;
use super::view::Line;
use crate::artifact::{TestCase, TestReport, TestStatus, TestTotals};
use crate::model::BuildRecord;

/// Failed tests that a build's page names.
const NAMED_MAX: usize = 10;
/// Failed tests that their own page shows in full.
const SHOWN_MAX: usize = 500;

/// The tests of a build on its page.
pub(super) struct TestsView {
    pub sentence: String,
    pub failed: Vec<FailedView>,
    pub more: usize,
}

/// A test that failed.
pub(super) struct FailedView {
    pub class: String,
    pub name: String,
    pub details: String,
    pub trace: String,
    pub took: String,
}

/// What a build's tests said; `None` when it kept no report.
pub(super) async fn of(web: &Web, record: &BuildRecord) -> Result<Option<TestReport>, Failure> {
    let read = web.artifacts.tests(record.id).await;
    read.map_err(|error| Failure::internal("the test report could not be read", &error))
}

impl TestsView {
    /// The report in a few words.
    pub(super) fn new(report: &TestReport) -> TestsView {
        TestsView::with(report, NAMED_MAX)
    }

    fn with(report: &TestReport, most: usize) -> TestsView {
        let failed: Vec<FailedView> = report.failed().take(most).map(FailedView::new).collect();
        let all = usize::try_from(report.totals.failed).unwrap_or(usize::MAX);
        TestsView { sentence: sentence(&report.totals), more: all.saturating_sub(failed.len()), failed }
    }
}

impl FailedView {
    fn new(case: &TestCase) -> FailedView {
        FailedView {
            class: case.class.clone(),
            name: case.name.clone(),
            details: case.details.clone(),
            trace: case.trace.clone(),
            took: format!("{:.2} s", case.seconds),
        }
    }
}

/// `12 tests, 1 failed, 2 skipped, in 3.2 s`.
fn sentence(totals: &TestTotals) -> String {
    let tests = if totals.all() == 1 { "test" } else { "tests" };
    let mut text = format!("{} {tests}", totals.all());
    for (count, what) in [(totals.failed, "failed"), (totals.skipped, "skipped")] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text.push_str(&format!(", in {:.1} s", totals.seconds));
    text
}

#[derive(Template)]
#[template(path = "test_report.html", config = "src/web/askama.toml")]
struct Page {
    line: Line,
    tests: TestsView,
}

/// `testReport/`.
pub(super) async fn page(web: &Web, record: &BuildRecord) -> Result<Response, Failure> {
    let report = of(web, record).await?.ok_or_else(none)?;
    render(&Page { line: Line::new(record, web.builds.now()), tests: TestsView::with(&report, SHOWN_MAX) })
}

/// `testReport/api/json`.
pub(super) async fn api_json(web: &Web, record: &BuildRecord) -> Result<Response, Failure> {
    let report = of(web, record).await?.ok_or_else(none)?;
    let text = whole(&report).to_string();
    Ok(([(header::CONTENT_TYPE, "application/json;charset=utf-8")], text).into_response())
}

fn none() -> Failure {
    Failure::not_found("This build has no test report.")
}

/// The action that Jenkins adds to a build with tests.
pub(super) fn action(report: &TestReport) -> Value {
    json!({
        "_class": "hudson.tasks.junit.TestResultAction",
        "failCount": report.totals.failed,
        "skipCount": report.totals.skipped,
        "totalCount": report.totals.all(),
        "urlName": "testReport",
    })
}

fn whole(report: &TestReport) -> Value {
    let suites: Vec<Value> = report
        .suites
        .iter()
        .map(|suite| {
            let seconds: f64 = suite.cases.iter().map(|case| case.seconds).sum();
            let cases: Vec<Value> = suite.cases.iter().map(case).collect();
            json!({ "name": suite.name, "duration": seconds, "cases": cases, "id": null, "timestamp": null })
        })
        .collect();
    json!({
        "_class": "hudson.tasks.junit.TestResult",
        "duration": report.totals.seconds,
        "empty": report.totals.all() == 0,
        "failCount": report.totals.failed,
        "passCount": report.totals.passed,
        "skipCount": report.totals.skipped,
        "suites": suites,
    })
}

fn case(case: &TestCase) -> Value {
    let text = |text: &str, when: bool| if when && !text.is_empty() { json!(text) } else { Value::Null };
    let (failed, skipped) = (case.status == TestStatus::Failed, case.status == TestStatus::Skipped);
    json!({
        "className": case.class,
        "name": case.name,
        "duration": case.seconds,
        // Jenkins compares with the build before; here every failure is told alike.
        "status": match case.status {
            TestStatus::Passed => "PASSED",
            TestStatus::Skipped => "SKIPPED",
            TestStatus::Failed => "FAILED",
        },
        "skipped": skipped,
        "skippedMessage": text(&case.details, skipped),
        "errorDetails": text(&case.details, failed),
        "errorStackTrace": text(&case.trace, failed),
        "age": u8::from(failed),
        "failedSince": 0,
    })
}
