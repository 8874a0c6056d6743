//! `'…' % value` formats text in Jinja2, and the engine knows `%` for numbers only. So a literal text before `%` is written
//! as a filter call before the template is compiled: `('…'|percent(value))`. Line numbers stay as they are.

/// The name of the filter.
pub(super) const FILTER: &str = "percent";

/// How deep brackets are followed.
const DEPTH: usize = 20;

/// The template with its text formats as filter calls; `None` when it has none.
pub(super) fn rewritten(text: &str) -> Option<String> {
    if !text.contains("' %") && !text.contains("'%") && !text.contains("\" %") && !text.contains("\"%") {
        return None;
    }
    let mut out = String::with_capacity(text.len() + 32);
    let mut at = 0;
    let mut changed = false;
    while let Some(found) = text[at..].find("{").map(|offset| at + offset) {
        let (open, close) = match text.as_bytes().get(found + 1) {
            Some(b'{') => (2, "}}"),
            Some(b'%') => (2, "%}"),
            Some(b'#') => {
                let end = text[found..].find("#}").map_or(text.len(), |offset| found + offset + 2);
                out.push_str(&text[at..end]);
                at = end;
                continue;
            }
            _ => (1, ""),
        };
        out.push_str(&text[at..found + open]);
        at = found + open;
        if close.is_empty() {
            continue;
        }
        let end = at + end_of(&text[at..], close);
        let inside = &text[at..end];
        if close == "%}" && inside.trim_start_matches(['-', '+']).trim().starts_with("raw") {
            let rest = text[end..].find("endraw").map_or(text.len(), |offset| end + offset);
            out.push_str(&text[at..rest]);
            at = rest;
            continue;
        }
        changed |= expression(inside, DEPTH, &mut out);
        at = end;
    }
    out.push_str(&text[at..]);
    changed.then_some(out)
}

/// The length of what stands before the closing mark, strings skipped.
fn end_of(text: &str, close: &str) -> usize {
    let mut at = 0;
    let mut depth = 0usize;
    while at < text.len() {
        let rest = &text[at..];
        if depth == 0 && rest.starts_with(close) {
            return at;
        }
        match text.as_bytes()[at] {
            b'\'' | b'"' => {
                at += string(rest);
                continue;
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// The length of the string literal at the start of a text.
fn string(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            byte if byte == bytes[0] => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Writes an expression; true when something in it was changed.
fn expression(text: &str, depth: usize, out: &mut String) -> bool {
    let mut changed = false;
    let mut at = 0;
    let mut kept = 0;
    while at < text.len() {
        if !matches!(text.as_bytes()[at], b'\'' | b'"') {
            at += 1;
            continue;
        }
        let literal = string(&text[at..]);
        let rest = &text[at + literal..];
        let after = rest.trim_start();
        let operand = after.strip_prefix('%').map(str::trim_start);
        let length = operand.map_or(0, primary);
        if depth == 0 || length == 0 {
            at += literal;
            continue;
        }
        let begin = text.len() - operand.map_or(0, str::len);
        out.push_str(&text[kept..at]);
        out.push('(');
        out.push_str(&text[at..at + literal]);
        out.push_str(&format!("|{FILTER}("));
        let value = &text[begin..begin + length];
        match value.strip_prefix('(').filter(|_| bracket(value) == value.len()) {
            // Several values in parentheses are the values of several conversions.
            Some(inner) => expression(&inner[..inner.len() - 1], depth - 1, out),
            None => expression(value, depth - 1, out),
        };
        out.push_str("))");
        at = begin + length;
        kept = at;
        changed = true;
    }
    out.push_str(&text[kept..]);
    changed
}

/// The length of the bracketed text at the start.
fn bracket(text: &str) -> usize {
    let close = match text.as_bytes()[0] {
        b'(' => ")",
        b'[' => "]",
        _ => "}",
    };
    (1 + end_of(&text[1..], close) + 1).min(text.len())
}

/// The length of the operand at the start: a name, number, string or brackets, with what follows it closely.
fn primary(text: &str) -> usize {
    let mut at = text.len() - text.trim_start_matches(['-', '+']).len();
    match text.as_bytes().get(at) {
        Some(b'\'' | b'"') => at += string(&text[at..]),
        Some(b'(' | b'[' | b'{') => at += bracket(&text[at..]),
        Some(_) => {
            let word = word(&text[at..]);
            if word == 0 {
                return 0;
            }
            at += word;
        }
        None => return 0,
    }
    loop {
        let rest = &text[at..];
        let blank = rest.len() - rest.trim_start().len();
        let next = &rest[blank..];
        let step = match next.as_bytes().first() {
            Some(b'(' | b'[') => bracket(next),
            Some(b'.') => 1 + word(&next[1..]),
            Some(b'|') => {
                let gap = next[1..].len() - next[1..].trim_start().len();
                1 + gap + word(&next[1 + gap..])
            }
            _ => return at,
        };
        at += blank + step;
    }
}

/// The length of the name or number at the start.
fn word(text: &str) -> usize {
    text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::rewritten;

    #[test]
    fn jjb_j103_a_literal_before_a_percent_sign_is_a_format() {
        for (text, wanted) in [
            ("{{ '%s' % a }}", "{{ ('%s'|percent(a)) }}"),
            ("x{{ '%s-%d' % (a, b.c[0]|int) }}y", "x{{ ('%s-%d'|percent(a, b.c[0]|int)) }}y"),
            ("{{ \"%s\"%a|upper ~ 'b' }}", "{{ (\"%s\"|percent(a|upper)) ~ 'b' }}"),
            ("{% if '%s' % f(x, 'q') == 'y' %}", "{% if ('%s'|percent(f(x, 'q'))) == 'y' %}"),
            ("{{ '%s' % ('%d' % 3) }}", "{{ ('%s'|percent(('%d'|percent(3)))) }}"),
            ("{{ '%s' % -1 }}", "{{ ('%s'|percent(-1)) }}"),
        ] {
            assert_eq!(rewritten(text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn jjb_j103_what_is_no_format_stays() {
        for text in [
            "{{ n % 2 }}",
            "'%s' % a",
            "{# '%s' % a #}",
            "{% raw %}{{ '%s' % a }}{% endraw %}",
            "{% if x == 'y' %}{{ 'é' }}",
            "{{ 'unclosed %",
            "{{ \"'\" }} '%",
            "{{ '%s' % }}",
        ] {
            assert_eq!(rewritten(text), None, "{text}");
        }
    }
}
