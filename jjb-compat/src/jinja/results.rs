//! What a template gave before: the same values of its variables give the same text.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};

use rustc_hash::{FxHashMap, FxHasher};

use crate::format::Params;
use crate::node::{Node, Value, hash_within};

/// Results that are kept for one template; past it all are forgotten.
const KEPT: usize = 10_000;

/// Values that one key may have; more are not compared.
const BUDGET: usize = 2_000;

/// The values of the variables, in the order of their names.
pub(super) type Values = Vec<Option<Node>>;

/// See the module.
pub(super) struct Results {
    variables: Vec<String>,
    table: Mutex<FxHashMap<u64, (Values, Arc<str>)>>,
}

/// True when a template can see more than the variables that it names.
pub(super) fn sees_more(text: &str) -> bool {
    ["include", "import", "extends", "debug", "self"].iter().any(|word| text.contains(word))
}

impl Results {
    pub(super) fn new(variables: Vec<String>) -> Results {
        Results { variables, table: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, FxHashMap<u64, (Values, Arc<str>)>> {
        self.table.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn values(&self, params: &Params) -> Values {
        self.variables.iter().map(|name| params.get(name).cloned()).collect()
    }

    pub(super) fn get(&self, key: Option<u64>, values: &Values) -> Option<Arc<str>> {
        let table = self.lock();
        let (known, text) = table.get(&key?)?;
        let same = known.iter().zip(values).all(|pair| match pair {
            (Some(a), Some(b)) => alike(a, b),
            (a, b) => a.is_none() && b.is_none(),
        });
        same.then(|| Arc::clone(text))
    }

    pub(super) fn put(&self, key: Option<u64>, values: Values, text: Arc<str>) {
        let Some(key) = key else { return };
        let mut table = self.lock();
        if table.len() > KEPT {
            table.clear();
        }
        table.insert(key, (values, text));
    }
}

/// The hash of some values; `None` when they are too many.
pub(super) fn key(values: &Values) -> Option<u64> {
    let mut hasher = FxHasher::default();
    let mut budget = BUDGET;
    let all = values.iter().all(|value| match value {
        Some(node) => {
            let kind = |node: &Node, hasher: &mut FxHasher| std::mem::discriminant(&node.value).hash(hasher);
            hash_within(&mut budget, node, &mut hasher, &kind)
        }
        None => {
            hasher.write_u8(0xff);
            true
        }
    });
    all.then(|| hasher.finish())
}

/// Equal in value, type and order, wherever they stand.
fn alike(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Seq(a), Value::Seq(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            Arc::ptr_eq(a, b) || (a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| alike(a, b)))
        }
        (Value::Map(a), Value::Map(b)) => {
            Arc::ptr_eq(a, b)
                || (a.len() == b.len()
                    && a.iter().zip(b.iter()).all(|(a, b)| alike(a.0, b.0) && alike(a.1, b.1)))
        }
        (Value::Float(x), Value::Float(y)) => x.to_bits() == y.to_bits(),
        (x, y) => std::mem::discriminant(x) == std::mem::discriminant(y) && a == b,
    }
}
