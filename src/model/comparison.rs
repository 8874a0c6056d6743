//! A comparison as it is kept.

use super::{BuildId, BuildNumber, JobName, Millis};

/// What a comparison came to, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VerdictWord {
    /// The job behaves the same on both sides.
    Same,
    /// It does not.
    Differs,
    /// It differs, and so does the master from itself.
    Flaky,
    /// There was nothing to compare.
    NotComparable,
}

impl VerdictWord {
    /// All words.
    pub const ALL: [VerdictWord; 4] =
        [VerdictWord::Same, VerdictWord::Differs, VerdictWord::Flaky, VerdictWord::NotComparable];

    /// The word in reports and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            VerdictWord::Same => "same",
            VerdictWord::Differs => "differs",
            VerdictWord::Flaky => "flaky",
            VerdictWord::NotComparable => "not-comparable",
        }
    }

    /// The verdict of that word.
    pub fn from_text(text: &str) -> Option<VerdictWord> {
        VerdictWord::ALL.into_iter().find(|word| word.as_str() == text)
    }
}

/// A build on a master and its shadow, and what came of holding them side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The master's build.
    pub id: BuildId,
    /// Its job.
    pub job: JobName,
    /// Its number.
    pub number: BuildNumber,
    /// The shadow build, when there was one.
    pub shadow: Option<(BuildId, BuildNumber)>,
    /// When it was judged.
    pub at: Millis,
    /// The verdict.
    pub verdict: VerdictWord,
    /// What differs and where, or why nothing was compared: a sentence each.
    pub why: Vec<String>,
    /// What the shadow build did not do, as it has an effect outside.
    pub left_out: Vec<String>,
}
