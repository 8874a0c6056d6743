//! The part of a container's definition that says what it gets of the host.

use serde_json::{Map, Value, json};

use super::grant::Grant;
use super::mounts::{Bind, mounts};
use super::refusal::Refusal;
use super::value::{self, Rule, is_empty};
use crate::pool::label::{NetworkMode, SecurityProfile};

const NAMESPACES: &str = "pools-D57 host namespaces";
const DEVICES: &str = "pools-D57 devices";
const CAPABILITIES: &str = "pools-D30 capabilities";
const LIMITS: &str = "pools-D57 limits";
const VOLUMES: &str = "pools-D57 volumes";
const NETWORK: &str = "pools-D57 network";
const SECURITY: &str = "pools-D30";
const LIFE: &str = "pools-D57 lease";

/// Memory that an engine accepts at least.
const MEMORY_MIN: i64 = 6 << 20;

/// Every key of the engine's `HostConfig`. `docker run` sends all of them, most empty.
const TABLE: &[(&str, Rule)] = &[
    ("Binds", Rule::Known),
    ("Mounts", Rule::Known),
    ("Tmpfs", Rule::Pass),
    ("VolumeDriver", Rule::Empty(VOLUMES)),
    ("VolumesFrom", Rule::Empty(VOLUMES)),
    ("ContainerIDFile", Rule::Drop),
    ("LogConfig", Rule::Known),
    ("NetworkMode", Rule::Known),
    ("PortBindings", Rule::Empty(NETWORK)),
    ("PublishAllPorts", Rule::Empty(NETWORK)),
    ("Links", Rule::Empty(NETWORK)),
    ("Dns", Rule::Pass),
    ("DnsOptions", Rule::Pass),
    ("DnsSearch", Rule::Pass),
    ("ExtraHosts", Rule::Pass),
    ("RestartPolicy", Rule::Known),
    ("AutoRemove", Rule::Pass),
    ("CapAdd", Rule::Empty(CAPABILITIES)),
    ("CapDrop", Rule::Known),
    ("Capabilities", Rule::Empty(CAPABILITIES)),
    ("Privileged", Rule::Empty("pools-D57 privileged")),
    ("SecurityOpt", Rule::Known),
    ("ReadonlyRootfs", Rule::Pass),
    ("GroupAdd", Rule::Pass),
    ("MaskedPaths", Rule::Null(SECURITY)),
    ("ReadonlyPaths", Rule::Null(SECURITY)),
    ("IpcMode", Rule::OneOf(&["", "private", "none"], NAMESPACES)),
    ("PidMode", Rule::Empty(NAMESPACES)),
    ("UTSMode", Rule::Empty(NAMESPACES)),
    ("UsernsMode", Rule::Empty(NAMESPACES)),
    ("CgroupnsMode", Rule::OneOf(&["", "private"], NAMESPACES)),
    ("Cgroup", Rule::Empty(NAMESPACES)),
    ("CgroupParent", Rule::Empty(LIMITS)),
    ("Sysctls", Rule::Empty(SECURITY)),
    ("Devices", Rule::Empty(DEVICES)),
    ("DeviceCgroupRules", Rule::Empty(DEVICES)),
    ("DeviceRequests", Rule::Empty(DEVICES)),
    ("Runtime", Rule::OneOf(&["", "runc"], SECURITY)),
    ("Isolation", Rule::OneOf(&["", "default"], SECURITY)),
    ("StorageOpt", Rule::Empty(LIMITS)),
    ("Memory", Rule::Known),
    ("MemorySwap", Rule::Known),
    ("MemoryReservation", Rule::Drop),
    ("MemorySwappiness", Rule::Drop),
    ("KernelMemory", Rule::Empty(LIMITS)),
    ("KernelMemoryTCP", Rule::Empty(LIMITS)),
    ("OomKillDisable", Rule::Empty(LIMITS)),
    ("OomScoreAdj", Rule::Empty(LIMITS)),
    ("NanoCpus", Rule::Known),
    ("CpuShares", Rule::Pass),
    ("CpuPeriod", Rule::Empty(LIMITS)),
    ("CpuQuota", Rule::Empty(LIMITS)),
    ("CpuRealtimePeriod", Rule::Empty(LIMITS)),
    ("CpuRealtimeRuntime", Rule::Empty(LIMITS)),
    ("CpusetCpus", Rule::Empty(LIMITS)),
    ("CpusetMems", Rule::Empty(LIMITS)),
    ("CpuCount", Rule::Empty(LIMITS)),
    ("CpuPercent", Rule::Empty(LIMITS)),
    ("IOMaximumIOps", Rule::Empty(LIMITS)),
    ("IOMaximumBandwidth", Rule::Empty(LIMITS)),
    ("BlkioWeight", Rule::Empty(LIMITS)),
    ("BlkioWeightDevice", Rule::Empty(DEVICES)),
    ("BlkioDeviceReadBps", Rule::Empty(DEVICES)),
    ("BlkioDeviceWriteBps", Rule::Empty(DEVICES)),
    ("BlkioDeviceReadIOps", Rule::Empty(DEVICES)),
    ("BlkioDeviceWriteIOps", Rule::Empty(DEVICES)),
    ("PidsLimit", Rule::Known),
    ("Ulimits", Rule::Empty(LIMITS)),
    ("ShmSize", Rule::Known),
    ("ConsoleSize", Rule::Drop),
    ("Init", Rule::Drop),
    ("Annotations", Rule::Empty(SECURITY)),
];

/// The new `HostConfig`, and the directories that are still to be opened.
///
/// # Errors
/// What the lease may not have.
pub(super) fn host_config(
    host: &Map<String, Value>,
    image: &str,
    grant: &Grant,
) -> Result<(Map<String, Value>, Vec<Bind>), Refusal> {
    let mut out = value::sift(host, TABLE)?;
    let (binds, passed) = mounts(host, grant)?;
    out.insert("Mounts".to_owned(), Value::Array(passed));
    limits(host, grant, &mut out)?;
    rights(host, image, grant, &mut out)?;
    out.insert("NetworkMode".to_owned(), json!(network(&value::text(host, "NetworkMode")?, grant)?));
    let restart = value::object(host, "RestartPolicy")?;
    if !matches!(value::text(&restart, "Name")?.as_str(), "" | "no") {
        return Err(Refusal::forbidden(LIFE, "containers are not started again by the engine"));
    }
    log_driver(&value::object(host, "LogConfig")?, &mut out)?;
    // Without an init, every stop takes the whole grace time (pools-D10).
    out.insert("Init".to_owned(), json!(true));
    Ok((out, binds))
}

/// Never more than the lease has; no swap beyond the memory (pools-D34).
fn limits(host: &Map<String, Value>, grant: &Grant, out: &mut Map<String, Value>) -> Result<(), Refusal> {
    let memory = grant.memory_bytes.and_then(|bytes| i64::try_from(bytes).ok());
    let asked = Some(value::number(host, "Memory")?).filter(|asked| *asked > 0);
    value::number(host, "MemorySwap")?;
    if let Some(bytes) = least(asked.map(|asked| asked.max(MEMORY_MIN)), memory) {
        out.insert("Memory".to_owned(), json!(bytes));
        out.insert("MemorySwap".to_owned(), json!(bytes));
    }
    let cpus = grant.cpus_milli.map(|milli| i64::from(milli) * 1_000_000);
    let asked = Some(value::number(host, "NanoCpus")?).filter(|asked| *asked > 0);
    if let Some(cpus) = least(asked, cpus) {
        out.insert("NanoCpus".to_owned(), json!(cpus));
    }
    let asked = Some(value::number(host, "PidsLimit")?).filter(|asked| *asked > 0);
    out.insert("PidsLimit".to_owned(), json!(least(asked, Some(i64::from(grant.pids)))));
    let shm = value::number(host, "ShmSize")?;
    if shm < 0 || memory.is_some_and(|memory| shm > memory) {
        return Err(Refusal::forbidden(LIMITS, "/dev/shm would be larger than the lease's memory"));
    }
    if shm > 0 {
        out.insert("ShmSize".to_owned(), json!(shm));
    }
    if let Some(parent) = &grant.cgroup_parent {
        out.insert("CgroupParent".to_owned(), json!(parent));
    }
    Ok(())
}

fn least(asked: Option<i64>, granted: Option<i64>) -> Option<i64> {
    match (asked, granted) {
        (Some(asked), Some(granted)) => Some(asked.min(granted)),
        (one, other) => one.or(other),
    }
}

/// The security profile of the lease (pools-D30), and of what the job asks for only what takes rights away.
fn rights(
    host: &Map<String, Value>,
    image: &str,
    grant: &Grant,
    out: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    let mut options = Vec::new();
    for option in value::texts(host, "SecurityOpt")? {
        match option.as_str() {
            "seccomp=unconfined" | "seccomp:unconfined" if grant.rules.seccomp_unconfined.has(image) => {
                options.push("seccomp=unconfined");
            }
            "seccomp=unconfined" | "seccomp:unconfined" => {
                return Err(Refusal::forbidden(
                    "pools-D30 seccomp",
                    format!(
                        "'{image}' may not run without seccomp; the label's guard.seccomp_unconfined says which may"
                    ),
                ));
            }
            "no-new-privileges" | "no-new-privileges:true" | "no-new-privileges=true" => {
                options.push("no-new-privileges");
            }
            other => {
                return Err(Refusal::forbidden(SECURITY, format!("the security option '{other}'")));
            }
        }
    }
    let mut dropped = value::texts(host, "CapDrop")?;
    match grant.profile {
        SecurityProfile::Compat => {}
        SecurityProfile::Standard => {
            options.push("no-new-privileges");
            dropped.extend(["NET_RAW", "MKNOD"].map(str::to_owned));
        }
        SecurityProfile::Strict => {
            options.push("no-new-privileges");
            dropped = vec!["ALL".to_owned()];
            out.insert("ReadonlyRootfs".to_owned(), json!(true));
        }
    }
    options.dedup();
    out.insert("SecurityOpt".to_owned(), json!(options));
    out.insert("CapDrop".to_owned(), json!(dropped));
    Ok(())
}

/// The lease's network, or none.
fn network(asked: &str, grant: &Grant) -> Result<String, Refusal> {
    let own = match &grant.network {
        // Whoever opens the door has put the network's own name in its place.
        NetworkMode::Default | NetworkMode::Isolated => "default",
        NetworkMode::None => "none",
        NetworkMode::Shared(name) => name,
        NetworkMode::Host => "host",
    };
    match asked {
        "" | "default" | "bridge" => Ok(own.to_owned()),
        "none" => Ok("none".to_owned()),
        other if other == own && other != "host" => Ok(own.to_owned()),
        "host" => Err(Refusal::forbidden(NAMESPACES, "the host's network")),
        other => Err(Refusal::forbidden(NETWORK, format!("the network '{other}' is not the lease's"))),
    }
}

/// Logs that the engine keeps by itself, or none; nothing that sends them somewhere.
fn log_driver(asked: &Map<String, Value>, out: &mut Map<String, Value>) -> Result<(), Refusal> {
    match value::text(asked, "Type")?.as_str() {
        "" | "json-file" => {}
        "none" => {
            out.insert("LogConfig".to_owned(), json!({ "Type": "none" }));
            return Ok(());
        }
        other => return Err(Refusal::forbidden(LIFE, format!("the log driver '{other}'"))),
    }
    if asked.get("Config").is_some_and(|config| !is_empty(config)) {
        return Err(Refusal::forbidden(LIFE, "options of the log driver"));
    }
    // A container that writes without end fills no disk (pools-D39).
    out.insert(
        "LogConfig".to_owned(),
        json!({ "Type": "json-file", "Config": { "max-size": "256m", "max-file": "1" } }),
    );
    Ok(())
}
