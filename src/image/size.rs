//! Sizes as the docker client reads them: `64m`.

/// A size in bytes: a whole number and `b`, `k`, `m` or `g` (docker-M3); `None` for anything else.
pub fn bytes_of(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor: u64 = match &text[digits.len()..] {
        "" | "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        "g" | "gb" => 1 << 30,
        _ => return None,
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse::<u64>().ok().filter(|_| plain)?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_m3_sizes() {
        for (text, want) in [
            ("64m", Some(64 << 20)),
            ("1G", Some(1 << 30)),
            ("100", Some(100)),
            ("memory=L<inf, memory-swap=inf", None),
            ("", None),
            ("-1", None),
            ("99999999999g", None),
        ] {
            assert_eq!(bytes_of(text), want, "{text}");
        }
    }
}
