//! What is not carried: harmless things are noted, everything else keeps the job on Jenkins, with a reason that a person can act on.

use jjb_compat::Component;

use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::model::Problem;

/// What can be left out without changing a build: kind, name, reason.
const HARMLESS: &[(&str, &str, &str)] = &[
    ("property", "github", "it is a link on Jenkins' page"),
    ("property", "build-failure-analyzer", "it only scans logs for Jenkins' page"),
    ("property", "disable-resume", "it is about pipelines"),
    ("wrapper", "build-name", "it only changes how Jenkins' page calls the build"),
    ("publisher", "ircbot", "no message is sent to the chat"),
    ("publisher", "cloverphp", "the report is not shown; archive the file to keep it"),
    ("trigger", "gerrit", "Zuul starts the job"),
    ("trigger", "github", "Zuul starts the job"),
];

/// What is planned, in the words of whoever waits for it.
const LATER: &[(&str, &str, &str)] = &[("property", "throttle", "builds are not throttled by category yet")];

/// Reports a component that has no translation.
pub(super) fn report(scope: &Scope<'_>, component: &Component) {
    let kind = component.kind;
    let find = |table: &[(&'static str, &'static str, &'static str)]| {
        table.iter().find(|(of, name, _)| *of == kind && *name == &*component.name).map(|(_, _, why)| *why)
    };
    let what = format!("{kind} '{}'", component.name);
    let (weight, problem) = if let Some(why) = find(HARMLESS) {
        (Weight::Difference, Problem::note("left-out", format!("{what} is left out")).because(why))
    } else if let Some(why) = find(LATER) {
        let problem = Problem::error("not-done-yet", format!("{what} is not carried yet")).because(why);
        (Weight::Stays, problem.cure("leave the job on Jenkins until then, or do without it"))
    } else {
        let problem = Problem::error("not-carried", format!("{what} is not carried"))
            .because("nothing here does what its plugin does")
            .cure("do it in a shell step, or leave the job on Jenkins");
        (Weight::Stays, problem)
    };
    scope.find(weight, component, component.place, problem);
}
