//! A refusal: what was asked for, and the rule that forbids it.

use std::fmt;

/// Texts are cut at this length: what a job writes into its request does not fill its log.
const TEXT_MAX: usize = 300;

/// Why a request is not passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The rule, as people find it in the documentation: `pools-D57 privileged`.
    pub rule: &'static str,
    /// What was asked for, and what may be asked for instead.
    pub text: String,
    /// The status of the answer.
    pub status: u16,
}

impl Refusal {
    /// Forbidden by a rule.
    pub fn forbidden(rule: &'static str, text: impl Into<String>) -> Refusal {
        Refusal { rule, text: cut(text.into()), status: 403 }
    }

    /// A request that is not what it claims to be.
    pub fn malformed(text: impl Into<String>) -> Refusal {
        Refusal { rule: "pools-D57 request", text: cut(text.into()), status: 400 }
    }

    /// Something that does not exist, or belongs to somebody else: the two look the same from inside.
    pub fn unknown(text: impl Into<String>) -> Refusal {
        Refusal { rule: "pools-D57 own objects", text: cut(text.into()), status: 404 }
    }

    /// Whether the build's log says so: what merely does not exist is the client's own business.
    pub fn is_told(&self) -> bool {
        self.status != 404
    }
}

fn cut(mut text: String) -> String {
    text.retain(|letter| !letter.is_control());
    if text.len() > TEXT_MAX {
        text.truncate(text.floor_char_boundary(TEXT_MAX));
        text.push('…');
    }
    text
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.status == 404 {
            return formatter.write_str(&self.text);
        }
        write!(formatter, "refused by Causeway's guard: {} (rule {})", self.text, self.rule)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_short_line_that_names_the_rule() {
        let refusal = Refusal::forbidden("pools-D57 x", format!("a\nb\u{1b}[31m{}", "é".repeat(400)));
        let line = refusal.to_string();
        assert!(line.len() < 400 && !line.contains(['\n', '\u{1b}']) && line.ends_with("(rule pools-D57 x)"));
    }
}
