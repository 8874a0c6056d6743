//! Logs: the first line that one side has and the other has not, after what differs between any two runs was taken out.

use std::collections::HashMap;

use super::normal::{Names, PLACEHOLDER, normal};
use super::verdict::{Difference, Part};

/// Bytes of a log that are compared: of a longer one the end counts, where the result is.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// Letters of a line that a difference shows.
const SHOWN_MAX: usize = 300;

/// A line: its number, the text as it was, and what it is compared by.
struct Line<'a> {
    number: usize,
    text: &'a str,
    normal: String,
}

/// The first real difference. The order of lines is none: what runs side by side writes in any order.
pub(super) fn compare(master: (&str, &Names), ours: (&str, &Names)) -> Option<Difference> {
    let (left, right) = (lines(master.0, master.1), lines(ours.0, ours.1));
    let only_left = first_only(&left, &right);
    let only_right = first_only(&right, &left);
    let shown = |line: Option<&Line<'_>>| {
        line.map_or_else(|| "no such line".to_owned(), |line| format!("\u{201c}{}\u{201d}", cut(line.text)))
    };
    let place = match (only_left, only_right) {
        (None, None) => return None,
        (Some(line), None) => format!("line {} of the master's", line.number),
        (None, Some(line)) => format!("line {} of ours", line.number),
        (Some(left), Some(right)) => {
            format!("line {} of the master's, {} of ours", left.number, right.number)
        }
    };
    let (master, ours) = (shown(only_left), shown(only_right));
    Some(Difference { part: Part::Log, place, master, ours })
}

fn lines<'a>(log: &'a str, names: &Names) -> Vec<Line<'a>> {
    let log = &log[log.ceil_char_boundary(log.len().saturating_sub(BYTES_MAX))..];
    let lines = log.split('\n').zip(1..);
    let line = |(text, number)| {
        let normal = normal(text, names)?;
        Some(Line { number, text, normal })
    };
    lines.filter_map(line).collect()
}

/// The first line that `here` has more often than `there`. A line with something taken out may be a progress that is told any number
/// of times; of such a line it only counts whether it is there.
fn first_only<'a, 'b>(here: &'a [Line<'b>], there: &[Line<'_>]) -> Option<&'a Line<'b>> {
    let mut left: HashMap<&str, usize> = HashMap::new();
    for line in there {
        *left.entry(&line.normal).or_default() += 1;
    }
    here.iter().find(|line| match left.get_mut(line.normal.as_str()) {
        Some(_) if line.normal.contains(PLACEHOLDER) => false,
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        Some(_) | None => true,
    })
}

fn cut(text: &str) -> String {
    let text = text.trim();
    if text.chars().count() <= SHOWN_MAX {
        return text.to_owned();
    }
    format!("{}\u{2026}", text.chars().take(SHOWN_MAX).collect::<String>())
}
