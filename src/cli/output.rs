//! What is printed, and how: data as JSON or tables on the standard output, the rest on the standard error output. Colours only on a
//! terminal, and never when `NO_COLOR` is set.

use std::io::{IsTerminal, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table};
use serde::Serialize;
use serde_json::json;

use super::failure::Failure;
use crate::sys;

/// Colours that words are printed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Went well.
    Good,
    /// Went wrong.
    Bad,
    /// Should be looked at.
    Warn,
    /// Happens now.
    Busy,
    /// Less important.
    Quiet,
}

impl Tone {
    /// The tone of a build's state or result, by its word.
    pub fn of(word: &str) -> Tone {
        match word {
            "SUCCESS" | "ready" => Tone::Good,
            "FAILURE" | "CONFIG_ERROR" | "LOST" | "failed" | "lost" => Tone::Bad,
            "UNSTABLE" | "RETRY" => Tone::Warn,
            "running" | "publishing" | "leased" => Tone::Busy,
            _ => Tone::Quiet,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Warn => "33",
            Tone::Busy => "34",
            Tone::Quiet => "2",
        }
    }
}

/// A field of a table.
#[derive(Debug, Clone)]
pub struct Field {
    text: String,
    tone: Option<Tone>,
}

impl Field {
    /// Plain text.
    pub fn plain(text: impl Into<String>) -> Field {
        Field { text: text.into(), tone: None }
    }

    /// Text in a tone.
    pub fn toned(tone: Tone, text: impl Into<String>) -> Field {
        Field { text: text.into(), tone: Some(tone) }
    }

    /// A state or result, in its tone.
    pub fn word(text: impl Into<String>) -> Field {
        let text = text.into();
        Field { tone: Some(Tone::of(&text)), text }
    }

    fn cell(self) -> Cell {
        let cell = Cell::new(self.text);
        match self.tone {
            None => cell,
            Some(Tone::Good) => cell.fg(Color::DarkGreen),
            Some(Tone::Bad) => cell.fg(Color::DarkRed),
            Some(Tone::Warn) => cell.fg(Color::DarkYellow),
            Some(Tone::Busy) => cell.fg(Color::DarkBlue),
            Some(Tone::Quiet) => cell.add_attribute(Attribute::Dim),
        }
    }
}

/// Where a command's answers go.
#[derive(Debug)]
pub struct Output {
    json: bool,
    colour_out: bool,
    colour_err: bool,
}

impl Output {
    /// Looks at the terminal and the environment once.
    pub fn new(json: bool) -> Output {
        let allowed = sys::variable("NO_COLOR").is_none_or(|value| value.is_empty())
            && sys::variable("TERM").is_none_or(|value| value != "dumb");
        Output {
            json,
            colour_out: allowed && std::io::stdout().is_terminal(),
            colour_err: allowed && std::io::stderr().is_terminal(),
        }
    }

    /// Whether JSON was asked for.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether the standard error output may have colours.
    pub fn colour_on_stderr(&self) -> bool {
        self.colour_err
    }

    /// Prints one line of data.
    pub fn line(&self, text: &str) {
        // Whoever closed the pipe does not want the rest.
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    /// Prints raw bytes of data, at once.
    pub fn bytes(&self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(bytes).and_then(|()| out.flush());
    }

    /// Prints a value as JSON on one line.
    pub fn json_line(&self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.line(&text),
            Err(error) => self.note(&format!("this answer has no JSON form: {error}")),
        }
    }

    /// Prints a value as JSON over several lines.
    pub fn json_pretty(&self, value: &impl Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.line(&text),
            Err(error) => self.note(&format!("this answer has no JSON form: {error}")),
        }
    }

    /// Prints a table; nothing but a note when it has no rows.
    pub fn table(&self, head: &[&str], rows: Vec<Vec<Field>>, empty: &str) {
        if rows.is_empty() {
            self.note(empty);
            return;
        }
        if !self.colour_out && rows.iter().flatten().all(|field| field.text.bytes().all(is_plain)) {
            self.bytes(columns(head, &rows).as_bytes());
            return;
        }
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        if self.colour_out {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        table.set_header(head.iter().map(|text| Cell::new(text).add_attribute(Attribute::Dim)));
        for row in rows {
            table.add_row(row.into_iter().map(Field::cell));
        }
        for line in table.lines() {
            self.line(line.strip_prefix(' ').unwrap_or(&line).trim_end());
        }
    }

    /// The text in a tone, where the standard output takes colours.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        paint(self.colour_out, tone, text)
    }

    /// The text in a tone, where the standard error output takes colours.
    pub fn paint_note(&self, tone: Tone, text: &str) -> String {
        paint(self.colour_err, tone, text)
    }

    /// Says something beside the data.
    pub fn note(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// Says what went wrong and what to do about it.
    pub fn failure(&self, failure: &Failure) {
        if failure.is_silent() {
            return;
        }
        if self.json {
            self.json_line(&json!({
                "error": failure.word(), "reason": failure.message(), "hints": failure.hints(),
            }));
            return;
        }
        let word = paint(self.colour_err, Tone::Bad, "error:");
        self.note(&format!("{word} {}", failure.message()));
        for hint in failure.hints() {
            let word = paint(self.colour_err, Tone::Busy, "hint:");
            self.note(&format!("{word} {hint}"));
        }
    }
}

/// A byte that is one column wide.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// A table of texts whose bytes are columns, without colours and at its full width: quick, for many rows.
fn columns(head: &[&str], rows: &[Vec<Field>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|text| text.len()).collect();
    for row in rows {
        for (width, field) in widths.iter_mut().zip(row) {
            *width = field.text.len().max(*width);
        }
    }
    let mut out = String::new();
    let mut line = |texts: &mut dyn Iterator<Item = &str>| {
        let start = out.len();
        for (text, width) in texts.zip(&widths) {
            let end = out.len() + width + 2;
            out.push_str(text);
            out.extend(std::iter::repeat_n(' ', end - out.len()));
        }
        out.truncate(start + out[start..].trim_end().len());
        out.push('\n');
    };
    line(&mut head.iter().copied());
    rows.iter().for_each(|row| line(&mut row.iter().map(|field| field.text.as_str())));
    out
}

fn paint(colour: bool, tone: Tone, text: &str) -> String {
    if colour { format!("\x1b[{}m{text}\x1b[0m", tone.code()) } else { text.to_owned() }
}
