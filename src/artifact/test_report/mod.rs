//! Test reports of a build: read from what its tests wrote, kept beside its artifacts (pools-D73).
//!
//! A report is a stranger's text: everything in it is bounded, nothing in it is resolved, and a file that cannot be read becomes a
//! failed test that says so, as on Jenkins. Start with [`TestReport::add`].

mod reader;
mod stored;

use serde::{Deserialize, Serialize};

pub use reader::{FILE_MAX, ReportError};

/// Test cases of one build that are kept; further ones are counted only.
const CASES_MAX: usize = 100_000;
/// Bytes of a case's details and of its trace that are kept, each.
const TEXT_MAX: usize = 16 * 1024;
/// Bytes of all texts of a report together; beyond it cases are kept without.
const TEXTS_MAX: usize = 16 << 20;
/// Bytes of a name.
const NAME_MAX: usize = 1_024;

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TestStatus {
    /// It passed.
    Passed,
    /// It was left out.
    Skipped,
    /// It failed, or broke.
    Failed,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestCase {
    /// The class, or its suite's name where it has none.
    pub class: String,
    /// Its own name.
    pub name: String,
    /// How it ended.
    pub status: TestStatus,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The message of its failure, or why it was left out.
    pub details: String,
    /// Where it failed.
    pub trace: String,
}

/// A suite: what one element of a report holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestSuite {
    /// Its name, or its file's where it has none.
    pub name: String,
    /// Its tests, in order.
    pub cases: Vec<TestCase>,
}

/// How many tests there were.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct TestTotals {
    /// Passed.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
    /// Left out.
    pub skipped: u64,
    /// All their times, in seconds.
    pub seconds: f64,
}

/// The tests of one build.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TestReport {
    /// What is shown first.
    pub totals: TestTotals,
    /// The suites, in the order of the files.
    pub suites: Vec<TestSuite>,
    /// The publishers whose reports are in it, by the numbers of their steps, with what they found.
    #[serde(default)]
    pub read_by: Vec<(u32, TestTotals)>,
    /// Bytes of texts so far.
    #[serde(skip)]
    texts: usize,
    #[serde(skip)]
    cases: usize,
}

impl TestTotals {
    /// All of them.
    pub fn all(&self) -> u64 {
        self.passed + self.failed + self.skipped
    }

    /// What came after `before`.
    pub fn since(&self, before: &TestTotals) -> TestTotals {
        TestTotals {
            passed: self.passed - before.passed,
            failed: self.failed - before.failed,
            skipped: self.skipped - before.skipped,
            seconds: self.seconds - before.seconds,
        }
    }

    fn count(&mut self, case: &TestCase) {
        match case.status {
            TestStatus::Passed => self.passed += 1,
            TestStatus::Failed => self.failed += 1,
            TestStatus::Skipped => self.skipped += 1,
        }
        self.seconds += case.seconds;
    }
}

impl TestReport {
    /// Reads one file.
    ///
    /// # Errors
    /// [`ReportError`] for a file that is no report; it has become a failed test of that name (pools-D73).
    pub fn add(&mut self, path: &str, bytes: &[u8]) -> Result<(), ReportError> {
        let read = reader::read(path, bytes);
        read.map(|suites| suites.into_iter().for_each(|suite| self.keep(suite)))
            .inspect_err(|error| self.add_broken(path, &error.to_string()))
    }

    /// A file that could not be read at all.
    pub fn add_broken(&mut self, path: &str, why: &str) {
        let case = TestCase {
            class: path.to_owned(),
            name: "[failed-to-read]".to_owned(),
            status: TestStatus::Failed,
            seconds: 0.0,
            details: format!("Failed to read test report file {path}"),
            trace: why.to_owned(),
        };
        self.keep(TestSuite { name: path.to_owned(), cases: vec![case] });
    }

    /// The tests that failed, with their suite.
    pub fn failed(&self) -> impl Iterator<Item = &TestCase> {
        let cases = self.suites.iter().flat_map(|suite| &suite.cases);
        cases.filter(|case| case.status == TestStatus::Failed)
    }

    fn keep(&mut self, mut suite: TestSuite) {
        shorten(&mut suite.name, NAME_MAX);
        for case in &mut suite.cases {
            self.totals.count(case);
            shorten(&mut case.class, NAME_MAX);
            shorten(&mut case.name, NAME_MAX);
            let room = TEXT_MAX.min(TEXTS_MAX.saturating_sub(self.texts));
            shorten(&mut case.details, room);
            shorten(&mut case.trace, room);
            self.texts += case.details.len() + case.trace.len();
        }
        suite.cases.truncate(CASES_MAX.saturating_sub(self.cases));
        self.cases += suite.cases.len();
        if !suite.cases.is_empty() {
            self.suites.push(suite);
        }
    }
}

fn shorten(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.shrink_to_fit();
    }
}
