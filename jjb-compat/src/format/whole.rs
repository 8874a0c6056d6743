//! Job Builder's own addition to the format language: `{key}`, `{obj:key}`, `{key|default}`.

use std::borrow::Cow;

/// A field between odd runs of braces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) key: &'a str,
    pub(crate) default: Option<&'a str>,
    /// Where its run of opening braces begins and its run of closing braces ends.
    start: usize,
    end: usize,
}

/// The fields of a text, from left to right.
pub(crate) fn fields(text: &str) -> impl Iterator<Item = Field<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + memchr::memchr(b'{', text.as_bytes().get(from..)?)?;
            let run = run_length(text, start, b'{');
            match at(text, start, run) {
                Some(field) => {
                    from = field.end;
                    return Some(field);
                }
                None => from = start + run,
            }
        }
    })
}

/// The field that is the whole text, perhaps followed by one line break (rule jjb-J40).
pub(super) fn whole(text: &str) -> Option<Field<'_>> {
    if !text.starts_with('{') {
        return None;
    }
    let field = at(text, 0, run_length(text, 0, b'{'))?;
    matches!(&text[field.end..], "" | "\n").then_some(field)
}

/// Replaces fields with defaults: by the default where the key is missing, else by `{key}`. `None` when nothing changes.
pub(super) fn settle_defaults(text: &str, has: impl Fn(&str) -> bool) -> Option<String> {
    if !text.contains('|') {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for field in fields(text) {
        let Some(default) = field.default else {
            continue;
        };
        out.push_str(&text[done..field.start]);
        out.push_str(&if has(field.key) {
            Cow::Owned(format!("{{{}}}", field.key))
        } else {
            Cow::Borrowed(default)
        });
        done = field.end;
    }
    if done == 0 {
        return None;
    }
    out.push_str(&text[done..]);
    Some(out)
}

/// Every field as `{key}`, its default and its `obj:` dropped.
pub(crate) fn fields_as_names(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for field in fields(text) {
        out.push_str(&text[done..field.start]);
        out.push('{');
        out.push_str(field.key);
        out.push('}');
        done = field.end;
    }
    out.push_str(&text[done..]);
    out
}

/// The keys that have a default in the text, with the last default of each.
pub(crate) fn defaults_of(text: &str) -> Vec<(&str, &str)> {
    fields(text).filter_map(|field| Some((field.key, field.default?))).collect()
}

fn run_length(text: &str, start: usize, brace: u8) -> usize {
    text.as_bytes()[start..].iter().take_while(|byte| **byte == brace).count()
}

/// The field whose run of `run` opening braces begins at `start`.
fn at(text: &str, start: usize, run: usize) -> Option<Field<'_>> {
    if run.is_multiple_of(2) {
        return None;
    }
    let body = &text[start + run..];
    let (skipped, body) = match body.strip_prefix("obj:") {
        Some(rest) => (4, rest),
        None => (0, body),
    };
    let key_end = body.find(|letter: char| !is_word(letter)).unwrap_or(body.len());
    if key_end == 0 {
        return None;
    }
    let (key, rest) = body.split_at(key_end);
    let (default, close) = match rest.strip_prefix('|') {
        Some(tail) => {
            let length = tail.find('}')?;
            (Some(&tail[..length]), key_end + 1 + length)
        }
        None => (None, key_end),
    };
    let close = start + run + skipped + close;
    let closing = run_length(text, close, b'}');
    (closing % 2 == 1).then_some(Field { key, default, start, end: close + closing })
}

/// `\w` of Python's regular expressions.
fn is_word(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(&str, Option<&str>)> {
        fields(text).map(|field| (field.key, field.default)).collect()
    }

    #[test]
    fn jjb_j40_a_field_stands_between_odd_runs_of_braces() {
        assert_eq!(shown("{n} {obj:n} {n|7}"), [("n", None), ("n", None), ("n", Some("7"))]);
        assert_eq!(shown("{{n}} ${{n}} {{{n}}}"), [("n", None)]);
        assert_eq!(shown("{my-var} {} {n:>5}"), []);
        assert!(whole("{{{n}}}").is_some());
        assert!(whole("{n}\n").is_some());
        assert!(whole(" {n}").is_none());
        assert!(whole("{n} ").is_none());
    }

    #[test]
    fn jjb_j42_a_default_ends_at_the_first_brace() {
        assert_eq!(settle_defaults("x{v|a b: 'c'|d!$}y", |_| false).as_deref(), Some("xa b: 'c'|d!$y"));
        assert_eq!(settle_defaults("x{v|}y", |_| false).as_deref(), Some("xy"));
        assert_eq!(settle_defaults("x{v|d}y", |_| true).as_deref(), Some("x{v}y"));
        assert_eq!(settle_defaults("{{{{m|lit}}}}", |_| false), None);
    }
}
