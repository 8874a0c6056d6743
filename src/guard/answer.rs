//! Answers that say less than the engine does.

use serde_json::{Map, Value};

/// What clients read of `GET /info`.
const INFO: &[&str] = &[
    "ServerVersion",
    "OperatingSystem",
    "OSType",
    "Architecture",
    "KernelVersion",
    "NCPU",
    "MemTotal",
    "IndexServerAddress",
    "Driver",
    "CgroupVersion",
    "SecurityOptions",
    "MemoryLimit",
    "SwapLimit",
    "PidsLimit",
    "DefaultRuntime",
    "IPv4Forwarding",
];

/// The part of the engine's information that does not speak of others.
pub fn reduced_info(info: &Value) -> Value {
    let mut out = Map::new();
    for name in INFO {
        if let Some(value) = info.get(name) {
            out.insert((*name).to_owned(), value.clone());
        }
    }
    Value::Object(out)
}
