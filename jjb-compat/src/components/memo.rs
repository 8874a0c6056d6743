//! Results of component calls that come again: the same call with the same arguments from the same places.

use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHasher};

use crate::node::{Node, Value};
use crate::outcome::Component;

/// Values that a key may have; larger calls are not remembered.
const BUDGET: usize = 4_000;

/// Calls and what they gave.
#[derive(Default)]
pub(crate) struct Memo {
    table: RefCell<FxHashMap<u64, Vec<Entry>>>,
}

struct Entry {
    kind: &'static str,
    call: Node,
    result: Arc<[Component]>,
}

impl Memo {
    /// The hash of a call; `None` when it is too large to remember.
    pub(crate) fn key(kind: &'static str, call: &Node) -> Option<u64> {
        let mut hasher = FxHasher::default();
        kind.hash(&mut hasher);
        let mut budget = BUDGET;
        hash(call, &mut hasher, &mut budget).then(|| hasher.finish())
    }

    pub(crate) fn get(&self, key: u64, kind: &'static str, call: &Node) -> Option<Arc<[Component]>> {
        let table = self.table.borrow();
        let entries = table.get(&key)?;
        let entry = entries.iter().find(|entry| entry.kind == kind && same(&entry.call, call))?;
        Some(Arc::clone(&entry.result))
    }

    pub(crate) fn put(&self, key: u64, kind: &'static str, call: &Node, result: Arc<[Component]>) {
        let entry = Entry { kind, call: call.clone(), result };
        self.table.borrow_mut().entry(key).or_default().push(entry);
    }
}

fn hash(node: &Node, hasher: &mut FxHasher, budget: &mut usize) -> bool {
    if *budget == 0 {
        return false;
    }
    *budget -= 1;
    node.place.line.hash(hasher);
    match &node.value {
        Value::Seq(items) | Value::Tuple(items) => {
            hasher.write_usize(items.len());
            items.iter().all(|item| hash(item, hasher, budget))
        }
        Value::Map(map) => {
            hasher.write_usize(map.len());
            map.iter().all(|(key, value)| hash(key, hasher, budget) && hash(value, hasher, budget))
        }
        _ => {
            node.hash(hasher);
            true
        }
    }
}

/// Equal in value, type, order and place.
fn same(a: &Node, b: &Node) -> bool {
    if a.place != b.place {
        return false;
    }
    match (&a.value, &b.value) {
        (Value::Seq(a), Value::Seq(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            Arc::ptr_eq(a, b) || (a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b)))
        }
        (Value::Map(a), Value::Map(b)) => {
            Arc::ptr_eq(a, b)
                || (a.len() == b.len()
                    && a.iter().zip(b.iter()).all(|(a, b)| same(a.0, b.0) && same(a.1, b.1)))
        }
        (x, y) => std::mem::discriminant(x) == std::mem::discriminant(y) && a == b,
    }
}
