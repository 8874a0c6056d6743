//! Reading a mapping of settings: every key is known, every value fits, and all that does not is reported at once.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use super::tree::{At, Key, Node, Value};
use super::value::Setting;
use crate::model::{Position, Problem};

/// Where problems of one file are gathered.
pub(super) struct Report<'a> {
    file: &'a Path,
    text: &'a str,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Report<'a> {
        Report { file, text, problems: RefCell::default() }
    }

    /// Adds a problem with its place and its line.
    pub(super) fn add(&self, at: At, problem: Problem) {
        self.add_line(at, problem, true);
    }

    /// Adds a problem, with its line unless a secret may stand in it.
    fn add_line(&self, at: At, problem: Problem, shown: bool) {
        let line = usize::try_from(at.line).ok().filter(|_| shown).unwrap_or(0);
        let excerpt = line.checked_sub(1).and_then(|index| self.text.lines().nth(index)).map(str::to_owned);
        let file = self.file.display().to_string();
        let position = Some(Position { file, line: at.line, column: at.column });
        self.problems.borrow_mut().push(Problem { position, excerpt, ..problem });
    }

    /// A path that was written in the file: relative ones count from the file's own directory.
    pub(super) fn path(&self, path: PathBuf) -> PathBuf {
        match self.file.parent() {
            Some(folder) => folder.join(path),
            None => path,
        }
    }

    /// All problems, in the order of the file.
    pub(super) fn finish(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.position.as_ref().map(|place| (place.line, place.column)));
        problems
    }
}

/// A mapping of settings that is being read. A section that is absent reads as an empty one.
pub(super) struct Section<'a> {
    report: &'a Report<'a>,
    /// Its name in messages: `gearman`, `pools[0].labels[1]`.
    path: String,
    at: At,
    entries: &'a [(Key, Node)],
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// Opens a value that should be a mapping.
    pub(super) fn open(report: &'a Report<'a>, node: &'a Node, path: String) -> Section<'a> {
        let entries: &[(Key, Node)] = match &node.value {
            Value::Map(entries) => entries,
            Value::Null => &[],
            Value::Scalar { .. } | Value::List(_) => {
                let name = if path.is_empty() { "the configuration" } else { &path };
                let message = format!("'{name}' is {}, where a mapping of settings is expected", node.kind());
                report.add(node.at, Problem::error("wrong-type", message).cure("write 'key: value' lines"));
                &[]
            }
        };
        Section { report, path, at: node.at, entries, known: Vec::new() }
    }

    /// Where the section begins.
    pub(super) fn at(&self) -> At {
        self.at
    }

    /// The report that it writes to.
    pub(super) fn report(&self) -> &'a Report<'a> {
        self.report
    }

    /// The full name of a key.
    pub(super) fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value of a key as it was written.
    pub(super) fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        self.entries.iter().find(|(written, _)| written.text == key).map(|(_, node)| node)
    }

    /// The value of a key, checked.
    pub(super) fn get<T: Setting>(&mut self, key: &'static str) -> Option<T> {
        let node = self.node(key)?;
        self.value(node, &self.name(key))
    }

    /// The value of a key, or the default.
    pub(super) fn or<T: Setting>(&mut self, key: &'static str, default: T) -> T {
        self.get(key).unwrap_or(default)
    }

    /// The value of a key, or the default; one outside the bounds is a problem.
    pub(super) fn bounded<T>(&mut self, key: &'static str, default: T, least: T, most: T) -> T
    where
        T: Setting + PartialOrd + Copy + std::fmt::Debug,
    {
        let Some(value) = self.get(key) else {
            return default;
        };
        if value < least || value > most {
            let message = format!("'{}' is out of bounds", self.name(key));
            let at = self.place(key);
            let cure = format!("write a value from {least:?} to {most:?}");
            self.report.add(at, Problem::error("out-of-bounds", message).cure(cure));
            return default;
        }
        value
    }

    /// The value of a key that must be there.
    pub(super) fn need<T: Setting>(&mut self, key: &'static str, why: &str) -> Option<T> {
        if self.node(key).is_none() {
            let message = format!("'{}' is missing", self.name(key));
            let problem =
                Problem::error("missing-key", message).because(why).cure(format!("add '{key}: …' here"));
            self.report.add(self.at, problem);
            return None;
        }
        self.get(key)
    }

    /// One of a few words, or the default.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)], default: T) -> T {
        let Some(text) = self.get::<String>(key) else {
            return default;
        };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => *value,
            None => {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                let message = format!("'{text}' is no value of '{}'", self.name(key));
                let cure = format!("write one of: {}", known.join(", "));
                self.report.add(self.place(key), Problem::error("unknown-word", message).cure(cure));
                default
            }
        }
    }

    /// A path, counted from the file's directory when it is relative.
    pub(super) fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        let path = self.get::<PathBuf>(key)?;
        Some(self.report.path(path))
    }

    /// A mapping inside this one; absent: an empty one at this place.
    pub(super) fn section(&mut self, key: &'static str) -> Section<'a> {
        let path = self.name(key);
        match self.node(key) {
            Some(node) => Section::open(self.report, node, path),
            None => Section { report: self.report, path, at: self.at, entries: &[], known: Vec::new() },
        }
    }

    /// The items of a list; a single value is a list of one.
    pub(super) fn items(&mut self, key: &'static str) -> &'a [Node] {
        match self.node(key) {
            None => &[],
            Some(node) => match &node.value {
                Value::List(items) => items,
                Value::Null => &[],
                Value::Scalar { .. } | Value::Map(_) => std::slice::from_ref(node),
            },
        }
    }

    /// A list of checked values.
    pub(super) fn list<T: Setting>(&mut self, key: &'static str) -> Vec<T> {
        let name = self.name(key);
        let items = self.items(key).iter().enumerate();
        items.filter_map(|(index, node)| self.value(node, &format!("{name}[{index}]"))).collect()
    }

    /// A list of checked values with their places.
    pub(super) fn placed<T: Setting>(&mut self, key: &'static str) -> Vec<(At, T)> {
        let name = self.name(key);
        let items = self.items(key).iter().enumerate();
        let read =
            |(index, node): (usize, &Node)| Some((node.at, self.value(node, &format!("{name}[{index}]"))?));
        items.filter_map(read).collect()
    }

    /// The mappings of a list.
    pub(super) fn sections(&mut self, key: &'static str) -> Vec<Section<'a>> {
        let name = self.name(key);
        let report = self.report;
        let items = self.items(key).iter().enumerate();
        items.map(|(index, node)| Section::open(report, node, format!("{name}[{index}]"))).collect()
    }

    /// Names and texts of a mapping whose keys are free.
    pub(super) fn pairs(&mut self, key: &'static str) -> Vec<(String, String)> {
        let section = self.section(key);
        let read = |(key, node): &(Key, Node)| {
            let text = match node.value {
                Value::Null => String::new(),
                _ => section.value(node, &section.name(&key.text))?,
            };
            Some((key.text.clone(), text))
        };
        section.entries.iter().filter_map(read).collect()
    }

    /// Where the value of a key stands.
    pub(super) fn place(&self, key: &str) -> At {
        self.entries.iter().find(|(written, _)| written.text == key).map_or(self.at, |(_, node)| node.at)
    }

    /// Reports a problem with the value of a key.
    pub(super) fn complain(&self, key: &str, problem: Problem) {
        self.report.add(self.place(key), problem);
    }

    fn value<T: Setting>(&self, node: &Node, name: &str) -> Option<T> {
        T::of(node)
            .map_err(|fault| {
                let shown = match &node.value {
                    Value::Scalar { .. } if T::HIDDEN => {
                        format!("the value of '{name}' is not shown, and does not fit")
                    }
                    Value::Scalar { text, .. } => format!("'{}' is no value of '{name}'", short(text)),
                    _ => format!("'{name}' cannot be {}", node.kind()),
                };
                let problem = Problem::error("wrong-value", shown).because(fault.reason).cure(fault.cure);
                self.report.add_line(node.at, problem, !T::HIDDEN);
            })
            .ok()
    }

    /// Ends the reading: a key that nobody asked for is a problem.
    pub(super) fn close(self) {
        for (key, _) in self.entries {
            if self.known.contains(&key.text.as_str()) {
                continue;
            }
            let place = if self.path.is_empty() {
                "the configuration".to_owned()
            } else {
                format!("'{}'", self.path)
            };
            let message = format!("'{}' is no setting of {place}", short(&key.text));
            let cure = match closest(&key.text, &self.known) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("known here: {}", self.known.join(", ")),
            };
            self.report.add(key.at, Problem::error("unknown-key", message).cure(cure));
        }
    }
}

/// The text, cut where a message would become unreadable.
fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.escape_debug().to_string();
    }
    let cut: String = text.chars().take(LONGEST).collect();
    format!("{}…", cut.escape_debug())
}

/// The known word that differs least, if it is close at all.
pub(super) fn closest<'w>(text: &str, known: &[&'w str]) -> Option<&'w str> {
    let limit = (text.chars().count() / 3).max(1);
    let distances = known.iter().map(|word| (distance(text, word), *word));
    distances.filter(|(distance, _)| *distance <= limit).min().map(|(_, word)| word)
}

/// How many letters differ (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, letter) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in right.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}
