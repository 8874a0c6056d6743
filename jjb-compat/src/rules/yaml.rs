//! Section 3: YAML 1.1.

use super::*;

/// The value of a job's key `x`.
#[track_caller]
fn value(text: &str) -> String {
    let file = format!("- job:\n    name: j\n    x: {text}\n");
    key(&good(Dialect::Classic, &[("a", &file)]), "j", "x")
}

fn wrong(text: &str) -> &'static str {
    let file = format!("- job:\n    name: j\n    x: {text}\n");
    fault(Dialect::Classic, &[("a", &file)])
}

#[test]
fn jjb_j20_plain_scalars_are_typed_as_yaml_1_1() {
    for (text, json) in [
        ("yes", "true"),
        ("off", "false"),
        ("y", "\"y\""),
        ("~", "null"),
        ("", "null"),
        ("010", "8"),
        ("08", "\"08\""),
        ("1:30", "90"),
        ("1_000", "1000"),
        ("1e3", "\"1e3\""),
        ("1.5e+3", "1500.0"),
        ("1:2.5", "62.5"),
        (".inf", "{\"$float\": \"inf\"}"),
        ("2001-01-01", "{\"$date\": \"2001-01-01\"}"),
        ("2001-12-14t21:59:43.10-05:00", "{\"$timestamp\": \"2001-12-14T21:59:43.100000-05:00\"}"),
        ("'yes'", "\"yes\""),
        ("|-\n      a\n       b", "\"a\\n b\""),
        (">\n      a\n      b", "\"a b\\n\""),
        ("{1: a, true: b}", "{\"!!int 1\": \"b\"}"),
        ("{~: a, 1.5: b}", "{\"!!null\": \"a\", \"!!float 1.5\": \"b\"}"),
    ] {
        assert_eq!(value(text), json, "{text}");
    }
    assert_eq!(wrong("="), "bad-scalar");
    assert_eq!(wrong("<<"), "bad-scalar");
    assert_eq!(wrong("2001-13-01"), "bad-value");
}

#[test]
fn jjb_j20_block_scalars_at_the_end_of_a_file_without_line_break() {
    for (text, json) in [
        ("|\n      a", "\"a\""),
        ("|+\n      a", "\"a\""),
        ("|-\n      a", "\"a\""),
        (">\n      a\n      b", "\"a b\""),
        ("|\n      a\n# c", "\"a\\n\""),
        ("'a'", "\"a\""),
    ] {
        let file = format!("- job:\n    name: j\n    x: {text}");
        assert_eq!(key(&good(Dialect::Classic, &[("a", &file)]), "j", "x"), json, "{text}");
    }
}

#[test]
fn jjb_j21_explicit_tags_work_and_code_is_refused() {
    for (text, json) in [
        ("!!str 5", "\"5\""),
        ("!!int '5'", "5"),
        ("!!float 5", "5.0"),
        ("!!bool 'on'", "true"),
        ("!!null x", "null"),
        ("!!binary aGk=", "{\"$binary\": \"aGk=\"}"),
        ("!!set {b, a}", "{\"$set\": [\"a\", \"b\"]}"),
        ("!!omap [a: 1]", "[[\"a\", 1]]"),
        ("!!pairs [a: 1, a: 2]", "[[\"a\", 1], [\"a\", 2]]"),
        ("!!timestamp '2001-01-01'", "{\"$date\": \"2001-01-01\"}"),
    ] {
        assert_eq!(value(text), json, "{text}");
    }
    assert_eq!(wrong("!!python/object/apply:os.system [ls]"), "python-tag");
    assert_eq!(wrong("!!python/name:os.system"), "python-tag");
    assert_eq!(wrong("!unknown x"), "unknown-tag");
    assert_eq!(wrong("!!int x"), "bad-value");
}

#[test]
fn jjb_j22_numbers_have_no_limit_and_print_as_pythons() {
    assert_eq!(value("123456789012345678901234567890"), "123456789012345678901234567890");
    let file = "- job-template:\n    name: '{n}'\n    node: 'x{v}'\n- project:\n    name: p\n    n: j\n    v: 1.10\n    jobs: ['{n}']\n";
    assert_eq!(key(&good(Dialect::Classic, &[("a", file)]), "j", "node"), "\"x1.1\"");
}

#[test]
fn jjb_j23_a_repeated_key_keeps_its_place_and_the_last_value() {
    assert_eq!(value("{a: 1, b: 2, a: 3}"), "{\"a\": 3, \"b\": 2}");
    assert_eq!(wrong("{[a]: 1}"), "bad-key");
}

#[test]
fn jjb_j24_merge_order() {
    let text = "\n      - &a {k: 1, l: 2}\n      - &b {l: 3, m: 4}\n      - {n: 5, <<: [*a, *b], k: 6}\n      - {!!merge : *a}\n      - {'<<': 1}";
    assert_eq!(
        value(text),
        "[{\"k\": 1, \"l\": 2}, {\"l\": 3, \"m\": 4}, {\"l\": 2, \"m\": 4, \"k\": 6, \"n\": 5}, {\"k\": 1, \"l\": 2}, {\"<<\": 1}]"
    );
    assert_eq!(wrong("{<<: text}"), "bad-merge");
}

#[test]
fn jjb_j25_anchors_live_in_a_file_and_its_includes() {
    let classic = Dialect::Classic;
    assert_eq!(wrong("[&a 1, &a 2]"), "duplicate-anchor");
    let tree: Tree = &[
        ("t/a.yml", "- job:\n    name: j\n    x: &a 1\n    y: !include: b.inc\n"),
        ("t/b.inc", "[*a]\n"),
        ("t/c.yml", "- job: {name: k, x: *a}\n"),
    ];
    assert_eq!(key(&good(classic, &tree[..2]), "j", "y"), "[1]");
    let mut options = options(classic);
    let outcome = read(&memory(tree), &["t".into()], &options);
    assert_eq!(codes(&outcome), ["undefined-alias"]);
    options.retain_anchors = true;
    assert_eq!(names(&read(&memory(tree), &["t".into()], &options)), ["j", "k"]);
    let twice: Tree = &[("a", "- job:\n    name: j\n    x: [!include: b, !include: b]\n"), ("b", "&z 1\n")];
    assert_eq!(fault(classic, twice), "duplicate-anchor");
}

#[test]
fn jjb_j26_broken_yaml_is_an_error_with_a_place() {
    for dialect in BOTH {
        for (text, code) in [
            ("- job:\n\tname: a\n", "yaml-syntax"),
            ("- job: {name: a, x: *b}\n", "undefined-alias"),
            ("- job: {name: a, x: &b [*b]}\n", "recursive-alias"),
            ("- job: {name: a\n", "yaml-syntax"),
            ("- job: 'a\n", "yaml-syntax"),
        ] {
            assert_eq!(fault(dialect, &[("a", text)]), code, "{text}");
        }
        let deep = format!("- job: {{name: a, x: {}{}}}\n", "[".repeat(2000), "]".repeat(2000));
        assert_eq!(fault(dialect, &[("a", &deep)]), "too-deep");
    }
}

#[test]
fn jjb_j26_a_tag_that_ends_in_a_comma_is_unknown() {
    for dialect in BOTH {
        assert_eq!(fault(dialect, &[("a", "- job: {name: a, lst: [!!str, x]}\n")]), "unknown-tag");
    }
}
