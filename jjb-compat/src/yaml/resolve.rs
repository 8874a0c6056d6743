//! The type of a plain scalar, from its text (rule jjb-J20).

/// The types that plain text can have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Str,
    Bool,
    Float,
    Int,
    Merge,
    Null,
    Timestamp,
    /// A lone `=`.
    Value,
}

/// What PyYAML's resolver makes of plain text.
pub(super) fn resolve(text: &str) -> Kind {
    let Some(&first) = text.as_bytes().first() else {
        return Kind::Null;
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => word(text),
        b'~' if text == "~" => Kind::Null,
        b'<' if text == "<<" => Kind::Merge,
        b'=' if text == "=" => Kind::Value,
        b'0'..=b'9' | b'-' | b'+' | b'.' => numeric(text),
        _ => Kind::Str,
    }
}

fn word(text: &str) -> Kind {
    match text {
        "yes" | "Yes" | "YES" | "no" | "No" | "NO" | "true" | "True" | "TRUE" | "false" | "False"
        | "FALSE" | "on" | "On" | "ON" | "off" | "Off" | "OFF" => Kind::Bool,
        "null" | "Null" | "NULL" => Kind::Null,
        _ => Kind::Str,
    }
}

fn numeric(text: &str) -> Kind {
    if is_float(text) {
        Kind::Float
    } else if is_int(text) {
        Kind::Int
    } else if super::stamp::is_timestamp(text) {
        Kind::Timestamp
    } else {
        Kind::Str
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
}

fn starts_with_digit(text: &str) -> bool {
    text.as_bytes().first().is_some_and(u8::is_ascii_digit)
}

/// A group of base 60: one digit, or two below 60.
fn sixty(group: &str) -> bool {
    match group.as_bytes() {
        [one] => one.is_ascii_digit(),
        [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
        _ => false,
    }
}

fn is_float(text: &str) -> bool {
    let body = unsigned(text);
    let signed = body.len() != text.len();
    if let Some(rest) = body.strip_prefix('.') {
        return match rest {
            "inf" | "Inf" | "INF" => true,
            "nan" | "NaN" | "NAN" => !signed,
            _ => !signed && starts_with_digit(rest) && fraction(rest),
        };
    }
    let Some((whole, rest)) = body.split_once('.') else {
        return false;
    };
    if !starts_with_digit(whole) {
        return false;
    }
    if let Some((first, groups)) = whole.split_once(':') {
        return digits(first) && groups.split(':').all(sixty) && digits(rest);
    }
    digits(whole) && fraction(rest)
}

/// Digits, then perhaps an exponent, which needs a sign.
fn fraction(text: &str) -> bool {
    match text.find(['e', 'E']) {
        None => digits(text),
        Some(at) => {
            let exponent = &text[at + 1..];
            let power = unsigned(exponent);
            digits(&text[..at])
                && power.len() != exponent.len()
                && !power.is_empty()
                && power.bytes().all(|byte| byte.is_ascii_digit())
        }
    }
}

fn is_int(text: &str) -> bool {
    let body = unsigned(text);
    if let Some(rest) = body.strip_prefix("0b") {
        return !rest.is_empty() && rest.bytes().all(|byte| matches!(byte, b'0' | b'1' | b'_'));
    }
    if let Some(rest) = body.strip_prefix("0x") {
        return !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'_');
    }
    if let Some(rest) = body.strip_prefix('0') {
        return rest.bytes().all(|byte| matches!(byte, b'0'..=b'7' | b'_'));
    }
    if !starts_with_digit(body) {
        return false;
    }
    match body.split_once(':') {
        Some((first, groups)) => digits(first) && groups.split(':').all(sixty),
        None => digits(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jjb_j20_plain_scalars_are_typed_by_their_text() {
        for text in ["yes", "No", "ON", "true", "FALSE", "off"] {
            assert_eq!(resolve(text), Kind::Bool, "{text}");
        }
        for text in ["~", "null", "Null", "NULL", ""] {
            assert_eq!(resolve(text), Kind::Null, "{text}");
        }
        for text in
            ["0", "010", "0777", "0x1f", "0b11", "-3", "+3", "1_000", "1:30", "24:00", "190:20:30", "-1:30"]
        {
            assert_eq!(resolve(text), Kind::Int, "{text}");
        }
        for text in ["1.0", "1.", "1.0e+3", ".5", "1:2.5", ".inf", "-.inf", ".nan", "1_0.5"] {
            assert_eq!(resolve(text), Kind::Float, "{text}");
        }
        for text in ["2001-01-01", "2001-12-14t21:59:43.10-05:00", "2001-1-1 1:00:00"] {
            assert_eq!(resolve(text), Kind::Timestamp, "{text}");
        }
        for text in [
            "y", "n", "tRue", "08", "09", "0o10", "1:60", "0x", "_1", "1e3", "1.5e300", "+.5", "12e03",
            "1.2.3", "2001-1-1", "-", ".", "+", "0:30",
        ] {
            assert_eq!(resolve(text), Kind::Str, "{text}");
        }
        assert_eq!(resolve("<<"), Kind::Merge);
        assert_eq!(resolve("="), Kind::Value);
    }
}
