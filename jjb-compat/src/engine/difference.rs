//! Which elements are not what they were in the reading before.

use std::hash::BuildHasher;

use indexmap::IndexMap;
use rustc_hash::FxHashSet;

use crate::expand::Elements;
use crate::expand::unified::Roots;
use crate::node::Node;
use crate::trace::{Key, element_key};

/// Elements that can be compared with an earlier state of theirs.
pub(super) trait Compare {
    /// Adds the keys of all that was added, taken away or changed.
    fn changed(&self, before: &Self, keys: &mut FxHashSet<Key>);
}

impl Compare for Elements {
    fn changed(&self, before: &Elements, keys: &mut FxHashSet<Key>) {
        let empty = Default::default();
        for kind in self.kinds.keys().chain(before.kinds.keys()) {
            let (new, old) = (self.kinds.get(kind), before.kinds.get(kind));
            table(kind, new.unwrap_or(&empty), old.unwrap_or(&empty), |a, b| a.is_same(b), keys);
        }
    }
}

impl Compare for Roots {
    fn changed(&self, before: &Roots, keys: &mut FxHashSet<Key>) {
        self.compare(before, &mut |kind, name| {
            keys.insert(element_key(kind, name));
        });
    }
}

fn table<T, S: BuildHasher>(
    kind: &str,
    new: &IndexMap<Node, T, S>,
    old: &IndexMap<Node, T, S>,
    same: impl Fn(&T, &T) -> bool,
    keys: &mut FxHashSet<Key>,
) {
    for (name, item) in new {
        if !old.get(name).is_some_and(|before| same(item, before)) {
            keys.insert(element_key(kind, name));
        }
    }
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    keys.extend(gone.map(|name| element_key(kind, name)));
}
