//! Bodies, key by key: the engine reads keys in any case of letters, so nothing is passed on that is not written here.

use serde_json::{Map, Value};

use super::refusal::Refusal;

/// What becomes of a key.
pub(super) enum Rule {
    /// Taken over as it is.
    Pass,
    /// Must be empty (null, false, 0, "", [], {}), and is left out.
    Empty(&'static str),
    /// Must not be there, not even empty, but may be null: an empty list means something here.
    Null(&'static str),
    /// Must be one of these words, and is taken over.
    OneOf(&'static [&'static str], &'static str),
    /// Of no meaning for what is made: left out.
    Drop,
    /// Dealt with elsewhere.
    Known,
}

/// Applies a table of rules to an object: the keys that may pass.
///
/// # Errors
/// A key that is not in the table, or whose value breaks its rule.
pub(super) fn sift(
    object: &Map<String, Value>,
    table: &[(&str, Rule)],
) -> Result<Map<String, Value>, Refusal> {
    let mut out = Map::new();
    for (key, value) in object {
        let Some((_, rule)) = table.iter().find(|(known, _)| known == key) else {
            return Err(Refusal::forbidden("pools-D57 options", format!("the option '{key}' is not known")));
        };
        match rule {
            Rule::Pass => {
                out.insert(key.clone(), value.clone());
            }
            Rule::Empty(name) if !is_empty(value) => {
                return Err(Refusal::forbidden(name, format!("'{key}' may not be set")));
            }
            Rule::Null(name) if !value.is_null() => {
                return Err(Refusal::forbidden(name, format!("'{key}' may not be set")));
            }
            Rule::OneOf(words, name) => match value.as_str() {
                Some(word) if words.contains(&word) => {
                    out.insert(key.clone(), value.clone());
                }
                _ if value.is_null() => {}
                _ => {
                    return Err(Refusal::forbidden(name, format!("'{key}' may not be {value}")));
                }
            },
            Rule::Empty(_) | Rule::Null(_) | Rule::Drop | Rule::Known => {}
        }
    }
    Ok(out)
}

/// Whether a value says nothing.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(values) => values.is_empty(),
    }
}

/// An object in an object; null and absent are an empty one.
pub(super) fn object(of: &Map<String, Value>, key: &str) -> Result<Map<String, Value>, Refusal> {
    match of.get(key) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object.clone()),
        Some(_) => Err(wrong(key)),
    }
}

/// A list of texts; null and absent are an empty one.
pub(super) fn texts(of: &Map<String, Value>, key: &str) -> Result<Vec<String>, Refusal> {
    match of.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(values)) => {
            values.iter().map(|value| value.as_str().map(str::to_owned).ok_or_else(|| wrong(key))).collect()
        }
        Some(_) => Err(wrong(key)),
    }
}

/// A text; null and absent are the empty one.
pub(super) fn text(of: &Map<String, Value>, key: &str) -> Result<String, Refusal> {
    match of.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(wrong(key)),
    }
}

/// A whole number; null and absent are 0.
pub(super) fn number(of: &Map<String, Value>, key: &str) -> Result<i64, Refusal> {
    match of.get(key) {
        None | Some(Value::Null) => Ok(0),
        Some(value) => value.as_i64().ok_or_else(|| wrong(key)),
    }
}

/// A value of another type than the engine's.
pub(super) fn wrong(key: &str) -> Refusal {
    Refusal::malformed(format!("'{key}' is of the wrong type"))
}

/// The whole body as an object.
pub(super) fn body(bytes: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Refusal::malformed("the body is no object")),
        Err(error) => Err(Refusal::malformed(format!("the body cannot be read: {error}"))),
    }
}
