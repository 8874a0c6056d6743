//! `causeway jobs show NAME --origins`: every value of a job as Job Builder has it, and the line that it was written on.

use jjb_compat::{Component, Job, Node, Outcome, Place, Style, Value};
use serde_json::{Value as Json, json};

use super::output::{Output, Tone};

/// Values of a job that are shown: lists that hold each other by aliases stand for far more than anybody reads.
const LEAVES: usize = 10_000;

/// Letters of a value that are shown; a script is known by its place and its first line.
const SHOWN: usize = 60;

/// Prints the way to the job, its keys, and its components with their macros.
pub(super) fn print(job: &Job, tree: &Outcome, output: &Output) {
    let heading = |text: &str| output.line(&output.paint(Tone::Busy, text));
    heading("made from");
    for (what, place) in way(job) {
        output.line(&format!("  {what}{}", at(place, tree, output)));
    }
    heading("keys");
    for leaf in leaves(&job.definition) {
        output.line(&format!("  {} = {}{}", leaf.path, shown(leaf.node), leaf.origin(tree, output)));
    }
    heading("components");
    components(&job.components, 1, tree, output);
}

fn components(list: &[Component], depth: usize, tree: &Outcome, output: &Output) {
    let indent = "  ".repeat(depth);
    for component in list {
        let name = format!("{indent}{} {}", component.kind, component.name);
        output.line(&format!("{name}{}", at(component.place, tree, output)));
        for call in component.macros.iter().rev() {
            let called = at(call.called, tree, output);
            let defined = tree.files.show(call.defined);
            output.line(&format!("{indent}  by macro {} (defined at {defined}), called{called}", call.name));
        }
        for leaf in leaves(&component.arguments) {
            let name = if leaf.path.is_empty() { String::new() } else { format!("{} = ", leaf.path) };
            output.line(&format!("{indent}  {name}{}{}", shown(leaf.node), leaf.origin(tree, output)));
        }
        components(&component.children, depth + 1, tree, output);
    }
}

/// The same as JSON.
pub(super) fn json(job: &Job, tree: &Outcome) -> Json {
    let made =
        way(job).into_iter().map(|(what, place)| json!({ "what": what, "at": tree.files.show(place) }));
    json!({
        "made_from": made.collect::<Vec<_>>(),
        "keys": values(&job.definition, tree),
        "components": job.components.iter().map(|part| component_json(part, tree)).collect::<Vec<_>>(),
    })
}

fn component_json(component: &Component, tree: &Outcome) -> Json {
    let macros = component.macros.iter().map(|call| {
        json!({ "name": &*call.name, "called": tree.files.show(call.called), "defined": tree.files.show(call.defined) })
    });
    json!({
        "kind": component.kind,
        "name": &*component.name,
        "at": tree.files.show(component.place),
        "macros": macros.collect::<Vec<_>>(),
        "arguments": values(&component.arguments, tree),
        "children": component.children.iter().map(|part| component_json(part, tree)).collect::<Vec<_>>(),
    })
}

fn values(node: &Node, tree: &Outcome) -> Vec<Json> {
    let value = |leaf: Leaf<'_>| {
        json!({
            "path": leaf.path,
            "value": &*leaf.node.text(Style::Plain),
            "at": tree.files.show(leaf.node.place),
            "in": section(leaf.node.place, tree),
            "for": leaf.key.filter(|key| leaf.is_for(*key, tree)).map(|key| {
                json!({ "at": tree.files.show(key), "in": section(key, tree) })
            }),
        })
    };
    leaves(node).into_iter().map(value).collect()
}

/// The elements that a job came through, innermost first.
fn way(job: &Job) -> Vec<(String, Place)> {
    let origin = &job.origin;
    let own = match &origin.template {
        Some(template) => format!("template {template}"),
        None => "the job itself".to_owned(),
    };
    let mut way = vec![(own, origin.place)];
    way.extend(origin.group.iter().map(|(name, place)| (format!("group {name}"), *place)));
    way.extend(origin.project.iter().map(|(name, place)| (format!("project {name}"), *place)));
    way
}

/// A value that holds no others.
struct Leaf<'n> {
    /// The way to it.
    path: String,
    node: &'n Node,
    /// Where the key above it stands: in a template, when a variable brought the value in.
    key: Option<Place>,
}

impl Leaf<'_> {
    /// Whether the key stands in another element than the value, or in another file.
    fn is_for(&self, key: Place, tree: &Outcome) -> bool {
        // What a job has instead of a default stands at the key of the default, which did not bring it in.
        let default = tree.sections.at(key).is_some_and(|section| &*section.kind == "defaults");
        key.is_somewhere()
            && !default
            && (key.file != self.node.place.file
                || tree.sections.at(key) != tree.sections.at(self.node.place))
    }

    fn origin(&self, tree: &Outcome, output: &Output) -> String {
        let written = at(self.node.place, tree, output);
        match self.key.filter(|key| self.is_for(*key, tree)) {
            None => written,
            Some(key) => {
                let used = format!(", used at {}{}", tree.files.show(key), within(key, tree));
                written + &output.paint(Tone::Quiet, &used)
            }
        }
    }
}

fn leaves(node: &Node) -> Vec<Leaf<'_>> {
    let mut out = Vec::new();
    collect(Leaf { path: String::new(), node, key: None }, &mut out);
    out
}

fn collect<'n>(leaf: Leaf<'n>, out: &mut Vec<Leaf<'n>>) {
    if out.len() >= LEAVES {
        return;
    }
    let path = &leaf.path;
    match &leaf.node.value {
        Value::Map(map) if !map.is_empty() => {
            for (key, node) in map.iter() {
                let dot = if path.is_empty() { "" } else { "." };
                let path = format!("{path}{dot}{}", key.text(Style::Plain));
                collect(Leaf { path, node, key: Some(key.place) }, out);
            }
        }
        Value::Seq(items) if !items.is_empty() => {
            for (index, node) in items.iter().enumerate() {
                collect(Leaf { path: format!("{path}[{index}]"), node, key: leaf.key }, out);
            }
        }
        _ => out.push(leaf),
    }
}

fn shown(node: &Node) -> String {
    let text = node.text(Style::Plain);
    let text = text.trim();
    let first = text.lines().next().unwrap_or("");
    let mut shown: String = first.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    match text.lines().count() {
        0 | 1 => shown,
        lines => format!("{shown} ({lines} lines)"),
    }
}

/// The template, project, macro, set of defaults, … whose text a place lies in.
fn section(place: Place, tree: &Outcome) -> Option<String> {
    tree.sections.at(place).map(ToString::to_string)
}

fn within(place: Place, tree: &Outcome) -> String {
    section(place, tree).map(|section| format!(" in {section}")).unwrap_or_default()
}

fn at(place: Place, tree: &Outcome, output: &Output) -> String {
    output.paint(Tone::Quiet, &format!("   # {}{}", tree.files.show(place), within(place, tree)))
}
