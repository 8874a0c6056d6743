//! What the translation of a job has to say: differences, reasons to stay, errors.

use std::fmt;

use crate::model::Problem;

/// What a finding means for its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// The job moves; this is different from Jenkins, or worth knowing.
    Difference,
    /// The job stays on Jenkins, because of this.
    Stays,
    /// Job Builder itself would refuse the job, or Jenkins could not run it.
    Error,
}

/// One thing that was found in a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it means.
    pub weight: Weight,
    /// The component that it is about: `publisher archive`, or `job` for the job's own keys.
    pub component: String,
    /// What is wrong, where, why, and what to do.
    pub problem: Problem,
}

/// Whether a job can move (decision 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It moves and runs as on Jenkins.
    AsIs,
    /// It moves, with listed differences.
    WithDifferences,
    /// It stays on Jenkins, for listed reasons.
    Stays,
    /// It is wrong where it is.
    Error,
}

impl Verdict {
    /// Every verdict, best first.
    pub const ALL: [Verdict; 4] = [Verdict::AsIs, Verdict::WithDifferences, Verdict::Stays, Verdict::Error];

    /// The verdict over all findings of a job.
    pub fn of(findings: &[Finding]) -> Verdict {
        match findings.iter().map(|finding| finding.weight).max() {
            None => Verdict::AsIs,
            Some(Weight::Difference) => Verdict::WithDifferences,
            Some(Weight::Stays) => Verdict::Stays,
            Some(Weight::Error) => Verdict::Error,
        }
    }

    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::AsIs => "as-is",
            Verdict::WithDifferences => "with-differences",
            Verdict::Stays => "stays",
            Verdict::Error => "error",
        }
    }

    /// Whether the job can run here.
    pub fn moves(self) -> bool {
        self <= Verdict::WithDifferences
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}
