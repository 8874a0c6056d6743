//! The catalogue that counts now: read without waiting, replaced as a whole (issue: reload without a gap).

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, watch};

use super::config::CatalogConfig;
use super::loaded::Catalog;
use super::tree::OpenTree;
use crate::model::{JobName, Problem};

/// The catalogue of this process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CatalogHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    current: ArcSwap<Catalog>,
    changes: watch::Sender<u64>,
    /// The tree that it was made from. Reloads come one after the other: the later one sees the later files.
    tree: Mutex<Option<OpenTree>>,
}

/// What a reload did.
#[derive(Debug, Clone, Default)]
pub struct ReloadReport {
    /// Whether the new catalogue counts now; else the former one goes on.
    pub taken: bool,
    /// What is wrong with the tree.
    pub problems: Vec<Problem>,
    /// Jobs that are ours now and were not before.
    pub gained: Vec<JobName>,
    /// Jobs that were ours and are not any more.
    pub lost: Vec<JobName>,
    /// Jobs that stay ours with another recipe.
    pub changed: Vec<JobName>,
    /// How many jobs are ours now.
    pub owned: usize,
    /// How many jobs the tree has.
    pub jobs: usize,
}

impl CatalogHandle {
    /// Loads the first catalogue. Jobs with errors are left out; all others count.
    pub async fn load(config: CatalogConfig) -> CatalogHandle {
        let (catalog, tree) = read(config, None).await;
        let handle = CatalogHandle::new(catalog);
        *handle.shared.tree.lock().await = tree;
        handle
    }

    /// A handle on a catalogue.
    pub fn new(catalog: Catalog) -> CatalogHandle {
        let (changes, _) = watch::channel(0);
        let shared = Shared { current: ArcSwap::from_pointee(catalog), changes, tree: Mutex::new(None) };
        CatalogHandle { shared: Arc::new(shared) }
    }

    /// The catalogue that counts now. A build takes its recipe from it once and keeps that.
    pub fn current(&self) -> Arc<Catalog> {
        self.shared.current.load_full()
    }

    /// Changes with every catalogue that is taken.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// Reads the tree again, by the same or by another configuration. A tree with errors is not taken.
    pub async fn reload(&self, config: CatalogConfig) -> ReloadReport {
        let mut tree = self.shared.tree.lock().await;
        let (next, read) = read(config, tree.take()).await;
        *tree = read;
        let before = self.current();
        let taken = !next.has_errors();
        let mut report = difference(&before, &next);
        report.taken = taken;
        report.problems = next.problems().to_vec();
        if taken {
            self.shared.current.store(Arc::new(next));
            self.shared.changes.send_modify(|count| *count += 1);
        }
        report
    }
}

/// Reads on a thread that may wait for the disk: what has changed since, when the same tree was read before.
async fn read(config: CatalogConfig, before: Option<OpenTree>) -> (Catalog, Option<OpenTree>) {
    let fallback = config.clone();
    let task = tokio::task::spawn_blocking(move || {
        let tree = match before {
            Some(mut tree) if tree.is_for(&config) => {
                tree.refresh(&config);
                tree
            }
            _ => OpenTree::open(&config),
        };
        (Catalog::of_tree(tree.tree(), &config), Some(tree))
    });
    task.await.unwrap_or_else(|error| {
        let problem =
            Problem::error("internal", format!("the reading of the job definitions failed: {error}"));
        let tree = super::tree::Tree { problems: vec![problem], ..Default::default() };
        (Catalog::of_tree(&tree, &fallback), None)
    })
}

fn difference(before: &Catalog, next: &Catalog) -> ReloadReport {
    let owned = |catalog: &Catalog| catalog.owned().cloned().collect::<Vec<JobName>>();
    let (old, new) = (owned(before), owned(next));
    let recipe =
        |catalog: &Catalog, name: &JobName| catalog.job(name.as_str()).map(|entry| Arc::clone(&entry.recipe));
    let changed = |name: &&JobName| {
        let (old, new) = (recipe(before, name), recipe(next, name));
        // Most recipes are the very same; the others are compared.
        let same = matches!((&old, &new), (Some(old), Some(new)) if Arc::ptr_eq(old, new));
        before.owns(name) && !same && old != new
    };
    ReloadReport {
        taken: false,
        problems: Vec::new(),
        gained: new.iter().filter(|name| !before.owns(name)).cloned().collect(),
        lost: old.into_iter().filter(|name| !next.owns(name)).collect(),
        changed: new.iter().filter(changed).cloned().collect(),
        owned: new.len(),
        jobs: next.jobs().len(),
    }
}

#[cfg(test)]
impl CatalogHandle {
    /// Jobs of these names, each with an empty recipe and ours: for tests of what asks the catalogue.
    pub fn of_jobs(names: &[&str]) -> CatalogHandle {
        use super::pattern::NamePatterns;
        use super::recipe::Recipe;
        use super::tree::{Tree, TreeJob};
        let config = CatalogConfig { own: NamePatterns::new(["*".to_owned()]), ..CatalogConfig::default() };
        let job = |name: &&str| TreeJob {
            name: (*name).to_owned(),
            recipe: Recipe { job: (*name).to_owned(), concurrent: true, ..Recipe::default() }.into(),
            findings: Arc::default(),
            template: None,
            project: None,
        };
        let tree = Tree { jobs: names.iter().map(job).map(Arc::new).collect(), ..Tree::default() };
        CatalogHandle::new(Catalog::of_tree(&tree, &config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::pattern::NamePatterns;

    fn job(name: &str, step: &str) -> String {
        format!("- job:\n    name: {name}\n    concurrent: true\n    builders:\n      - shell: '{step}'\n")
    }

    fn names(names: &[JobName]) -> Vec<&str> {
        names.iter().map(JobName::as_str).collect()
    }

    #[tokio::test]
    async fn a_tree_with_errors_keeps_the_last_good_one_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jobs.yaml");
        let write = |text: &str| std::fs::write(&file, text).unwrap();
        let config = CatalogConfig {
            paths: vec![folder.path().to_owned()],
            own: NamePatterns::new(["*".to_owned(), "!c".to_owned()]),
            ..CatalogConfig::default()
        };
        write(&[job("a", "one"), job("b", "one"), job("c", "one")].concat());
        let handle = CatalogHandle::load(config.clone()).await;
        assert_eq!(handle.current().problems(), []);
        let mut changes = handle.changes();
        let before = handle.current();

        write(&[job("a", "two"), job("d", "one"), job("c", "one")].concat());
        let report = handle.reload(config.clone()).await;
        assert!(report.taken);
        assert_eq!(
            (names(&report.gained), names(&report.lost), names(&report.changed)),
            (vec!["d"], vec!["b"], vec!["a"])
        );
        assert_eq!((report.owned, report.jobs), (2, 3));
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        assert!(before.owns(&"b".parse().unwrap()), "a catalogue never changes");

        write("- job:\n    name: a\n   bad indentation: [\n");
        let report = handle.reload(config).await;
        assert!(!report.taken && report.problems.iter().any(Problem::is_error));
        assert!(!changes.has_changed().unwrap());
        assert!(handle.current().owns(&"d".parse().unwrap()));
    }
}
