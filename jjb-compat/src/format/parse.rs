//! The pieces of a format string: literal text and fields, exactly where Python cuts them.

use crate::place::Place;
use crate::problem::Problem;

/// A piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part<'a> {
    Literal(&'a str),
    Field(RawField<'a>),
}

/// A replacement field before its name is taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RawField<'a> {
    pub(crate) name: &'a str,
    pub(crate) conversion: Option<char>,
    pub(crate) spec: &'a str,
}

/// Why a text is no format string.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    SingleOpen,
    SingleClose,
    OpenInName,
    NoEnd,
    BadConversion,
}

impl Fault {
    /// As a problem of the text.
    pub(crate) fn problem(self, text: &str, place: Place) -> Problem {
        let what = match self {
            Fault::SingleOpen => "a single '{' in an expanded text",
            Fault::SingleClose => "a single '}' in an expanded text",
            Fault::OpenInName => "a '{' inside a field's name",
            Fault::NoEnd => "a field without its closing '}'",
            Fault::BadConversion => "a '!' in a field must be followed by 's' or 'r'",
        };
        let first: String = text.trim().lines().next().unwrap_or("").chars().take(60).collect();
        Problem::error("stray-brace", place, what)
            .because(format!("this text is a format string; it begins with: {first}"))
            .cure("write '{{' and '}}' for braces that are text")
    }
}

/// Cuts a text; after a fault nothing follows.
pub(crate) fn parts(text: &str) -> Parts<'_> {
    Parts { rest: text, pending: None, failed: false }
}

/// See [`parts`].
pub(crate) struct Parts<'a> {
    rest: &'a str,
    pending: Option<Result<RawField<'a>, Fault>>,
    failed: bool,
}

impl<'a> Iterator for Parts<'a> {
    type Item = Result<Part<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let item = match self.pending.take() {
            Some(field) => field.map(Part::Field),
            None if self.rest.is_empty() => return None,
            None => self.literal(),
        };
        self.failed = item.is_err();
        Some(item)
    }
}

impl<'a> Parts<'a> {
    /// Text up to the next brace; a doubled brace gives one and ends the piece.
    fn literal(&mut self) -> Result<Part<'a>, Fault> {
        let text = self.rest;
        let Some(at) = memchr::memchr2(b'{', b'}', text.as_bytes()) else {
            self.rest = "";
            return Ok(Part::Literal(text));
        };
        let brace = text.as_bytes()[at];
        if text.as_bytes().get(at + 1) == Some(&brace) {
            self.rest = &text[at + 2..];
            return Ok(Part::Literal(&text[..=at]));
        }
        if brace == b'}' {
            return Err(Fault::SingleClose);
        }
        if at + 1 == text.len() {
            return Err(Fault::SingleOpen);
        }
        self.rest = &text[at + 1..];
        let field = self.field();
        if at == 0 {
            return field.map(Part::Field);
        }
        self.pending = Some(field);
        Ok(Part::Literal(&text[..at]))
    }

    fn field(&mut self) -> Result<RawField<'a>, Fault> {
        let text = self.rest;
        let end = name_end(text)?;
        let name = &text[..end];
        let mut rest = &text[end + 1..];
        let mut conversion = None;
        match text.as_bytes()[end] {
            b'}' => {
                self.rest = rest;
                return Ok(RawField { name, conversion, spec: "" });
            }
            b'!' => {
                let letter = rest.chars().next().ok_or(Fault::NoEnd)?;
                conversion = Some(letter);
                rest = &rest[letter.len_utf8()..];
                match rest.as_bytes().first() {
                    Some(b'}') => {
                        self.rest = &rest[1..];
                        return Ok(RawField { name, conversion, spec: "" });
                    }
                    Some(b':') => rest = &rest[1..],
                    Some(_) => return Err(Fault::BadConversion),
                    None => return Err(Fault::NoEnd),
                }
            }
            _ => {}
        }
        let mut open = 1usize;
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                b'{' => open += 1,
                b'}' => open -= 1,
                _ => {}
            }
            if open == 0 {
                self.rest = &rest[at + 1..];
                return Ok(RawField { name, conversion, spec: &rest[..at] });
            }
        }
        Err(Fault::NoEnd)
    }
}

/// Where the name ends: at `}`, `:` or `!` outside of square brackets.
fn name_end(text: &str) -> Result<usize, Fault> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => return Err(Fault::OpenInName),
            b'}' | b':' | b'!' => return Ok(at),
            b'[' => {
                // The bracket's end is looked at again as an ordinary character.
                at += 1;
                while at < bytes.len() && bytes[at] != b']' {
                    at += 1;
                }
            }
            _ => at += 1,
        }
    }
    Err(Fault::NoEnd)
}

/// The variable of a field's name: what stands before `.` and `[`.
pub(crate) fn first_name(name: &str) -> &str {
    let end = name.find(['.', '[']).unwrap_or(name.len());
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jjb_j41_braces_are_cut_as_python_cuts_them() {
        let cut: Vec<_> = parts("a{{b{n!r:>5}}}").collect();
        let field = RawField { name: "n", conversion: Some('r'), spec: ">5" };
        assert_eq!(
            cut,
            [Ok(Part::Literal("a{")), Ok(Part::Literal("b")), Ok(Part::Field(field)), Ok(Part::Literal("}"))]
        );
        assert_eq!(parts("x}").last(), Some(Err(Fault::SingleClose)));
        assert_eq!(parts("x{").last(), Some(Err(Fault::SingleOpen)));
        assert_eq!(parts("{a{b}}").last(), Some(Err(Fault::OpenInName)));
        assert_eq!(parts("{a").last(), Some(Err(Fault::NoEnd)));
    }
}
