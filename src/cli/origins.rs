//! `causeway jobs show NAME --origins`: every value of a job as Job Builder has it, and the line that it was written on.

use jjb_compat::{Component, Files, Job, Node, Place, Style, Value};
use serde_json::{Value as Json, json};

use super::output::{Output, Tone};

/// Letters of a value that are shown; a script is known by its place and its first line.
const SHOWN: usize = 60;

/// Prints the way to the job, its keys, and its components with their macros.
pub(super) fn print(job: &Job, files: &Files, output: &Output) {
    let heading = |text: &str| output.line(&output.paint(Tone::Busy, text));
    heading("made from");
    for (what, place) in way(job) {
        output.line(&format!("  {what}{}", at(place, files, output)));
    }
    heading("keys");
    for (path, node) in leaves(&job.definition) {
        output.line(&format!("  {path} = {}{}", shown(node), at(node.place, files, output)));
    }
    heading("components");
    components(&job.components, 1, files, output);
}

fn components(list: &[Component], depth: usize, files: &Files, output: &Output) {
    let indent = "  ".repeat(depth);
    for component in list {
        let name = format!("{indent}{} {}", component.kind, component.name);
        output.line(&format!("{name}{}", at(component.place, files, output)));
        for call in component.macros.iter().rev() {
            let called = at(call.called, files, output);
            let defined = files.show(call.defined);
            output.line(&format!("{indent}  by macro {} (defined at {defined}), called{called}", call.name));
        }
        for (path, node) in leaves(&component.arguments) {
            let name = if path.is_empty() { String::new() } else { format!("{path} = ") };
            output.line(&format!("{indent}  {name}{}{}", shown(node), at(node.place, files, output)));
        }
        components(&component.children, depth + 1, files, output);
    }
}

/// The same as JSON.
pub(super) fn json(job: &Job, files: &Files) -> Json {
    let made = way(job).into_iter().map(|(what, place)| json!({ "what": what, "at": files.show(place) }));
    json!({
        "made_from": made.collect::<Vec<_>>(),
        "keys": values(&job.definition, files),
        "components": job.components.iter().map(|part| component_json(part, files)).collect::<Vec<_>>(),
    })
}

fn component_json(component: &Component, files: &Files) -> Json {
    let macros = component.macros.iter().map(|call| {
        json!({ "name": &*call.name, "called": files.show(call.called), "defined": files.show(call.defined) })
    });
    json!({
        "kind": component.kind,
        "name": &*component.name,
        "at": files.show(component.place),
        "macros": macros.collect::<Vec<_>>(),
        "arguments": values(&component.arguments, files),
        "children": component.children.iter().map(|part| component_json(part, files)).collect::<Vec<_>>(),
    })
}

fn values(node: &Node, files: &Files) -> Vec<Json> {
    let value = |(path, node): (String, &Node)| {
        let text = node.text(Style::Plain);
        json!({ "path": path, "value": &*text, "at": files.show(node.place) })
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

/// Every value that holds no others, with the way to it.
fn leaves(node: &Node) -> Vec<(String, &Node)> {
    let mut out = Vec::new();
    collect(node, String::new(), &mut out);
    out
}

fn collect<'n>(node: &'n Node, path: String, out: &mut Vec<(String, &'n Node)>) {
    match &node.value {
        Value::Map(map) if !map.is_empty() => {
            for (key, value) in map.iter() {
                let dot = if path.is_empty() { "" } else { "." };
                collect(value, format!("{path}{dot}{}", key.text(Style::Plain)), out);
            }
        }
        Value::Seq(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                collect(item, format!("{path}[{index}]"), out);
            }
        }
        _ => out.push((path, node)),
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

fn at(place: Place, files: &Files, output: &Output) -> String {
    output.paint(Tone::Quiet, &format!("   # {}", files.show(place)))
}
