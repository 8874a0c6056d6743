//! The catalogue on a real tree.

use std::collections::BTreeMap;

use causeway::catalog::{CatalogConfig, LayoutUses, Tree, Verdict};

use crate::support::shared;

/// How many jobs have which verdict, `Weight`s of what is not done yet included.
fn verdicts(tree: &Tree) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for job in &tree.jobs {
        *counts.entry(Verdict::of(&job.findings).as_str()).or_default() += 1;
    }
    counts
}

#[test]
fn jjb_t30_the_tree_of_wikimedia_is_translated() {
    let Some(shared) = shared() else { return };
    let config = CatalogConfig {
        paths: vec![shared.join("corpora/wikimedia/jjb")],
        default_shell: vec!["/bin/bash".into()],
        ..CatalogConfig::default()
    };
    let tree = Tree::read(&config);
    assert_eq!(tree.problems, []);
    assert_eq!(tree.jobs.len(), 781);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for finding in tree.jobs.iter().flat_map(|job| job.findings.iter()) {
        let line = format!(
            "{:?} {} {}: {}",
            finding.weight, finding.problem.code, finding.component, finding.problem.message
        );
        *reasons.entry(line).or_default() += 1;
    }
    let counts = verdicts(&tree);
    assert_eq!(counts.get("error"), None, "{reasons:#?}");
    // The must tier of the contract covers 578 of the 781.
    let moving = tree.jobs.iter().filter(|job| Verdict::of(&job.findings).moves());
    let moving: Vec<&str> = moving.map(|job| job.name.as_str()).collect();
    let layout =
        std::fs::read_to_string(shared.join("corpora/wikimedia/zuul/layout.yaml")).expect("the layout");
    let layout = LayoutUses::parse(&layout).expect("YAML");
    assert_eq!(layout.names().len(), 423);
    let used = moving.iter().filter(|name| layout.of(name) > 0).count();
    assert!(moving.len() >= 578 && used >= 417, "{} of 781, {used} of 423: {reasons:#?}", moving.len());
}
