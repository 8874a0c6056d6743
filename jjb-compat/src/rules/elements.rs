//! Sections 6 and 12: elements, names, descriptions, order, duplicates, filters.

use super::*;

const TEMPLATE: &str = "- job-template: {name: 't-{v}', id: tid}\n";

#[test]
fn jjb_j50_an_id_replaces_the_name_in_references() {
    for dialect in BOTH {
        let by_id = format!("{TEMPLATE}- project: {{name: p, v: 1, jobs: [tid]}}\n");
        assert_eq!(names(&good(dialect, &[("a", &by_id)])), ["t-1"]);
        let by_name = format!("{TEMPLATE}- project: {{name: p, v: 1, jobs: ['t-{{v}}']}}\n");
        assert_eq!(fault(dialect, &[("a", &by_name)]), "unknown-reference");
    }
}

#[test]
fn jjb_j51_the_same_name_twice() {
    let file =
        "- job: {name: a, node: 1}\n- job: {name: b}\n- job: {name: a, node: 2}\n- job-template: {name: a}\n";
    for dialect in BOTH {
        assert_eq!(fault(dialect, &[("a", file)]), "duplicate");
        let allowed = Options { allow_duplicates: true, ..options(dialect) };
        let outcome = read_with(&[("a", file)], &allowed);
        assert_eq!(names(&outcome), ["a", "b"]);
        assert_eq!(key(&outcome, "a", "node"), "2");
        assert!(!outcome.has_errors());
    }
    let defaults =
        "- defaults: {name: global, node: a}\n- defaults: {name: global, node: b}\n- job: {name: j}\n";
    assert_eq!(key(&good(Dialect::Unified, &[("a", defaults)]), "j", "node"), "\"b\"");
    assert_eq!(fault(Dialect::Classic, &[("a", defaults)]), "duplicate");
}

#[test]
fn jjb_j52_order_matters_nowhere_between_elements() {
    for dialect in BOTH {
        let file = "- project: {name: p, v: 1, jobs: ['t-{v}']}\n- job-template: {name: 't-{v}', builders: [m]}\n- builder: {name: m, builders: [shell: x]}\n";
        assert_eq!(components(&good(dialect, &[("a", file)]), "t-1"), ["shell \"x\""]);
    }
}

#[test]
fn jjb_j53_numbers_as_names_become_text() {
    for dialect in BOTH {
        assert_eq!(names(&good(dialect, &[("a", "- job: {name: 5}\n")])), ["5"]);
    }
}

#[test]
fn jjb_j54_references_with_parameters() {
    let template = "- job-template: {name: 't-{v}'}\n";
    for dialect in BOTH {
        let good_file =
            format!("{template}- project: {{name: p, v: 0, jobs: ['t-{{v}}': {{v: 1}}, 't-{{v}}': null]}}\n");
        assert_eq!(names(&good(dialect, &[("a", &good_file)])), ["t-1", "t-0"]);
        good(dialect, &[("a", "- project: {name: p}\n")]);
    }
    let text = format!("{template}- project: {{name: p, v: 0, jobs: ['t-{{v}}': text]}}\n");
    assert_eq!(names(&good(Dialect::Classic, &[("a", &text)])), ["t-0"]);
    assert_eq!(fault(Dialect::Unified, &[("a", &text)]), "bad-reference");
    let null = "- project: {name: p, jobs: null}\n";
    assert_eq!(fault(Dialect::Classic, &[("a", null)]), "not-a-list");
    good(Dialect::Unified, &[("a", null)]);
}

#[test]
fn jjb_j110_a_folder_stands_before_the_name() {
    for dialect in BOTH {
        let outcome = good(dialect, &[("a", "- defaults: {name: global, folder: f}\n- job: {name: j}\n")]);
        assert_eq!(names(&outcome), ["f/j"]);
    }
}

#[test]
fn jjb_j111_descriptions_are_marked() {
    let file = "- job: {name: a, description: D}\n- job: {name: b}\n- job: {name: c, description: null}\n";
    let marker = "<!-- Managed by Jenkins Job Builder -->";
    for dialect in BOTH {
        let outcome = good(dialect, &[("a", file)]);
        assert_eq!(key(&outcome, "a", "description"), format!("\"D{marker}\""));
        assert_eq!(key(&outcome, "b", "description"), format!("\"{marker}\""));
        let kept = read_with(&[("a", file)], &Options { keep_descriptions: true, ..options(dialect) });
        assert!(kept.jobs[1].definition.get("description").is_none());
    }
    assert_eq!(key(&good(Dialect::Classic, &[("a", file)]), "c", "description"), "null");
    assert_eq!(key(&good(Dialect::Unified, &[("a", file)]), "c", "description"), format!("\"{marker}\""));
}

#[test]
fn jjb_j112_plain_jobs_come_first_then_projects_in_order() {
    let file = "- project: {name: p, v: [2, 1], w: [a, b], jobs: ['t-{v}-{w}']}\n- job-template: {name: 't-{v}-{w}'}\n- job: {name: z}\n";
    for dialect in BOTH {
        assert_eq!(names(&good(dialect, &[("a", file)])), ["z", "t-2-a", "t-2-b", "t-1-a", "t-1-b"]);
    }
}

#[test]
fn jjb_j113_of_two_jobs_with_one_name_the_later_stays() {
    let file = "- job: {name: t-1, node: a}\n- job: {name: z}\n- job-template: {name: 't-{v}', node: b}\n- project: {name: p, v: 1, jobs: ['t-{v}']}\n";
    for dialect in BOTH {
        assert_eq!(codes(&read_with(&[("a", file)], &options(dialect))), ["duplicate"]);
        let allowed = Options { allow_duplicates: true, ..options(dialect) };
        let outcome = read_with(&[("a", file)], &allowed);
        assert_eq!(names(&outcome), ["z", "t-1"]);
        assert_eq!(key(&outcome, "t-1", "node"), "\"b\"");
    }
}

#[test]
fn jjb_j114_filters_work_after_templates_and_before_macros() {
    let file = "- job: {name: good}\n- job: {name: bad, builders: [nonsense]}\n";
    for dialect in BOTH {
        let outcome = read_with(&[("a", file)], &Options { filters: vec!["g*".into()], ..options(dialect) });
        assert_eq!(names(&outcome), ["good"]);
        assert!(outcome.problems.is_empty());
    }
}

#[test]
fn jjb_j115_project_types_are_known() {
    for dialect in BOTH {
        assert_eq!(
            fault(dialect, &[("a", "- job: {name: a, project-type: nonsense}\n")]),
            "unknown-project-type"
        );
        good(dialect, &[("a", "- job: {name: a, project-type: matrix, whatever: 1}\n")]);
    }
}
