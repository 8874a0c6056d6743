//! A command that did not do what was asked: message, hint, exit code (pools-14.1).

use std::error::Error;

/// The exit code of wrong usage; clap's own.
pub const USAGE: u8 = 2;

/// Kinds of failure, one an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It was tried and failed.
    Failed,
    /// The command line or the configuration is wrong.
    Usage,
    /// What was named does not exist.
    NotFound,
    /// The server does not allow it.
    Refused,
    /// No server answers.
    Unreachable,
}

/// A failure with all that the user should know.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    message: String,
    hints: Vec<String>,
    said: bool,
}

impl Failure {
    /// A failure of that kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Failure {
        Failure { kind, message: message.into(), hints: Vec::new(), said: false }
    }

    /// It was tried and failed, with the whole chain of reasons.
    pub fn failed(error: &dyn Error) -> Failure {
        Failure::new(Kind::Failed, chain(error))
    }

    /// The command line or the configuration is wrong.
    pub fn usage(error: &dyn Error) -> Failure {
        Failure::new(Kind::Usage, chain(error))
    }

    /// It was tried and failed, and the data already says so: only the exit code is left to give.
    pub fn silent(message: impl Into<String>) -> Failure {
        Failure { said: true, ..Failure::new(Kind::Failed, message) }
    }

    /// Whether the data says it already.
    pub fn is_silent(&self) -> bool {
        self.said
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hints.push(hint.into());
        self
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self.kind {
            Kind::Failed => 1,
            Kind::Usage => USAGE,
            Kind::NotFound => 3,
            Kind::Refused => 4,
            Kind::Unreachable => 5,
        }
    }

    /// The word for programs.
    pub fn word(&self) -> &'static str {
        match self.kind {
            Kind::Failed => "failed",
            Kind::Usage => "usage",
            Kind::NotFound => "not_found",
            Kind::Refused => "refused",
            Kind::Unreachable => "unreachable",
        }
    }

    /// What happened.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

/// An error with its sources, on one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        // Transparent errors repeat the words of what they wrap.
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_14_1_exit_codes() {
        let codes = [Kind::Failed, Kind::Usage, Kind::NotFound, Kind::Refused, Kind::Unreachable]
            .map(|kind| Failure::new(kind, "x").code());
        assert_eq!(codes, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_chain_says_every_reason_once() {
        let error = std::io::Error::other(std::io::Error::other("disk gone"));
        assert_eq!(chain(&error), "disk gone");
    }
}
