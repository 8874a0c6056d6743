//! House rules as tests: who may import whom, what a room may touch, what a dependency may bring.
//!
//! The table is data (`architecture/table.rs`); the reading of sources is `architecture/source.rs`; each rule is a
//! function from what was read to findings. Every rule is also shown to catch a planted violation.

#[path = "architecture/dependencies.rs"]
mod dependencies;
#[path = "architecture/planted.rs"]
mod planted;
#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/table.rs"]
mod table;

use std::path::Path;

use rules::Finding;
use source::Tree;

/// The folder of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn causeway() -> Tree {
    Tree::read(root(), "src").expect("the sources can be read")
}

fn jjb_compat() -> Tree {
    Tree::read(root(), "jjb-compat/src").expect("the sources can be read")
}

#[track_caller]
fn none(mut findings: Vec<Finding>) {
    findings.sort();
    findings.dedup();
    let text: Vec<String> = findings.iter().map(|finding| format!("  {finding}")).collect();
    assert!(text.is_empty(), "{} against the rules of the house:\n{}\n", text.len(), text.join("\n"));
}

#[test]
fn imports_point_down_as_the_table_says() {
    none(rules::imports(&causeway()));
}

#[test]
fn every_room_is_in_the_table() {
    none(rules::unknown_rooms(&causeway()));
}

#[test]
fn rooms_touch_only_what_is_theirs() {
    none(rules::touches(&causeway(), table::RESTRICTIONS));
}

#[test]
fn jjb_compat_stands_alone() {
    none(rules::touches(&jjb_compat(), table::JJB_RESTRICTIONS));
}

#[test]
fn the_keeper_on_a_node_imports_three_things() {
    none(rules::node_imports(&causeway()));
}

#[test]
fn no_serialised_type_in_the_model() {
    none(rules::serialised_model(&causeway()));
}

#[test]
fn only_the_command_line_prints() {
    none(rules::printing(&causeway(), &["cli", "main"]));
    none(rules::printing(&jjb_compat(), &[]));
}

#[test]
fn no_file_is_longer_than_800_lines() {
    let mut findings = rules::long_files(&causeway());
    findings.extend(rules::long_files(&jjb_compat()));
    findings.extend(rules::long_files(&Tree::read(root(), "tests").expect("the tests can be read")));
    none(findings);
}

#[test]
fn names_say_what_a_file_is_about() {
    let mut findings = rules::empty_names(&causeway());
    findings.extend(rules::empty_names(&jjb_compat()));
    none(findings);
}

#[test]
fn the_top_level_is_as_the_design_says() {
    none(rules::top_level(root(), table::TOP_LEVEL));
}

#[test]
fn dependencies_come_from_one_registry_under_known_licences() {
    let metadata = dependencies::metadata(root());
    none(dependencies::sources(&metadata));
    none(dependencies::licences(&metadata));
    none(dependencies::banned(&metadata));
}

#[test]
fn crates_in_two_versions_only_become_fewer() {
    let doubled = dependencies::doubled(&dependencies::metadata(root()));
    assert!(
        doubled.len() <= table::DOUBLED_AT_MOST,
        "{} crates come in more than one version, {} were allowed: {}",
        doubled.len(),
        table::DOUBLED_AT_MOST,
        doubled.join(", ")
    );
}
