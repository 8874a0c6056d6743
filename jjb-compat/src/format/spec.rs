//! Format specifications (`05d`, `.2f`, `>5`) for texts, whole numbers and floating point numbers.

use crate::node::{Node, Value, float_text};

/// Widest field and longest fraction: more is taken for an attack.
const WIDTH_LIMIT: usize = 1 << 20;

struct Spec {
    fill: char,
    align: Option<char>,
    sign: char,
    alternate: bool,
    zero: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

/// The value under a specification; `None` when Python refuses it.
pub(crate) fn format(value: &Node, text: &str) -> Option<String> {
    let spec = parse(text)?;
    match &value.value {
        Value::Str(text) => string(text, &spec),
        Value::Bool(value) => integer(&i64::from(*value).to_string(), *value as i64 as f64, &spec),
        Value::Int(value) => integer(&value.to_string(), *value as f64, &spec),
        Value::Big(value) => integer(&value.to_string(), f64::NAN, &spec),
        Value::Float(value) => float(*value, &spec),
        _ => None,
    }
}

fn parse(text: &str) -> Option<Spec> {
    let letters: Vec<char> = text.chars().collect();
    let mut at = 0;
    let is_align = |letter: Option<&char>| letter.is_some_and(|letter| "<>=^".contains(*letter));
    let mut spec = Spec {
        fill: ' ',
        align: None,
        sign: '-',
        alternate: false,
        zero: false,
        width: 0,
        grouping: None,
        precision: None,
        kind: None,
    };
    if is_align(letters.get(1)) {
        spec.fill = letters[0];
        spec.align = Some(letters[1]);
        at = 2;
    } else if is_align(letters.first()) {
        spec.align = Some(letters[0]);
        at = 1;
    }
    if let Some(sign @ ('+' | '-' | ' ')) = letters.get(at) {
        spec.sign = *sign;
        at += 1;
    }
    if letters.get(at) == Some(&'#') {
        spec.alternate = true;
        at += 1;
    }
    if letters.get(at) == Some(&'0') {
        spec.zero = true;
        at += 1;
    }
    spec.width = number(&letters, &mut at)?.unwrap_or(0);
    if let Some(mark @ (',' | '_')) = letters.get(at) {
        spec.grouping = Some(*mark);
        at += 1;
    }
    if letters.get(at) == Some(&'.') {
        at += 1;
        spec.precision = Some(number(&letters, &mut at)??);
    }
    if let Some(kind) = letters.get(at) {
        spec.kind = Some(*kind);
        at += 1;
    }
    (at == letters.len()).then_some(spec)
}

/// Digits, if any; a number past the limit is refused.
fn number(letters: &[char], at: &mut usize) -> Option<Option<usize>> {
    let start = *at;
    let mut value = 0usize;
    while let Some(digit) = letters.get(*at).and_then(|letter| letter.to_digit(10)) {
        value = value * 10 + digit as usize;
        if value > WIDTH_LIMIT {
            return None;
        }
        *at += 1;
    }
    Some((*at > start).then_some(value))
}

fn string(text: &str, spec: &Spec) -> Option<String> {
    if !matches!(spec.kind, None | Some('s')) || spec.sign != '-' || spec.alternate || spec.grouping.is_some()
    {
        return None;
    }
    if spec.align == Some('=') {
        return None;
    }
    let cut: String = match spec.precision {
        Some(length) => text.chars().take(length).collect(),
        None => text.to_string(),
    };
    let mut spec = Spec { ..*spec };
    if spec.zero && spec.align.is_none() {
        spec.fill = '0';
    }
    Some(pad("", &cut, &spec, '<'))
}

fn integer(digits: &str, as_float: f64, spec: &Spec) -> Option<String> {
    match spec.kind {
        None | Some('d' | 'n') if spec.precision.is_none() => {
            let (negative, digits) = match digits.strip_prefix('-') {
                Some(rest) => (true, rest),
                None => (false, digits),
            };
            Some(number_text(negative, "", &group(digits, spec.grouping, 3), spec))
        }
        Some(kind @ ('b' | 'o' | 'x' | 'X')) if spec.precision.is_none() => {
            let value: i128 = digits.parse().ok()?;
            let size = value.unsigned_abs();
            let (prefix, shown) = match kind {
                'b' => ("0b", format!("{size:b}")),
                'o' => ("0o", format!("{size:o}")),
                'x' => ("0x", format!("{size:x}")),
                _ => ("0X", format!("{size:X}")),
            };
            let prefix = if spec.alternate { prefix } else { "" };
            Some(number_text(value < 0, prefix, &group(&shown, spec.grouping, 4), spec))
        }
        Some('c') if spec.precision.is_none() => {
            let letter = char::from_u32(digits.parse().ok()?)?;
            Some(pad("", &letter.to_string(), spec, '<'))
        }
        Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') => float(as_float, spec),
        _ => None,
    }
}

fn float(value: f64, spec: &Spec) -> Option<String> {
    let size = value.abs();
    let body = match spec.kind {
        None => match spec.precision {
            None => float_text(size),
            Some(precision) => general(size, precision.max(1), true),
        },
        Some('f' | 'F') => {
            not_finite(size).unwrap_or_else(|| format!("{size:.*}", spec.precision.unwrap_or(6)))
        }
        Some('e') => exponent(size, spec.precision.unwrap_or(6)),
        Some('E') => exponent(size, spec.precision.unwrap_or(6)).to_uppercase(),
        Some('g' | 'n') => general(size, spec.precision.unwrap_or(6).max(1), false),
        Some('G') => general(size, spec.precision.unwrap_or(6).max(1), false).to_uppercase(),
        Some('%') => format!("{:.*}%", spec.precision.unwrap_or(6), size * 100.0),
        _ => return None,
    };
    let body = match (spec.grouping, body.split_once('.')) {
        (None, _) => body,
        (mark, Some((whole, rest))) => format!("{}.{rest}", group(whole, mark, 3)),
        (mark, None) => group(&body, mark, 3),
    };
    Some(number_text(value.is_sign_negative() && !value.is_nan(), "", &body, spec))
}

fn not_finite(size: f64) -> Option<String> {
    if size.is_nan() {
        Some("nan".into())
    } else if size.is_infinite() {
        Some("inf".into())
    } else {
        None
    }
}

fn exponent(size: f64, precision: usize) -> String {
    if let Some(word) = not_finite(size) {
        return word;
    }
    let shown = format!("{size:.precision$e}");
    match shown.split_once('e') {
        Some((mantissa, power)) => {
            let power: i32 = power.parse().unwrap_or(0);
            let sign = if power < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", power.abs())
        }
        None => shown,
    }
}

/// `g`: as few digits as the precision needs, an exponent only for very small or large values.
fn general(size: f64, precision: usize, keep_point: bool) -> String {
    if let Some(word) = not_finite(size) {
        return word;
    }
    let power = if size == 0.0 {
        0
    } else {
        let shown = format!("{size:.*e}", precision - 1);
        shown.split_once('e').and_then(|(_, power)| power.parse::<i32>().ok()).unwrap_or(0)
    };
    let limit = precision as i32 - i32::from(keep_point);
    if (-4..limit.max(1 - i32::from(keep_point))).contains(&power) {
        let decimals = (precision as i32 - 1 - power).max(0) as usize;
        let shown = trim_zeros(format!("{size:.decimals$}"));
        if keep_point && !shown.contains('.') { shown + ".0" } else { shown }
    } else {
        let shown = exponent(size, precision - 1);
        match shown.split_once('e') {
            Some((mantissa, rest)) => format!("{}e{rest}", trim_zeros(mantissa.to_string())),
            None => shown,
        }
    }
}

fn trim_zeros(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

fn group(digits: &str, mark: Option<char>, size: usize) -> String {
    let Some(mark) = mark else {
        return digits.to_string();
    };
    let mut out = String::new();
    let count = digits.len();
    for (index, letter) in digits.chars().enumerate() {
        if index > 0 && (count - index).is_multiple_of(size) {
            out.push(mark);
        }
        out.push(letter);
    }
    out
}

fn number_text(negative: bool, prefix: &str, digits: &str, spec: &Spec) -> String {
    let sign = match (negative, spec.sign) {
        (true, _) => "-",
        (false, '+') => "+",
        (false, ' ') => " ",
        _ => "",
    };
    let head = format!("{sign}{prefix}");
    if spec.zero && spec.align.is_none() {
        let spec = Spec { fill: '0', align: Some('='), ..*spec };
        return pad(&head, digits, &spec, '>');
    }
    pad(&head, digits, spec, '>')
}

fn pad(head: &str, body: &str, spec: &Spec, default_align: char) -> String {
    let length = head.chars().count() + body.chars().count();
    let missing = spec.width.saturating_sub(length);
    let fill = |count: usize| spec.fill.to_string().repeat(count);
    match spec.align.unwrap_or(default_align) {
        '<' => format!("{head}{body}{}", fill(missing)),
        '^' => format!("{}{head}{body}{}", fill(missing / 2), fill(missing - missing / 2)),
        '=' => format!("{head}{}{body}", fill(missing)),
        _ => format!("{}{head}{body}", fill(missing)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;

    fn int(value: i64, spec: &str) -> Option<String> {
        format(&Node::new(Value::Int(value), Place::NOWHERE), spec)
    }

    fn real(value: f64, spec: &str) -> Option<String> {
        format(&Node::new(Value::Float(value), Place::NOWHERE), spec)
    }

    #[test]
    fn jjb_j41_format_specifications_are_pythons() {
        assert_eq!(int(5, "05d").as_deref(), Some("00005"));
        assert_eq!(int(-5, "05d").as_deref(), Some("-0005"));
        assert_eq!(int(1234567, ",").as_deref(), Some("1,234,567"));
        assert_eq!(int(255, "#x").as_deref(), Some("0xff"));
        assert_eq!(int(5, ".2f").as_deref(), Some("5.00"));
        assert_eq!(int(5, "s"), None);
        assert_eq!(real(1.5, ".2f").as_deref(), Some("1.50"));
        assert_eq!(real(1234.5, "e").as_deref(), Some("1.234500e+03"));
        assert_eq!(real(0.00001234, "g").as_deref(), Some("1.234e-05"));
        assert_eq!(real(2.0, "").as_deref(), Some("2.0"));
        let text = Node::str("ab", Place::NOWHERE);
        assert_eq!(format(&text, ">5").as_deref(), Some("   ab"));
        assert_eq!(format(&text, "*^6").as_deref(), Some("**ab**"));
        assert_eq!(format(&text, ".1").as_deref(), Some("a"));
        assert_eq!(format(&text, "d"), None);
    }
}
