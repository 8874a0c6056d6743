//! Publisher `trigger-parameterized-builds`: starts other builds after this one, by its result. Each item: `project` (text, several
//! with `,`, or a list), `condition` (ALWAYS; SUCCESS, UNSTABLE, FAILED_OR_BETTER, UNSTABLE_OR_BETTER, UNSTABLE_OR_WORSE, FAILED),
//! `current-parameters` (false), `predefined-parameters`, `boolean-parameters` (a mapping), `property-file` with `fail-on-missing`
//! (false), `trigger-with-no-params` (false: without a parameter nothing is started). Parameters come in the order in which they are
//! written; the last of a name wins. Not carried: `git-revision`, `svn-revision`, `node-parameters`, `node-label`,
//! `restrict-matrix-project`, `file-encoding`.

use jjb_compat::{Component, Map, Node};

use super::options::{Options, text};
use super::scope::Scope;
use super::trigger_builds::projects;
use crate::catalog::finding::Weight;
use crate::catalog::properties;
use crate::catalog::recipe::{BuildStart, PassedParameters, StartAfter, StartsAfter};
use crate::model::Problem;

/// Words for conditions, and the results with which they hold.
const CONDITIONS: &[(&str, &[&str])] = &[
    ("ALWAYS", &["SUCCESS", "UNSTABLE", "FAILURE", "NOT_BUILT", "ABORTED"]),
    ("SUCCESS", &["SUCCESS"]),
    ("UNSTABLE", &["UNSTABLE"]),
    ("FAILED_OR_BETTER", &["SUCCESS", "UNSTABLE", "FAILURE"]),
    ("UNSTABLE_OR_BETTER", &["SUCCESS", "UNSTABLE"]),
    ("UNSTABLE_OR_WORSE", &["UNSTABLE", "FAILURE", "NOT_BUILT", "ABORTED"]),
    ("FAILED", &["FAILURE"]),
];

/// Options that only mean something for jobs of type matrix.
const MATRIX: [&str; 4] = [
    "trigger-from-child-projects",
    "use-matrix-child-files",
    "matrix-child-combination-filter",
    "only-exact-matrix-child-runs",
];

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> StartsAfter {
    let items = component.arguments.as_seq().unwrap_or(std::slice::from_ref(&component.arguments));
    let starts = items.iter().filter_map(|item| start(scope, component, item)).collect();
    let publisher = component.name.to_string();
    StartsAfter { publisher, starts, place: scope.place(component.place) }
}

fn start(scope: &Scope<'_>, component: &Component, item: &Node) -> Option<StartAfter> {
    let mut options = Options::inside(scope, component, item);
    let jobs = projects(scope, &mut options);
    let on = condition(&mut options);
    let required = options.flag("fail-on-missing", false);
    let order: Vec<String> =
        item.as_map().into_iter().flat_map(Map::iter).map(|(key, _)| text(key).into_owned()).collect();
    let mut parameters = Vec::new();
    for key in order {
        match key.as_str() {
            "current-parameters" if options.node("current-parameters").is_some_and(Node::truth) => {
                parameters.push(PassedParameters::Current);
            }
            "property-file" => {
                let files = options.text("property-file");
                parameters.extend(files.map(|paths| PassedParameters::Files { paths, required }));
            }
            "predefined-parameters" => {
                let lines = options.text("predefined-parameters");
                parameters.extend(lines.map(|lines| PassedParameters::Predefined(properties::read(&lines))));
            }
            "boolean-parameters" => parameters.extend(switches(&mut options)),
            _ => {}
        }
    }
    let without_parameters = options.flag("trigger-with-no-params", false);
    for key in [
        "git-revision",
        "combine-queued-commits",
        "svn-revision",
        "include-upstream",
        "node-parameters",
        "node-label",
        "node-label-name",
        "restrict-matrix-project",
    ] {
        options.not_carried(key, "false");
    }
    options.not_carried("file-encoding", "UTF-8");
    options.without_effect("property-multiline", "values of several lines are passed on as they are");
    for key in MATRIX {
        options.without_effect(key, "it only matters for matrix jobs");
    }
    let _ = (options.node("current-parameters"), options.node("property-file"));
    let _ = (options.node("predefined-parameters"), options.node("boolean-parameters"));
    options.close();
    let start = BuildStart { jobs, parameters, wait: None };
    (!start.jobs.is_empty()).then_some(StartAfter { on, start, without_parameters })
}

fn condition(options: &mut Options<'_>) -> Vec<String> {
    let word = options.text_or("condition", "ALWAYS");
    let Some((_, results)) = CONDITIONS.iter().find(|(known, _)| *known == word) else {
        let message = format!("'{}' is no condition", word.escape_debug());
        let words: Vec<_> = CONDITIONS.iter().map(|(word, _)| *word).collect();
        let problem = Problem::error("unknown-word", message).cure(format!("write {}", words.join(", ")));
        options.find(Weight::Error, "condition", problem);
        return Vec::new();
    };
    results.iter().map(|word| (*word).to_owned()).collect()
}

fn switches(options: &mut Options<'_>) -> Option<PassedParameters> {
    let node = options.node("boolean-parameters")?;
    let Some(map) = node.as_map() else {
        let message = format!("'boolean-parameters' is {}, where a mapping is expected", node.kind());
        let problem = Problem::error("wrong-type", message).cure("write 'NAME: true' lines");
        options.find(Weight::Error, "boolean-parameters", problem);
        return None;
    };
    let pair = |(name, value): (&Node, &Node)| {
        (text(name).into_owned(), text(value).eq_ignore_ascii_case("true").to_string())
    };
    Some(PassedParameters::Predefined(map.iter().map(pair).collect()))
}
