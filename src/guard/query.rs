//! Queries and path segments: read strictly, written anew.

use percent_encoding::{AsciiSet, utf8_percent_encode};

use super::refusal::Refusal;
use crate::model::escape_all_but;

/// More parameters than any call has.
const PARAMETERS_MAX: usize = 32;

/// A query's parameters. Written anew from what was read, so that the engine sees what was judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query of which only the named parameters are known.
    ///
    /// # Errors
    /// An unknown or repeated parameter, or wrong percent signs.
    pub fn read(text: &str, known: &[&str]) -> Result<Query, Refusal> {
        let mut query = Query::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name, true)?, decode(value, true)?);
            if !known.contains(&name.as_str()) {
                return Err(Refusal::forbidden(
                    "pools-D57 calls",
                    format!("the parameter '{name}' is not offered"),
                ));
            }
            if query.get(&name).is_some() || query.0.len() >= PARAMETERS_MAX {
                return Err(Refusal::malformed(format!("the parameter '{name}' is repeated")));
            }
            query.0.push((name, value));
        }
        Ok(query)
    }

    /// A parameter's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Sets a parameter.
    pub fn set(&mut self, name: &str, value: String) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value));
    }

    /// Appends `?a=b&c=d`, or nothing.
    pub fn write(&self, out: &mut String) {
        for (number, (name, value)) in self.0.iter().enumerate() {
            out.push(if number == 0 { '?' } else { '&' });
            encode(name, out);
            out.push('=');
            encode(value, out);
        }
    }
}

/// Replaces percent escapes (and `+`, in queries). The result is text without control characters.
pub(super) fn decode(text: &str, plus: bool) -> Result<String, Refusal> {
    let broken = || Refusal::malformed(format!("'{text}' has a wrong percent escape"));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(*digit).to_digit(16));
                let (high, low) = (digit().ok_or_else(broken)?, digit().ok_or_else(broken)?);
                u8::try_from(high * 16 + low).map_err(|_| broken())?
            }
            b'+' if plus => b' ',
            byte => byte,
        });
    }
    let decoded = String::from_utf8(bytes).map_err(|_| broken())?;
    if decoded.chars().any(char::is_control) { Err(broken()) } else { Ok(decoded) }
}

/// Appends a text with every character escaped that means something in a query or a segment.
pub(super) fn encode(text: &str, out: &mut String) {
    const TEXT: &AsciiSet = &escape_all_but(b"-._~");
    out.extend(utf8_percent_encode(text, TEXT));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_written_anew_from_what_was_read() {
        let query = Query::read("t=%31&filters=%7B%22a%22%3a+1}&flag", &["t", "filters", "flag"]).unwrap();
        assert_eq!((query.get("t"), query.get("filters")), (Some("1"), Some("{\"a\": 1}")));
        let mut text = String::new();
        query.write(&mut text);
        assert_eq!(text, "?t=1&filters=%7B%22a%22%3A%201%7D&flag=");
    }

    #[test]
    fn unknown_repeated_and_broken_parameters_are_refused() {
        for text in ["u=1", "t=1&t=2", "t=%4", "t=%zz", "t=%ff", "t=%00", "t=1&%74=2"] {
            assert!(Query::read(text, &["t"]).is_err(), "{text}");
        }
    }
}
