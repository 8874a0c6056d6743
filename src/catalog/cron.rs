//! Times at which jobs start by the clock, as Jenkins writes them (jjb 23 `timed`): lines of five fields, with `H` for a value that
//! is the job's own, so that not all jobs start in the same minute.
//!
//! As in Jenkins, and unlike in cron, a day has to fit both its fields. Which value `H` stands for is made of the job's name here
//! as well, but is not the one that Jenkins makes of it.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

/// Who has started a build that the clock starts, in Jenkins' words.
pub const STARTED_BY_CLOCK: &str = "timer";

/// The fields, with their smallest and largest values, and the largest one for `H`.
const FIELDS: [(&str, u32, u32, u32); 5] = [
    ("minute", 0, 59, 59),
    ("hour", 0, 23, 23),
    // Every month has that day.
    ("day of the month", 1, 31, 28),
    ("month", 1, 12, 12),
    // 7 is Sunday as well.
    ("day of the week", 0, 7, 6),
];

/// Words for whole lines.
const ALIASES: &[(&str, &str)] = &[
    ("@yearly", "H H H H *"),
    ("@annually", "H H H H *"),
    ("@monthly", "H H H * *"),
    ("@weekly", "H H * * H"),
    ("@daily", "H H * * *"),
    ("@midnight", "H H(0-2) * * *"),
    ("@hourly", "H * * * *"),
];

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct CronError {
    /// Which, from 1.
    pub line: usize,
    /// Why.
    pub reason: String,
}

/// A minute of a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minute {
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 1 to 31.
    pub day: u32,
    /// 1 to 12.
    pub month: u32,
    /// 0 (Sunday) to 6.
    pub weekday: u32,
}

impl Minute {
    /// The minute of that moment (milliseconds since 1970) in a time zone; `None` beyond any calendar.
    pub fn of(millis: u64, zone: TimeZone) -> Option<Minute> {
        let at = Timestamp::from_millisecond(i64::try_from(millis).ok()?).ok()?.to_zoned_datetime(zone);
        let positive = |value: i8| u32::try_from(value).unwrap_or_default();
        Some(Minute {
            minute: positive(at.minute()),
            hour: positive(at.hour()),
            day: positive(at.day()),
            month: positive(at.month()),
            weekday: positive(at.weekday().to_sunday_zero_offset()),
        })
    }
}

/// Times of one job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cron {
    lines: Vec<[u64; 5]>,
    /// The time zone (`TZ=…`); none: the server's.
    pub zone: Option<String>,
    /// Whether some value is the job's own.
    pub hashed: bool,
}

impl Cron {
    /// Reads the lines of one job.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn read(text: &str, job: &str) -> Result<Cron, CronError> {
        let mut cron = Cron::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            let wrong = |reason| CronError { line: index + 1, reason };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(zone) = line.strip_prefix("TZ=") {
                if !cron.lines.is_empty() || cron.zone.is_some() {
                    return Err(wrong("a time zone stands in the first line".to_owned()));
                }
                cron.zone = Some(zone.trim().to_owned());
                continue;
            }
            let whole = ALIASES.iter().find(|(alias, _)| *alias == line).map_or(line, |(_, whole)| *whole);
            let words: Vec<&str> = whole.split_whitespace().collect();
            let Ok(words) = <[&str; 5]>::try_from(words) else {
                return Err(wrong(format!("'{line}' is no alias and has not five fields")));
            };
            let mut fields = [0; 5];
            for (at, word) in words.into_iter().enumerate() {
                cron.hashed |= word.contains('H');
                fields[at] = field(word, at, &format!("{job} {index} {at}")).map_err(wrong)?;
            }
            if fields[4] & (1 << 7) != 0 {
                fields[4] |= 1;
            }
            cron.lines.push(fields);
        }
        Ok(cron)
    }

    /// Whether the job starts in this minute.
    pub fn has(&self, at: Minute) -> bool {
        let values = [at.minute, at.hour, at.day, at.month, at.weekday];
        self.lines.iter().any(|line| line.iter().zip(values).all(|(field, value)| field & (1 << value) != 0))
    }
}

/// The values of one field, a bit each.
fn field(text: &str, at: usize, seed: &str) -> Result<u64, String> {
    text.split(',').try_fold(0, |all, part| Ok(all | range(part, at, seed)?))
}

fn range(text: &str, at: usize, seed: &str) -> Result<u64, String> {
    let (name, least, most, most_hashed) = FIELDS[at];
    let wrong = || format!("'{text}' is no {name}");
    let (range, step) = match text.split_once('/') {
        Some((range, step)) => (range, Some(step.parse::<u32>().map_err(|_| wrong())?)),
        None => (text, None),
    };
    if step == Some(0) {
        return Err(format!("'{text}' has steps of nothing"));
    }
    let bounds = |text: &str| -> Result<(u32, u32), String> {
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let (from, to) = (from.parse::<u32>().map_err(|_| wrong())?, to.parse::<u32>().map_err(|_| wrong())?);
        let fits = least <= from && from <= to && to <= most;
        fits.then_some((from, to))
            .ok_or_else(|| format!("'{text}' is not within {least} and {most} ({name})"))
    };
    if let Some(inner) = range.strip_prefix('H') {
        let (from, to) = match inner.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
            Some(inner) => bounds(inner)?,
            None if inner.is_empty() => (least, most_hashed),
            None => return Err(wrong()),
        };
        let of = |count: u32| from + hash(seed) % count.max(1);
        return Ok(match step {
            Some(step) => bits(of(step.min(to - from + 1)), to, step),
            None => 1 << of(to - from + 1),
        });
    }
    let (from, to) = match range {
        "*" => (least, most),
        other => bounds(other)?,
    };
    // `5/10` is only 5, as in Jenkins.
    Ok(bits(from, to, step.unwrap_or(1)))
}

fn bits(from: u32, to: u32, step: u32) -> u64 {
    (from..=to).step_by(step as usize).fold(0, |bits, value| bits | 1 << value)
}

fn hash(seed: &str) -> u32 {
    let digest = Sha256::digest(seed);
    digest.iter().take(4).fold(0, |bits, byte| bits << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All values that a field of the first line has.
    fn values(text: &str, at: usize) -> Vec<u32> {
        let cron = Cron::read(text, "job").unwrap();
        (0..60).filter(|value| cron.lines[0][at] & (1 << value) != 0).collect()
    }

    #[test]
    fn jjb_23_fields_are_read_as_jenkins_reads_them() {
        assert_eq!(values("*/15 * * * *", 0), [0, 15, 30, 45]);
        assert_eq!(values("1,5-7,20-40/10 * * * *", 0), [1, 5, 6, 7, 20, 30, 40]);
        assert_eq!(values("0 3,9,15,21 * * *", 1), [3, 9, 15, 21]);
        assert_eq!(values("0 0 * * 7", 4), [0, 7]);
        assert_eq!(values("# note\n\n0 0 * */6 *", 3), [1, 7]);
        for (text, at, count, least, most) in [
            ("H * * * *", 0, 1, 0, 59),
            ("H(10-12) * * * *", 0, 1, 10, 12),
            ("H/15 * * * *", 0, 4, 0, 59),
            ("H(0-29)/10 * * * *", 0, 3, 0, 29),
            ("0 0 H * *", 2, 1, 1, 28),
            ("@daily", 1, 1, 0, 23),
            ("@midnight", 1, 1, 0, 2),
            ("@weekly", 4, 1, 0, 6),
        ] {
            let values = values(text, at);
            assert_eq!(values.len(), count, "{text}: {values:?}");
            assert!(values.iter().all(|value| (least..=most).contains(value)), "{text}: {values:?}");
        }
        let [one, other] = ["a", "b"].map(|job| Cron::read("H H * * *", job).unwrap());
        assert!(one != other && one == Cron::read("H H * * *", "a").unwrap() && one.hashed);
    }

    #[test]
    fn jjb_23_what_cannot_be_read_is_said() {
        for (text, line, reason) in [
            ("\n* * * *", 2, "has not five fields"),
            ("@sometimes", 1, "is no alias"),
            ("60 * * * *", 1, "'60' is not within 0 and 59 (minute)"),
            ("* * 0 * *", 1, "(day of the month)"),
            ("5-1 * * * *", 1, "not within"),
            ("*/0 * * * *", 1, "steps of nothing"),
            ("x * * * *", 1, "'x' is no minute"),
            ("Hx * * * *", 1, "is no minute"),
            ("0 0 * * *\nTZ=UTC", 2, "first line"),
        ] {
            let error = Cron::read(text, "job").unwrap_err();
            assert!(error.line == line && error.reason.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn jjb_23_a_day_fits_both_its_fields() {
        let cron = Cron::read("TZ=Europe/Berlin\n30 9 13 * 5\n0 0 1 1 *", "job").unwrap();
        assert_eq!(cron.zone.as_deref(), Some("Europe/Berlin"));
        let at = |day, weekday| Minute { minute: 30, hour: 9, day, month: 2, weekday };
        assert!(cron.has(at(13, 5)) && !cron.has(at(13, 4)) && !cron.has(at(12, 5)));
        assert!(cron.has(Minute { minute: 0, hour: 0, day: 1, month: 1, weekday: 3 }));
    }
}
