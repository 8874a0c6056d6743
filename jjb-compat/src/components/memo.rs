//! Results of component calls that come again: the same call with the same arguments from the same places.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet, FxHasher};

use super::shared_list;
use crate::node::{Node, Value, hash_within, identical};
use crate::outcome::Component;
use crate::problem;
use crate::session::Session;
use crate::trace::{Kept, Key};

/// Values that a key may have; larger calls are not remembered.
const BUDGET: usize = 4_000;

/// Results that may be kept from one reading to the next; past it all are forgotten.
const KEPT: usize = 200_000;

/// Tables that one is split into, so that workers seldom wait for each other.
const SHARDS: usize = 16;

/// A table of what has a hash, in parts that are locked by themselves.
struct Sharded<T>([Mutex<FxHashMap<u64, T>>; SHARDS]);

impl<T> Default for Sharded<T> {
    fn default() -> Sharded<T> {
        Sharded(std::array::from_fn(|_| Mutex::default()))
    }
}

impl<T> Sharded<T> {
    /// The part that has a hash.
    fn lock(&self, key: u64) -> MutexGuard<'_, FxHashMap<u64, T>> {
        // The lower bits choose the place inside the part.
        unpoisoned(&self.0[(key >> 40) as usize % SHARDS])
    }

    fn each(&self, mut work: impl FnMut(&mut FxHashMap<u64, T>)) {
        self.0.iter().for_each(|shard| work(&mut unpoisoned(shard)));
    }
}

fn unpoisoned<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What is wanted, or the number under which it would have to be put: what has the same hash stands under the numbers that
/// follow. Where something between was taken out, what stands behind is not found; it is only made again then.
fn find<T>(table: &FxHashMap<u64, T>, mut key: u64, wanted: impl Fn(&T) -> bool) -> Result<&T, u64> {
    loop {
        match table.get(&key) {
            None => return Err(key),
            Some(held) if wanted(held) => return Ok(held),
            Some(_) => key = key.wrapping_add(1),
        }
    }
}

/// Calls and what they gave. All workers share it.
#[derive(Default)]
pub(crate) struct Memo {
    table: Sharded<Entry>,
}

struct Entry {
    kind: &'static str,
    call: Node,
    result: Arc<[Component]>,
    trace: Kept,
}

impl Entry {
    fn is_of(&self, kind: &'static str, call: &Node) -> bool {
        self.kind == kind && identical(&self.call, call)
    }
}

impl Memo {
    /// What a call gives: what it gave before, or what `make` adds to an empty list. Only what is the same for every job may be
    /// remembered (`keep`).
    pub(crate) fn remembered(
        &self,
        session: &Session<'_>,
        kind: &'static str,
        call: &Node,
        keep: bool,
        make: impl FnOnce(&mut Vec<Component>) -> problem::Result<()>,
    ) -> problem::Result<Arc<[Component]>> {
        let key = if keep { Memo::key(kind, call) } else { None };
        if let Some((found, trace)) = key.and_then(|key| self.get(key, kind, call)) {
            session.traced_before(&trace);
            return Ok(found);
        }
        let mut out = Vec::new();
        let (done, trace) = session.traced(|| make(&mut out));
        done?;
        let out: Arc<[Component]> = shared_list(out);
        if let Some(key) = key {
            self.put(key, kind, call, Arc::clone(&out), trace);
        }
        Ok(out)
    }

    /// The hash of a call; `None` when it is too large to remember.
    fn key(kind: &'static str, call: &Node) -> Option<u64> {
        let mut hasher = FxHasher::default();
        kind.hash(&mut hasher);
        let mut budget = BUDGET;
        let place = |node: &Node, hasher: &mut FxHasher| node.place.hash(hasher);
        hash_within(&mut budget, call, &mut hasher, &place).then(|| hasher.finish())
    }

    fn get(&self, key: u64, kind: &'static str, call: &Node) -> Option<(Arc<[Component]>, Kept)> {
        let table = self.table.lock(key);
        let entry = find(&table, key, |entry| entry.is_of(kind, call)).ok()?;
        Some((Arc::clone(&entry.result), entry.trace.clone()))
    }

    fn put(&self, key: u64, kind: &'static str, call: &Node, result: Arc<[Component]>, trace: Kept) {
        let table = &mut *self.table.lock(key);
        // Another worker may have been faster.
        if let Err(free) = find(table, key, |entry| entry.is_of(kind, call)) {
            table.insert(free, Entry { kind, call: call.clone(), result, trace });
        }
    }

    /// Forgets what depends on something that has changed.
    pub(crate) fn forget(&self, changed: &FxHashSet<Key>) {
        self.table.each(|table| {
            if table.len() > KEPT / SHARDS {
                table.clear();
            }
            table.retain(|_, entry| !entry.trace.is_touched(changed));
        });
    }
}

/// Lists, their items, and texts that several jobs have: each is held once.
#[derive(Default)]
pub(crate) struct Pool {
    nodes: Sharded<Node>,
    texts: Sharded<Arc<str>>,
}

/// Texts of fewer bytes are not worth the search.
const SHORT: usize = 24;

impl Pool {
    /// The value that is held for an identical one.
    pub(crate) fn share(&self, node: Node) -> Node {
        if !matches!(node.value, Value::Seq(_) | Value::Map(_)) {
            return node;
        }
        let Some(key) = Memo::key("", &node) else { return node };
        let table = &mut *self.nodes.lock(key);
        match find(table, key, |held| identical(held, &node)) {
            Ok(held) => held.clone(),
            Err(free) => {
                table.insert(free, node.clone());
                node
            }
        }
    }

    /// The text that is held for an equal one.
    pub(crate) fn text(&self, text: String) -> Arc<str> {
        if text.len() < SHORT {
            return text.into();
        }
        let key = FxBuildHasher.hash_one(text.as_str());
        let table = &mut *self.texts.lock(key);
        match find(table, key, |held| **held == *text) {
            Ok(held) => Arc::clone(held),
            Err(free) => {
                let text: Arc<str> = text.into();
                table.insert(free, Arc::clone(&text));
                text
            }
        }
    }

    /// Lets go of all.
    pub(crate) fn forget(&self) {
        self.nodes.each(FxHashMap::clear);
        self.texts.each(FxHashMap::clear);
    }
}
