//! What an external worker's data becomes before Zuul sees it.
//!
//! Zuul's handler throws at data of a build that is not a JSON object; if that is the last data, the build never ends for Zuul
//! (zuul-Z-4). Data of other functions (`merger:`, `zuul:`) and of other clients passes untouched (zuul-Z-1).

use serde::de::IgnoredAny;

/// What to do with a piece of data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed {
    /// As it is.
    Unchanged,
    /// Nothing is sent.
    Dropped,
    /// This instead.
    Instead(Vec<u8>),
}

/// Arguments above this size are judged by their ends alone: the Gearman thread has better things to do.
const READ_WHOLE: usize = 64 << 10;

/// Whether a job is a build that Zuul launched: Zuul always sends a JSON object (zuul-gearman 5.5). Other clients may say what
/// they like, also under a name of this kind.
pub fn is_build_of_zuul(function: &[u8], arguments: &[u8]) -> bool {
    if !function.starts_with(b"build:") {
        return false;
    }
    let text = arguments.trim_ascii();
    let ends = text.first() == Some(&b'{') && text.last() == Some(&b'}');
    ends && (text.len() > READ_WHOLE || is_object(text))
}

/// Judges the data of a packet about a build of Zuul's; `last` when the packet ends the job, which must not be dropped.
pub fn pass_to_zuul(last: bool, data: &[u8]) -> Passed {
    if data.is_empty() || is_object(data) {
        return Passed::Unchanged;
    }
    if !last {
        return Passed::Dropped;
    }
    let text = String::from_utf8_lossy(data);
    Passed::Instead(serde_json::json!({ "worker_extra": { "exception": text } }).to_string().into_bytes())
}

/// Python's reader throws at a thousand levels; no data of a build has more than a few.
const DEPTH_MAX: usize = 200;

fn is_object(data: &[u8]) -> bool {
    // serde_json does not look into the strings that it skips; Python does, and throws.
    let Ok(text) = std::str::from_utf8(data) else { return false };
    text.trim_start().starts_with('{')
        && depth(text) <= DEPTH_MAX
        && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// How deep the lists and objects of a JSON text nest.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zuul_z_4_only_objects_reach_zuul_for_a_build() {
        assert_eq!(pass_to_zuul(false, br#" {"number": 1}"#), Passed::Unchanged);
        for data in [&b"plain"[..], b"[]", b"{", b"{\"a\": \"\xff\"}", b"null"] {
            assert_eq!(pass_to_zuul(false, data), Passed::Dropped, "{data:?}");
            let Passed::Instead(wrapped) = pass_to_zuul(true, data) else { panic!("{data:?}") };
            assert!(is_object(&wrapped));
        }
    }

    #[test]
    fn zuul_z_4_is_about_builds_whose_arguments_are_an_object() {
        assert!(is_build_of_zuul(b"build:unit", b" {\"ZUUL_UUID\": \"1\", \"L\": [1, {}]}\n"));
        assert!(is_build_of_zuul(b"build:unit:label", b"{}"));
        let long = format!("{{\"A\": \"{}\"}}", "x".repeat(READ_WHOLE));
        assert!(is_build_of_zuul(b"build:unit", long.as_bytes()));
        for arguments in [&b""[..], b"{", b"plain", b"[1]", b"{\"a\": \"\xff\"}", b"{no}", b"null"] {
            assert!(!is_build_of_zuul(b"build:unit", arguments), "{arguments:?}");
        }
    }

    #[test]
    fn zuul_z_4_data_that_pythons_reader_throws_at_for_its_depth_does_not_pass() {
        let nested = |depth: usize| format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(pass_to_zuul(false, nested(50).as_bytes()), Passed::Unchanged);
        assert_eq!(pass_to_zuul(false, nested(1_500).as_bytes()), Passed::Dropped);
        let quoted = format!("{{\"a\": \"\\\"{}\"}}", "[".repeat(1_500));
        assert_eq!(pass_to_zuul(false, quoted.as_bytes()), Passed::Unchanged);
    }

    #[test]
    fn zuul_z_1_other_trades_pass_untouched() {
        assert!(!is_build_of_zuul(b"merger:merge", b"{}"));
        assert!(!is_build_of_zuul(b"zuul:promote", b"{}"));
    }
}
