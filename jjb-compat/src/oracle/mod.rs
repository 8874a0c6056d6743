//! A reading as the reference program writes it, to compare the two (rule jjb-J130): `summary.json`, `index.json` and
//! `jobs/NAME/job.json`, `views/NAME/job.json`. Nothing is written here; the caller gets paths and texts.

mod json;
mod names;

use std::fmt::Write;

use crate::options::{Dialect, Options};
use crate::outcome::{Component, Outcome};
use crate::place::Files;
use crate::problem::Problem;

use crate::node::Node;
pub use json::Room;
use json::{Json, text as json_text};
pub use names::safe_name;

/// A file of the export: its path below the target folder, and its text.
pub type Exported = (String, String);

/// All files of an export, one at a time.
///
/// ```
/// use jjb_compat::{Memory, Options, oracle, read};
///
/// let mut tree = Memory::new();
/// tree.add("a.yaml", "- job: {name: folder/one, builders: [{shell: make}]}\n");
/// let options = Options::default();
/// let outcome = read(&tree, &["a.yaml".into()], &options);
/// let files: Vec<String> = oracle::export(&outcome, &options).map(|(path, _text)| path).collect();
/// assert_eq!(files, ["jobs/folder%2Fone/job.json", "index.json", "summary.json"]);
/// ```
pub fn export<'o>(outcome: &'o Outcome, options: &'o Options) -> impl Iterator<Item = Exported> + 'o {
    let jobs = outcome.jobs.iter().map(|job| {
        let mut json = Json::default();
        json.out.push_str("{\"name\": ");
        json_text(&job.name, &mut json.out);
        json.out.push_str(",\n\"job\": ");
        json.node(&job.definition);
        json.out.push_str(",\n\"components\": ");
        components(&job.components, &mut json);
        json.out.push_str("}\n");
        (format!("jobs/{}/job.json", safe_name(&job.name)), json.out)
    });
    let views = outcome.views.iter().map(|view| {
        let mut json = Json::default();
        json.out.push_str("{\"name\": ");
        json_text(&view.name, &mut json.out);
        json.out.push_str(",\n\"view\": ");
        json.node(&view.definition);
        json.out.push_str("}\n");
        (format!("views/{}/job.json", safe_name(&view.name)), json.out)
    });
    jobs.chain(views)
        .chain(std::iter::once_with(move || ("index.json".to_string(), index(outcome))))
        .chain(std::iter::once_with(move || ("summary.json".to_string(), summary(outcome, options))))
}

fn components(list: &[Component], json: &mut Json) {
    json.out.push('[');
    for (at, component) in list.iter().enumerate() {
        if at > 0 {
            json.out.push_str(",\n");
        }
        json.out.push_str("{\"type\": ");
        json_text(component.kind, &mut json.out);
        json.out.push_str(", \"name\": ");
        json_text(&component.name, &mut json.out);
        json.out.push_str(", \"args\": ");
        json.node(&component.arguments);
        if !component.macros.is_empty() {
            json.out.push_str(", \"macros\": [");
            for (at, call) in component.macros.iter().enumerate() {
                if at > 0 {
                    json.out.push_str(", ");
                }
                json_text(&call.name, &mut json.out);
            }
            json.out.push(']');
        }
        if !component.children.is_empty() {
            json.out.push_str(", \"children\": ");
            components(&component.children, json);
        }
        json.out.push('}');
    }
    json.out.push(']');
}

fn index(outcome: &Outcome) -> String {
    let mut out = String::from("{");
    let jobs = outcome.jobs.iter().map(|job| &*job.name);
    names_of("jobs", jobs, &mut out);
    out.push_str(",\n");
    names_of("views", outcome.views.iter().map(|view| &*view.name), &mut out);
    out.push_str("}\n");
    out
}

fn names_of<'n>(kind: &str, names: impl Iterator<Item = &'n str>, out: &mut String) {
    let _ = write!(out, "\"{kind}\": [");
    for (at, name) in names.enumerate() {
        out.push_str(if at > 0 { ",\n" } else { "\n" });
        out.push_str("{\"name\": ");
        json_text(name, out);
        out.push_str(", \"dir\": ");
        json_text(&safe_name(name), out);
        out.push('}');
    }
    out.push(']');
}

fn summary(outcome: &Outcome, options: &Options) -> String {
    let mut out = String::from("{\"reader\": \"jjb-compat\", \"engine\": ");
    json_text(if options.dialect == Dialect::Classic { "classic" } else { "unified" }, &mut out);
    out.push_str(",\n\"elements\": {");
    for (at, (kind, count)) in outcome.elements.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        json_text(kind, &mut out);
        let _ = write!(out, ": {count}");
    }
    let _ = write!(
        out,
        "}},\n\"counts\": {{\"jobs\": {}, \"views\": {}}}",
        outcome.jobs.len(),
        outcome.views.len()
    );
    problems("warnings", outcome, &outcome.files, |problem| !problem.is_error(), &mut out);
    if outcome.has_errors() {
        out.push_str(",\n\"error\": {\"class\": \"Problem\"");
        problems("lines", outcome, &outcome.files, Problem::is_error, &mut out);
        out.push('}');
    }
    out.push_str("}\n");
    out
}

fn problems(key: &str, outcome: &Outcome, files: &Files, wanted: fn(&Problem) -> bool, out: &mut String) {
    let _ = write!(out, ",\n\"{key}\": [");
    let chosen = outcome.problems.iter().filter(|problem| wanted(problem));
    for (at, problem) in chosen.enumerate() {
        out.push_str(if at > 0 { ",\n" } else { "\n" });
        json_text(problem.render(files).trim_end(), out);
    }
    out.push(']');
}

/// A value as the export writes it.
pub fn value(node: &Node) -> String {
    value_within(node, &mut Room::default())
}

/// The same for one of several values that share a room; what it takes is taken away from that.
pub fn value_within(node: &Node, room: &mut Room) -> String {
    let mut json = Json { out: String::new(), room: *room };
    json.node(node);
    *room = Room { values: json.room.values, bytes: room.bytes.saturating_sub(json.out.len()) };
    json.out
}
