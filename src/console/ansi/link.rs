//! Addresses in text.

use super::Html;
use super::style::Style;

/// Longer addresses are shown as text: browsers and people stop before this.
const LONGEST: usize = 2_048;
const SCHEMES: [&str; 2] = ["http://", "https://"];

/// Text on its way out, with what may become an address held back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Links {
    held: String,
    /// The last character could be part of a word, so that `xhttp://` is no address.
    in_word: bool,
}

impl Links {
    /// Takes the next character of text.
    pub(super) fn take(&mut self, character: char, style: &Style, out: &mut Html) {
        if self.held.is_empty() {
            self.begin(character, style, out);
        } else if self.continues(character) {
            self.held.push(character);
        } else {
            self.flush(style, out);
            self.begin(character, style, out);
        }
    }

    fn begin(&mut self, character: char, style: &Style, out: &mut Html) {
        if character == 'h' && !self.in_word {
            self.held.push('h');
        } else {
            out.begin(style);
            out.escaped(character);
        }
        self.in_word = character.is_alphanumeric();
    }

    /// Whether what is held back and this character may be an address together.
    fn continues(&self, character: char) -> bool {
        let held = self.held.as_str();
        if SCHEMES.iter().any(|scheme| held.starts_with(scheme)) {
            return held.len() < LONGEST && belongs(character);
        }
        SCHEMES.iter().any(|scheme| scheme.strip_prefix(held).is_some_and(|rest| rest.starts_with(character)))
    }

    /// Lets go of what is held back.
    pub(super) fn flush(&mut self, style: &Style, out: &mut Html) {
        if self.held.is_empty() {
            return;
        }
        let held = std::mem::take(&mut self.held);
        self.in_word = held.chars().next_back().is_some_and(char::is_alphanumeric);
        out.begin(style);
        let end = address_end(&held);
        let (address, behind) = held.split_at(end);
        if !address.is_empty() {
            out.text.push_str("<a href=\"");
            out.escaped_text(address);
            out.text.push_str("\" rel=\"noopener noreferrer nofollow\">");
            out.escaped_text(address);
            out.text.push_str("</a>");
        }
        out.escaped_text(behind);
    }
}

fn belongs(character: char) -> bool {
    !character.is_whitespace()
        && !character.is_control()
        && !matches!(character, '<' | '>' | '"' | '\'' | '`' | '|' | '\\' | '^' | '{' | '}' | '\u{fffd}')
}

/// Where the address in `text` ends: signs that close a sentence or a bracket around it do not belong to it. 0: there is none.
fn address_end(text: &str) -> usize {
    let Some(scheme) = SCHEMES.iter().find(|scheme| text.starts_with(**scheme)) else {
        return 0;
    };
    let count = |bracket| text.matches(bracket).count();
    let mut spare = [count(')').saturating_sub(count('(')), count(']').saturating_sub(count('['))];
    let mut end = text.len();
    for last in text.chars().rev() {
        let bracket = match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '*' => None,
            ')' if spare[0] > 0 => Some(0),
            ']' if spare[1] > 0 => Some(1),
            _ => break,
        };
        if let Some(bracket) = bracket {
            spare[bracket] -= 1;
        }
        end -= last.len_utf8();
    }
    if end > scheme.len() { end } else { 0 }
}
