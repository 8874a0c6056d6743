//! Sections 13 and 15: errors, bounds, hostile input.

use std::time::{Duration, Instant};

use super::*;
use crate::Workspace;

/// No bounded problem may take longer than this, even on a busy machine.
const SOON: Duration = Duration::from_secs(60);

#[test]
fn jjb_j120_one_error_stops_or_is_collected() {
    let file = "- job: {name: bad, builders: [nonsense]}\n- job: {name: good}\n- job: {name: worse, wrappers: [nonsense]}\n";
    for dialect in BOTH {
        let outcome = read_with(&[("a", file)], &options(dialect));
        assert_eq!(names(&outcome), ["good"]);
        assert_eq!(codes(&outcome), ["unknown-component", "unknown-component"]);
        let outcome = read_with(&[("a", file)], &Options { collect: false, ..options(dialect) });
        assert_eq!(codes(&outcome), ["unknown-component"]);
    }
}

#[test]
fn jjb_j121_a_message_says_what_where_and_the_way_to_it() {
    let file = "- builder:\n    name: m\n    builders:\n      - shell: '{lost}'\n- job:\n    name: j\n    builders:\n      - m:\n          x: 1\n";
    for dialect in BOTH {
        let outcome = read_with(&[("dir/a.yml", file)], &options(dialect));
        let text = outcome.problems[0].render(&outcome.files);
        assert!(text.starts_with("dir/a.yml:4:16: error: the variable 'lost' is not defined"), "{text}");
        assert!(text.contains("      - shell: '{lost}'"), "{text}");
        assert!(text.contains("in the call of builder macro 'm' (dir/a.yml:8:9)"), "{text}");
        assert!(text.contains("in job 'j' (dir/a.yml:5:3)"), "{text}");
    }
}

#[test]
fn jjb_j122_what_kills_the_original_is_an_ordinary_error() {
    for (file, code) in [
        ("- job: {name: j, builders: {shell: x}}\n", "not-a-list"),
        ("- job: {name: j, builders: [null]}\n", "bad-component"),
        ("- job: {name: j, builders: [shell: !j2: '{% if %}']}\n", "template-error"),
        ("- builder: {name: m, builders: [m]}\n- job: {name: j, builders: [m]}\n", "endless-macro"),
        ("- job-template: {name: 't{v}'}\n- project: {name: p, v: [a: null], jobs: ['t{v}']}\n", "bad-axis"),
        (
            "- job-template: {name: 't{v}'}\n- project: {name: p, v: [a], exclude: {v: a}, jobs: ['t{v}']}\n",
            "bad-exclude",
        ),
    ] {
        for dialect in BOTH {
            assert_eq!(fault(dialect, &[("a", file)]), code, "{file}");
        }
    }
}

#[test]
fn jjb_j123_switches_are_tested_for_truth() {
    let outcome =
        good(Dialect::Classic, &[("a", "- job: {name: j, concurrent: 'false', disabled: '', node: 0}\n")]);
    let definition = &outcome.jobs[0].definition;
    assert!(definition.get("concurrent").is_some_and(Node::truth));
    assert!(!definition.get("disabled").is_some_and(Node::truth));
    assert!(!definition.get("node").is_some_and(Node::truth));
}

#[test]
fn jjb_j134_a_billion_laughs_cost_nothing() {
    let mut file = String::from("- job:\n    name: j\n    a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let previous = level - 1;
        file.push_str(&format!(
            "    a{level}: &a{level} [*a{previous}, *a{previous}, *a{previous}, *a{previous}]\n"
        ));
    }
    let started = Instant::now();
    let outcome = good(Dialect::Classic, &[("a", &file)]);
    assert_eq!(names(&outcome), ["j"]);
    let template = file.replace("- job:", "- job-template:") + "- project: {name: p, jobs: [j]}\n";
    assert_eq!(fault(Dialect::Classic, &[("a", &template)]), "too-large");
    let unified = file.replace("    a29:", "    builders:");
    assert_eq!(fault(Dialect::Unified, &[("a", &unified)]), "too-large");
    assert!(started.elapsed() < SOON);
}

#[test]
fn jjb_j134_a_billion_laughs_in_a_text_or_a_template_are_refused() {
    let mut laughs = String::from("    a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let held = format!("*a{}, ", level - 1).repeat(4);
        laughs.push_str(&format!("    a{level}: &a{level} [{held}]\n"));
    }
    let job = |kind: &str, step: &str| {
        format!(
            "- {kind}:\n    name: j\n    builders: [{{m: {{all: *a29}}}}]\n- builder: {{name: m, builders: [{{shell: {step}}}]}}\n"
        )
    };
    let started = Instant::now();
    for step in
        ["'x{all}'", "'{all!r}'", "!j2: '{{ all }}'", "!j2: '{{ all|string }}'", "!j2: 'x{{ all|tojson }}'"]
    {
        let file = format!("- _a:\n    name: a\n{laughs}") + &job("job", step);
        for dialect in BOTH {
            let outcome = read_with(&[("a", &file)], &options(dialect));
            assert!(outcome.has_errors() && outcome.jobs.is_empty(), "{dialect} {step}");
            let known = ["too-large", "template-error"];
            assert!(
                codes(&outcome).iter().all(|code| known.contains(code)),
                "{dialect} {step}: {:?}",
                codes(&outcome)
            );
        }
    }
    assert!(started.elapsed() < SOON);
}

#[test]
fn jjb_j134_a_billion_laughs_are_read_again_and_written_in_bounds() {
    let mut file = String::from("- _a:\n    name: a\n    a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let held = format!("*a{}, ", level - 1).repeat(4);
        file.push_str(&format!("    a{level}: &a{level} [{held}]\n"));
    }
    let job = file.clone() + "- job: {name: j, laughs: *a29}\n";
    let started = Instant::now();
    for dialect in BOTH {
        let mut workspace = Workspace::open(memory(&[("t/f.yml", &job)]), vec!["t".into()], options(dialect));
        workspace.source_mut().add("t/f.yml", job.clone() + "# changed\n");
        workspace.refresh();
        let written: usize =
            crate::oracle::export(workspace.outcome(), &options(dialect)).map(|(_, text)| text.len()).sum();
        assert!(written < 64 << 20);
    }
    assert!(started.elapsed() < SOON);
}

#[test]
fn jjb_j134_a_project_for_a_billion_jobs_is_refused() {
    let list: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
    let list = list.join(", ");
    let file = format!(
        "- job-template: {{name: '{{a}}-{{b}}-{{c}}'}}\n- project: {{name: p, a: [{list}], b: [{list}], c: [{list}], jobs: ['{{a}}-{{b}}-{{c}}']}}\n"
    );
    for dialect in BOTH {
        let started = Instant::now();
        assert_eq!(fault(dialect, &[("a", &file)]), "too-many-jobs");
        assert!(started.elapsed() < SOON);
    }
}

#[test]
fn jjb_j134_macros_that_multiply_are_refused() {
    let mut file = String::from("- builder: {name: m0, builders: [shell: x]}\n");
    for level in 1..40 {
        let previous = level - 1;
        file.push_str(&format!("- builder: {{name: m{level}, builders: [m{previous}, m{previous}]}}\n"));
    }
    file.push_str("- job: {name: j, builders: [m39]}\n");
    for dialect in BOTH {
        let started = Instant::now();
        assert_eq!(fault(dialect, &[("a", &file)]), "too-large");
        assert!(started.elapsed() < SOON);
    }
}

#[test]
fn jjb_j134_files_outside_the_tree_are_refused() {
    let file = "- job: {name: j, node: !include-raw: ../secret}\n";
    let tree = memory(&[("t/f.yml", file), ("secret", "s")]);
    for dialect in BOTH {
        let confined = Options { confine: true, ..options(dialect) };
        assert_eq!(codes(&read(&tree, &["t".into()], &confined)), ["outside-tree"]);
        assert!(codes(&read(&tree, &["t".into()], &options(dialect))).is_empty());
    }
}

#[test]
fn jjb_j134_endless_templates_end() {
    let file = "- job: {name: j, builders: [shell: !j2: '{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}']}\n";
    let started = Instant::now();
    assert_eq!(fault(Dialect::Classic, &[("a", file)]), "template-error");
    let circle: Tree = &[("f", "- job: {name: j, node: !include: f2}\n"), ("f2", "!include: f2\n")];
    for dialect in BOTH {
        assert_eq!(fault(dialect, circle), "include-loop");
    }
    let deep: Tree = &[("f", "- job: {name: j, node: !include: f2}\n"), ("f2", "k: !include: f2\n")];
    let again: Tree = &[
        (
            "f",
            "- job-template: {name: 'j{n}', node: !j2-yaml: '{% include \"t\" %}'}\n- project: {name: p, n: 1, jobs: ['j{n}']}\n",
        ),
        ("t", "!j2-yaml: \"{{ '{%' }} include 't' {{ '%}' }}\""),
    ];
    for dialect in BOTH {
        assert_eq!(fault(dialect, deep), "include-loop");
        assert_eq!(fault(dialect, again), "include-loop");
    }
    assert!(started.elapsed() < SOON);
}

#[test]
fn jjb_j134_texts_that_double_are_refused() {
    let started = Instant::now();
    for text in [
        "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x|length }}",
        "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x|length }}",
        "{{ ('ab' * 1000000000000)|length }}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% else %}ab{% endif %}{% endmacro %}{{ m(60) }}",
    ] {
        let file = format!(
            "- job-template: {{name: t, node: !j2: \"{text}\"}}\n- project: {{name: p, jobs: [t]}}\n"
        );
        for dialect in BOTH {
            assert_eq!(fault(dialect, &[("a", &file)]), "template-error", "{text}");
        }
    }
    assert!(started.elapsed() < SOON);
}
