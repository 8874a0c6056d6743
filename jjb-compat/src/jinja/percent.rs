//! Python's `'…' % values`, for templates (rule jjb-J103).

use minijinja::value::{Rest, Value as Jinja, ValueKind};
use minijinja::{Environment, Error, ErrorKind};

use super::percent_text::FILTER;
use super::print;
use crate::format::format_spec;
use crate::node::{Node, Style, Value};
use crate::place::Place;

pub(super) fn add_filter(environment: &mut Environment<'static>, style: Style) {
    environment
        .add_filter(FILTER, move |format: String, values: Rest<Jinja>| percent(&format, &values, style));
}

fn refused(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, why.into())
}

/// One conversion of a format.
#[derive(Default)]
struct Conversion {
    key: Option<String>,
    left: bool,
    zero: bool,
    sign: Option<char>,
    alternate: bool,
    width: String,
    precision: Option<String>,
}

fn percent(format: &str, values: &[Jinja], style: Style) -> Result<String, Error> {
    let mut out = String::new();
    let mut next = values.iter();
    let mut named = false;
    let mut letters = format.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let mut conversion = Conversion::default();
        if letters.next_if_eq(&'(').is_some() {
            conversion.key = Some(letters.by_ref().take_while(|letter| *letter != ')').collect());
        }
        while let Some(flag) = letters.next_if(|letter| "-0+ #".contains(*letter)) {
            match flag {
                '-' => conversion.left = true,
                '0' => conversion.zero = true,
                '#' => conversion.alternate = true,
                sign => conversion.sign = conversion.sign.filter(|known| *known == '+').or(Some(sign)),
            }
        }
        while let Some(digit) = letters.next_if(char::is_ascii_digit) {
            conversion.width.push(digit);
        }
        if letters.next_if_eq(&'.').is_some() {
            let digits = conversion.precision.insert(String::new());
            while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
        }
        let kind = letters.next().ok_or_else(|| refused("incomplete format"))?;
        if kind == '%' {
            out.push('%');
            continue;
        }
        let value = match &conversion.key {
            Some(key) => {
                named = true;
                let map = values.first().filter(|value| value.kind() == ValueKind::Map);
                map.ok_or_else(|| refused("format requires a mapping"))?
                    .get_item(&Jinja::from(key.as_str()))?
            }
            None => next.next().cloned().ok_or_else(|| refused("not enough arguments for format string"))?,
        };
        out.push_str(&conversion.apply(kind, &value, style)?);
    }
    // A mapping may stay unused.
    let lone_map = values.len() == 1 && values[0].kind() == ValueKind::Map;
    if next.next().is_some() && !named && !lone_map {
        return Err(refused("not all arguments converted during string formatting"));
    }
    Ok(out)
}

impl Conversion {
    fn apply(&self, kind: char, value: &Jinja, style: Style) -> Result<String, Error> {
        if value.is_undefined() {
            return Err(Error::from(ErrorKind::UndefinedError));
        }
        let place = Place::NOWHERE;
        let (node, code) = match kind {
            's' => (Node::str(print::text(value, style), place), 's'),
            'r' | 'a' => (Node::str(print::repr(value, style), place), 's'),
            'c' if value.as_str().is_some() => (print::from_jinja(value), 's'),
            'd' | 'i' | 'u' => (whole(value)?, 'd'),
            'x' | 'X' | 'o' | 'c' => (print::from_jinja(value), kind),
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => (print::from_jinja(value), kind),
            _ => return Err(refused(format!("unsupported format character '{kind}'"))),
        };
        let number = !matches!(node.value, Value::Str(_));
        let mut spec = String::from(if self.left { "<" } else { ">" });
        if number {
            if self.zero && !self.left {
                spec.clear();
            }
            spec.extend(self.sign);
            if self.alternate {
                spec.push('#');
            }
            if self.zero && !self.left {
                spec.push('0');
            }
        }
        spec.push_str(&self.width);
        if let Some(precision) = self.precision.as_deref().filter(|_| code != 'd') {
            spec.push('.');
            spec.push_str(if precision.is_empty() { "0" } else { precision });
        }
        spec.push(code);
        if !number && code != 's' {
            return Err(refused(format!("%{kind} format: a number is required, not str")));
        }
        format_spec(&node, &spec).ok_or_else(|| refused(format!("%{kind} does not fit {}", node.kind())))
    }
}

/// `%d` cuts the fraction off.
fn whole(value: &Jinja) -> Result<Node, Error> {
    let node = print::from_jinja(value);
    match node.value {
        Value::Float(real) if real.abs() < 9e15 => Ok(Node::new(Value::Int(real.trunc() as i64), node.place)),
        Value::Int(_) | Value::Big(_) | Value::Bool(_) => Ok(node),
        _ => Err(refused(format!("%d format: a real number is required, not {}", node.kind()))),
    }
}
