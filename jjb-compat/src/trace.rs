//! What a piece of work asked for, and what it warned of: by this it is known later whether it must be done again.

use std::hash::{Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

use crate::components::Pool;
use crate::node::Node;
use crate::problem::Problem;

/// One thing that can be asked for: an element by kind and name, or a path. Two things that share a number only cause work
/// that was not needed.
pub(crate) type Key = u64;

/// What is asked for when an element is looked up, whether it is there or not.
pub(crate) fn element_key(kind: &str, name: &Node) -> Key {
    let mut hasher = FxHasher::default();
    kind.hash(&mut hasher);
    name.hash(&mut hasher);
    hasher.finish()
}

/// What is asked for when a path is looked at.
pub(crate) fn path_key(path: &Path) -> Key {
    let mut hasher = FxHasher::default();
    hasher.write_u8(1);
    path.as_os_str().hash(&mut hasher);
    hasher.finish()
}

/// The uses and warnings of a piece of work.
#[derive(Clone, Default, Debug)]
pub(crate) struct Trace {
    pub(crate) elements: FxHashSet<Key>,
    pub(crate) paths: FxHashSet<Key>,
    pub(crate) warnings: Vec<Problem>,
}

/// A trace that is kept.
#[derive(Clone, Default, Debug)]
pub(crate) struct Kept {
    elements: Arc<[Key]>,
    pub(crate) paths: Arc<[Key]>,
    pub(crate) warnings: Vec<Problem>,
}

impl Trace {
    /// Adds a warning; a macro that is called twenty times says the same thing twenty times.
    pub(crate) fn warn(&mut self, problem: Problem) {
        if !self.warnings.contains(&problem) {
            self.warnings.push(problem);
        }
    }

    /// Adds what was traced elsewhere.
    pub(crate) fn add(&mut self, kept: &Kept) {
        self.elements.extend(kept.elements.iter().copied());
        self.paths.extend(kept.paths.iter().copied());
        for warning in &kept.warnings {
            self.warn(warning.clone());
        }
    }

    /// As something to keep.
    pub(crate) fn keep(self, pool: &Pool) -> Kept {
        Kept { elements: pool.keys(self.elements), paths: pool.keys(self.paths), warnings: self.warnings }
    }
}

impl Kept {
    /// What counts where nothing is read again.
    pub(crate) fn without_elements(self) -> Kept {
        Kept { elements: Arc::default(), ..self }
    }
}

/// Lists of keys that were met. Many traces share one list, and to look into each for each trace would be most of the work of a
/// reading in which little has changed. The lists must outlive this.
#[derive(Default)]
pub(crate) struct Seen(FxHashMap<usize, bool>);

impl Seen {
    /// True the first time for a list that holds something.
    pub(crate) fn is_new(&mut self, keys: &Arc<[Key]>) -> bool {
        !keys.is_empty() && self.0.insert(Arc::as_ptr(keys).addr(), true).is_none()
    }
}

/// What has changed, to be held against traces.
pub(crate) struct Changed<'c> {
    keys: &'c FxHashSet<Key>,
    seen: Seen,
}

impl<'c> Changed<'c> {
    pub(crate) fn new(keys: &'c FxHashSet<Key>) -> Changed<'c> {
        Changed { keys, seen: Seen::default() }
    }

    /// True when something that was asked for has changed since.
    pub(crate) fn touches(&mut self, trace: &Kept) -> bool {
        self.has_any_of(&trace.elements) || self.has_any_of(&trace.paths)
    }

    fn has_any_of(&mut self, keys: &Arc<[Key]>) -> bool {
        let any = || keys.iter().any(|key| self.keys.contains(key));
        !keys.is_empty() && *self.seen.0.entry(Arc::as_ptr(keys).addr()).or_insert_with(any)
    }
}
