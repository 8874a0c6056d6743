//! JSON arguments of `build:`, `stop:` and `set_description:` (zuul 5.5, 5.9, 5.10).

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::{BuildNumber, JobName, Parameter, ParameterValue, Parameters};

/// The kernel takes no longer string in a program's environment (pools-D5).
const VALUE_MAX: usize = 128 * 1024;
/// The kernel takes about 2 MiB for all arguments and variables; the rest is left to the job (pools-D5).
const ALL_MAX: usize = 1024 * 1024;

/// Arguments that no build can be made of. Every one would fail the same way again, so the build gets a word (zuul-Z-3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// Not a JSON object.
    #[error("the arguments are not a JSON object: {0}")]
    NotAnObject(String),
    /// A list or an object as a value.
    #[error(
        "parameter {name} is {kind}; only text, numbers, true, false and null can be put into a job's environment. Let Zuul's parameter function join it to text"
    )]
    Nested {
        /// The parameter.
        name: String,
        /// `a list` or `an object`.
        kind: &'static str,
    },
    /// A name or value that no environment can hold.
    #[error("parameter {name} {reason}")]
    Unfit {
        /// The parameter, control characters escaped.
        name: String,
        /// Why.
        reason: String,
    },
    /// More than all environments can hold.
    #[error("the parameters are {size} bytes in all; {ALL_MAX} are allowed")]
    Large {
        /// Their size.
        size: usize,
    },
}

/// The parameters of a build, in the order of the text. Empty arguments are no parameters.
///
/// # Errors
/// What cannot be put into an environment as Jenkins would, with the parameter's name.
pub fn parse_parameters(data: &[u8]) -> Result<Parameters, ArgumentError> {
    if data.is_empty() {
        return Ok(Parameters::default());
    }
    let object: IndexMap<String, Box<RawValue>> =
        serde_json::from_slice(data).map_err(|error| ArgumentError::NotAnObject(error.to_string()))?;
    let mut size = 0;
    let mut parameters = Vec::with_capacity(object.len());
    for (name, raw) in object {
        let value = parse_value(&name, raw.get())?;
        check(&name, &value)?;
        size += name.len() + value.text().len();
        parameters.push(Parameter { name, value });
    }
    if size > ALL_MAX { Err(ArgumentError::Large { size }) } else { Ok(Parameters(parameters)) }
}

/// The Jenkins plugin's conversions (zuul-Z-3): numbers as written, null as absent.
fn parse_value(name: &str, raw: &str) -> Result<ParameterValue, ArgumentError> {
    let nested = |kind| Err(ArgumentError::Nested { name: name.to_owned(), kind });
    match raw.as_bytes().first() {
        Some(b'[') => nested("a list"),
        Some(b'{') => nested("an object"),
        Some(b'"') => serde_json::from_str(raw)
            .map(ParameterValue::Text)
            .map_err(|error| ArgumentError::Unfit { name: name.to_owned(), reason: error.to_string() }),
        Some(b't') => Ok(ParameterValue::Bool(true)),
        Some(b'f') => Ok(ParameterValue::Bool(false)),
        Some(b'n') | None => Ok(ParameterValue::Null),
        Some(_) => Ok(ParameterValue::Number(raw.to_owned())),
    }
}

fn check(name: &str, value: &ParameterValue) -> Result<(), ArgumentError> {
    let unfit = |reason: String| Err(ArgumentError::Unfit { name: name.escape_debug().to_string(), reason });
    let text = value.text();
    if name.is_empty() || name.contains(['=', '\0']) {
        return unfit("is no name for a variable: it is empty or holds '=' or NUL".into());
    }
    if text.contains('\0') {
        return unfit("holds a NUL character, which no environment can".into());
    }
    if text.len() > VALUE_MAX {
        return unfit(format!("has {} bytes; {VALUE_MAX} are allowed", text.len()));
    }
    Ok(())
}

/// The build that `stop:` and `set_description:` mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildTarget {
    /// The job.
    pub job: JobName,
    /// The build's number.
    pub number: BuildNumber,
}

/// What `set_description:` brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The build.
    pub target: BuildTarget,
    /// The text, as Zuul wrote it (HTML).
    pub text: String,
}

#[derive(Deserialize)]
struct RawTarget {
    name: String,
    number: serde_json::Value,
    #[serde(default)]
    html_description: Option<String>,
}

impl RawTarget {
    fn target(&self) -> Option<BuildTarget> {
        let number = match &self.number {
            serde_json::Value::String(text) => text.trim().parse().ok()?,
            other => other.as_u64()?,
        };
        Some(BuildTarget { job: self.name.parse().ok()?, number })
    }
}

/// `{"name", "number"}`; the number may be text (zuul 6.5). `None` when it is something else.
pub fn parse_target(data: &[u8]) -> Option<BuildTarget> {
    serde_json::from_slice::<RawTarget>(data).ok()?.target()
}

/// `{"name", "number", "html_description"}` (zuul 6.6). `None` when it is something else.
pub fn parse_description(data: &[u8]) -> Option<Description> {
    let raw: RawTarget = serde_json::from_slice(data).ok()?;
    Some(Description { target: raw.target()?, text: raw.html_description? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(json: &str) -> Vec<(String, String)> {
        let parameters = parse_parameters(json.as_bytes()).unwrap();
        parameters.0.into_iter().map(|p| (p.name.clone(), p.value.text().into_owned())).collect()
    }

    #[test]
    fn zuul_z_3_values_become_text_as_in_the_jenkins_plugin() {
        let got = texts(r#"{"N": 30, "F": 1.50, "T": true, "U": false, "Z": null, "S": "é\n\"\\n"}"#);
        let want = [("N", "30"), ("F", "1.50"), ("T", "true"), ("U", "false"), ("Z", ""), ("S", "é\n\"\\n")];
        assert_eq!(got, want.map(|(name, text)| (name.to_owned(), text.to_owned())));
    }

    #[test]
    fn zuul_z_3_lists_and_objects_are_refused_with_their_name() {
        for (json, kind) in [(r#"{"X": [1]}"#, "a list"), (r#"{"X": {"a": 1}}"#, "an object")] {
            let error = parse_parameters(json.as_bytes()).unwrap_err();
            assert_eq!(error, ArgumentError::Nested { name: "X".into(), kind });
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for data in [&b"[]"[..], b"1", b"{", b"\xff", b"{\"a\": \"\xff\"}"] {
            assert!(matches!(parse_parameters(data), Err(ArgumentError::NotAnObject(_))), "{data:?}");
        }
    }

    #[test]
    fn pools_d5_what_no_environment_can_hold_is_refused_by_name() {
        let long = format!(r#"{{"BIG": "{}"}}"#, "x".repeat(VALUE_MAX + 1));
        assert!(parse_parameters(long.as_bytes()).unwrap_err().to_string().contains("BIG"));
        assert!(parse_parameters(br#"{"a=b": "1"}"#).is_err());
        assert!(parse_parameters(br#"{"a": "\u0000"}"#).is_err());
    }

    #[test]
    fn zuul_6_5_a_number_may_be_text() {
        let target = BuildTarget { job: "unit".parse().unwrap(), number: 3 };
        assert_eq!(parse_target(br#"{"name": "unit", "number": 3}"#), Some(target.clone()));
        assert_eq!(parse_target(br#"{"name": "unit", "number": "3"}"#), Some(target));
        assert_eq!(parse_target(br#"{"name": "unit", "number": null}"#), None);
    }
}
