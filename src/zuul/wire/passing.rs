//! What an external worker's data becomes before Zuul sees it.
//!
//! Zuul's handler throws at data of a build that is not a JSON object; if that is the last data, the build never ends for Zuul
//! (zuul-Z-4). Data of other functions (`merger:`, `zuul:`) passes untouched (zuul-Z-1).

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

/// Judges the data of a packet about `function`; `last` when the packet ends the job, which must not be dropped.
pub fn pass_to_zuul(function: &[u8], last: bool, data: &[u8]) -> Passed {
    if !function.starts_with(b"build:") || data.is_empty() || is_object(data) {
        return Passed::Unchanged;
    }
    if !last {
        return Passed::Dropped;
    }
    let text = String::from_utf8_lossy(data);
    Passed::Instead(serde_json::json!({ "worker_extra": { "exception": text } }).to_string().into_bytes())
}

fn is_object(data: &[u8]) -> bool {
    // serde_json does not look into the strings that it skips; Python does, and throws.
    let Ok(text) = std::str::from_utf8(data) else { return false };
    text.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zuul_z_4_only_objects_reach_zuul_for_a_build() {
        assert_eq!(pass_to_zuul(b"build:unit", false, br#" {"number": 1}"#), Passed::Unchanged);
        for data in [&b"plain"[..], b"[]", b"{", b"{\"a\": \"\xff\"}", b"null"] {
            assert_eq!(pass_to_zuul(b"build:unit", false, data), Passed::Dropped, "{data:?}");
            let Passed::Instead(wrapped) = pass_to_zuul(b"build:unit", true, data) else {
                panic!("{data:?}")
            };
            assert!(is_object(&wrapped));
        }
    }

    #[test]
    fn zuul_z_1_other_trades_pass_untouched() {
        assert_eq!(pass_to_zuul(b"merger:merge", true, b"plain"), Passed::Unchanged);
    }
}
