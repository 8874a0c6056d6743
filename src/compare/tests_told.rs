//! Tests: totals, then the names of those that differ.

use super::seen::TestsSeen;
use super::verdict::{Difference, Part};

/// Tests that are named; more of them are only counted.
const NAMED_MAX: usize = 20;

pub(super) fn compare(master: &TestsSeen, ours: &TestsSeen) -> Vec<Difference> {
    let mut differences = Vec::new();
    if master.totals != ours.totals {
        let text = |seen: &TestsSeen| {
            let (passed, failed, skipped) = seen.totals;
            format!("{passed} passed, {failed} failed, {skipped} left out")
        };
        differences.push(difference("totals".to_owned(), text(master), text(ours)));
    }
    let names = master.cases.keys().chain(ours.cases.keys().filter(|name| !master.cases.contains_key(*name)));
    let mut more = 0;
    for name in names {
        let (left, right) = (master.cases.get(name), ours.cases.get(name));
        if left == right {
            continue;
        }
        if differences.len() > NAMED_MAX {
            more += 1;
            continue;
        }
        let word = |status: Option<&String>| status.cloned().unwrap_or_else(|| "not there".to_owned());
        differences.push(difference(name.clone(), word(left), word(right)));
    }
    if let (1.., Some(last)) = (more, differences.last_mut()) {
        last.place.push_str(&format!(", and {more} more tests"));
    }
    differences
}

fn difference(place: String, master: String, ours: String) -> Difference {
    Difference { part: Part::Tests, place, master, ours }
}
