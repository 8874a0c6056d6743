//! Publisher `xunit`: test reports of several kinds, of which those in JUnit's form are read (`junit`, `phpunit`). Options:
//! `thresholdmode` (`number`, `percent`), `thresholds` (`failed`, `skipped`: each `unstable`, `unstablenew`, `failure`, `failurenew`),
//! `test-time-margin`, `types` (each `pattern`, `requireupdate` true, `deleteoutput` true, `skip-if-no-test-files` false,
//! `stoponerror` true). Without thresholds, failed tests change nothing.

use jjb_compat::{Component, Node};

use super::options::{Options, text};
use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::{Counted, TestLimit, TestReports, TestSource};
use crate::model::Problem;

/// Kinds whose files are in JUnit's form.
const KINDS: &[&str] = &["junit", "phpunit"];

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Option<TestReports> {
    let mut options = Options::of(scope, component);
    let mode = options.text_or("thresholdmode", "number");
    if !["number", "percent"].contains(&mode.as_str()) {
        let problem = Problem::error("unknown-word", format!("'{}' is no mode", mode.escape_debug()));
        options.find(Weight::Error, "thresholdmode", problem.cure("write number or percent"));
    }
    let percent = mode == "percent";
    let mut limits = Vec::new();
    for entry in options.list("thresholds") {
        let mut kinds = Options::inside(scope, component, entry);
        for (name, counted) in [("failed", Counted::Failed), ("skipped", Counted::Skipped)] {
            if let Some(bounds) = kinds.node(name) {
                limits.extend(threshold(scope, component, bounds, counted, percent));
            }
        }
        kinds.close();
    }
    let types = options.list("types");
    let sources = types.iter().filter_map(|entry| source(scope, component, entry)).collect();
    options.without_effect("test-time-margin", "reports of earlier builds cannot lie in a fresh workspace");
    options.close();
    Some(TestReports { publisher: "xunit".to_owned(), sources, limits, place: scope.place(component.place) })
}

/// The two limits of a count that speak of this build alone.
fn threshold(
    scope: &Scope<'_>,
    component: &Component,
    bounds: &Node,
    counted: Counted,
    percent: bool,
) -> Vec<TestLimit> {
    let mut options = Options::inside(scope, component, bounds);
    let mut limits = Vec::new();
    for (key, fails) in [("unstable", false), ("failure", true)] {
        // An empty text is no limit.
        if options.node(key).is_none_or(|node| text(node).trim().is_empty()) {
            continue;
        }
        let most = options.whole(key).and_then(|most| u64::try_from(most).ok());
        limits.extend(most.map(|most| TestLimit { counted, percent, most, fails }));
    }
    // They would need the build before this one.
    options.not_carried("unstablenew", "");
    options.not_carried("failurenew", "");
    options.close();
    limits
}

/// One kind of reports.
fn source(scope: &Scope<'_>, component: &Component, entry: &Node) -> Option<TestSource> {
    let mut kinds = Options::inside(scope, component, entry);
    let settings = KINDS.iter().find_map(|kind| kinds.node(kind));
    let Some(settings) = settings else {
        let problem = Problem::error("option-not-carried", "reports of this kind are not read")
            .because(format!("those in JUnit's form are: {}", KINDS.join(", ")))
            .cure("have the tool write JUnit's form, or leave the job on Jenkins");
        kinds.find(Weight::Stays, "types", problem);
        return None;
    };
    kinds.close();
    let mut options = Options::inside(scope, component, settings);
    let pattern = options.need("pattern");
    let allow_empty = options.flag("skip-if-no-test-files", false);
    let stop_on_error = options.flag("stoponerror", true);
    // The workspace is the build's alone and goes with its node.
    let _ = (options.node("requireupdate"), options.node("deleteoutput"));
    options.close();
    Some(TestSource { pattern: pattern?, allow_empty, stop_on_error })
}
