//! What one side left behind.

use std::collections::BTreeMap;
use std::time::Duration;

use super::normal::Names;
use crate::model::ResultWord;

/// A file that a build has kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactSeen {
    /// Its path in the workspace.
    pub path: String,
    /// Its size in bytes, where that is known.
    pub size: Option<u64>,
    /// A digest; both sides have to use the same one.
    pub digest: Option<String>,
}

/// The tests of a build.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TestsSeen {
    /// How many passed, failed, were left out.
    pub totals: (u64, u64, u64),
    /// Each test by its whole name, with a word for how it ended. May be less than all.
    pub cases: BTreeMap<String, String>,
}

/// One side. What is `None` is not known there, and is not compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// The result; `None`: the build came to no end of its own.
    pub result: Option<ResultWord>,
    /// Why it has none, or what else makes it useless for a comparison.
    pub useless: Option<String>,
    /// The tests.
    pub tests: Option<TestsSeen>,
    /// The artifacts.
    pub artifacts: Option<Vec<ArtifactSeen>>,
    /// The log.
    pub log: Option<String>,
    /// How long it ran.
    pub lasted: Option<Duration>,
    /// What things are called on that side alone.
    pub names: Names,
}
