//! Finds escape sequences (ECMA-48) in a stream of characters.

/// What a character is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// Not part of a sequence.
    Text,
    /// Part of a sequence that is not shown.
    Inside,
    /// The end of a sequence that sets colours; each number with its sub-numbers.
    Colours(Vec<Vec<u16>>),
}

/// Numbers of a colour sequence longer than this are no colours.
const LONGEST_NUMBERS: usize = 128;
/// A title or a link of a terminal that has not ended by now never will.
const LONGEST_STRING: usize = 4_096;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Begun,
    /// After ESC and a character that says what kind of sequence follows.
    Designating,
    /// After ESC [.
    Numbers(String),
    /// In a sequence of characters that ends with BEL or ESC \.
    Text7(usize),
    /// There, after an ESC.
    Text7Ending(usize),
}

/// The place in a sequence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Parser {
    state: State,
}

impl Parser {
    /// Takes the next character. A line end always ends a sequence: no log disappears in one that was cut off.
    pub(super) fn take(&mut self, character: char) -> Escape {
        if character == '\n' || character == '\r' {
            self.state = State::Text;
            return Escape::Text;
        }
        let (state, answer) = match std::mem::take(&mut self.state) {
            State::Text if character == '\x1b' => (State::Begun, Escape::Inside),
            State::Text => (State::Text, Escape::Text),
            State::Begun => begun(character),
            State::Designating => match character {
                ' '..='/' => (State::Designating, Escape::Inside),
                _ => (State::Text, Escape::Inside),
            },
            State::Numbers(numbers) => in_numbers(numbers, character),
            State::Text7(length) if length >= LONGEST_STRING => (State::Text, Escape::Text),
            State::Text7(length) => match character {
                '\x07' => (State::Text, Escape::Inside),
                '\x1b' => (State::Text7Ending(length), Escape::Inside),
                _ => (State::Text7(length + 1), Escape::Inside),
            },
            State::Text7Ending(length) => match character {
                '\\' => (State::Text, Escape::Inside),
                '\x1b' => (State::Text7Ending(length), Escape::Inside),
                _ => begun(character),
            },
        };
        self.state = state;
        answer
    }
}

fn begun(character: char) -> (State, Escape) {
    match character {
        '[' => (State::Numbers(String::new()), Escape::Inside),
        ']' | 'P' | 'X' | '^' | '_' => (State::Text7(0), Escape::Inside),
        ' '..='/' => (State::Designating, Escape::Inside),
        '\x1b' => (State::Begun, Escape::Inside),
        '0'..='~' => (State::Text, Escape::Inside),
        _ => (State::Text, Escape::Text),
    }
}

fn in_numbers(mut numbers: String, character: char) -> (State, Escape) {
    match character {
        '0'..='?' | ' '..='/' if numbers.len() < LONGEST_NUMBERS => {
            numbers.push(character);
            (State::Numbers(numbers), Escape::Inside)
        }
        '\x1b' => (State::Begun, Escape::Inside),
        'm' => (State::Text, parse(&numbers)),
        '@'..='~' => (State::Text, Escape::Inside),
        _ => (State::Text, Escape::Text),
    }
}

/// `1;31` and `38:2::1:2:3`; anything else sets no colours.
fn parse(numbers: &str) -> Escape {
    if !numbers.bytes().all(|byte| byte.is_ascii_digit() || byte == b';' || byte == b':') {
        return Escape::Inside;
    }
    let number = |text: &str| text.parse().unwrap_or(if text.is_empty() { 0 } else { u16::MAX });
    Escape::Colours(numbers.split(';').map(|part| part.split(':').map(number).collect()).collect())
}
