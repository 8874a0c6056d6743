//! Job Builder's YAML: the YAML layer, the format language, the whole expander. Hostile trees may be refused, slowly never.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use jjb_compat::{Dialect, Kind, Limits, Memory, Options, Outcome, Place, Source, Value, oracle, read};

const BOTH: [Dialect; 2] = [Dialect::Classic, Dialect::Unified];

/// Limits at which an input of a few kilobytes must be done in well under a second.
const LIMITS: Limits = Limits {
    jobs: 200,
    depth: 60,
    file_bytes: 1 << 20,
    text_bytes: 64 << 10,
    macro_depth: 20,
    steps: 20_000,
    combinations: 1_000,
};

/// All that an export of one job may have.
const JOB_BYTES: usize = 40 << 20;

fn options(dialect: Dialect) -> Options {
    Options { dialect, limits: LIMITS, threads: 1, confine: true, ..Options::default() }
}

/// Any bytes as a file, in both dialects.
pub(super) fn yaml(bytes: &[u8]) {
    let mut tree = Memory::new();
    tree.add("t/a.yaml", bytes);
    for dialect in BOTH {
        judge(&tree, &options(dialect));
    }
}

/// A tree that counts what is asked of it and refuses to be left.
struct Fenced<'a> {
    tree: &'a Memory,
    reads: AtomicUsize,
}

impl Source for Fenced<'_> {
    fn kind(&self, path: &Path) -> Option<Kind> {
        self.tree.kind(path)
    }

    fn read(&self, path: &Path, limit: usize) -> io::Result<Vec<u8>> {
        let real = self.real_path(path);
        assert!(real.starts_with("t"), "{} is read, outside the tree", path.display());
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.tree.read(path, limit)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.tree.list(folder)
    }

    fn real_path(&self, path: &Path) -> PathBuf {
        self.tree.real_path(path)
    }
}

/// Reads a tree, and holds what always holds against what comes out.
fn judge(tree: &Memory, options: &Options) -> Outcome {
    let fenced = Fenced { tree, reads: AtomicUsize::new(0) };
    let outcome = read(&fenced, &["t".into()], options);
    assert!(fenced.reads.into_inner() <= 64, "a file is read again and again");
    for problem in &outcome.problems {
        assert_ne!(problem.code, "internal", "{}", problem.message);
        assert!(!problem.message.is_empty() && !problem.render(&outcome.files).is_empty());
        let frames = problem.chain.iter().filter_map(|frame| frame.place);
        frames.chain(problem.place).for_each(|place| stands(&outcome, place));
    }
    assert!(outcome.jobs.len() + outcome.views.len() <= LIMITS.jobs);
    let mut names: Vec<&str> = outcome.jobs.iter().map(|job| &*job.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "two jobs of one name");
    for job in &outcome.jobs {
        stands(&outcome, job.origin.place);
        assert!(matches!(job.definition.value, Value::Map(_)));
        for component in job.components.iter() {
            stands(&outcome, component.place);
            assert!(!component.name.is_empty());
        }
    }
    for (path, text) in oracle::export(&outcome, options) {
        assert!(
            path.split('/').all(|part| part != "..") && text.len() <= JOB_BYTES,
            "{path} has {} bytes",
            text.len()
        );
    }
    outcome
}

/// A place lies in its file.
fn stands(outcome: &Outcome, place: Place) {
    if !place.is_somewhere() {
        return;
    }
    let file = outcome.files.get(place.file).expect("a place names a file that was read");
    // One line more, since a text that ends with a line break has its end there.
    let lines = file.text.split('\n').count() + 1;
    assert!(place.line as usize <= lines, "line {} of {lines}", place.line);
}

/// A text of the format language in a job template with variables of every kind.
pub(super) fn format(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // A shell step without a text is refused.
    if text.is_empty() || text.contains('\r') {
        return;
    }
    for dialect in BOTH {
        let options = options(dialect);
        if let Some(out) = formatted(text, &options) {
            assert!(out.len() <= JOB_BYTES);
            if !text.contains(['{', '}']) {
                assert_eq!(out, text, "a text without fields is not the same");
            }
        }
        let doubled = text.replace('{', "{{").replace('}', "}}");
        let back = formatted(&doubled, &options);
        assert_eq!(back.as_deref(), Some(text), "doubled braces do not give the text back");
    }
}

/// The one shell step that the text gives; none when it was refused or is no text.
fn formatted(text: &str, options: &Options) -> Option<String> {
    // The unified dialect expands no dates.
    let day = if options.dialect == Dialect::Classic { "2020-01-02" } else { "'2020-01-02'" };
    let file = format!(
        "- job-template:\n    name: '{{j}}'\n    builders:\n      - shell: {}\n\
         - project:\n    name: p\n    j: job\n    jobs: ['{{j}}']\n    n: 5\n    f: 2.5\n    t: text\n    e: ''\n    \
         none: null\n    flag: true\n    big: 123456789012345678901234567890\n    day: {day}\n    l: [a, 1]\n    \
         d: {{k: v, n: {{m: w}}}}\n",
        quoted(text)
    );
    let mut tree = Memory::new();
    tree.add("t/a.yaml", file);
    let outcome = judge(&tree, options);
    let job = outcome.jobs.first()?;
    assert_eq!(job.components.len(), 1);
    job.components[0].arguments.as_str().map(str::to_owned)
}

/// A double-quoted scalar that holds any text on one line.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            ' '..='~' => out.push(letter),
            _ => out.push_str(&format!("\\U{:08x}", u32::from(letter))),
        }
    }
    out.push('"');
    out
}

/// Between two files of an input.
const CUT: &[u8] = b"\n%%%\n";
/// What the files of an input are called, in their order.
const NAMES: [&str; 6] = ["a.yaml", "b.yaml", "inc.yaml.inc", "s.sh", "x.j2", "y.j2"];

/// The whole expander on a small tree. The first byte has the options' bits, the rest is the files.
pub(super) fn expand(bytes: &[u8]) {
    let [bits, rest @ ..] = bytes else { return };
    let mut tree = Memory::new();
    let mut rest = rest;
    for name in NAMES {
        let end = rest.windows(CUT.len()).position(|window| window == CUT);
        tree.add(Path::new("t").join(name), &rest[..end.unwrap_or(rest.len())]);
        let Some(end) = end else { break };
        rest = &rest[end + CUT.len()..];
    }
    // Outside the tree, where no tag may reach.
    tree.add("secret", "hidden");
    let has = |bit: u8| bits & (1 << bit) != 0;
    let options = Options {
        allow_duplicates: has(1),
        allow_empty_variables: has(2),
        keep_descriptions: has(3),
        retain_anchors: has(4),
        collect: !has(5),
        ..options(BOTH[usize::from(has(0))])
    };
    let outcome = judge(&tree, &options);
    if has(6) {
        // Asked for more threads, too.
        let again = judge(&tree, &Options { threads: 2, ..options.clone() });
        let exported = |outcome: &Outcome| oracle::export(outcome, &options).collect::<Vec<_>>();
        assert_eq!(exported(&outcome), exported(&again), "two readings of one tree differ");
    }
}
