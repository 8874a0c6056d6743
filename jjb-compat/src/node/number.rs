//! Whole numbers of any size, and floating point numbers as Python shows them.

use num_bigint::BigInt;
use std::sync::Arc;

use super::Value;

/// The value of digits in a base, with a sign; `None` when the text is no such number.
pub(crate) fn parse_big(digits: &str, radix: u32, negative: bool) -> Option<Value> {
    if let Ok(small) = i64::from_str_radix(digits, radix) {
        return Some(Value::Int(if negative { -small } else { small }));
    }
    let big = BigInt::parse_bytes(digits.as_bytes(), radix)?;
    Some(Value::Big(Arc::new(if negative { -big } else { big })))
}

/// `repr(float)` of Python (rule jjb-J22): the shortest digits, an exponent below 1e-4 and from 1e16.
pub(crate) fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.into();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0.0" } else { "0.0" }.into();
    }
    let shown = format!("{value:e}");
    let Some((mantissa, exponent)) = shown.split_once('e') else {
        return shown;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jjb_j22_floats_are_shown_as_python_shows_them() {
        for (value, text) in [
            (1.1, "1.1"),
            (1.0, "1.0"),
            (1.0e16, "1e+16"),
            (0.00001, "1e-05"),
            (0.0001, "0.0001"),
            (123456789012345.6, "123456789012345.6"),
            (1.5e300, "1.5e+300"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "nan"),
            (-2.5, "-2.5"),
        ] {
            assert_eq!(float_text(value), text);
        }
    }
}
