//! Publishers that read test reports.

use serde::{Deserialize, Serialize};

use super::Place;

/// Test reports that a publisher reads, and what their counts make of the build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReports {
    /// The publisher's name: `junit` or `xunit`.
    pub publisher: String,
    /// Where reports lie.
    pub sources: Vec<TestSource>,
    /// What counts make of the build; all of them are looked at.
    pub limits: Vec<TestLimit>,
    /// Where it was written.
    pub place: Place,
}

/// One set of files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestSource {
    /// Ant patterns, separated by commas, perhaps with variables.
    pub pattern: String,
    /// No file, or none with a test in it, is no failure.
    pub allow_empty: bool,
    /// A file that is no report is a failure of the build, not only a failed test.
    pub stop_on_error: bool,
}

/// A count and what it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestLimit {
    /// What is counted.
    pub counted: Counted,
    /// In hundredths of all tests instead of tests.
    pub percent: bool,
    /// The most that is still well.
    pub most: u64,
    /// FAILURE beyond it; else UNSTABLE.
    pub fails: bool,
}

/// Kinds of counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Counted {
    /// Tests that failed.
    Failed,
    /// Tests that were left out.
    Skipped,
}
