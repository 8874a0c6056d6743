//! Dates and times, as YAML 1.1 has them.

use std::fmt::Write;

/// A date; with `clock`, a date with a time of day.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Timestamp {
    /// Year, month, day.
    pub date: (u16, u8, u8),
    /// The time of day, unless only a date was written.
    pub clock: Option<Clock>,
}

/// A time of day.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Clock {
    /// Hour, minute, second.
    pub time: (u8, u8, u8),
    /// Microseconds.
    pub micros: u32,
    /// Minutes east of UTC, when a zone was written.
    pub zone: Option<i32>,
}

impl Timestamp {
    /// `str()` of Python.
    pub fn text(&self) -> String {
        self.show(' ')
    }

    /// `isoformat()` of Python.
    pub fn iso(&self) -> String {
        self.show('T')
    }

    fn show(&self, between: char) -> String {
        let (year, month, day) = self.date;
        let mut out = format!("{year:04}-{month:02}-{day:02}");
        let Some(clock) = &self.clock else { return out };
        let (hour, minute, second) = clock.time;
        let _ = write!(out, "{between}{hour:02}:{minute:02}:{second:02}");
        if clock.micros > 0 {
            let _ = write!(out, ".{:06}", clock.micros);
        }
        if let Some(zone) = clock.zone {
            let sign = if zone < 0 { '-' } else { '+' };
            let zone = zone.abs();
            let _ = write!(out, "{sign}{:02}:{:02}", zone / 60, zone % 60);
        }
        out
    }

    /// `repr()` of Python.
    pub(crate) fn repr(&self) -> String {
        let (year, month, day) = self.date;
        let Some(clock) = &self.clock else {
            return format!("datetime.date({year}, {month}, {day})");
        };
        let (hour, minute, second) = clock.time;
        let mut out = format!("datetime.datetime({year}, {month}, {day}, {hour}, {minute}");
        if second > 0 || clock.micros > 0 {
            let _ = write!(out, ", {second}");
        }
        if clock.micros > 0 {
            let _ = write!(out, ", {}", clock.micros);
        }
        match clock.zone {
            Some(0) => out.push_str(", tzinfo=datetime.timezone.utc"),
            Some(zone) => {
                let (days, seconds) =
                    if zone < 0 { ("days=-1, ", 86_400 + zone * 60) } else { ("", zone * 60) };
                let _ =
                    write!(out, ", tzinfo=datetime.timezone(datetime.timedelta({days}seconds={seconds}))");
            }
            None => {}
        }
        out.push(')');
        out
    }
}
