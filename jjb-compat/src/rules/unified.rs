//! Section 8: unified expansion.

use super::*;

const U: Dialect = Dialect::Unified;

#[test]
fn jjb_j70_parameters_never_appear_in_a_definition() {
    let file = "- job-template: {name: t, v: 1, node: 'n{v}'}\n- project: {name: p, jdk: j, jobs: [t]}\n";
    let outcome = good(U, &[("a", file)]);
    assert_eq!(key(&outcome, "t", "node"), "\"n1\"");
    assert!(outcome.jobs[0].definition.get("v").is_none());
    let content = "- job-template: {name: t, jdk: j, node: 'n{jdk}'}\n- project: {name: p, jobs: [t]}\n";
    assert_eq!(fault(U, &[("a", content)]), "missing-variable");
}

#[test]
fn jjb_j71_named_defaults_lie_on_global_and_the_projects_win() {
    let file = "- defaults: {name: global, node: g, jdk: g}\n- defaults: {name: o, node: o}\n- defaults: {name: q, node: q}\n- job: {name: a, defaults: o}\n- job-template: {name: t, defaults: o}\n- project: {name: p, defaults: q, jobs: [t]}\n";
    let outcome = good(U, &[("a", file)]);
    assert_eq!((key(&outcome, "a", "node"), key(&outcome, "a", "jdk")), ("\"o\"".into(), "\"g\"".into()));
    assert_eq!(key(&outcome, "t", "node"), "\"q\"");
    assert_eq!(fault(U, &[("a", "- job: {name: a, defaults: none}\n")]), "unknown-defaults");
}

#[test]
fn jjb_j72_plain_jobs_are_expanded() {
    let outcome = good(U, &[("a", "- job: {name: a, v: 1, node: '{v}{{x}}'}\n")]);
    assert_eq!(key(&outcome, "a", "node"), "\"1{x}\"");
    assert_eq!(fault(U, &[("a", "- job: {name: a, node: '{name}'}\n")]), "missing-variable");
}

#[test]
fn jjb_j73_parameters_are_expanded_by_each_other() {
    let chain = "- job-template: {name: '{v}', node: '{c}'}\n- project: {name: p, v: [x: {w: 1}], a: 1, c: 'c{b}', b: 'b{a}', jobs: ['{v}']}\n";
    assert_eq!(key(&good(U, &[("a", chain)]), "x", "node"), "\"cb1\"");
    let circle = "- job-template: {name: t}\n- project: {name: p, a: '{b}', b: '{a}', jobs: [t]}\n";
    assert_eq!(fault(U, &[("a", circle)]), "recursive-variable");
    let twice = "- job-template: {name: '{v}-{v}'}\n- project: {name: p, v: [1, 2], jobs: ['{v}-{v}']}\n";
    assert_eq!(codes(&read_with(&[("a", twice)], &options(U))), ["duplicate"]);
    let exclude =
        "- job-template: {name: '{v}', exclude: [{v: 1}]}\n- project: {name: p, v: [1, 2], jobs: ['{v}']}\n";
    assert_eq!(names(&good(U, &[("a", exclude)])), ["2"]);
    let unknown =
        "- job-template: {name: '{v}', exclude: [{z: 1}]}\n- project: {name: p, v: [1, 2], jobs: ['{v}']}\n";
    assert_eq!(fault(U, &[("a", unknown)]), "bad-exclude");
    let group = "- job-group: {name: g, jobs: [none]}\n- project: {name: p, jobs: [g]}\n";
    assert_eq!(fault(U, &[("a", group)]), "unknown-reference");
}

#[test]
fn jjb_j74_a_default_in_the_name_defines_the_variable() {
    let file = "- job-template: {name: '{name}-{os|linux}', node: '{os}'}\n- project: {name: p, jobs: ['{name}-{os|linux}']}\n";
    assert_eq!(key(&good(U, &[("a", file)]), "p-linux", "node"), "\"linux\"");
}

#[test]
fn jjb_j70_lists_of_pairs_cannot_be_expanded() {
    let file = "- job: {name: a, node: !!omap [k: v]}\n";
    assert_eq!(fault(Dialect::Unified, &[("a", file)]), "cannot-expand");
    assert!(read_with(&[("a", file)], &options(Dialect::Classic)).problems.is_empty());
}

#[test]
fn jjb_j111_a_description_that_counts_as_false_is_empty() {
    for value in ["0", "no", "[]", "{}", "''", "~", "0.0"] {
        let file = format!("- job: {{name: a, description: {value}}}\n");
        let outcome = good(Dialect::Unified, &[("a", &file)]);
        assert_eq!(
            key(&outcome, "a", "description"),
            "\"<!-- Managed by Jenkins Job Builder -->\"",
            "{value}"
        );
    }
    assert_eq!(fault(Dialect::Unified, &[("a", "- job: {name: a, description: 5}\n")]), "bad-description");
    assert_eq!(fault(Dialect::Classic, &[("a", "- job: {name: a, description: 0}\n")]), "bad-description");
}

#[test]
fn jjb_j73_only_repr_prints_a_missing_variable_of_a_parameter() {
    let tree = |text: &str| {
        format!(
            "- job-template: {{name: '{{name}}-t', node: '{{c}}'}}\n- project: {{name: p, c: '{text}', jobs: ['{{name}}-t']}}\n"
        )
    };
    let outcome = good(Dialect::Unified, &[("a", &tree("x{lost!r}{lost!r:>11}"))]);
    assert_eq!(key(&outcome, "p-t", "node"), "\"xUndefined  Undefined\"");
    for text in ["{lost}", "{lost!s}", "{lost:>3}", "{lost[0]!r}"] {
        assert_eq!(fault(Dialect::Unified, &[("a", &tree(text))]), "missing-variable");
    }
    assert_eq!(fault(Dialect::Classic, &[("a", &tree("{lost!r}"))]), "missing-variable");
}
