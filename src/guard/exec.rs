//! Bodies of execs.

use serde_json::Value;

use super::refusal::Refusal;
use super::value::{self, Rule};

const CREATE: &[(&str, Rule)] = &[
    ("AttachStdin", Rule::Pass),
    ("AttachStdout", Rule::Pass),
    ("AttachStderr", Rule::Pass),
    ("Detach", Rule::Pass),
    ("DetachKeys", Rule::Pass),
    ("Tty", Rule::Pass),
    ("ConsoleSize", Rule::Drop),
    ("Env", Rule::Pass),
    ("Cmd", Rule::Pass),
    ("User", Rule::Pass),
    ("WorkingDir", Rule::Pass),
    ("Container", Rule::Drop),
    ("Privileged", Rule::Empty("pools-D57 privileged")),
];

const START: &[(&str, Rule)] = &[("Detach", Rule::Pass), ("Tty", Rule::Pass), ("ConsoleSize", Rule::Drop)];

/// The body of `POST /containers/ID/exec`.
///
/// # Errors
/// A privileged exec, an option that is not known.
pub fn exec_create(bytes: &[u8]) -> Result<Value, Refusal> {
    value::sift(&value::body(bytes)?, CREATE).map(Value::Object)
}

/// The body of `POST /exec/ID/start`.
///
/// # Errors
/// An option that is not known.
pub fn exec_start(bytes: &[u8]) -> Result<Value, Refusal> {
    if bytes.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    value::sift(&value::body(bytes)?, START).map(Value::Object)
}

/// Whether such a body asks for no stream.
pub fn starts_detached(body: &Value) -> bool {
    body.get("Detach") == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_d57_an_exec_has_no_more_rights_than_its_container() {
        assert!(exec_create(br#"{"Cmd":["id"],"Privileged":false,"Tty":true}"#).is_ok());
        for body in [
            r#"{"Cmd":["id"],"Privileged":true}"#,
            r#"{"Cmd":["id"],"privileged":true}"#,
            r#"{"Cmd":["id"],"CapAdd":["SYS_ADMIN"]}"#,
            "[]",
            "{",
        ] {
            assert!(exec_create(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn only_a_detached_start_has_no_stream() {
        assert!(starts_detached(&exec_start(br#"{"Detach":true}"#).unwrap()));
        assert!(!starts_detached(&exec_start(b"").unwrap()));
    }
}
