//! Differences for people and for programs. Jobs that changed in just the same way are told once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::{Map, Value, json};
use similar::TextDiff;

use super::change::Change;
use super::sides::{Differences, Kindred};
use crate::cli::check::counted;
use crate::cli::output::{Output, Tone};

/// Unchanged lines around a changed one.
const AROUND: usize = 3;
/// Names that are printed of jobs with the same changes.
const NAMES: usize = 8;
/// Letters of a value that are printed on one line.
const ON_ONE_LINE: usize = 100;

/// Everything, as JSON.
pub(super) fn json(found: &Differences, [old, new]: [&str; 2]) -> Value {
    json!({ "old": old, "new": new, "jobs": kindred_json(&found.jobs), "views": kindred_json(&found.views) })
}

fn kindred_json(found: &Kindred) -> Value {
    let changed: Vec<Value> = found
        .changed
        .iter()
        .map(|(name, changes)| {
            json!({ "name": name, "changes": changes.iter().map(change_json).collect::<Vec<_>>() })
        })
        .collect();
    json!({ "added": found.added, "removed": found.removed, "changed": changed, "same": found.same })
}

/// A side that is not there has no key: null is a value.
fn change_json(change: &Change) -> Value {
    let mut out = Map::from_iter([("path".to_owned(), Value::from(change.path.as_str()))]);
    for (key, value) in [("old", &change.old), ("new", &change.new)] {
        if let Some(value) = value {
            out.insert(key.to_owned(), value.clone());
        }
    }
    Value::Object(out)
}

/// One line a job.
pub(super) fn brief(found: &Differences, output: &Output) {
    for (kindred, what) in [(&found.jobs, ""), (&found.views, "view ")] {
        let marked = |names: &[String], mark, tone| {
            names.iter().for_each(|name| output.line(&output.paint(tone, &format!("{mark} {what}{name}"))));
        };
        marked(&kindred.added, '+', Tone::Good);
        marked(&kindred.removed, '-', Tone::Bad);
        let changed: Vec<String> = kindred.changed.iter().map(|(name, _)| name.clone()).collect();
        marked(&changed, '~', Tone::Warn);
    }
}

/// For people: what came, what went, then each change with the jobs that it is in; a summary at the end.
pub(super) fn text(found: &Differences, output: &Output) {
    for (kindred, what) in [(&found.jobs, ""), (&found.views, "view ")] {
        for name in &kindred.added {
            output.line(&output.paint(Tone::Good, &format!("+ {what}{name}")));
        }
        for name in &kindred.removed {
            output.line(&output.paint(Tone::Bad, &format!("- {what}{name}")));
        }
        let mut alike: Vec<(Vec<&str>, &[Change])> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for (name, changes) in &kindred.changed {
            match known.entry(format!("{changes:?}")) {
                Entry::Occupied(entry) => alike[*entry.get()].0.push(name),
                Entry::Vacant(entry) => {
                    entry.insert(alike.len());
                    alike.push((vec![name], changes));
                }
            }
        }
        for (names, changes) in alike {
            output.line(&output.paint(Tone::Warn, &format!("~ {what}{}", some(&names))));
            changes.iter().for_each(|change| one(change, output));
        }
    }
    if found.same() {
        output.note(&format!("no difference: {}", counted(found.jobs.same, "job")));
        return;
    }
    output.line(&summary(found));
}

fn some(names: &[&str]) -> String {
    let shown = names.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn summary(found: &Differences) -> String {
    let of = |kindred: &Kindred, what| {
        format!(
            "{}: {} added, {} removed, {} changed, {} the same",
            what,
            kindred.added.len(),
            kindred.removed.len(),
            kindred.changed.len(),
            kindred.same
        )
    };
    let views = &found.views;
    if views.same + views.added.len() + views.removed.len() + views.changed.len() == 0 {
        return of(&found.jobs, "jobs");
    }
    format!("{}\n{}", of(&found.jobs, "jobs"), of(views, "views"))
}

fn one(change: &Change, output: &Output) {
    match (&change.old, &change.new) {
        (Some(Value::String(old)), Some(Value::String(new))) if old.contains('\n') || new.contains('\n') => {
            output.line(&format!("    {}", change.path));
            lines(old, new, output);
        }
        (Some(old), Some(new)) => {
            let (old, new) = (shown(old), shown(new));
            if old.contains('\n') || new.contains('\n') || old.len() + new.len() > ON_ONE_LINE {
                output.line(&format!("    {}", change.path));
                block(&old, '-', Tone::Bad, output);
                block(&new, '+', Tone::Good, output);
            } else {
                let (old, new) = (output.paint(Tone::Bad, &old), output.paint(Tone::Good, &new));
                output.line(&format!("    {}: {old} -> {new}", change.path));
            }
        }
        (Some(old), None) => whole(&change.path, old, "removed", ('-', Tone::Bad), output),
        (None, Some(new)) => whole(&change.path, new, "added", ('+', Tone::Good), output),
        (None, None) => output.line(&format!("    {}", change.path)),
    }
}

fn whole(path: &str, value: &Value, what: &str, (mark, tone): (char, Tone), output: &Output) {
    let value = shown(value);
    if value.contains('\n') || value.len() > ON_ONE_LINE {
        output.line(&format!("    {path}: {what}"));
        block(&value, mark, tone, output);
    } else {
        output.line(&format!("    {path}: {what} {}", output.paint(tone, &value)));
    }
}

fn block(text: &str, mark: char, tone: Tone, output: &Output) {
    for line in text.trim_end_matches('\n').lines() {
        output.line(&output.paint(tone, &format!("      {mark}{line}")));
    }
}

/// A value as YAML people would write it: text as it is, everything else as JSON, long values over several lines.
fn shown(value: &Value) -> String {
    if let Value::Object(keys) = value
        && let Some((name, Value::String(text))) = keys.iter().next().filter(|_| keys.len() == 1)
        && text.contains('\n')
    {
        // Most of all: a step and its script.
        return format!("{name}:\n{text}");
    }
    let short = value.to_string();
    if short.len() <= ON_ONE_LINE {
        return short;
    }
    serde_json::to_string_pretty(value).unwrap_or(short)
}

/// Long texts line by line.
fn lines(old: &str, new: &str, output: &Output) {
    let difference = TextDiff::from_lines(old, new);
    for hunk in difference.unified_diff().context_radius(AROUND).iter_hunks() {
        output.line(&format!("      {}", output.paint(Tone::Busy, &hunk.header().to_string())));
        for change in hunk.iter_changes() {
            let line = change.value().trim_end_matches('\n');
            let line = format!("{}{line}", change.tag());
            let line = match change.tag() {
                similar::ChangeTag::Delete => output.paint(Tone::Bad, &line),
                similar::ChangeTag::Insert => output.paint(Tone::Good, &line),
                similar::ChangeTag::Equal => line,
            };
            output.line(format!("      {line}").trim_end());
            if change.missing_newline() {
                output.line("      \\ no line break at the end");
            }
        }
    }
}
