//! The values of scalars whose type is known (rules jjb-J20, jjb-J21, jjb-J22).

use std::sync::Arc;

use super::stamp;
use crate::node::{Node, Value, parse_big};

/// A boolean; any case, as an explicit `!!bool` takes it.
pub(super) fn boolean(text: &str) -> Option<Value> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "on" => Some(Value::Bool(true)),
        "no" | "false" | "off" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// A whole number in any of the five notations.
pub(super) fn integer(text: &str) -> Option<Value> {
    let plain = text.replace('_', "");
    let negative = plain.starts_with('-');
    let body = plain.strip_prefix(['-', '+']).unwrap_or(&plain);
    if body == "0" {
        return Some(Value::Int(0));
    }
    if let Some(rest) = body.strip_prefix("0b") {
        return digits(rest, 2, negative);
    }
    if let Some(rest) = body.strip_prefix("0x") {
        return digits(rest, 16, negative);
    }
    if body.starts_with('0') {
        return digits(body, 8, negative);
    }
    if body.contains(':') {
        return base_sixty(body, negative);
    }
    digits(body, 10, negative)
}

fn digits(text: &str, radix: u32, negative: bool) -> Option<Value> {
    if text.is_empty() || !text.chars().all(|letter| letter.is_digit(radix)) {
        return None;
    }
    parse_big(text, radix, negative)
}

fn base_sixty(text: &str, negative: bool) -> Option<Value> {
    let mut sum: i64 = 0;
    for group in text.split(':') {
        sum = sum.checked_mul(60)?.checked_add(group.parse().ok()?)?;
    }
    Some(Value::Int(if negative { -sum } else { sum }))
}

/// A floating point number.
pub(super) fn float(text: &str) -> Option<Value> {
    let plain = text.replace('_', "").to_lowercase();
    let sign = if plain.starts_with('-') { -1.0 } else { 1.0 };
    let body = plain.strip_prefix(['-', '+']).unwrap_or(&plain);
    let value = match body {
        ".inf" => f64::INFINITY,
        ".nan" => f64::NAN,
        _ if body.contains(':') => {
            let mut sum = 0.0;
            for group in body.split(':') {
                sum = sum * 60.0 + group.parse::<f64>().ok()?;
            }
            sum
        }
        _ => body.parse::<f64>().ok()?,
    };
    Some(Value::Float(sign * value))
}

/// A date or a date with a time.
pub(super) fn timestamp(text: &str) -> Option<Value> {
    stamp::parse(text).filter(stamp::in_range).map(|stamp| Value::Timestamp(Arc::new(stamp)))
}

/// Base 64, with line breaks and blanks anywhere.
pub(super) fn binary(text: &str) -> Option<Value> {
    let mut bytes = Vec::new();
    let (mut bits, mut count, mut ended) = (0u32, 0u32, false);
    for letter in text.bytes() {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                ended = true;
                continue;
            }
            byte if !byte.is_ascii() => return None,
            _ => continue,
        };
        if ended {
            break;
        }
        bits = (bits << 6) | u32::from(six);
        count += 1;
        if count % 4 != 1 {
            let spare = [0, 6, 4, 2][(count % 4) as usize] % 6;
            bytes.push((bits >> spare) as u8);
        }
    }
    (count % 4 != 1).then(|| Value::Binary(bytes.into()))
}

/// Keys of a `!!set`, each once.
pub(super) fn set(keys: Vec<Node>) -> Value {
    let mut unique: Vec<Node> = Vec::with_capacity(keys.len());
    for key in keys {
        if !unique.contains(&key) {
            unique.push(key);
        }
    }
    Value::Set(Arc::new(unique))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(text: &str) -> Option<i64> {
        match integer(text)? {
            Value::Int(value) => Some(value),
            _ => None,
        }
    }

    #[test]
    fn jjb_j20_integers_have_five_notations() {
        assert_eq!(int("010"), Some(8));
        assert_eq!(int("0777"), Some(511));
        assert_eq!(int("0x1F"), Some(31));
        assert_eq!(int("-0b11"), Some(-3));
        assert_eq!(int("1:30"), Some(90));
        assert_eq!(int("24:00"), Some(1440));
        assert_eq!(int("190:20:30"), Some(685_230));
        assert_eq!(int("-1:30"), Some(-90));
        assert_eq!(int("1_000"), Some(1000));
        assert_eq!(int("08"), None);
    }

    #[test]
    fn jjb_j22_integers_have_no_limit() {
        let Some(Value::Big(big)) = integer("123456789012345678901234567890") else {
            panic!("a large number");
        };
        assert_eq!(big.to_string(), "123456789012345678901234567890");
    }

    #[test]
    fn jjb_j21_binary_is_base_64() {
        let Some(Value::Binary(bytes)) = binary("aGVs\n bG8=") else {
            panic!("bytes");
        };
        assert_eq!(&bytes[..], b"hello");
    }
}
