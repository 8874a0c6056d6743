//! Times and durations in words.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::Millis;

/// A moment, for machines and for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// `2026-11-25T08:41:14Z`.
    pub iso: String,
    /// `25 Nov 2026, 08:41:14 UTC`.
    pub text: String,
    /// `08:41:14.123`.
    pub clock: String,
    /// `3 min ago`.
    pub ago: String,
}

impl Moment {
    /// The moment `at`, seen from `now`.
    pub(super) fn new(at: Millis, now: Millis) -> Moment {
        let stamp = Timestamp::from_millisecond(i64::try_from(at.0).unwrap_or(i64::MAX)).unwrap_or_default();
        Moment {
            iso: stamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            text: stamp.strftime("%-d %b %Y, %H:%M:%S UTC").to_string(),
            clock: stamp.strftime("%H:%M:%S%.3f").to_string(),
            ago: ago(now.since(at)),
        }
    }
}

/// `3 min ago`.
fn ago(elapsed: Duration) -> String {
    if elapsed < Duration::from_secs(2) { "just now".to_owned() } else { format!("{} ago", rough(elapsed)) }
}

/// The largest unit only: `3 min`, `2 h`, `5 days`.
fn rough(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Two units: `0.4 s`, `42 s`, `3 min 2 s`, `1 h 5 min`.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `17 B`, `4.0 KiB`, `10.2 MiB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units() {
        let words = [400, 42_000, 182_000, 3_900_000].map(|millis| span(Duration::from_millis(millis)));
        assert_eq!(words, ["0.4 s", "42 s", "3 min 2 s", "1 h 5 min"]);
    }

    #[test]
    fn moments_read_well() {
        let moment = Moment::new(Millis(1_795_256_881_569), Millis(1_795_256_881_569 + 200_000));
        assert_eq!(moment.iso, "2026-11-21T10:28:01Z");
        assert_eq!(moment.ago, "3 min ago");
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!([17, 4096, 10_700_000].map(size), ["17 B", "4.0 KiB", "10.2 MiB"]);
    }
}
