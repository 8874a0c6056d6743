//! Publisher `archive`: files that are kept. Options: `artifacts` (required), `excludes` (none), `allow-empty` (false),
//! `only-if-success` (false), `default-excludes` (true), `case-sensitive` (true), `fingerprint`, `latest-only`,
//! `follow-symlinks` (false).

use jjb_compat::Component;

use super::options::Options;
use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::Archive;
use crate::model::Problem;

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Option<Archive> {
    let mut options = Options::of(scope, component);
    let artifacts = options.need("artifacts");
    let excludes = options.text_or("excludes", "");
    let archive = Archive {
        artifacts: artifacts.clone().unwrap_or_default(),
        excludes,
        allow_empty: options.flag("allow-empty", false),
        only_if_success: options.flag("only-if-success", false),
        default_excludes: options.flag("default-excludes", true),
        case_sensitive: options.flag("case-sensitive", true),
        place: scope.place(component.place),
    };
    options.without_effect("fingerprint", "fingerprints of files are not kept; the files themselves are");
    options.without_effect(
        "latest-only",
        "older artifacts go by the job's retention, not with the next good build",
    );
    if options.flag("follow-symlinks", false) {
        let problem = Problem::note("links-not-followed", "links are kept as links")
            .because("what a link points at may lie outside the workspace (pools-D71)")
            .cure("copy the files into the workspace in a step");
        options.find(Weight::Difference, "follow-symlinks", problem);
    }
    options.close();
    artifacts.map(|_| archive)
}
