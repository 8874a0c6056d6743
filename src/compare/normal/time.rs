//! Moments and durations.

use super::PLACEHOLDER;

pub(super) const TIME: &str = "\u{241a}time";
pub(super) const DURATION: &str = "\u{241a}duration";

const UNITS: [&str; 20] = [
    "ns",
    "us",
    "\u{b5}s",
    "ms",
    "s",
    "sec",
    "secs",
    "second",
    "seconds",
    "m",
    "min",
    "mins",
    "minute",
    "minutes",
    "h",
    "hour",
    "hours",
    "hr",
    "millis",
    "milliseconds",
];
const DATES: [&str; 25] = [
    "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
    "Sep", "Oct", "Nov", "Dec", "UTC", "GMT", "CET", "CEST", "AM", "PM",
];

/// The line behind the moment that each line may begin with (the `timestamps` wrapper, loggers).
pub(super) fn without_stamp(line: &str) -> &str {
    let mut rest = line;
    loop {
        let trimmed = rest.trim_start();
        let end = trimmed.find(char::is_whitespace).unwrap_or(trimmed.len());
        let word = trimmed[..end].trim_matches(|letter| "[](),".contains(letter)).trim_end_matches(':');
        // A date without a clock may be what a line is about, so only a clock or both together are a stamp.
        let stamp = word.contains(':') || (is_date(word) && next_is_clock(&trimmed[end..]));
        if !stamp || told(word).as_deref() != Some(TIME) {
            return rest;
        }
        rest = &trimmed[end..];
    }
}

fn next_is_clock(rest: &str) -> bool {
    rest.split_whitespace()
        .next()
        .is_some_and(|word| is_clock(word.trim_matches(|letter| "[](),".contains(letter))))
}

/// The placeholder, if the word is a moment or a duration.
pub(super) fn told(word: &str) -> Option<String> {
    if DATES.contains(&word) || is_clock(word) || is_date(word) || is_moment(word) {
        return Some(TIME.to_owned());
    }
    is_duration(word).then(|| DURATION.to_owned())
}

/// Whether a word turns the amount before it into a duration.
pub(super) fn is_unit(word: &str) -> bool {
    UNITS.contains(&word.trim_end_matches(['.', ',', ')', ';']))
}

fn digits(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `12:33`, `12:33:44`, `12:33:44.123`, with a zone or without.
fn is_clock(word: &str) -> bool {
    let word = word.trim_end_matches('Z');
    let word = word.split(['+', 'Z']).next().unwrap_or(word);
    let parts: Vec<&str> = word.split(':').collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return false };
    let seconds = last.split(['.', ',']).next().unwrap_or_default();
    (2..=3).contains(&parts.len())
        && digits(first, 1, 2)
        && parts[1..parts.len() - 1].iter().all(|part| digits(part, 2, 2))
        && digits(seconds, 2, 2)
        && last[seconds.len()..].bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b',')
}

/// `2026-11-25`, `2026/11/25`, `25/Nov/2026`.
fn is_date(word: &str) -> bool {
    let separator = if word.contains('/') { '/' } else { '-' };
    let parts: Vec<&str> = word.split(separator).collect();
    let [first, second, third] = parts[..] else { return false };
    (digits(first, 4, 4) && digits(second, 2, 2) && digits(third, 2, 2))
        || (digits(first, 2, 2) && DATES.contains(&second) && digits(third, 4, 4))
}

/// `2026-11-25T12:33:44Z`, `20261125T123344Z`.
fn is_moment(word: &str) -> bool {
    match word.split_once('T') {
        Some((date, clock)) if is_date(date) => is_clock(clock.split('-').next().unwrap_or(clock)),
        Some((date, clock)) => digits(date, 8, 8) && digits(clock.trim_end_matches('Z'), 6, 6),
        None => false,
    }
}

/// `1.5s`, `350ms`, `2m3.4s`, `1h05m`.
fn is_duration(word: &str) -> bool {
    let mut rest = word.trim_start_matches('~');
    let mut parts = 0;
    while !rest.is_empty() {
        let amount =
            rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
        let unit_end = rest[amount..]
            .find(|letter: char| letter.is_ascii_digit())
            .map_or(rest.len(), |length| amount + length);
        if amount == 0 || !UNITS.contains(&&rest[amount..unit_end]) {
            return false;
        }
        parts += 1;
        rest = &rest[unit_end..];
    }
    parts > 0 && !word.contains(PLACEHOLDER)
}
