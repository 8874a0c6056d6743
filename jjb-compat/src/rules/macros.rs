//! Section 9: macros.

use super::*;

const C: Dialect = Dialect::Classic;
const U: Dialect = Dialect::Unified;

#[test]
fn jjb_j80_classic_expands_only_with_arguments() {
    let file = "- builder: {name: m, builders: [shell: 'a {{b}} {x|d}']}\n- builder: {name: n, builders: [m: {x: '{y}'}]}\n- job: {name: j, builders: [m, m: {}, m: {x: 1}, n, n: {y: 2}]}\n";
    assert_eq!(
        components(&good(C, &[("a", file)]), "j"),
        [
            "shell \"a {{b}} {x|d}\"",
            "shell \"a {{b}} {x|d}\"",
            "shell \"a {b} 1\"",
            "shell \"a {b} {y}\"",
            "shell \"a {b} 2\"",
        ]
    );
    let reach = "- builder: {name: m, builders: [shell: '{v}']}\n- job-template: {name: t, v: 1, builders: [m: {x: 1}]}\n- project: {name: p, v: 1, jobs: [t]}\n";
    assert_eq!(fault(C, &[("a", reach)]), "missing-variable");
    let null = "- builder: {name: m, builders: null}\n- job: {name: j, builders: [m]}\n";
    assert_eq!(fault(C, &[("a", null)]), "not-a-list");
}

#[test]
fn jjb_j81_unified_always_expands() {
    let file = "- defaults: {name: global, w: g}\n- builder: {name: m, x: d, builders: ['{which|shell}': 'a {{b}} {x} {w}']}\n- builder: {name: none, builders: null}\n- job: {name: j, builders: [m, m: {x: 1}, none]}\n";
    assert_eq!(components(&good(U, &[("a", file)]), "j"), ["shell \"a {b} d g\"", "shell \"a {b} 1 g\""]);
}

#[test]
fn jjb_j82_properties_see_the_job() {
    let file = "- property: {name: m, properties: [github: {url: '{name} {x}'}]}\n- job: {name: j, properties: [m: {name: lost, x: 1}]}\n";
    for dialect in BOTH {
        assert_eq!(components(&good(dialect, &[("a", file)]), "j"), ["github {\"url\": \"j 1\"}"]);
    }
}

#[test]
fn jjb_j83_nested_lists_are_followed() {
    let file = "- builder: {name: m, builders: [shell: '{x}']}\n- job:\n    name: j\n    builders: [conditional-step: {condition-kind: always, steps: [m: {x: a}, shell: b]}]\n    publishers: [postbuildscript: {builders: [{build-steps: [m: {x: b}]}, {build-steps: [shell: c]}]}]\n";
    for dialect in BOTH {
        let outcome = good(dialect, &[("a", file)]);
        let job = &outcome.jobs[0];
        let shown = |component: &crate::Component| -> Vec<String> {
            component
                .children
                .iter()
                .map(|child| format!("{} {} {}", child.path, child.index, json(&child.arguments)))
                .collect()
        };
        let step = &job.components[0];
        assert_eq!(shown(step).len(), 2);
        assert_eq!(&*step.children[0].macros[0].name, "m");
        let script = &job.components[1];
        assert_eq!(script.children_at("builders[1].build-steps").count(), 1);
        assert_eq!(&*script.children[0].path, "builders[0].build-steps");
    }
}

#[test]
fn jjb_j84_an_argument_keeps_its_type() {
    let file = "- parameter: {name: m, parameters: [string: {name: a, default: '{d}'}]}\n- job: {name: j, parameters: [m: {d: 7}]}\n";
    for dialect in BOTH {
        assert_eq!(
            components(&good(dialect, &[("a", file)]), "j"),
            ["string {\"name\": \"a\", \"default\": 7}"]
        );
    }
}

#[test]
fn jjb_j81_a_macro_hides_a_built_in_component_with_a_warning() {
    let file = "- builder: {name: batch, builders: [shell: x]}\n- job: {name: j, builders: [batch]}\n";
    for dialect in BOTH {
        let outcome = read_with(&[("a", file)], &options(dialect));
        assert_eq!(codes(&outcome), ["masked-component"]);
        assert_eq!(components(&outcome, "j"), ["shell \"x\""]);
    }
}

#[test]
fn jjb_j121_a_component_knows_its_line_and_its_macros() {
    let file = "- builder:\n    name: m\n    builders:\n      - shell: x\n- job:\n    name: j\n    builders:\n      - m\n";
    for dialect in BOTH {
        let outcome = good(dialect, &[("a", file)]);
        let step = &outcome.jobs[0].components[0];
        assert_eq!((step.place.line, step.place.column), (4, 9));
        assert_eq!(step.macros[0].called.line, 8);
        assert_eq!(step.macros[0].defined.line, 1);
        assert_eq!(outcome.files.show(step.place), "a:4:9");
    }
}
