//! When two values are equal, and their hash: as in Python, and without regard to their places.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::FxHasher;

use super::map::TextKey;
use super::{Map, Node, Value};

impl PartialEq for Node {
    fn eq(&self, other: &Node) -> bool {
        use Value::*;
        match (&self.value, &other.value) {
            (Null, Null) => true,
            (Str(a), Str(b)) => Arc::ptr_eq(a, b) || a == b,
            (Seq(a), Seq(b)) | (Tuple(a), Tuple(b)) => Arc::ptr_eq(a, b) || a == b,
            (Map(a), Map(b)) => Arc::ptr_eq(a, b) || same_map(a, b),
            (Set(a), Set(b)) => a.len() == b.len() && a.iter().all(|item| b.contains(item)),
            (Binary(a), Binary(b)) => a == b,
            (Timestamp(a), Timestamp(b)) => a == b,
            (Tag(a), Tag(b)) => Arc::ptr_eq(a, b),
            (Big(a), Big(b)) => a == b,
            (a, b) => match (number(a), number(b)) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            },
        }
    }
}

impl Eq for Node {}

/// Small numbers and booleans as one type: Python's `1 == 1.0 == True`.
#[derive(PartialEq)]
enum Number {
    Whole(i64),
    Broken(f64),
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Bool(value) => Some(Number::Whole(i64::from(*value))),
        Value::Int(value) => Some(Number::Whole(*value)),
        Value::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
            Some(Number::Whole(*value as i64))
        }
        Value::Float(value) => Some(Number::Broken(*value)),
        _ => None,
    }
}

fn same_map(a: &Map, b: &Map) -> bool {
    a.len() == b.len() && a.iter().all(|(key, value)| b.get_node(key).is_some_and(|other| other == value))
}

impl Hash for Node {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.value {
            Value::Null => state.write_u8(0),
            Value::Str(text) => TextKey(text).hash(state),
            Value::Seq(items) | Value::Tuple(items) => {
                state.write_u8(4);
                items.hash(state);
            }
            Value::Map(map) => {
                state.write_u8(5);
                state.write_usize(map.len());
                // Equal mappings may differ in order, so the order must not count.
                let mut sum = 0u64;
                for (key, value) in map.iter() {
                    let mut inner = FxHasher::default();
                    key.hash(&mut inner);
                    value.hash(&mut inner);
                    sum = sum.wrapping_add(inner.finish());
                }
                state.write_u64(sum);
            }
            Value::Set(items) => state.write_usize(items.len()),
            Value::Binary(bytes) => bytes.hash(state),
            Value::Timestamp(time) => time.hash(state),
            Value::Tag(tag) => state.write_usize(Arc::as_ptr(tag) as *const u8 as usize),
            Value::Big(number) => number.hash(state),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => match number(&self.value) {
                Some(Number::Whole(value)) => state.write_i64(value),
                Some(Number::Broken(value)) => state.write_u64(value.to_bits()),
                None => {}
            },
        }
    }
}

/// Values that a comparison looks at: those that hold each other by aliases stand for far more than there are.
const COMPARED: usize = 1_000_000;

/// Equal in value, type, order and place. What is too large to be compared counts as different.
pub(crate) fn identical(a: &Node, b: &Node) -> bool {
    alike(a, b, &mut COMPARED.clone())
}

/// Equal in order, and each entry in value, type and place. What is too large to be compared counts as different.
pub(crate) fn identical_maps(a: &Map, b: &Map) -> bool {
    alike_maps(a, b, &mut COMPARED.clone())
}

fn alike(a: &Node, b: &Node, budget: &mut usize) -> bool {
    if *budget == 0 || a.place != b.place {
        return false;
    }
    *budget -= 1;
    match (&a.value, &b.value) {
        (Value::Seq(a), Value::Seq(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            Arc::ptr_eq(a, b)
                || (a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| alike(a, b, budget)))
        }
        (Value::Map(a), Value::Map(b)) => Arc::ptr_eq(a, b) || alike_maps(a, b, budget),
        (x, y) => std::mem::discriminant(x) == std::mem::discriminant(y) && a == b,
    }
}

fn alike_maps(a: &Map, b: &Map, budget: &mut usize) -> bool {
    a.len() == b.len()
        && a.iter().zip(b.iter()).all(|(a, b)| alike(a.0, b.0, budget) && alike(a.1, b.1, budget))
}

/// Hashes a value in the order of its parts, and of each part what `mark` adds; false when it has more parts than the budget.
pub(crate) fn hash_within(
    budget: &mut usize,
    node: &Node,
    hasher: &mut FxHasher,
    mark: &impl Fn(&Node, &mut FxHasher),
) -> bool {
    if *budget == 0 {
        return false;
    }
    *budget -= 1;
    mark(node, hasher);
    match &node.value {
        Value::Seq(items) | Value::Tuple(items) => {
            hasher.write_usize(items.len());
            items.iter().all(|item| hash_within(budget, item, hasher, mark))
        }
        Value::Map(map) => {
            hasher.write_usize(map.len());
            map.iter().all(|(key, value)| {
                hash_within(budget, key, hasher, mark) && hash_within(budget, value, hasher, mark)
            })
        }
        _ => {
            node.hash(hasher);
            true
        }
    }
}
