//! The forms in which a secret shows itself in a log.

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Lines of a secret that are shorter are no secret by themselves: the bracket that ends a JSON key would blank half a log.
const LINE_MIN: usize = 4;
/// Encoded pieces that are shorter stand in every log.
const ENCODED_MIN: usize = 6;
/// Patterns are cut to this length, so that no more than this is ever held back.
const PATTERN_MAX: usize = 512;
/// Bytes that `base64` and `openssl base64` put into a line.
const BASE64_LINES: [usize; 2] = [57, 48];
/// Both alphabets: the usual one, and that for URLs. Without signs at the end, which hold nothing of the secret.
const ALPHABETS: [GeneralPurpose; 2] = [STANDARD_NO_PAD, URL_SAFE_NO_PAD];
/// What encoders of URLs leave as it is beside letters and digits: the standard, Python, `encodeURIComponent`, forms.
const LEFT_IN_URLS: [&[u8]; 4] = [b"-_.~", b"-_.~/", b"-_.!~*'()", b"-_.*"];

/// All patterns for one secret.
pub(super) fn of(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    let lines: Vec<&[u8]> = secret.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end).collect();
    match lines[..] {
        [line] if line.len() == secret.len() => texts(line, &mut forms),
        [line] => {
            // A blank at its end may get lost in a log.
            texts(line, &mut forms);
            texts(secret, &mut forms);
        }
        _ => {
            let long = lines.iter().filter(|line| line.trim_ascii_start().len() >= LINE_MIN);
            long.for_each(|line| texts(line.trim_ascii_start(), &mut forms));
        }
    }
    base64(secret, &mut forms);
    forms.retain(|form| !form.is_empty());
    forms.sort_unstable();
    forms.dedup();
    forms.iter().flat_map(|form| pieces(form)).collect()
}

/// A long pattern as several that cover it together.
fn pieces(form: &[u8]) -> Vec<Vec<u8>> {
    if form.len() <= PATTERN_MAX {
        return vec![form.to_vec()];
    }
    let mut pieces: Vec<Vec<u8>> = form.chunks_exact(PATTERN_MAX).map(<[u8]>::to_vec).collect();
    pieces.push(form[form.len() - PATTERN_MAX..].to_vec());
    pieces
}

/// One line, in plain and as programs write it.
fn texts(line: &[u8], forms: &mut Vec<Vec<u8>>) {
    forms.push(line.to_vec());
    forms.extend(shell(line));
    for left in LEFT_IN_URLS {
        forms.push(percent(line, left, b"0123456789ABCDEF"));
        forms.push(percent(line, left, b"0123456789abcdef"));
    }
    forms.push(replaced(line, &[(b'"', b"\\\""), (b'\\', b"\\\\"), (b'\t', b"\\t")]));
    forms.push(replaced(line, &[(b'"', b"\\\""), (b'\\', b"\\\\"), (b'\t', b"\\t"), (b'/', b"\\/")]));
    let xml: [(u8, &[u8]); 3] = [(b'&', b"&amp;"), (b'<', b"&lt;"), (b'>', b"&gt;")];
    forms.push(replaced(line, &xml));
    forms.push(replaced(line, &[&xml[..], &[(b'"', b"&quot;"), (b'\'', b"&#39;")]].concat()));
    forms.push(replaced(line, &[&xml[..], &[(b'"', b"&#34;"), (b'\'', b"&#x27;")]].concat()));
}

/// As shells show an argument: `set -x` of bash, of dash, and `printf %q`.
fn shell(line: &[u8]) -> [Vec<u8>; 4] {
    let special = |byte: u8| !byte.is_ascii_alphanumeric() && !b"%+-./:=@_".contains(&byte) && byte < 128;
    let escaped = line.iter().flat_map(|byte| {
        let slash: &[u8] = if special(*byte) { b"\\" } else { b"" };
        slash.iter().copied().chain([*byte])
    });
    [
        replaced(line, &[(b'\'', b"'\\''")]),
        replaced(line, &[(b'\'', b"'\"'\"'")]),
        // As `$'…'`.
        replaced(line, &[(b'\'', b"\\'"), (b'\\', b"\\\\"), (b'\t', b"\\t")]),
        escaped.collect(),
    ]
}

fn replaced(text: &[u8], by: &[(u8, &[u8])]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match by.iter().find(|(from, _)| from == byte) {
            Some((_, to)) => out.extend_from_slice(to),
            None => out.push(*byte),
        }
    }
    out
}

/// As a part of a URL; the encoding of forms has a sign of its own for a blank.
fn percent(text: &[u8], left: &[u8], digits: &[u8; 16]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if byte.is_ascii_alphanumeric() || left.contains(byte) {
            out.push(*byte);
        } else if *byte == b' ' && !left.contains(&b'~') {
            out.push(b'+');
        } else {
            out.extend([b'%', digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]);
        }
    }
    out
}

/// Base64 of a text that holds the secret: behind any number of other bytes, without the letters that those share.
fn base64(secret: &[u8], forms: &mut Vec<Vec<u8>>) {
    for alphabet in ALPHABETS {
        for before in 0..3 {
            let padded = [&[0; 2][..before], secret, &[0; 2]].concat();
            let letters = alphabet.encode(&padded).into_bytes();
            let own = (before * 8).div_ceil(6)..(before + secret.len()) * 8 / 6;
            let own = letters[own].to_vec();
            if own.len() >= ENCODED_MIN || (before == 0 && secret.len() >= LINE_MIN) {
                forms.push(own);
            }
        }
        // Broken into lines, each is a pattern.
        for bytes in BASE64_LINES.into_iter().filter(|bytes| secret.len() > *bytes) {
            forms.extend(
                secret
                    .chunks(bytes)
                    .map(|line| alphabet.encode(line).into_bytes())
                    .filter(|line| line.len() >= ENCODED_MIN),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(secret: &str, form: &str) -> bool {
        of(secret.as_bytes()).iter().any(|known| known == form.as_bytes())
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        assert!(has(">>?foo~~?bar", "Pj4/Zm9vfn4/YmFy") && has(">>?foo~~?bar", "Pj4_Zm9vfn4_YmFy"));
        // `a:secret` and `ab:secret`, as Basic authentication has them: YTpzZWNyZXQ= and YWI6c2VjcmV0.
        assert!(has("secret", "zZWNyZX") || has("secret", "NlY3JldA") || has("secret", "zZWNyZXQ"));
        assert!(has("secret", "c2VjcmV0"));
    }

    #[test]
    fn encodings_that_logs_show() {
        for (secret, form) in [
            ("it's a/b", "it'\\''s a/b"),
            ("it's a/b", "it\\'s\\ a/b"),
            ("it's a/b", "it%27s%20a%2Fb"),
            ("it's a/b", "it%27s+a%2fb"),
            ("a\"b\\c<d", "a\\\"b\\\\c<d"),
            ("a\"b\\c<d", "a&quot;b\\c&lt;d"),
        ] {
            assert!(has(secret, form), "{form}");
        }
    }

    #[test]
    fn each_line_of_a_long_secret_is_one() {
        let secret = "{\n  \"key\": \"abc\"\n}\n";
        assert!(has(secret, "\"key\": \"abc\""));
        assert!(!has(secret, "{") && !has(secret, "}"));
    }

    #[test]
    fn a_very_long_line_is_covered_by_pieces() {
        let secret: Vec<u8> = (0..5_000u32).map(|at| b'a' + (at * at % 23) as u8).collect();
        assert!(of(&secret).iter().all(|form| form.len() <= PATTERN_MAX));
    }
}
