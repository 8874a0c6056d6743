//! Publisher `junit`: test reports in JUnit's form. Options: `results` (required), `allow-empty-results` (false), `keep-long-stdio`
//! (true), `health-scale-factor`, `test-stability`, `claim-build`, `measurement-plots`, `flaky-test-reports`, `junit-attachments`.

use jjb_compat::Component;

use super::options::Options;
use super::scope::Scope;
use crate::catalog::recipe::{Counted, TestLimit, TestReports, TestSource};

/// What is about Jenkins' pages.
const OF_PAGES: &[&str] = &[
    "keep-long-stdio",
    "health-scale-factor",
    "test-stability",
    "claim-build",
    "measurement-plots",
    "flaky-test-reports",
    "junit-attachments",
];

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Option<TestReports> {
    let mut options = Options::of(scope, component);
    let pattern = options.need("results");
    let allow_empty = options.flag("allow-empty-results", false);
    for option in OF_PAGES {
        options.without_effect(option, "it only changes what Jenkins' pages show");
    }
    options.close();
    Some(TestReports {
        publisher: "junit".to_owned(),
        sources: vec![TestSource { pattern: pattern?, allow_empty, stop_on_error: false }],
        // One failed test makes the build UNSTABLE.
        limits: vec![TestLimit { counted: Counted::Failed, percent: false, most: 0, fails: false }],
        place: scope.place(component.place),
    })
}
