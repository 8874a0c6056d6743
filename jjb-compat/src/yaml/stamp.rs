//! Timestamps (rule jjb-J20).

use crate::node::{Clock, Timestamp};

/// True when plain text has the form of a date or of a date with a time.
pub(super) fn is_timestamp(text: &str) -> bool {
    parse(text).is_some()
}

/// The parts of a timestamp: the form is checked here, the ranges in [`in_range`].
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let mut rest = text;
    let (year, width) = number(&mut rest, 4, 4)?;
    debug_assert_eq!(width, 4);
    take(&mut rest, '-')?;
    let (month, month_width) = number(&mut rest, 1, 2)?;
    take(&mut rest, '-')?;
    let (day, day_width) = number(&mut rest, 1, 2)?;
    let date = (year as u16, month as u8, day as u8);
    if rest.is_empty() {
        // Alone, a date needs two digits for month and day.
        return (month_width == 2 && day_width == 2).then_some(Timestamp { date, clock: None });
    }
    if take(&mut rest, 'T').is_none() && take(&mut rest, 't').is_none() {
        blanks(&mut rest)?;
    }
    let (hour, _) = number(&mut rest, 1, 2)?;
    take(&mut rest, ':')?;
    let (minute, _) = number(&mut rest, 2, 2)?;
    take(&mut rest, ':')?;
    let (second, _) = number(&mut rest, 2, 2)?;
    let micros = if take(&mut rest, '.').is_some() { micros(&mut rest) } else { 0 };
    let zone = if rest.is_empty() { None } else { Some(zone(&mut rest)?) };
    rest.is_empty().then_some(Timestamp {
        date,
        clock: Some(Clock { time: (hour as u8, minute as u8, second as u8), micros, zone }),
    })
}

/// False for a month 13 and the like.
pub(super) fn in_range(stamp: &Timestamp) -> bool {
    let (year, month, day) = stamp.date;
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    let clock_fits = stamp.clock.as_ref().is_none_or(|clock| {
        let (hour, minute, second) = clock.time;
        hour < 24 && minute < 60 && second < 60 && clock.zone.is_none_or(|zone| zone.abs() < 24 * 60)
    });
    year > 0 && (1..=days).contains(&day) && clock_fits
}

fn take(rest: &mut &str, letter: char) -> Option<()> {
    *rest = rest.strip_prefix(letter)?;
    Some(())
}

fn blanks(rest: &mut &str) -> Option<()> {
    let trimmed = rest.trim_start_matches([' ', '\t']);
    let found = trimmed.len() < rest.len();
    *rest = trimmed;
    found.then_some(())
}

fn number(rest: &mut &str, least: usize, most: usize) -> Option<(u32, usize)> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let value = rest[..count].parse().ok()?;
    *rest = &rest[count..];
    Some((value, count))
}

/// A fraction of a second; digits beyond the sixth are dropped.
fn micros(rest: &mut &str) -> u32 {
    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
    let mut digits: String = rest[..count].chars().take(6).collect();
    while digits.len() < 6 {
        digits.push('0');
    }
    *rest = &rest[count..];
    digits.parse().unwrap_or(0)
}

/// Minutes east of UTC.
fn zone(rest: &mut &str) -> Option<i32> {
    let _ = blanks(rest);
    if take(rest, 'Z').is_some() {
        return Some(0);
    }
    let sign = if take(rest, '-').is_some() {
        -1
    } else {
        take(rest, '+')?;
        1
    };
    let (hours, _) = number(rest, 1, 2)?;
    let minutes = if take(rest, ':').is_some() { number(rest, 2, 2)?.0 } else { 0 };
    Some(sign * (hours as i32 * 60 + minutes as i32))
}
