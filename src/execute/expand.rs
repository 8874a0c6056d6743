//! Text fields that "expand variables": `$NAME` and `${NAME}` from the environment (jjb-T26).

/// Replaces variables; an unknown name stays as it is written.
pub fn expand<'a>(text: &str, value: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        let (length, name) = variable(&rest[dollar..]);
        let written = &rest[dollar..dollar + length];
        out.push_str(name.and_then(&value).unwrap_or(written));
        rest = &rest[dollar + length..];
    }
    out.push_str(rest);
    out
}

/// The length of the reference at the start of `text` (which begins with `$`) and the name in it.
fn variable(text: &str) -> (usize, Option<&str>) {
    let body = &text[1..];
    if let Some(braced) = body.strip_prefix('{') {
        return match braced.find('}') {
            Some(end) if !braced[..end].is_empty() => (end + 3, Some(&braced[..end])),
            _ => (1, None),
        };
    }
    let length = body
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_alphabetic() || *c == '_' || (*at > 0 && c.is_ascii_digit())))
        .map_or(body.len(), |(at, _)| at);
    if length == 0 { (1, None) } else { (length + 1, Some(&body[..length])) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jjb_t26_known_names_are_replaced_and_unknown_stay() {
        let value = |name: &str| (name == "BUILD_TIMEOUT").then_some("30");
        for (text, want) in [
            ("${BUILD_TIMEOUT}", "30"),
            ("$BUILD_TIMEOUT", "30"),
            ("a$BUILD_TIMEOUT.b", "a30.b"),
            ("$NOPE ${NOPE} $ ${ ${} $1 $$BUILD_TIMEOUT", "$NOPE ${NOPE} $ ${ ${} $1 $30"),
            ("é$BUILD_TIMEOUTé", "é30é"),
            ("", ""),
        ] {
            assert_eq!(expand(text, value), want, "{text}");
        }
    }
}
