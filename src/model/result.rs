//! How a build ended: a word for Zuul and a cause for people.

use std::fmt;
use std::time::Duration;

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

/// Why a build ended as it did (pools-12.9). `Display` is the sentence that people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Ran to its end.
    Finished,
    /// A step ended with this exit code.
    Exit {
        /// The step, as shown in the console: `step 2 (shell)`.
        step: String,
        /// Its exit code.
        code: i32,
    },
    /// A step was ended by a signal that we did not send.
    Signal {
        /// The step.
        step: String,
        /// The signal's number.
        signal: i32,
    },
    /// A step's interpreter was not found or could not be run.
    CannotStart {
        /// The step.
        step: String,
        /// The system's words.
        detail: String,
    },
    /// The kernel ended the step for memory.
    Memory {
        /// The step.
        step: String,
    },
    /// The absolute time limit.
    Timeout {
        /// The limit that was passed.
        limit: Duration,
    },
    /// No output for too long.
    Inactivity {
        /// The limit that was passed.
        limit: Duration,
    },
    /// Stopped on request.
    Stopped {
        /// Who asked: `zuul`, `lost client`, or a user.
        by: String,
    },
    /// A publisher failed or set the result.
    Publisher {
        /// The publisher's name in JJB.
        name: String,
        /// What happened.
        detail: String,
    },
    /// The job cannot run as it is defined: a word, never a retry (decision 8).
    Definition {
        /// What is wrong and what to do.
        detail: String,
    },
    /// The node or the engine failed: no word, so that Zuul tries again (A13).
    Infrastructure {
        /// What failed.
        detail: String,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Finished => write!(formatter, "ran to its end"),
            Cause::Exit { step, code } => write!(formatter, "{step} ended with exit code {code}"),
            Cause::Signal { step, signal } => {
                write!(formatter, "{step} was ended by signal {signal}, not sent by Causeway")
            }
            Cause::CannotStart { step, detail } => {
                write!(formatter, "{step} could not start: {detail}")
            }
            Cause::Memory { step } => {
                write!(formatter, "{step} was ended by the kernel: out of memory")
            }
            Cause::Timeout { limit } => write!(formatter, "ran longer than its limit of {}", Seconds(*limit)),
            Cause::Inactivity { limit } => {
                write!(formatter, "wrote nothing for {}", Seconds(*limit))
            }
            Cause::Stopped { by } => write!(formatter, "stopped by {by}"),
            Cause::Publisher { name, detail } => write!(formatter, "{name}: {detail}"),
            Cause::Definition { detail } => {
                write!(formatter, "cannot run as it is defined: {detail}")
            }
            Cause::Infrastructure { detail } => {
                write!(formatter, "not the change's fault: {detail}")
            }
        }
    }
}

struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match (seconds / 60, seconds % 60) {
            (0, rest) => write!(formatter, "{rest} s"),
            (minutes, 0) => write!(formatter, "{minutes} min"),
            (minutes, rest) => write!(formatter, "{minutes} min {rest} s"),
        }
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
