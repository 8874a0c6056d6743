//! Section 7: classic expansion.

use super::*;

const C: Dialect = Dialect::Classic;

#[test]
fn jjb_j60_plain_jobs_are_not_expanded() {
    let file = "- defaults: {name: global, node: '{y}'}\n- job: {name: a, x: '{x} {{x}}'}\n";
    let outcome = good(C, &[("a", file)]);
    assert_eq!(key(&outcome, "a", "x"), "\"{x} {{x}}\"");
    assert_eq!(key(&outcome, "a", "node"), "\"{y}\"");
}

#[test]
fn jjb_j61_one_set_of_defaults_alone() {
    let file = "- defaults: {name: global, node: g, jdk: g}\n- defaults: {name: other, node: o}\n- job: {name: a, defaults: other}\n- job: {name: b, node: own}\n";
    let outcome = good(C, &[("a", file)]);
    assert_eq!(key(&outcome, "a", "node"), "\"o\"");
    assert!(outcome.jobs[0].definition.get("jdk").is_none());
    assert_eq!(key(&outcome, "b", "node"), "\"own\"");
    assert_eq!(key(&outcome, "b", "jdk"), "\"g\"");
    assert_eq!(fault(C, &[("a", "- job: {name: a, defaults: none}\n")]), "unknown-defaults");
}

#[test]
fn jjb_j62_groups_beat_projects_and_axes_come_from_the_mapping() {
    let group = "- job-group: {name: g, jobs: ['t-{v}-{name}', nothing], w: group}\n- job-template: {name: 't-{v}-{name}', node: '{w}'}\n- project: {name: p, w: project, v: [1, 2], jobs: [g]}\n";
    let outcome = good(C, &[("a", group)]);
    assert_eq!(names(&outcome), ["t-1-p", "t-2-p"]);
    assert_eq!(key(&outcome, "t-1-p", "node"), "\"group\"");
    let values = "- job-template: {name: '{v}-{w}', node: '{x|none}'}\n- project: {name: p, v: [a: {x: 1}, b], w: [c], exclude: [{v: b}], jobs: ['{v}-{w}']}\n";
    let outcome = good(C, &[("a", values)]);
    assert_eq!(names(&outcome), ["a-c"]);
    assert_eq!(key(&outcome, "a-c", "node"), "1");
    let empty = "- job-template: {name: 't{v}'}\n- project: {name: p, v: [], jobs: ['t{v}']}\n";
    assert!(good(C, &[("a", empty)]).jobs.is_empty());
    let all = "- job-template: {name: 't{v}'}\n- project: {name: p, v: 1, exclude: [{unknown: 1}], jobs: ['t{v}']}\n";
    assert!(good(C, &[("a", all)]).jobs.is_empty());
}

#[test]
fn jjb_j63_parameters_are_expanded_in_one_pass() {
    let file = "- job-template:\n    name: t\n    a: '{c}'\n    node: '{node|xenial}'\n    d: 'td-{e}'\n    x: '{d}'\n    y: '{timer}'\n- project: {name: p, a: 1, b: 'b{a}', c: 'c{b}', e: 2, timer: '{timer}', jobs: [t]}\n";
    let outcome = good(C, &[("a", file)]);
    assert_eq!(key(&outcome, "t", "a"), "\"cb{a}\"");
    assert_eq!(key(&outcome, "t", "node"), "\"{node|xenial}\"");
    assert_eq!(key(&outcome, "t", "x"), "\"td-{e}\"");
    assert_eq!(key(&outcome, "t", "y"), "\"{timer}\"");
    let unused = "- job-template: {name: t}\n- project: {name: p, a: '${VAR}', jobs: [t]}\n";
    assert_eq!(fault(C, &[("a", unused)]), "missing-variable");
}

#[test]
fn jjb_j64_only_the_templates_keys_get_in() {
    let file = "- job-template: {name: t, v: 1}\n- project: {name: p, node: n, publishers: [x], jobs: [t]}\n";
    let outcome = good(C, &[("a", file)]);
    assert_eq!(key(&outcome, "t", "v"), "1");
    assert!(outcome.jobs[0].definition.get("node").is_none());
}
