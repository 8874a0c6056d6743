//! Section 2: files.

use super::*;

const JOB: &str = "- job:\n    name: NAME\n";

fn job(name: &str) -> String {
    JOB.replace("NAME", name)
}

#[test]
fn jjb_j10_a_folder_gives_its_yaml_files_sorted_by_bytes() {
    let mut tree = Memory::new();
    for name in ["a.yml", "B.yaml", "a10.yml", "a2.yml", ".h.yml", "c.YAML", "d.json", "sub/e.yml"] {
        tree.add(format!("t/{name}"), job(name));
    }
    let outcome = read(&tree, &["t".into()], &Options::default());
    assert_eq!(names(&outcome), [".h.yml", "B.yaml", "a.yml", "a10.yml", "a2.yml"]);
    let outcome = read(&tree, &["t/d.json".into()], &Options::default());
    assert_eq!(names(&outcome), ["d.json"]);
}

#[test]
fn jjb_j11_recursion_takes_children_before_grandchildren() {
    let mut tree = Memory::new();
    for name in ["t/1.yml", "t/a/2.yml", "t/b/3.yml", "t/a/x/4.yml", "t/.git/5.yml"] {
        tree.add(name, job(name));
    }
    let mut options = Options { recursive: true, ..Options::default() };
    let outcome = read(&tree, &["t".into()], &options);
    assert_eq!(names(&outcome), ["t/1.yml", "t/a/2.yml", "t/b/3.yml", "t/a/x/4.yml"]);
    options.exclude = vec!["a".into()];
    let outcome = read(&tree, &["t".into()], &options);
    assert_eq!(names(&outcome), ["t/1.yml", "t/.git/5.yml", "t/b/3.yml"]);
}

#[test]
fn jjb_j12_a_file_reached_twice_is_read_once() {
    let tree = memory(&[("t/a.yml", "- job:\n    name: a\n")]);
    let outcome = read(&tree, &["t".into(), "t/./a.yml".into()], &Options::default());
    assert_eq!(names(&outcome), ["a"]);
    assert_eq!(codes(&outcome), ["file-twice"]);
}

#[test]
fn jjb_j13_text_is_utf_8_with_any_line_end_and_one_document() {
    for dialect in BOTH {
        let outcome =
            good(dialect, &[("a", "\u{feff}- job:\r\n    name: ä\r\n    node: |\r\n      x\r\n      y\r\n")]);
        assert_eq!(key(&outcome, "ä", "node"), "\"x\\ny\\n\"");
        assert!(good(dialect, &[("a", "")]).jobs.is_empty());
        assert!(good(dialect, &[("a", "# nothing\n")]).jobs.is_empty());
        assert_eq!(fault(dialect, &[("a", "- job: {name: a}\n---\n- job: {name: b}\n")]), "second-document");
        let mut latin = Memory::new();
        latin.add("a", vec![b'#', 0xe4, b'\n']);
        assert_eq!(codes(&read(&latin, &["a".into()], &options(dialect))), ["not-utf-8"]);
    }
}

#[test]
fn jjb_j14_the_top_is_a_list_of_mappings_with_one_key() {
    for dialect in BOTH {
        assert_eq!(fault(dialect, &[("a", "job: {name: a}\n")]), "not-a-list");
        assert_eq!(fault(dialect, &[("a", "- job:\n  name: a\n")]), "two-keys");
        assert_eq!(fault(dialect, &[("a", "- text\n")]), "not-an-element");
        assert_eq!(fault(dialect, &[("a", "- job: {node: a}\n")]), "without-name");
    }
    good(Dialect::Classic, &[("a", "- other: {name: a}\n- _x: {name: a}\n")]);
    assert_eq!(fault(Dialect::Classic, &[("a", "- _x: {}\n")]), "without-name");
    assert_eq!(fault(Dialect::Unified, &[("a", "- other: {name: a}\n")]), "unknown-kind");
    good(Dialect::Unified, &[("a", "- _x: {a: &b c}\n")]);
}
