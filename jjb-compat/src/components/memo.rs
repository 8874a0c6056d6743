//! Results of component calls that come again: the same call with the same arguments from the same places.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet, FxHasher};

use super::shared_list;
use crate::node::{Node, Value, hash_within, identical};
use crate::outcome::Component;
use crate::problem;
use crate::session::Session;
use crate::trace::{Changed, Kept, Key};

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
    pub(crate) fn forget(&self, changed: &mut Changed) {
        self.table.each(|table| {
            if table.len() > KEPT / SHARDS {
                table.clear();
            }
            table.retain(|_, entry| !changed.touches(&entry.trace));
        });
    }
}

/// Lists, their items, and texts that several jobs have: each is held once.
#[derive(Default)]
pub(crate) struct Pool {
    nodes: Sharded<Node>,
    texts: Sharded<Arc<str>>,
    keys: Sharded<Arc<[Key]>>,
    /// How much was put in since it was tidied, and how much was left then.
    added: AtomicUsize,
    left: AtomicUsize,
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
                self.added.fetch_add(1, Ordering::Relaxed);
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
                self.added.fetch_add(1, Ordering::Relaxed);
                let text: Arc<str> = text.into();
                table.insert(free, Arc::clone(&text));
                text
            }
        }
    }

    /// A list of these keys, in order.
    pub(crate) fn keys(&self, keys: FxHashSet<Key>) -> Arc<[Key]> {
        if keys.is_empty() {
            return Arc::default();
        }
        let mut keys: Vec<Key> = keys.into_iter().collect();
        keys.sort_unstable();
        let key = FxBuildHasher.hash_one(&keys);
        let table = &mut *self.keys.lock(key);
        match find(table, key, |held| **held == *keys) {
            Ok(held) => Arc::clone(held),
            Err(free) => {
                self.added.fetch_add(1, Ordering::Relaxed);
                let keys: Arc<[Key]> = keys.into();
                table.insert(free, Arc::clone(&keys));
                keys
            }
        }
    }

    /// Lets go of what nobody else holds, when as much came in as was left the last time.
    pub(crate) fn tidy(&self) {
        if self.added.load(Ordering::Relaxed) <= self.left.load(Ordering::Relaxed) {
            return;
        }
        let mut left = 0;
        let mut count = |kept: bool| {
            left += usize::from(kept);
            kept
        };
        self.nodes.each(|table| table.retain(|_, node| count(is_held(node))));
        self.texts.each(|table| table.retain(|_, text| count(Arc::strong_count(text) > 1)));
        self.keys.each(|table| table.retain(|_, keys| count(Arc::strong_count(keys) > 1)));
        self.left.store(left, Ordering::Relaxed);
        self.added.store(0, Ordering::Relaxed);
    }
}

/// Whether somebody else holds a list or mapping, too.
fn is_held(node: &Node) -> bool {
    match &node.value {
        Value::Seq(items) => Arc::strong_count(items) > 1,
        Value::Map(map) => Arc::strong_count(map) > 1,
        _ => false,
    }
}
