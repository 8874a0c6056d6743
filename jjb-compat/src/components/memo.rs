//! Results of component calls that come again: the same call with the same arguments from the same places.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

use crate::node::{Node, Value, hash_within, identical};
use crate::outcome::Component;
use crate::trace::{Kept, Key};

/// Values that a key may have; larger calls are not remembered.
const BUDGET: usize = 4_000;

/// Results that may be kept from one reading to the next; past it all are forgotten.
const KEPT: usize = 200_000;

/// Calls and what they gave. All workers share it.
#[derive(Default)]
pub(crate) struct Memo {
    table: Mutex<FxHashMap<u64, Vec<Entry>>>,
}

struct Entry {
    kind: &'static str,
    call: Node,
    result: Arc<[Component]>,
    trace: Kept,
}

impl Memo {
    fn lock(&self) -> MutexGuard<'_, FxHashMap<u64, Vec<Entry>>> {
        self.table.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The hash of a call; `None` when it is too large to remember.
    pub(crate) fn key(kind: &'static str, call: &Node) -> Option<u64> {
        let mut hasher = FxHasher::default();
        kind.hash(&mut hasher);
        let mut budget = BUDGET;
        let line = |node: &Node, hasher: &mut FxHasher| node.place.line.hash(hasher);
        hash_within(&mut budget, call, &mut hasher, &line).then(|| hasher.finish())
    }

    pub(crate) fn get(&self, key: u64, kind: &'static str, call: &Node) -> Option<(Arc<[Component]>, Kept)> {
        let table = self.lock();
        let entries = table.get(&key)?;
        let entry = entries.iter().find(|entry| entry.kind == kind && identical(&entry.call, call))?;
        Some((Arc::clone(&entry.result), entry.trace.clone()))
    }

    pub(crate) fn put(
        &self,
        key: u64,
        kind: &'static str,
        call: &Node,
        result: Arc<[Component]>,
        trace: Kept,
    ) {
        let entry = Entry { kind, call: call.clone(), result, trace };
        self.lock().entry(key).or_default().push(entry);
    }

    /// Forgets what depends on something that has changed.
    pub(crate) fn forget(&self, changed: &FxHashSet<Key>) {
        let mut table = self.lock();
        if table.len() > KEPT {
            table.clear();
        }
        table.retain(|_, entries| {
            entries.retain(|entry| !entry.trace.is_touched(changed));
            !entries.is_empty()
        });
    }
}

/// Lists and their items that several jobs have: each is held once.
#[derive(Default)]
pub(crate) struct Pool {
    table: Mutex<FxHashMap<u64, Vec<Node>>>,
}

impl Pool {
    /// The value that is held for an identical one.
    pub(crate) fn share(&self, node: Node) -> Node {
        if !matches!(node.value, Value::Seq(_) | Value::Map(_)) {
            return node;
        }
        let Some(key) = Memo::key("", &node) else { return node };
        let mut table = self.table.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let held = table.entry(key).or_default();
        match held.iter().find(|held| identical(held, &node)) {
            Some(held) => held.clone(),
            None => {
                held.push(node.clone());
                node
            }
        }
    }

    /// Lets go of all.
    pub(crate) fn forget(&self) {
        self.table.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clear();
    }
}
