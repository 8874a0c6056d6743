//! Section 4: tags.

use super::*;

const C: Dialect = Dialect::Classic;
const U: Dialect = Dialect::Unified;

/// A template with one use; the tag is the value of `node`.
fn template(tag: &str) -> String {
    format!(
        "- job-template:\n    name: '{{j}}'\n    node: {tag}\n- project: {{name: p, j: j, v: a, jobs: ['{{j}}']}}\n"
    )
}

fn plain(tag: &str) -> String {
    format!("- job:\n    name: j\n    node: {tag}\n")
}

#[track_caller]
fn node(dialect: Dialect, file: &str) -> String {
    let tree: Tree = &[
        ("t/f.yml", file),
        ("t/a.sh", "A{v}\n"),
        ("t/b.sh", "B"),
        ("t/y.inc", "[1, '{v}']\n"),
        ("t/esc.sh", "{x}"),
    ];
    key(&good(dialect, tree), "j", "node")
}

#[test]
fn jjb_j30_files_of_a_list_are_joined_by_one_line_break() {
    for dialect in BOTH {
        let file = template("!include-raw: [b.sh, a.sh, b.sh]");
        assert_eq!(node(dialect, &file), "\"B\\nAa\\n\\nB\"");
    }
    let file = template("!include: [y.inc, y.inc]");
    for dialect in BOTH {
        let tree: Tree = &[("f", &file), ("y.inc", "[1]\n")];
        assert_eq!(codes(&read_with(tree, &options(dialect))), ["bad-join"]);
    }
}

#[test]
fn jjb_j31_files_are_sought_in_order() {
    let file = plain("!include-raw: x");
    let tree = memory(&[("t/f.yml", &file), ("x", "here"), ("t/x", "beside"), ("inc/x", "path")]);
    for dialect in BOTH {
        let outcome = read(&tree, &["t/f.yml".into()], &options(dialect));
        assert_eq!(key(&outcome, "j", "node"), "\"here\"");
        let path = Options { include_path: vec!["inc".into()], ..options(dialect) };
        assert_eq!(key(&read(&tree, &["t/f.yml".into()], &path), "j", "node"), "\"path\"");
        let lost = plain("!include-raw: lost");
        assert_eq!(fault(dialect, &[("f", &lost)]), "include-missing");
    }
}

#[test]
fn jjb_j32_a_path_with_variables_waits_for_them() {
    assert_eq!(node(C, &template("!include-raw: '{v}.sh'")), "\"A{v}\\n\"");
    assert_eq!(node(U, &template("!include-raw: '{v}.sh'")), "\"Aa\\n\"");
    assert_eq!(node(U, &template("!include-raw-escape: '{v}.sh'")), "\"A{v}\\n\"");
    assert_eq!(node(C, &template("!include: y.inc")), "[1, \"a\"]");
    assert_eq!(node(C, &plain("!include-raw: a.sh")), "\"A{v}\\n\"");
    assert_eq!(node(C, &plain("!include-raw-escape: esc.sh")), "\"{{x}}\"");
    assert_eq!(node(C, &template("!include-raw-escape: esc.sh")), "\"{x}\"");
    assert_eq!(
        node(C, &plain("!include-raw: '{v}.sh'")),
        "{\"$unexpanded\": {\"kind\": \"LazyLoader\", \"text\": \"!include-raw: {v}.sh\"}}"
    );
}

#[test]
fn jjb_j33_doubled_braces_in_a_path() {
    let file = template("!include-raw-escape: 's{{1}}.sh'");
    let tree = |name| [("f", file.as_str()), (name, "S")];
    assert_eq!(key(&good(C, &tree("s{{1}}.sh")), "j", "node"), "\"S\"");
    assert_eq!(key(&good(U, &tree("s{1}.sh")), "j", "node"), "\"S\"");
}

#[test]
fn jjb_j34_tags_as_elements() {
    let body = ("e.inc", "{name: j, node: n}\n");
    for dialect in BOTH {
        assert_eq!(key(&good(dialect, &[("f", "- job: !include: e.inc\n"), body]), "j", "node"), "\"n\"");
    }
    let item = ("i.inc", "job: {name: j}\n");
    assert_eq!(names(&good(C, &[("f", "- !include: i.inc\n"), item])), ["j"]);
    assert_eq!(fault(U, &[("f", "- !include: i.inc\n"), item]), "not-an-element");
}

#[test]
fn jjb_j30_join_takes_texts() {
    for dialect in BOTH {
        assert_eq!(node(dialect, &plain("!join: [',', [a, b]]")), "\"a,b\"");
    }
    assert_eq!(node(C, &plain("!join: ['', [yes, 010]]")), "\"yes010\"");
    assert_eq!(fault(U, &[("f", &plain("!join: ['', [yes]]"))]), "bad-join");
    assert_eq!(fault(C, &[("f", &plain("!include-raw-expand: x"))]), "unknown-tag");
}
