//! Names that may become files of ours.

use std::path::PathBuf;

/// The longest path that Linux lets a program name, and the longest part of one.
const LONGEST_PATH: usize = 4_095;
const LONGEST_PART: usize = 255;

/// Why a name that a node told is not used (pools-D71).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameRefused {
    /// Bytes that are no UTF-8.
    #[error("its name is not UTF-8")]
    NotText,
    /// Absolute, or with a part `.`, `..` or without any letter.
    #[error("its name leads elsewhere")]
    Elsewhere,
    /// A control character.
    #[error("its name has a control character")]
    Control,
    /// Too long for a file of ours.
    #[error("its name is too long")]
    Long,
}

/// The name as a relative path below a directory of ours, if it may be one.
pub(super) fn checked(name: &[u8]) -> Result<&str, NameRefused> {
    let text = std::str::from_utf8(name).map_err(|_| NameRefused::NotText)?;
    if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(NameRefused::Elsewhere);
    }
    if text.chars().any(char::is_control) {
        return Err(NameRefused::Control);
    }
    if text.len() > LONGEST_PATH || text.split('/').any(|part| part.len() > LONGEST_PART) {
        return Err(NameRefused::Long);
    }
    Ok(text)
}

/// As [`checked`], below `directory`.
pub(super) fn below(directory: &std::path::Path, name: &str) -> Result<PathBuf, NameRefused> {
    checked(name.as_bytes()).map(|name| directory.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_d71_names_that_lead_elsewhere_are_refused() {
        for (name, why) in [
            (&b"/etc/passwd"[..], NameRefused::Elsewhere),
            (b"../x", NameRefused::Elsewhere),
            (b"a/../../x", NameRefused::Elsewhere),
            (b"a/./x", NameRefused::Elsewhere),
            (b"a//x", NameRefused::Elsewhere),
            (b"a/", NameRefused::Elsewhere),
            (b"", NameRefused::Elsewhere),
            (b"a\0b", NameRefused::Control),
            (b"a\nb", NameRefused::Control),
            (b"\xff", NameRefused::NotText),
        ] {
            assert_eq!(checked(name), Err(why), "{name:?}");
        }
        assert_eq!(checked("x".repeat(256).as_bytes()), Err(NameRefused::Long));
        assert!(checked("x/".repeat(3_000).as_bytes()).is_err());
        assert_eq!(checked("..a/b..c/ü ?".as_bytes()), Ok("..a/b..c/ü ?"));
    }
}
