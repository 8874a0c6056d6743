//! Section 11: the zuul triggers.

use super::*;

fn parameter_names(outcome: &Outcome, job: &str) -> Vec<String> {
    let job = outcome.job(job).unwrap_or_else(|| panic!("no job {job}"));
    let parameters = job.components.iter().filter(|component| component.kind == "parameter");
    parameters.map(|component| component.arguments.get("name").map(json).unwrap_or_default()).collect()
}

#[test]
fn jjb_j90_the_triggers_add_parameters() {
    let file = "- job: {name: a, triggers: [zuul], parameters: [string: {name: own}]}\n- job: {name: b, triggers: [zuul-post, timed: '@daily']}\n- job: {name: c, triggers: [zuul, zuul-post]}\n";
    for dialect in BOTH {
        let outcome = good(dialect, &[("a", file)]);
        let a = parameter_names(&outcome, "a");
        assert_eq!(
            (a.len(), a[0].as_str(), a[1].as_str(), a[13].as_str()),
            (14, "\"own\"", "\"ZUUL_UUID\"", "\"ZUUL_VOTING\"")
        );
        assert_eq!(parameter_names(&outcome, "b").len(), 10);
        assert_eq!(key(&outcome, "b", "triggers"), "[{\"timed\": \"@daily\"}]");
        assert_eq!(parameter_names(&outcome, "c").len(), 23);
    }
}

#[test]
fn jjb_j91_only_in_the_list_itself() {
    let through_macro = "- trigger: {name: m, triggers: [zuul]}\n- job: {name: a, triggers: [m]}\n";
    for dialect in BOTH {
        assert_eq!(fault(dialect, &[("a", through_macro)]), "unknown-component");
    }
    let defaults = "- defaults: {name: global, triggers: [zuul]}\n- job: {name: a}\n";
    assert_eq!(fault(Dialect::Classic, &[("a", defaults)]), "unknown-component");
}

#[test]
fn jjb_j92_unified_adds_to_own_parameters() {
    let file = "- job-template: {name: t, triggers: '{x}', parameters: [string: {name: own}]}\n- project: {name: p, x: [zuul], jobs: [t]}\n";
    assert_eq!(parameter_names(&good(Dialect::Unified, &[("a", file)]), "t").len(), 14);
}

#[test]
fn jjb_j93_shared_lists_change_for_all_who_share_them() {
    // Two templates share their triggers: the first takes `zuul` for both, and only its parameters grow.
    let triggers = "- job-template: {name: a, triggers: &t [zuul], parameters: [string: {name: own}]}\n- job-template: {name: b, triggers: *t, parameters: [string: {name: own}]}\n- project: {name: p, jobs: [a, b]}\n";
    let outcome = good(Dialect::Classic, &[("a", triggers)]);
    assert_eq!(parameter_names(&outcome, "a").len(), 14);
    assert_eq!(parameter_names(&outcome, "b").len(), 1);
    // A template without `zuul` gets the parameters when the list is shared, also through a merge.
    let parameters = "- job-template: &a {name: a, triggers: [zuul], parameters: [string: {name: own}]}\n- job-template: {<<: *a, name: b, triggers: []}\n- project: {name: p, jobs: [a, b]}\n";
    let outcome = good(Dialect::Classic, &[("a", parameters)]);
    assert_eq!(parameter_names(&outcome, "a").len(), 14);
    assert_eq!(parameter_names(&outcome, "b").len(), 14);
}

#[test]
fn jjb_j90_a_trigger_that_stands_twice_adds_twice() {
    let file = "- job: {name: a, triggers: [zuul, zuul, zuul-post]}\n";
    for dialect in BOTH {
        let outcome = good(dialect, &[("a", file)]);
        assert_eq!(parameter_names(&outcome, "a").len(), 36);
        assert_eq!(key(&outcome, "a", "triggers"), "[]");
    }
}
