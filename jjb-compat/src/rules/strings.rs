//! Section 5: strings and variables.

use super::*;

/// What a text becomes in a template with n = 5, l = [a, 1], m missing, nothing = null.
#[track_caller]
fn expanded(dialect: Dialect, text: &str) -> String {
    let outcome = read_with(&[("a", &file(text))], &options(dialect));
    assert!(outcome.problems.is_empty(), "{text}: {}", outcome.problems[0].render(&outcome.files));
    key(&outcome, "j", "node")
}

fn file(text: &str) -> String {
    format!(
        "- job-template:\n    name: '{{j}}'\n    node: {text}\n- project:\n    name: p\n    j: j\n    n: 5\n    l: [a, 1]\n    d: {{k: v}}\n    f: 2.5\n    e: ''\n    nothing: null\n    my-var: q\n    jobs: ['{{j}}']\n"
    )
}

fn wrong(dialect: Dialect, text: &str) -> &'static str {
    fault(dialect, &[("a", &file(text))])
}

#[test]
fn jjb_j40_a_whole_string_keeps_its_type() {
    for dialect in BOTH {
        for text in ["'{n}'", "'{obj:n}'", "'{n|7}'", "'{{{n}}}'", "|\n      {n}"] {
            assert_eq!(expanded(dialect, text), "5", "{text}");
        }
        assert_eq!(expanded(dialect, "' {n}'"), "\" 5\"");
        assert_eq!(expanded(dialect, "'{l}'"), "[\"a\", 1]");
    }
}

#[test]
fn jjb_j41_anything_else_is_pythons_format() {
    for dialect in BOTH {
        for (text, json) in [
            ("'x{l}'", "\"x['a', 1]\""),
            ("'{{n}} ${{n}} {{{n}}}'", "\"{n} ${n} {5}\""),
            ("'{my-var}'", "\"q\""),
            ("'{d[k]}{l[0]}'", "\"va\""),
            ("'x{n:05d}'", "\"x00005\""),
            ("'x{f:.2f}'", "\"x2.50\""),
            ("'x{e}'", "\"x\""),
            ("'x{e!r}'", "\"x''\""),
            ("'{{{{m|lit}}}}'", "\"{{m|lit}}\""),
        ] {
            assert_eq!(expanded(dialect, text), json, "{text}");
        }
        assert_eq!(wrong(dialect, "'x{'"), "stray-brace");
        assert_eq!(wrong(dialect, "'x}'"), "stray-brace");
        assert_eq!(wrong(dialect, "'x{}'"), "positional-field");
        assert_eq!(wrong(dialect, "'x{0}'"), "positional-field");
        assert_eq!(wrong(dialect, "'x{n.real}'"), "attribute-access");
    }
    assert_eq!(expanded(Dialect::Classic, "'x{d}'"), "\"xOrderedDict([('k', 'v')])\"");
    assert_eq!(expanded(Dialect::Unified, "'x{d}'"), "\"x{'k': 'v'}\"");
}

#[test]
fn jjb_j42_a_default_is_text_up_to_the_brace() {
    for dialect in BOTH {
        assert_eq!(expanded(dialect, "'{m|}'"), "\"\"");
        assert_eq!(expanded(dialect, "'{m|true}'"), "\"true\"");
        assert_eq!(expanded(dialect, "\"{m|a 'b':!|$}\""), "\"a 'b':!|$\"");
    }
    assert_eq!(wrong(Dialect::Classic, "'x{m|{n}}'"), "stray-brace");
}

#[test]
fn jjb_j43_null_is_not_missing() {
    for dialect in BOTH {
        assert_eq!(expanded(dialect, "'x{nothing|d}'"), "\"xNone\"");
    }
}

#[test]
fn jjb_j44_a_missing_variable_is_an_error_or_empty() {
    for dialect in BOTH {
        assert_eq!(wrong(dialect, "'x{m}'"), "missing-variable");
        assert_eq!(wrong(dialect, "'x{obj:n}'"), "missing-variable");
        let empty = Options { allow_empty_variables: true, ..options(dialect) };
        let outcome = read_with(&[("a", &file("'x{m}'"))], &empty);
        assert_eq!(key(&outcome, "j", "node"), "\"x\"");
        let unused = file("x").replace("n: 5", "n: '${VAR}'");
        assert_eq!(codes(&read_with(&[("a", &unused)], &empty)), ["missing-variable"]);
    }
}

#[test]
fn jjb_j45_what_a_variable_inserts_is_not_looked_at_again() {
    let file = "- job-template:\n    name: '{j}'\n    node: 'x{a}'\n- project:\n    name: p\n    j: j\n    a: '{{b}}'\n    b: 1\n    jobs: ['{j}']\n";
    for dialect in BOTH {
        assert_eq!(key(&good(dialect, &[("a", file)]), "j", "node"), "\"x{b}\"");
    }
}

#[test]
fn jjb_j41_an_index_takes_a_letter_of_a_text() {
    for dialect in BOTH {
        assert_eq!(expanded(dialect, "'x{my-var[0]}{l[0][0]}'"), "\"xqa\"");
        assert_eq!(wrong(dialect, "'{my-var[1]}'"), "missing-item");
        assert_eq!(wrong(dialect, "'{n[0]}'"), "missing-item");
    }
}

#[test]
fn jjb_j41_names_of_variables_are_texts() {
    let project = "- job-template: {name: '{name}-t'}\n- project: {name: p, 5: x, jobs: ['{name}-t']}\n";
    let call = "- builder: {name: m, builders: [shell: x]}\n- job: {name: j, builders: [m: {yes: y}]}\n";
    for dialect in BOTH {
        assert_eq!(fault(dialect, &[("a", project)]), "bad-key");
        assert_eq!(fault(dialect, &[("a", call)]), "bad-key");
    }
    let job = "- job: {name: j, 5: x, node: y}\n";
    assert_eq!(fault(Dialect::Unified, &[("a", job)]), "bad-key");
    assert!(read_with(&[("a", job)], &options(Dialect::Classic)).problems.is_empty());
}
