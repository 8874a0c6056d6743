//! The finer points of the rules: what their own tests leave out.

use super::*;

const C: Dialect = Dialect::Classic;
const U: Dialect = Dialect::Unified;

#[test]
fn jjb_j1_the_dialect_is_named_and_classic_without_a_word() {
    assert_eq!(Options::default().dialect, C);
    assert_eq!(("classic".parse().ok(), "unified".parse().ok()), (Some(C), Some(U)));
    assert!("5.1".parse::<Dialect>().is_err());
}

#[test]
fn jjb_j14_unknown_kinds_are_ignored_or_refused() {
    let known = "- job: {name: j}\n";
    assert_eq!(
        names(&good(C, &[("a", &format!("- other: {{name: a}}\n- _x: {{name: b}}\n{known}"))])),
        ["j"]
    );
    assert_eq!(names(&good(U, &[("a", &format!("- _x: {{}}\n- _y: text\n{known}"))])), ["j"]);
    assert_eq!(fault(C, &[("a", "- other: {}\n")]), "without-name");
}

#[test]
fn jjb_j25_an_included_file_sees_the_anchors_of_the_including_one() {
    for dialect in BOTH {
        let tree: Tree = &[
            ("a", "- job:\n    name: j\n    node: &n big\n    wrappers: !include: w.inc\n"),
            ("w.inc", "- *n\n"),
        ];
        let outcome = read_with(tree, &options(dialect));
        assert!(!codes(&outcome).contains(&"undefined-alias"), "{dialect}: {:?}", codes(&outcome));
    }
    // A second reading of a file that defines an anchor: an error in classic, the parsed file again in unified.
    let twice: Tree = &[
        ("a", "- job:\n    name: j\n    x: !include: i.inc\n    y: !include: i.inc\n"),
        ("i.inc", "&a [1]\n"),
    ];
    assert_eq!(fault(C, twice), "duplicate-anchor");
    assert_eq!(names(&good(U, twice)), ["j"]);
}

#[test]
fn jjb_j42_a_default_goes_through_formatting_with_the_rest() {
    let tree = |text: &str| {
        format!("- job-template: {{name: t, node: '{text}'}}\n- project: {{name: p, jobs: [t]}}\n")
    };
    for dialect in BOTH {
        assert_eq!(key(&good(dialect, &[("a", &tree("{{{{m|lit}}}}"))]), "t", "node"), "\"{{m|lit}}\"");
    }
    assert_eq!(key(&good(C, &[("a", &tree("{v|x{{y}}}"))]), "t", "node"), "\"x{y\"");
}

#[test]
fn jjb_j50_in_classic_any_kind_may_have_an_id() {
    let file = "- builder: {name: m, id: n, builders: [shell: x]}\n- job: {name: j, builders: [n]}\n";
    assert_eq!(components(&good(C, &[("a", file)]), "j"), ["shell \"x\""]);
    let by_name = "- builder: {name: m, id: n, builders: [shell: x]}\n- job: {name: j, builders: [m]}\n";
    assert_eq!(components(&good(U, &[("a", by_name)]), "j"), ["shell \"x\""]);
}

#[test]
fn jjb_j54_classic_takes_the_first_of_several_keys() {
    let file = "- job-template: {name: 't-{v}'}\n- project: {name: p, v: 0, jobs: [{'t-{v}': {v: 1}, other: {v: 2}}]}\n";
    assert_eq!(names(&good(C, &[("a", file)])), ["t-1"]);
    assert_eq!(fault(U, &[("a", file)]), "bad-reference");
    good(U, &[("a", "- project: {name: p, jobs: null}\n")]);
}

#[test]
fn jjb_j62_types_count_for_exclude_and_later_axes_win() {
    let typed = "- job-template: {name: '{v}'}\n- project: {name: p, v: [1, '1'], exclude: [{v: '1'}], jobs: ['{v}']}\n";
    assert_eq!(names(&good(C, &[("a", typed)])), ["1"]);
    let empty =
        "- job-template: {name: 't{v}'}\n- project: {name: p, v: [1], exclude: [{}], jobs: ['t{v}']}\n";
    assert!(good(C, &[("a", empty)]).jobs.is_empty());
    let later = "- job-template: {name: '{v}-{w}', node: '{x}'}\n- project: {name: p, v: [a: {x: v}], w: [b: {x: w}], jobs: ['{v}-{w}']}\n";
    assert_eq!(key(&good(C, &[("a", later)]), "a-b", "node"), "\"w\"");
    let itself = "- job-template: {name: '{v}'}\n- project: {name: p, v: [a: {v: b}], jobs: ['{v}']}\n";
    assert_eq!(names(&good(C, &[("a", itself)])), ["b"]);
    let obj = "- job-template: {name: 't{obj:v}'}\n- project: {name: p, v: [1, 2], jobs: ['t{obj:v}']}\n";
    assert!(read_with(&[("a", obj)], &options(C)).jobs.is_empty(), "{{obj:v}} makes no axis");
}

#[test]
fn jjb_j63_braces_are_reduced_once_and_defaults_of_a_set_are_expanded() {
    let file = "- job-template: {name: t, node: '{a}', x: '{c}'}\n- project: {name: p, a: '{{b}}', c: '{d}', e: 1, jobs: [t]}\n- defaults: {name: global, d: 'dd-{e}'}\n";
    let outcome = good(C, &[("a", file)]);
    assert_eq!(key(&outcome, "t", "node"), "\"{b}\"");
    assert_eq!(key(&outcome, "t", "x"), "\"dd-{e}\"");
    let direct = "- job-template: {name: t, x: '{d}'}\n- project: {name: p, e: 1, jobs: [t]}\n- defaults: {name: global, d: 'dd-{e}'}\n";
    assert_eq!(key(&good(C, &[("a", direct)]), "t", "x"), "\"dd-1\"");
}

#[test]
fn jjb_j73_parameters_of_a_groups_reference_may_change_the_name() {
    let file = "- job-template: {name: '{name}-{v}'}\n- job-group: {name: g, jobs: ['{name}-{v}': {name: q}]}\n- project: {name: p, v: 1, jobs: [g]}\n";
    assert_eq!(names(&good(U, &[("a", file)])), ["q-1"]);
    assert_eq!(names(&good(C, &[("a", file)])), ["p-1"]);
}

#[test]
fn jjb_j110_only_classic_puts_a_folder_before_views() {
    let file = "- view: {name: v, folder: f, view-type: list}\n";
    let name = |dialect| good(dialect, &[("a", file)]).views[0].name.to_string();
    assert_eq!((name(C).as_str(), name(U).as_str()), ("f/v", "v"));
}
