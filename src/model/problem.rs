//! What is wrong with something that a person wrote: where, what, why, and what to do (style 1.11).

use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It cannot be used as it is.
    Error,
    /// It is used, but should be looked at.
    Note,
}

impl Severity {
    /// The word that is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Note => "note",
        }
    }
}

/// A point in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// The file's path, as it was given.
    pub file: String,
    /// Line, from 1; 0 when the whole file is meant.
    pub line: u32,
    /// Column in characters, from 1; 0 when the whole line is meant.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.file)?;
        if self.line > 0 {
            write!(formatter, ":{}", self.line)?;
            if self.column > 0 {
                write!(formatter, ":{}", self.column)?;
            }
        }
        Ok(())
    }
}

/// One step of the way from the text outwards: a macro call, a template, a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// For example `in the call of macro 'setup'`.
    pub what: String,
    /// Where that step was written.
    pub position: Option<Position>,
}

/// One thing that is wrong. `Display` is the whole text: position, source line with a caret, the way to it, reason and cure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// A short stable word for programs: `unknown-key`.
    pub code: &'static str,
    /// Where it was written.
    pub position: Option<Position>,
    /// The line that it was written in.
    pub excerpt: Option<String>,
    /// What is wrong, in one sentence without a final dot.
    pub message: String,
    /// Why that is a problem; may be empty.
    pub reason: String,
    /// What a person can do; may be empty.
    pub cure: String,
    /// The way from the text outwards.
    pub chain: Vec<Frame>,
}

impl Problem {
    /// An error without a position.
    pub fn error(code: &'static str, message: impl Into<String>) -> Problem {
        Problem {
            severity: Severity::Error,
            code,
            position: None,
            excerpt: None,
            message: message.into(),
            reason: String::new(),
            cure: String::new(),
            chain: Vec::new(),
        }
    }

    /// Something that should be looked at.
    pub fn note(code: &'static str, message: impl Into<String>) -> Problem {
        Problem { severity: Severity::Note, ..Problem::error(code, message) }
    }

    /// Adds where it was written.
    pub fn at(mut self, position: Position) -> Problem {
        self.position = Some(position);
        self
    }

    /// Adds the reason.
    pub fn because(mut self, reason: impl Into<String>) -> Problem {
        self.reason = reason.into();
        self
    }

    /// Adds what to do.
    pub fn cure(mut self, cure: impl Into<String>) -> Problem {
        self.cure = cure.into();
        self
    }

    /// The problem as the error of a function.
    pub fn boxed(self) -> Box<Problem> {
        Box::new(self)
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Longest piece of a source line that is shown, in characters.
const SHOWN: usize = 160;

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = &self.position {
            write!(formatter, "{position}: ")?;
        }
        write!(formatter, "{}: {} [{}]", self.severity.as_str(), self.message, self.code)?;
        if let Some(line) = &self.excerpt {
            excerpt(formatter, line, self.position.as_ref().map_or(0, |position| position.column))?;
        }
        for frame in &self.chain {
            write!(formatter, "\n  {}", frame.what)?;
            if let Some(position) = &frame.position {
                write!(formatter, " ({position})")?;
            }
        }
        if !self.reason.is_empty() {
            write!(formatter, "\n  why: {}", self.reason)?;
        }
        if !self.cure.is_empty() {
            write!(formatter, "\n  cure: {}", self.cure)?;
        }
        Ok(())
    }
}

/// The source line with a caret below it. A long line is shown from a little before the point that matters.
fn excerpt(formatter: &mut fmt::Formatter<'_>, line: &str, column: u32) -> fmt::Result {
    let column = usize::try_from(column).unwrap_or(0);
    let at = column.saturating_sub(1);
    let skip = at.saturating_sub(SHOWN / 2);
    let shown: String = line.chars().skip(skip).take(SHOWN).filter(|letter| !letter.is_control()).collect();
    write!(formatter, "\n  | {shown}")?;
    if column > 0 {
        write!(formatter, "\n  | {}^", " ".repeat(at - skip))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_where_what_why_and_what_to_do() {
        let problem = Problem {
            excerpt: Some("  lisen: 1".into()),
            ..Problem::error("unknown-key", "'lisen' is no setting of 'gearman'")
        }
        .at(Position { file: "c.yaml".into(), line: 2, column: 3 })
        .because("settings are not guessed")
        .cure("write 'listen'");
        let expected = "c.yaml:2:3: error: 'lisen' is no setting of 'gearman' [unknown-key]\n  |   lisen: 1\n  |   ^\n  why: settings are not guessed\n  cure: write 'listen'";
        assert_eq!(problem.to_string(), expected);
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let problem = Problem { excerpt: Some("x".repeat(1000)), ..Problem::error("e", "m") }.at(Position {
            file: "f".into(),
            line: 1,
            column: 500,
        });
        let text = problem.to_string();
        assert!(text.lines().all(|line| line.len() < 180), "{text}");
        assert!(text.ends_with('^'));
    }
}
