//! What is wrong, where, why, and what to do about it.

mod render;

use std::fmt;

use crate::place::Place;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Read anyhow; Job Builder itself only warns.
    Warning,
    /// Job Builder refuses it.
    Error,
}

/// One thing that is wrong in a tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// A short stable word for programs, for example `missing-variable`.
    pub code: &'static str,
    /// Where the text itself stands.
    pub place: Option<Place>,
    /// What is wrong, in one sentence without a final dot.
    pub message: String,
    /// Why that is a problem; may be empty.
    pub reason: String,
    /// What a person can do; may be empty.
    pub cure: String,
    /// The way from the text outwards: macro call, template, group, project, including file.
    pub chain: Vec<Frame>,
}

/// One step of the way to a problem.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// For example `in the call of macro 'setup'`.
    pub what: String,
    /// Where that step was written.
    pub place: Option<Place>,
}

/// The result of the inner parts: the first thing that went wrong.
pub(crate) type Result<T> = std::result::Result<T, Box<Problem>>;

impl Problem {
    /// An error at a place.
    pub(crate) fn error(code: &'static str, place: Place, message: impl Into<String>) -> Problem {
        Problem {
            severity: Severity::Error,
            code,
            place: place.is_somewhere().then_some(place),
            message: message.into(),
            reason: String::new(),
            cure: String::new(),
            chain: Vec::new(),
        }
    }

    /// A warning at a place.
    pub(crate) fn warning(code: &'static str, place: Place, message: impl Into<String>) -> Problem {
        Problem { severity: Severity::Warning, ..Problem::error(code, place, message) }
    }

    /// Adds the reason.
    pub(crate) fn because(mut self, reason: impl Into<String>) -> Problem {
        self.reason = reason.into();
        self
    }

    /// Adds the cure.
    pub(crate) fn cure(mut self, cure: impl Into<String>) -> Problem {
        self.cure = cure.into();
        self
    }

    /// Adds one step outwards.
    pub(crate) fn within(mut self, what: impl Into<String>, place: Place) -> Problem {
        self.chain.push(Frame { what: what.into(), place: place.is_somewhere().then_some(place) });
        self
    }

    /// As the error of a function.
    pub(crate) fn fail<T>(self) -> Result<T> {
        Err(Box::new(self))
    }

    /// True for errors.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

/// Adds the way outwards to a failed result.
pub(crate) trait Within {
    /// Adds one step outwards.
    fn within(self, what: impl FnOnce() -> String, place: Place) -> Self;
}

impl<T> Within for Result<T> {
    fn within(self, what: impl FnOnce() -> String, place: Place) -> Self {
        self.map_err(|problem| Box::new(problem.within(what(), place)))
    }
}
