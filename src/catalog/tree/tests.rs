//! A tree that was read again is what a fresh reading gives, and keeps what a change does not touch.

use jjb_compat::Memory;

use super::*;
use crate::catalog::config::Site;
use crate::catalog::pattern::NamePatterns;
use crate::catalog::recipe::Step;

const STARTS: &str = "\
- builder: {name: hello, builders: [shell: echo hello]}
- job: {name: starts, builders: [hello, trigger-builds: [{project: target, block: true}]]}
- job: {name: plain, builders: [hello]}
";
const TARGET: &str = "- job: {name: target, builders: [shell: make]}\n";

fn config() -> CatalogConfig {
    CatalogConfig { paths: vec!["t".into()], ..CatalogConfig::default() }
}

fn open(config: &CatalogConfig) -> OpenTree<Memory> {
    let mut source = Memory::new();
    source.add("t/starts.yaml", STARTS).add("t/target.yaml", TARGET);
    OpenTree::open_from(source, config)
}

impl OpenTree<Memory> {
    fn source(&mut self) -> &mut Memory {
        self.workspace.as_mut().expect("paths are configured").source_mut()
    }

    fn job(&self, name: &str) -> &Arc<TreeJob> {
        self.tree().jobs.iter().find(|job| job.name == name).expect("the job is there")
    }

    fn codes(&self, name: &str) -> Vec<&'static str> {
        self.job(name).findings.iter().map(|finding| finding.problem.code).collect()
    }

    /// Holds it against a reading of the same files from the beginning.
    #[track_caller]
    fn equals_a_fresh_one(&mut self, config: &CatalogConfig) {
        let fresh = Tree::read_from(self.source().clone(), config);
        assert_eq!(format!("{:#?}", self.tree()), format!("{fresh:#?}"));
    }
}

#[test]
fn a_target_that_goes_and_comes_back_changes_what_is_said_of_its_starter() {
    let config = config();
    let mut tree = open(&config);
    assert_eq!(tree.codes("starts"), [""; 0]);
    tree.source().remove("t/target.yaml");
    // Twice: what was found of targets is not found in addition to what was found before.
    for _ in 0..2 {
        tree.refresh(&config);
        assert_eq!(tree.codes("starts"), ["target-elsewhere"]);
        tree.equals_a_fresh_one(&config);
    }
    tree.source().add("t/target.yaml", TARGET);
    tree.refresh(&config);
    assert_eq!(tree.codes("starts"), [""; 0]);
    tree.equals_a_fresh_one(&config);
}

#[test]
fn only_what_a_changed_file_can_affect_is_translated_again() {
    let config = config();
    let mut tree = open(&config);
    let before: Vec<Arc<TreeJob>> = tree.tree().jobs.clone();
    let same = |tree: &OpenTree<Memory>| -> Vec<bool> {
        tree.tree()
            .jobs
            .iter()
            .zip(&before)
            .map(|(now, then)| Arc::ptr_eq(&now.recipe, &then.recipe))
            .collect()
    };
    tree.source().add("t/target.yaml", TARGET.replace("make", "make all"));
    tree.refresh(&config);
    assert_eq!(same(&tree), [true, true, false]);
    tree.equals_a_fresh_one(&config);
    tree.source().add("t/starts.yaml", STARTS.replace("echo hello", "echo bye"));
    tree.refresh(&config);
    assert_eq!(same(&tree), [false, false, false]);
    tree.equals_a_fresh_one(&config);
}

#[test]
fn another_configuration_translates_all_again() {
    let own = |names: &str| NamePatterns::new(names.split(' ').map(str::to_owned));
    let base = config();
    let others = [
        CatalogConfig { leave_out: own("target"), ..base.clone() },
        CatalogConfig { default_shell: vec!["/bin/bash".into()], ..base.clone() },
        CatalogConfig { variables: vec![("A".into(), "b".into())], ..base.clone() },
        CatalogConfig { site: Some(Site::default()), own: own("starts"), ..base.clone() },
        CatalogConfig { site: Some(Site::default()), own: own("*"), ..base.clone() },
    ];
    let mut tree = open(&base);
    for other in others {
        let before = format!("{:?}", tree.tree());
        tree.refresh(&other);
        assert_ne!(format!("{:?}", tree.tree()), before);
        tree.equals_a_fresh_one(&other);
    }
}

#[test]
fn steps_that_come_from_the_same_macro_share_their_script() {
    let config = config();
    let mut tree = open(&config);
    tree.source().add("t/twice.yaml", "- job: {name: twice, builders: [hello, shell: echo hello, hello]}\n");
    tree.refresh(&config);
    let scripts: Vec<_> = tree
        .job("twice")
        .recipe
        .steps
        .iter()
        .map(|step| match step {
            Step::Shell(script) => Arc::clone(script),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(Arc::ptr_eq(&scripts[0], &scripts[2]));
    // The same text, written elsewhere, is another one.
    assert_eq!(scripts[0].script, scripts[1].script);
    assert_ne!(scripts[0].place, scripts[1].place);
}
