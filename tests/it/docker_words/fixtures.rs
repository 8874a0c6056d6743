//! Upstream's own cases of the modules that speak of Docker: each is read, and its verdict is fixed (docker-27.11, 15).

use causeway::catalog::{CatalogConfig, Tree, Verdict};
use jjb_compat::Memory;

use crate::support::shared;

/// The case, its verdict without a configuration, and the code of the worst finding.
const CASES: &[(&str, Verdict, &str)] = &[
    ("wrappers/fixtures/docker-custom-build-env001", Verdict::Error, "wrong-value"),
    ("wrappers/fixtures/docker-custom-build-env002", Verdict::WithDifferences, "host-path"),
    ("builders/fixtures/build-publish-docker-image-full", Verdict::Error, "no-reference"),
    ("builders/fixtures/build-publish-docker-image-minimal", Verdict::WithDifferences, "image-builds-off"),
    ("builders/fixtures/docker-builder001", Verdict::Error, "wrong-value"),
    ("builders/fixtures/docker-builder002", Verdict::Error, "wrong-value"),
    ("builders/fixtures/docker-pull-image-full", Verdict::WithDifferences, "pull-for-nobody"),
    ("builders/fixtures/docker-pull-image-minimal", Verdict::Error, "missing-option"),
    ("properties/fixtures/docker-container-full", Verdict::WithDifferences, "missing-credential"),
    ("properties/fixtures/docker-container-minimal", Verdict::WithDifferences, "no-commit"),
    ("properties/fixtures/docker-container-nondefault", Verdict::AsIs, ""),
    ("publishers/fixtures/docker-stop-container-full", Verdict::WithDifferences, "left-out"),
    ("publishers/fixtures/docker-stop-container-minimal", Verdict::WithDifferences, "left-out"),
    ("triggers/fixtures/dockerhub-notification-full", Verdict::Stays, "not-done-yet"),
    ("triggers/fixtures/dockerhub-notification-minimal", Verdict::Stays, "not-done-yet"),
];

#[test]
fn docker_27_11_15_every_case_of_upstreams_is_read_and_judged() {
    let Some(shared) = shared() else { return };
    for (case, verdict, code) in CASES {
        let path = shared.join("corpora/jjb-cases/6.5.0/tests").join(format!("{case}.yaml"));
        let text = std::fs::read_to_string(&path).unwrap();
        let body: String = text.lines().map(|line| format!("    {line}\n")).collect();
        let mut source = Memory::new();
        source.add("jobs.yaml", format!("- job:\n    name: a\n{body}"));
        let config = CatalogConfig { paths: vec!["jobs.yaml".into()], ..CatalogConfig::default() };
        let tree = Tree::read_from(source, &config);
        assert_eq!(tree.problems, [], "{case}");
        let findings = &tree.jobs[0].findings;
        assert_eq!(Verdict::of(findings), *verdict, "{case}: {findings:?}");
        let found = findings.iter().any(|finding| finding.problem.code == *code);
        assert!(found || *verdict == Verdict::AsIs, "{case}: {findings:?}");
    }
}
