//! A line of a log without what differs between any two runs: times, durations, addresses, numbers, places of files, names of the side
//! that it ran on.

mod number;
mod path;
mod time;

/// Begins whatever stands in for something that was taken out.
pub(super) const PLACEHOLDER: char = '\u{241a}';

/// What things are called on one side alone: its host, its workspace, its build's number and address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names(Vec<String>);

impl Names {
    /// These names; the longest are looked for first, and very short ones not at all.
    pub fn new(names: impl IntoIterator<Item = String>) -> Names {
        let mut names: Vec<String> = names.into_iter().filter(|name| name.len() >= SHORTEST_NAME).collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        Names(names)
    }
}

/// A shorter name would be found inside words.
const SHORTEST_NAME: usize = 4;

/// Lines that only one side writes, by how they begin.
const FRAME: [&str; 20] = [
    "Started by ",
    "Building remotely on ",
    "Building on ",
    "Building in workspace ",
    "Running as ",
    "Finished: ",
    "Runs on the Jenkins master ",
    "The job does not define these parameters there",
    "[EnvInject]",
    "[ws-cleanup]",
    "Build timed out (after ",
    "Build step '",
    "Archiving artifacts",
    "Recording test results",
    "Notifying upstream projects",
    "Triggering a new build of ",
    "Set build name",
    "Description set:",
    "[Pipeline]",
    "Causeway: ",
];

/// The line as it is compared; `None` for one that says nothing, or that belongs to one side's own frame.
pub(super) fn normal(line: &str, names: &Names) -> Option<String> {
    let mut text = without_escapes(line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default());
    let framed = |text: &str| {
        let text = text.trim_start();
        FRAME.iter().any(|start| text.starts_with(start))
            // How Jenkins announces a script: `[workspace] $ /bin/sh -xe /tmp/…`.
            || (text.starts_with('[') && text.contains("] $ "))
    };
    let bare = time::without_stamp(&text).to_owned();
    if bare.trim().is_empty() || framed(&bare) {
        return None;
    }
    text = bare;
    for name in &names.0 {
        if text.contains(name.as_str()) {
            text = text.replace(name.as_str(), &format!("{PLACEHOLDER}here"));
        }
    }
    let exact = number::matters(&text);
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = word_of(word, exact);
        // `12 seconds` is a duration like `12s`; a date is told in many words.
        let unit = time::is_unit(&word) && words.last().is_some_and(|last| number::is_amount(last));
        if unit {
            words.pop();
        }
        let word = if unit { time::DURATION.to_owned() } else { word };
        let again = word == time::TIME && words.last().is_some_and(|last| last == time::TIME);
        let day = word == time::TIME
            && words.last().is_some_and(|last| number::is_amount(last))
            && words.len() > 1
            && words[words.len() - 2] == time::TIME;
        if day {
            words.pop();
        } else if !again {
            words.push(word);
        }
    }
    Some(words.join(" "))
}

/// One word; what surrounds it stays, and both sides of an equals sign are words of their own.
fn word_of(word: &str, exact: bool) -> String {
    let is_around = |letter: char| "()[]{}<>,;\"'`".contains(letter);
    let inner = word.trim_matches(is_around).trim_end_matches(['.', ':', '!', '?']);
    if inner.is_empty() {
        return word.to_owned();
    }
    let start = word.find(inner).unwrap_or(0);
    let (before, after) = (&word[..start], &word[start + inner.len()..]);
    let middle = match inner.split_once('=') {
        Some((name, value)) if !inner.contains("://") => format!("{name}={}", part(value, exact)),
        _ => part(inner, exact),
    };
    format!("{before}{middle}{after}")
}

fn part(text: &str, exact: bool) -> String {
    time::told(text)
        .or_else(|| number::identity(text))
        .or_else(|| path::shortened(text, exact))
        .unwrap_or_else(|| number::without(text, exact))
}

/// Without colours and cursor movements.
fn without_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\u{1b}' {
            out.push(letter);
            continue;
        }
        if letters.next() == Some('[') {
            // Ends with the first letter in this range (ECMA-48).
            letters.by_ref().find(|letter| ('@'..='~').contains(letter));
        }
    }
    out
}
