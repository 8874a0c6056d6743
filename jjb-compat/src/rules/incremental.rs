//! A workspace after any edits is what a fresh reading gives: jobs, views, problems, and their order.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::{Kind, Source, Stamp, Workspace, read_each};

/// Elements of which the files of a random tree are made. `#` stands for a small number, `@` for another.
const PIECES: &[&str] = &[
    "- defaults: {name: global, node: 'n#', extra: '{name}'}\n",
    "- defaults: {name: d#, node: d@, zone: z}\n",
    "- job: {name: plain#, defaults: d@, builders: [m#]}\n",
    "- job: {name: plain#, builders: [{m@: {a: '#'}}, {shell: 'echo #'}], wrappers: [timestamps]}\n",
    "- builder: {name: m#, builders: [{shell: 'run {a|none} #'}]}\n",
    "- builder: {name: m#, builders: [{m@: {a: '#'}}, {shell: x}]}\n",
    "- builder: {name: shell, builders: [{batch: 'masks #'}]}\n",
    "- builder: {name: m#, builders: [{shell: !include-raw: 's#.sh'}]}\n",
    "- builder: {name: m#, builders: [{shell: !j2: 'j {{ a | default(\"no\") }} #'}]}\n",
    "- builder: {name: m#, builders: [{shell: !include-jinja2: 's@.sh'}]}\n",
    "- job-template: {name: '{name}-t#', node: '{node|x}', builders: [{m@: {a: '{v}'}}, {shell: '{v} #'}]}\n",
    "- job-template: {name: '{name}-t#', builders: !include: 'i@.inc'}\n",
    "- job-template: {name: '{name}-t#', builders: [{shell: !include-raw: '{file}'}], file: 's#.sh'}\n",
    "- job-group: {name: g#, v: '@', jobs: ['{name}-t#', '{name}-t@']}\n",
    "- project: {name: p#, v: [a, b], jobs: ['{name}-t@', g#]}\n",
    "- project: {name: p#, v: '#', jobs: ['{name}-t#', {'{name}-t@': {v: other}}]}\n",
    "- project: {name: p#, v: '#', views: ['{name}-v@'], jobs: [plain@]}\n",
    "- view-template: {name: '{name}-v#', view-type: list, regex: '{v}'}\n",
    "- view: {name: view#, view-type: list}\n",
    "- job: {name: z#, parameters: &p# [{string: {name: A}}], triggers: [zuul]}\n- job: {name: y#, parameters: *p#}\n",
    "- job: {name: broken#, builders: [nothing-like-it]}\n",
    "- job: {builders: []}\n",
    "- job: {name: [oops\n",
];

/// What a file that is included can hold.
const INCLUDED: &[&str] =
    &["echo # {v|w}\n", "- shell: 'inc #'\n", "- m@: {a: '#'}\n", "[{shell: a}, m#]\n", "{a: [\n"];

/// Files of a tree that are read by themselves, and files that these include.
const LISTED: &[&str] = &["t/a.yaml", "t/b.yaml", "t/c.yaml", "t/d.yaml", "t/e.yaml"];
const OTHERS: &[&str] = &["t/s0.sh", "t/s1.sh", "s1.sh", "t/i0.inc", "t/i1.inc", "i0.inc"];

/// Small numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn piece(&mut self, pieces: &[&str]) -> String {
        let piece = pieces[self.roll(pieces.len())];
        piece.replace('#', &self.roll(3).to_string()).replace('@', &self.roll(2).to_string())
    }

    fn edit(&mut self, tree: &mut Memory) {
        if self.roll(3) == 0 {
            let path = OTHERS[self.roll(OTHERS.len())];
            match self.roll(4) {
                0 => tree.remove(path),
                _ => tree.add(path, self.piece(INCLUDED)),
            };
            return;
        }
        let path = LISTED[self.roll(LISTED.len())];
        let mut text = String::from("- job: {name: always}\n").repeat(usize::from(path == "t/a.yaml"));
        // What is broken stays rare: a tree with it has no jobs to compare.
        for _ in 0..self.roll(6) {
            let sound = if self.roll(12) == 0 { PIECES.len() } else { PIECES.len() - 2 };
            text.push_str(&self.piece(&PIECES[..sound]));
        }
        tree.add(path, text);
    }
}

/// All that a reading gives.
fn all(outcome: &Outcome, options: &Options) -> String {
    let mut out = String::new();
    for (path, text) in crate::oracle::export(outcome, options) {
        out.push_str(&format!("{path}\n{text}"));
    }
    for job in &outcome.jobs {
        for component in job.components.iter() {
            let place = outcome.files.show(component.place);
            out.push_str(&format!("{} {} {} {place}\n", job.name, component.name, component.path));
        }
    }
    for problem in &outcome.problems {
        out.push_str(&problem.render(&outcome.files));
    }
    out
}

fn edits_equal_a_fresh_reading(options: &Options, seeds: std::ops::Range<u64>) -> usize {
    let mut jobs = 0;
    for seed in seeds {
        let mut dice = Dice(seed);
        let mut tree = Memory::new();
        tree.add("t/a.yaml", "- job: {name: always}\n");
        (0..8).for_each(|_| dice.edit(&mut tree));
        let mut workspace = Workspace::open(tree, vec!["t".into()], options.clone());
        for step in 0..12 {
            (0..=dice.roll(2)).for_each(|_| dice.edit(workspace.source_mut()));
            let before = Arc::clone(workspace.outcome());
            let changes = workspace.refresh();
            let fresh = read(workspace.source_mut(), &["t".into()], options);
            let outcome = workspace.outcome();
            assert_eq!(all(outcome, options), all(&fresh, options), "seed {seed} step {step} {options:?}");
            // Handing the jobs over gives the same again.
            let (rest, handed) = read_each(
                workspace.source_mut(),
                &["t".into()],
                options,
                || (),
                |(), job, files| (job.clone(), files.show(job.origin.place)),
            );
            let outcome = workspace.outcome();
            assert!(handed.iter().all(|(job, shown)| rest.files.show(job.origin.place) == *shown));
            let handed = Outcome { jobs: handed.into_iter().map(|(job, _)| job).collect(), ..rest };
            assert_eq!(all(outcome, options), all(&handed, options), "seed {seed} step {step} {options:?}");
            let named = |names: &[Arc<str>]| names.iter().all(|name| outcome.job(name).is_some());
            assert!(named(&changes.added) && named(&changes.again), "seed {seed} step {step}");
            assert!(changes.removed.iter().all(|name| before.job(name).is_some()));
            jobs += outcome.jobs.len();
        }
    }
    jobs
}

#[test]
fn edits_of_a_workspace_equal_a_fresh_reading() {
    for dialect in BOTH {
        for (allow_duplicates, threads) in [(true, 2), (false, 1), (true, 1)] {
            let options = Options { allow_duplicates, threads, ..options(dialect) };
            let jobs = edits_equal_a_fresh_reading(&options, 0..60);
            assert!(jobs > 50, "{dialect} {allow_duplicates}: only {jobs} jobs were compared");
        }
    }
}

#[test]
fn a_workspace_expands_again_only_what_is_touched() {
    let template = "- job-template: {name: '{name}-job', builders: [{m: {a: '{name}'}}]}\n";
    let mut tree = Memory::new();
    tree.add("t/template.yaml", template)
        .add("t/macro.yaml", "- builder: {name: m, builders: [{shell: 'echo {a}'}]}\n")
        .add("t/one.yaml", "- project: {name: one, jobs: ['{name}-job']}\n")
        .add("t/two.yaml", "- project: {name: two, jobs: ['{name}-job']}\n")
        .add("t/plain.yaml", "- job: {name: plain}\n");
    for dialect in BOTH {
        let mut workspace = Workspace::open(tree.clone(), vec!["t".into()], options(dialect));
        assert!(workspace.refresh().is_empty());
        let again = |workspace: &mut Workspace<Memory>, path: &str, text: &str| {
            workspace.source_mut().add(path, text);
            workspace.refresh().again.iter().map(|name| name.to_string()).collect::<Vec<_>>()
        };
        let project = "\n- project: {name: one, jobs: ['{name}-job']}\n";
        assert_eq!(again(&mut workspace, "t/one.yaml", project), ["one-job"]);
        let changed = "- builder: {name: m, builders: [{shell: 'other {a}'}]}\n";
        assert_eq!(again(&mut workspace, "t/macro.yaml", changed), ["one-job", "two-job"]);
        assert_eq!(again(&mut workspace, "t/plain.yaml", "- job: {name: plain, node: n}\n"), ["plain"]);
        assert!(again(&mut workspace, "t/more.yaml", "- builder: {name: unused, builders: []}\n").is_empty());
    }
}

/// A tree whose files look from outside as the test says.
struct Stamped {
    tree: Memory,
    stamp: Option<Stamp>,
    reads: AtomicUsize,
}

impl Source for Stamped {
    fn kind(&self, path: &Path) -> Option<Kind> {
        self.tree.kind(path)
    }

    fn read(&self, path: &Path, limit: usize) -> std::io::Result<Vec<u8>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.tree.read(path, limit)
    }

    fn list(&self, folder: &Path) -> std::io::Result<Vec<String>> {
        self.tree.list(folder)
    }

    fn stamp(&self, _: &Path) -> Option<Stamp> {
        self.stamp
    }

    fn real_path(&self, path: &Path) -> PathBuf {
        self.tree.real_path(path)
    }
}

#[test]
fn a_file_is_read_again_only_when_its_stamp_does_not_say_that_it_is_the_same() {
    let stamp = |written| Stamp { file: (1, 1), length: 1, changed: (written, written) };
    let mut tree = Memory::new();
    tree.add("t/a.yaml", "- job: {name: a}\n");
    let source = Stamped { tree, stamp: Some(stamp(1)), reads: AtomicUsize::new(0) };
    let mut workspace = Workspace::open(source, vec!["t".into()], options(Dialect::Classic));
    let mut refreshed = |stamp: Option<Stamp>, text: &str| {
        let source = workspace.source_mut();
        source.stamp = stamp;
        source.tree.add("t/a.yaml", text);
        source.reads.store(0, Ordering::Relaxed);
        let again = workspace.refresh().again.len();
        (workspace.source_mut().reads.load(Ordering::Relaxed), again)
    };
    assert_eq!(refreshed(Some(stamp(1)), "- job: {name: a}\n"), (0, 0));
    // One look to compare, one to read: with another stamp, and without any.
    assert_eq!(refreshed(Some(stamp(2)), "- job: {name: a, node: b}\n"), (2, 1));
    assert_eq!(refreshed(Some(stamp(2)), "- job: {name: a, node: b}\n"), (0, 0));
    assert_eq!(refreshed(None, "- job: {name: a, node: b}\n"), (1, 0));
    assert_eq!(refreshed(None, "- job: {name: a, node: c}\n"), (2, 1));
    // What had no stamp is compared once more.
    assert_eq!(refreshed(Some(stamp(3)), "- job: {name: a, node: c}\n"), (1, 0));
    assert_eq!(refreshed(Some(stamp(3)), "- job: {name: a, node: c}\n"), (0, 0));
}

#[test]
fn the_stamp_of_a_file_on_the_disk_counts_when_the_file_is_at_rest() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let disk = crate::FileSystem::new();
    let stamp = disk.stamp(&folder.join("Cargo.toml")).expect("nobody writes it now");
    assert_eq!(Some(stamp), disk.stamp(&folder.join("Cargo.toml")));
    assert_ne!(Some(stamp), disk.stamp(&folder.join("src/lib.rs")));
    assert_eq!(disk.stamp(&folder.join("nothing")), None);
}
