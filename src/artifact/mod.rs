//! What a build leaves behind: files chosen by Ant patterns, kept under limits, and what its tests said.
//!
//! A [`Selection`] says which files of a workspace a publisher means; [`Artifacts`] keeps them, written aside and put in place
//! in one step, so that a result never points at files that are not there (pools-D74). Never: a link followed, a name that
//! leads elsewhere (pools-D71), a file read into memory.

mod checksum;
mod facts;
mod index;
mod limits;
mod name;
mod pattern;
mod retention;
mod select;
mod storage;
mod test_report;
mod writer;

pub use index::Artifact;
pub use limits::{Limit, Limits};
pub use name::NameRefused;
pub use pattern::Pattern;
pub use retention::{GivenUp, KeptBuild, given_up};
pub use select::{Refused, Selected, Selection, select};
pub use storage::Artifacts;
pub use test_report::{
    FILE_MAX as REPORT_MAX, ReportError, TestCase, TestReport, TestStatus, TestSuite, TestTotals,
};
pub use writer::{ArtifactError, ArtifactFile, ArtifactWriter};
