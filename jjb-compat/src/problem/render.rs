//! A problem as text for people: position, source line, caret, the way to it, reason and cure.

use std::fmt::Write;

use super::{Problem, Severity};
use crate::place::{Files, Place};

/// Longest piece of a source line that is shown, in characters.
const SHOWN: usize = 160;

impl Problem {
    /// Several lines: `FILE:LINE:COLUMN: error: …`, the source line with a caret, the chain, reason, cure.
    pub fn render(&self, files: &Files) -> String {
        let mut out = String::new();
        if let Some(place) = self.place {
            let _ = write!(out, "{}: ", files.show(place));
        }
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let _ = writeln!(out, "{word}: {} [{}]", self.message, self.code);
        if let Some(place) = self.place {
            source_line(files, place, &mut out);
        }
        for frame in &self.chain {
            match frame.place {
                Some(place) => {
                    let _ = writeln!(out, "  {} ({})", frame.what, files.show(place));
                }
                None => {
                    let _ = writeln!(out, "  {}", frame.what);
                }
            }
        }
        if !self.reason.is_empty() {
            let _ = writeln!(out, "  why: {}", self.reason);
        }
        if !self.cure.is_empty() {
            let _ = writeln!(out, "  cure: {}", self.cure);
        }
        out
    }
}

fn source_line(files: &Files, place: Place, out: &mut String) {
    let Some(line) = files.line(place) else {
        return;
    };
    let column = (place.column as usize).saturating_sub(1);
    // A long line is shown from a little before the point that matters.
    let skip = column.saturating_sub(SHOWN / 2);
    let shown: String = line.chars().skip(skip).take(SHOWN).collect();
    let _ = writeln!(out, "  | {shown}");
    if place.column > 0 {
        let _ = writeln!(out, "  | {}^", " ".repeat(column - skip));
    }
}
