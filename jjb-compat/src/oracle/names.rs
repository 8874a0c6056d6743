//! Folder names for jobs.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The folder of a job or view: `%`, `/`, `\`, NUL, line breaks and a leading `.` are written as `%XX`; a name over
/// 200 bytes is cut and ends in `~` and a part of its hash.
pub fn safe_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.chars() {
        if matches!(letter, '%' | '/' | '\\' | '\0' | '\n' | '\r') || (letter == '.' && out.is_empty()) {
            let _ = write!(out, "%{:02X}", letter as u32);
        } else {
            out.push(letter);
        }
    }
    if out.is_empty() {
        return "%00".into();
    }
    if out.len() <= 200 {
        return out;
    }
    let mut short: String = out.chars().take(150).collect();
    short.push('~');
    for byte in Sha256::digest(name.as_bytes()).iter().take(8) {
        let _ = write!(short, "{byte:02x}");
    }
    short
}
