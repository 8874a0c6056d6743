//! How a build ended: a word for Zuul and a cause for people.

use std::fmt;

use super::cause::Cause;

/// The word that Zuul reports. The first five are Jenkins' and only get worse in this order (jjb-T1); the others are ours (decision 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResultWord {
    /// Every step ended well.
    Success,
    /// Ended, with something that should be looked at.
    Unstable,
    /// A step failed.
    Failure,
    /// Not run at all.
    NotBuilt,
    /// Stopped by a person, by Zuul or by its time limit.
    Aborted,
    /// Another try would end the same way: the job's definition, image or configuration is wrong.
    ConfigError,
    /// Given up after the third lost node in a row for one job and change.
    Lost,
}

impl ResultWord {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ResultWord::Success => "SUCCESS",
            ResultWord::Unstable => "UNSTABLE",
            ResultWord::Failure => "FAILURE",
            ResultWord::NotBuilt => "NOT_BUILT",
            ResultWord::Aborted => "ABORTED",
            ResultWord::ConfigError => "CONFIG_ERROR",
            ResultWord::Lost => "LOST",
        }
    }

    /// The word's meaning back from its text.
    pub fn from_text(text: &str) -> Option<ResultWord> {
        use ResultWord::{Aborted, ConfigError, Failure, Lost, NotBuilt, Success, Unstable};
        [Success, Unstable, Failure, NotBuilt, Aborted, ConfigError, Lost]
            .into_iter()
            .find(|word| word.as_str() == text)
    }
}

impl fmt::Display for ResultWord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// The end of a build, written once (pools-D63).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The word for Zuul; `None` makes Zuul launch the build again (zuul 5.7).
    pub result: Option<ResultWord>,
    /// The reason for people.
    pub cause: Cause,
}

impl Outcome {
    /// The last word of a console.
    pub fn word(&self) -> &'static str {
        self.result.map_or("no result; Zuul launches it again", ResultWord::as_str)
    }
}
