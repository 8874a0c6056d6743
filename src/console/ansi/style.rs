//! What a terminal would make of a piece of text.

use std::fmt::Write;

/// Colours and weights.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Style {
    foreground: Option<u8>,
    background: Option<u8>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    strike: bool,
    inverse: bool,
}

/// The sixteen colours as most terminals mix them; only used to find the nearest one.
const PALETTE: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

impl Style {
    /// Nothing set.
    pub(super) fn is_plain(&self) -> bool {
        *self == Style::default()
    }

    /// Takes the numbers of one sequence, in order.
    pub(super) fn apply(&mut self, numbers: &[Vec<u16>]) {
        let mut rest = numbers;
        while let Some((first, behind)) = rest.split_first() {
            rest = behind;
            let number = first.first().copied().unwrap_or(0);
            match number {
                38 | 48 => {
                    let (colour, taken) =
                        if first.len() > 1 { (with_colons(first), 0) } else { with_semicolons(behind) };
                    rest = behind.get(taken..).unwrap_or_default();
                    if colour.is_some() {
                        *(if number == 38 { &mut self.foreground } else { &mut self.background }) = colour;
                    }
                }
                _ => self.set(number),
            }
        }
    }

    fn set(&mut self, number: u16) {
        let colour = |base: u16| u8::try_from(number - base).ok();
        match number {
            0 => *self = Style::default(),
            1 => self.bold = true,
            2 => self.dim = true,
            3 => self.italic = true,
            4 | 21 => self.underline = true,
            7 => self.inverse = true,
            9 => self.strike = true,
            22 => (self.bold, self.dim) = (false, false),
            23 => self.italic = false,
            24 => self.underline = false,
            27 => self.inverse = false,
            29 => self.strike = false,
            30..=37 => self.foreground = colour(30),
            39 => self.foreground = None,
            40..=47 => self.background = colour(40),
            49 => self.background = None,
            90..=97 => self.foreground = colour(82),
            100..=107 => self.background = colour(92),
            // Blinking and hidden text are shown as they are; the rest is for terminals alone.
            _ => {}
        }
    }

    /// The classes, separated by blanks.
    pub(super) fn write_classes(&self, out: &mut String) {
        let (foreground, background) = match self.inverse {
            true => (self.background, self.foreground),
            false => (self.foreground, self.background),
        };
        let start = out.len();
        if let Some(colour) = foreground {
            let _ = write!(out, "f{colour} ");
        }
        if let Some(colour) = background {
            let _ = write!(out, "b{colour} ");
        }
        for (set, name) in [
            (self.bold, "bold "),
            (self.dim, "dim "),
            (self.italic, "italic "),
            (self.underline, "underline "),
            (self.strike, "strike "),
            (self.inverse, "inverse "),
        ] {
            if set {
                out.push_str(name);
            }
        }
        out.truncate(out.len().saturating_sub(1).max(start));
    }
}

/// `38;5;N` and `38;2;R;G;B`: the colour, and how many numbers behind the first belong to it.
fn with_semicolons(behind: &[Vec<u16>]) -> (Option<u8>, usize) {
    let number = |at: usize| behind.get(at).and_then(|numbers| numbers.first()).copied();
    match number(0) {
        Some(5) => (number(1).and_then(of_256), 2.min(behind.len())),
        Some(2) => {
            let colour = match (number(1), number(2), number(3)) {
                (Some(red), Some(green), Some(blue)) => nearest(red, green, blue),
                _ => None,
            };
            (colour, 4.min(behind.len()))
        }
        _ => (None, 0),
    }
}

/// `38:5:N`, `38:2:R:G:B` and `38:2:SPACE:R:G:B`.
fn with_colons(numbers: &[u16]) -> Option<u8> {
    match numbers {
        [_, 5, colour, ..] => of_256(*colour),
        [_, 2, red, green, blue] | [_, 2, _, red, green, blue, ..] => nearest(*red, *green, *blue),
        _ => None,
    }
}

/// One of 256: sixteen, a cube of 6 × 6 × 6, and 24 greys.
fn of_256(colour: u16) -> Option<u8> {
    let step = |level: u16| if level == 0 { 0 } else { 55 + 40 * level };
    match colour {
        0..=15 => u8::try_from(colour).ok(),
        16..=231 => {
            let cube = colour - 16;
            nearest(step(cube / 36), step(cube / 6 % 6), step(cube % 6))
        }
        232..=255 => {
            let grey = 8 + 10 * (colour - 232);
            nearest(grey, grey, grey)
        }
        _ => None,
    }
}

fn nearest(red: u16, green: u16, blue: u16) -> Option<u8> {
    let distance = |of: &(u8, u8, u8)| {
        let square = |a: u16, b: u8| (i32::from(a.min(255)) - i32::from(b)).pow(2);
        square(red, of.0) + square(green, of.1) + square(blue, of.2)
    };
    (0..16u8).min_by_key(|place| distance(&PALETTE[usize::from(*place)]))
}
