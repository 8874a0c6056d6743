//! The verdict over two sides.

use std::fmt;
use std::time::Duration;

use super::seen::Seen;
use super::{artifacts, logs, tests_told};
use crate::model::ResultWord;

/// Shorter differences in duration are the weather of two machines.
const SLOWER_BY: Duration = Duration::from_secs(60);
/// A side that takes so many times as long behaves differently.
const SLOWER_TIMES: u32 = 3;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The result.
    Result,
    /// The tests.
    Tests,
    /// The artifacts.
    Artifacts,
    /// The log.
    Log,
    /// How long it took.
    Duration,
}

impl Part {
    /// All parts, the weightiest first.
    pub const ALL: [Part; 5] = [Part::Result, Part::Tests, Part::Artifacts, Part::Log, Part::Duration];

    /// The word in reports and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Part::Result => "result",
            Part::Tests => "tests",
            Part::Artifacts => "artifacts",
            Part::Log => "log",
            Part::Duration => "duration",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// In what.
    pub part: Part,
    /// Where: a test, a file, a line; empty for the whole.
    pub place: String,
    /// What the master has.
    pub master: String,
    /// What we have.
    pub ours: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { part, place, master, ours } = self;
        let place = if place.is_empty() { String::new() } else { format!(" ({place})") };
        write!(formatter, "{}{place}: {master} on the master, {ours} here", part.as_str())
    }
}

/// What became of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The job behaves the same.
    Same,
    /// It does not.
    Differs(Vec<Difference>),
    /// It differs, and so does the master from itself for the same change.
    Flaky(String),
    /// There is nothing to compare.
    NotComparable(String),
}

impl Verdict {
    /// The word in reports and in the store.
    pub fn as_str(&self) -> &'static str {
        match self {
            Verdict::Same => "same",
            Verdict::Differs(_) => "differs",
            Verdict::Flaky(_) => "flaky",
            Verdict::NotComparable(_) => "not-comparable",
        }
    }

    /// What is behind the word, on one line; empty for what is the same.
    pub fn why(&self) -> String {
        match self {
            Verdict::Same => String::new(),
            Verdict::Differs(differences) => {
                differences.iter().map(Difference::to_string).collect::<Vec<_>>().join("; ")
            }
            Verdict::Flaky(why) | Verdict::NotComparable(why) => why.clone(),
        }
    }
}

/// Compares what the master's build left behind with what ours did. `others` are the results of the master's other builds of the same
/// job and change: where they disagree among themselves, a difference in the result says nothing about us.
pub fn judge(master: &Seen, ours: &Seen, others: &[ResultWord]) -> Verdict {
    for (side, seen) in [("the master's build", master), ("the shadow build", ours)] {
        if let Some(why) = useless(seen) {
            return Verdict::NotComparable(format!("{side} {why}"));
        }
    }
    let mut differences = Vec::new();
    if master.result != ours.result {
        let word = |seen: &Seen| seen.result.map_or("none", ResultWord::as_str).to_owned();
        if let Some(flips) = flips(master, others) {
            return Verdict::Flaky(format!(
                "the master itself had {flips} for this change; here it was {}",
                word(ours)
            ));
        }
        let (master, ours) = (word(master), word(ours));
        differences.push(Difference { part: Part::Result, place: String::new(), master, ours });
    }
    if let (Some(master), Some(ours)) = (&master.tests, &ours.tests) {
        differences.extend(tests_told::compare(master, ours));
    }
    if let (Some(master), Some(ours)) = (&master.artifacts, &ours.artifacts) {
        differences.extend(artifacts::compare(master, ours));
    }
    if let (Some(left), Some(right)) = (&master.log, &ours.log) {
        differences.extend(logs::compare((left, &master.names), (right, &ours.names)));
    }
    differences.extend(duration(master.lasted, ours.lasted));
    if differences.is_empty() { Verdict::Same } else { Verdict::Differs(differences) }
}

fn useless(seen: &Seen) -> Option<String> {
    if let Some(why) = &seen.useless {
        return Some(why.clone());
    }
    match seen.result {
        None => Some("came to no end of its own".to_owned()),
        Some(ResultWord::Aborted) => Some("was stopped".to_owned()),
        Some(_) => None,
    }
}

/// The different results that the master had, if it disagrees with itself.
fn flips(master: &Seen, others: &[ResultWord]) -> Option<String> {
    let mut words: Vec<&str> = others.iter().chain(&master.result).map(|result| result.as_str()).collect();
    words.sort_unstable();
    words.dedup();
    (words.len() > 1).then(|| words.join(" and "))
}

/// A machine may be slower; a job that takes many times as long does something else.
fn duration(master: Option<Duration>, ours: Option<Duration>) -> Option<Difference> {
    let (master, ours) = (master?, ours?);
    let (short, long) = (master.min(ours), master.max(ours));
    let counts = long > short * SLOWER_TIMES && long > short + SLOWER_BY;
    let seconds = |time: Duration| format!("{} s", time.as_secs());
    counts.then(|| Difference {
        part: Part::Duration,
        place: String::new(),
        master: seconds(master),
        ours: seconds(ours),
    })
}
