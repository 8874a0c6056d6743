//! How one value differs from another: the paths that changed, with the old and the new value.

use serde_json::Value;

/// Work that lining up two lists may cost, in comparisons; longer ones are compared place by place.
const WORK: usize = 4_000_000;

/// Differences of one job that are told one by one.
const TOLD: usize = 1_000;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// Where, for example `builders[2].shell`. The number is that of the new list, for what was removed that of the old.
    pub(super) path: String,
    /// `None`: it was not there.
    pub(super) old: Option<Value>,
    /// `None`: it is gone.
    pub(super) new: Option<Value>,
}

/// All differences, in the order of the new value.
pub(super) fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let mut out = Vec::new();
    value("", Some(old), Some(new), &mut out);
    if out.len() > TOLD {
        out.truncate(TOLD);
        out.push(Change { path: format!("more than {TOLD} differences"), old: None, new: None });
    }
    out
}

fn value(path: &str, old: Option<&Value>, new: Option<&Value>, out: &mut Vec<Change>) {
    if out.len() > TOLD {
        return;
    }
    match (old, new) {
        (Some(old), Some(new)) if old == new => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            for (key, after) in new {
                value(&below(path, key), old.get(key), Some(after), out);
            }
            for (key, before) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
                value(&below(path, key), Some(before), None, out);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => list(path, old, new, out),
        _ => out.push(Change { path: path.to_owned(), old: old.cloned(), new: new.cloned() }),
    }
}

/// Keys with a dot or a bracket in them are quoted.
fn below(path: &str, key: &str) -> String {
    let key = if key.is_empty() || key.contains(['.', '[', ' ', '\n']) {
        Value::String(key.to_owned()).to_string()
    } else {
        key.to_owned()
    };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// Lists are lined up by their equal items, so that one item more does not change all behind it.
fn list(path: &str, old: &[Value], new: &[Value], out: &mut Vec<Change>) {
    let (mut from, mut to) = (0, 0);
    for (a, b) in equal_pairs(old, new).into_iter().chain([(old.len(), new.len())]) {
        gap(path, (from, &old[from..a]), (to, &new[to..b]), out);
        (from, to) = (a + 1, b + 1);
    }
}

/// Items between two equal ones. What has the same shape in both is one change, not a removal and an addition.
fn gap(path: &str, (from, old): (usize, &[Value]), (to, new): (usize, &[Value]), out: &mut Vec<Change>) {
    let mut matched = vec![false; old.len()];
    let mut next = 0;
    for (index, after) in new.iter().enumerate() {
        let here = format!("{path}[{}]", to + index);
        let alike = (next..old.len()).find(|at| old.len() == new.len() || alike(&old[*at], after));
        match alike {
            Some(at) => {
                matched[at] = true;
                next = at + 1;
                value(&here, Some(&old[at]), Some(after), out);
            }
            None => value(&here, None, Some(after), out),
        }
    }
    for (index, before) in old.iter().enumerate().filter(|(index, _)| !matched[*index]) {
        value(&format!("{path}[{}]", from + index), Some(before), None, out);
    }
}

/// The same component, or mappings with the same keys.
fn alike(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => old.keys().eq(new.keys()),
        _ => false,
    }
}

/// Indices of equal items in both lists, in order: the longest common subsequence.
fn equal_pairs(old: &[Value], new: &[Value]) -> Vec<(usize, usize)> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut pairs: Vec<(usize, usize)> = (0..head).map(|at| (at, at)).collect();
    if a.len().saturating_mul(b.len()) <= WORK {
        pairs.extend(longest_common(a, b).into_iter().map(|(x, y)| (x + head, y + head)));
    }
    pairs.extend((0..tail).rev().map(|at| (old.len() - 1 - at, new.len() - 1 - at)));
    pairs
}

fn longest_common(a: &[Value], b: &[Value]) -> Vec<(usize, usize)> {
    let width = b.len() + 1;
    let mut length = vec![0u32; (a.len() + 1) * width];
    for x in (0..a.len()).rev() {
        for y in (0..b.len()).rev() {
            length[x * width + y] = if a[x] == b[y] {
                length[(x + 1) * width + y + 1] + 1
            } else {
                length[(x + 1) * width + y].max(length[x * width + y + 1])
            };
        }
    }
    let (mut x, mut y, mut pairs) = (0, 0, Vec::new());
    while x < a.len() && y < b.len() {
        if a[x] == b[y] {
            pairs.push((x, y));
            (x, y) = (x + 1, y + 1);
        } else if length[(x + 1) * width + y] >= length[x * width + y + 1] {
            x += 1;
        } else {
            y += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(old: &Value, new: &Value) -> Vec<String> {
        changes(old, new)
            .into_iter()
            .map(|change| {
                let mark = match (&change.old, &change.new) {
                    (None, _) => '+',
                    (_, None) => '-',
                    _ => '~',
                };
                format!("{mark}{}", change.path)
            })
            .collect()
    }

    #[test]
    fn an_item_more_changes_nothing_behind_it() {
        let old = json!({"builders": [{"shell": "a"}, {"shell": "b"}]});
        let new = json!({"builders": [{"shell": "a"}, {"inject": {}}, {"shell": "b"}], "node": "x"});
        assert_eq!(paths(&old, &new), ["+builders[1]", "+node"]);
        assert_eq!(paths(&new, &old), ["-builders[1]", "-node"]);
    }

    #[test]
    fn a_component_that_stays_in_its_kind_is_changed_inside() {
        let old = json!([{"shell": "a"}, {"timeout": {"timeout": 3, "fail": true}}]);
        let new = json!([{"inject": 1}, {"shell": "b"}, {"timeout": {"timeout": 4, "fail": true}}]);
        assert_eq!(paths(&old, &new), ["+[0]", "~[1].shell", "~[2].timeout.timeout"]);
    }

    #[test]
    fn jjb_j134_differences_without_end_are_cut_off() {
        let list = |word: &str| json!({"a": vec![vec![word; 30]; 100], "b": word});
        let found = paths(&list("x"), &list("y"));
        assert_eq!(found.len(), TOLD + 1);
        assert_eq!(found[TOLD], format!("+more than {TOLD} differences"));
    }

    #[test]
    fn keys_that_look_like_paths_are_quoted_and_types_count() {
        let old = json!({"a.b": 1, "n": 1});
        let new = json!({"a.b": 2, "n": "1"});
        assert_eq!(paths(&old, &new), ["~\"a.b\"", "~n"]);
        assert!(changes(&old, &old).is_empty());
    }
}
