//! The control group that a node lies in.

use serde_json::Value;

use super::Trouble;
use super::wire::EngineSocket;

/// Where the processes of the node in that container are limited, where containers can be put below it: with control groups of version 1, whose
/// groups may have processes and further groups at once, and an engine that names groups by paths.
pub(super) async fn control_group(engine: &EngineSocket, name: &str) -> Result<Option<String>, Trouble> {
    let info = engine.look("/info").await?.unwrap_or_default();
    let is = |name: &str, value: &str| info.get(name).and_then(Value::as_str) == Some(value);
    if !is("CgroupDriver", "cgroupfs") || !is("CgroupVersion", "1") {
        return Ok(None);
    }
    let found = engine.look(&format!("/containers/{name}/json")).await?.unwrap_or_default();
    let Some(pid) = found.pointer("/State/Pid").and_then(Value::as_u64).filter(|pid| *pid > 0) else {
        return Ok(None);
    };
    let groups = tokio::fs::read_to_string(format!("/proc/{pid}/cgroup")).await.unwrap_or_default();
    let memory = groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let controllers = parts.nth(1)?;
        controllers.split(',').any(|name| name == "memory").then(|| parts.next())?
    });
    let id = found.get("Id").and_then(Value::as_str).unwrap_or_default();
    Ok(memory.filter(|path| !id.is_empty() && path.ends_with(id)).map(str::to_owned))
}
