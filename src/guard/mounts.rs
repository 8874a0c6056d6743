//! What a container may see of the host: directories below the workspace, and those that the label grants (pools-D1a, D57).

use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value, json};

use super::grant::Grant;
use super::refusal::Refusal;
use super::value::{self, Rule};

/// Mounts of one container: more than any job has.
const MOUNTS_MAX: usize = 64;

/// A directory of the host in a container. It still has to be opened without leaving `root`: what lies below can be changed by the job
/// at any time, so a path alone proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Where it must lie: the workspace's directory, or a mount of the label's.
    pub root: PathBuf,
    /// Below the root; empty: the root itself.
    pub below: PathBuf,
    /// As the job wrote it, for messages.
    pub asked: String,
    /// In the container.
    pub target: String,
    /// Whether the container can only read it.
    pub read_only: bool,
}

/// The mounts of a `HostConfig`: binds to be opened, and those that pass as they are.
///
/// # Errors
/// A path that is not granted, a socket, a named volume, a kind that is not known.
pub(super) fn mounts(host: &Map<String, Value>, grant: &Grant) -> Result<(Vec<Bind>, Vec<Value>), Refusal> {
    let mut binds = Vec::new();
    let mut passed = Vec::new();
    for text in value::texts(host, "Binds")? {
        binds.push(volume(&text, grant)?);
    }
    let listed = match host.get("Mounts") {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(mounts)) => mounts,
        Some(_) => return Err(value::wrong("Mounts")),
    };
    for mount in listed {
        let mount = mount.as_object().ok_or_else(|| value::wrong("Mounts"))?;
        match value::text(mount, "Type")?.as_str() {
            "bind" => binds.push(bind(mount, grant)?),
            "tmpfs" => passed.push(tmpfs(mount)?),
            "volume" => passed.push(anonymous(mount)?),
            other => {
                return Err(Refusal::forbidden("pools-D57 binds", format!("mounts of the kind '{other}'")));
            }
        }
    }
    if binds.len() + passed.len() > MOUNTS_MAX {
        return Err(Refusal::forbidden("pools-D57 binds", "too many mounts for one container"));
    }
    Ok((binds, passed))
}

/// `SOURCE:TARGET[:OPTIONS]`.
fn volume(text: &str, grant: &Grant) -> Result<Bind, Refusal> {
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, options) = match parts[..] {
        [source, target] => (source, target, ""),
        [source, target, options] => (source, target, options),
        _ => return Err(Refusal::malformed(format!("'{text}' is no volume"))),
    };
    let mut read_only = false;
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => read_only = true,
            "rw" | "z" | "Z" | "nocopy" | "private" | "rprivate" | "consistent" | "cached" | "delegated" => {}
            other => {
                return Err(Refusal::forbidden(
                    "pools-D57 binds",
                    format!("the option '{other}' of '{text}'"),
                ));
            }
        }
    }
    granted(source, target, read_only, grant)
}

const BIND: &[(&str, Rule)] = &[
    ("Type", Rule::Known),
    ("Source", Rule::Known),
    ("Target", Rule::Known),
    ("ReadOnly", Rule::Known),
    ("Consistency", Rule::Drop),
    ("BindOptions", Rule::Known),
];
const BIND_OPTIONS: &[(&str, Rule)] = &[
    ("Propagation", Rule::OneOf(&["", "private", "rprivate"], "pools-D57 binds")),
    ("NonRecursive", Rule::Empty("pools-D57 binds")),
    ("CreateMountpoint", Rule::Drop),
];

fn bind(mount: &Map<String, Value>, grant: &Grant) -> Result<Bind, Refusal> {
    value::sift(mount, BIND)?;
    value::sift(&value::object(mount, "BindOptions")?, BIND_OPTIONS)?;
    let read_only = mount.get("ReadOnly").is_some_and(|value| value == &Value::Bool(true));
    granted(&value::text(mount, "Source")?, &value::text(mount, "Target")?, read_only, grant)
}

const TMPFS: &[(&str, Rule)] = &[
    ("Type", Rule::Pass),
    ("Source", Rule::Empty("pools-D57 binds")),
    ("Target", Rule::Pass),
    ("ReadOnly", Rule::Pass),
    ("Consistency", Rule::Drop),
    ("TmpfsOptions", Rule::Known),
];
const TMPFS_OPTIONS: &[(&str, Rule)] = &[("SizeBytes", Rule::Pass), ("Mode", Rule::Pass)];

fn tmpfs(mount: &Map<String, Value>) -> Result<Value, Refusal> {
    let mut out = value::sift(mount, TMPFS)?;
    let options = value::sift(&value::object(mount, "TmpfsOptions")?, TMPFS_OPTIONS)?;
    out.insert("TmpfsOptions".to_owned(), Value::Object(options));
    Ok(Value::Object(out))
}

const VOLUME: &[(&str, Rule)] = &[
    ("Type", Rule::Known),
    ("Source", Rule::Empty("pools-D57 volumes")),
    ("Target", Rule::Known),
    ("ReadOnly", Rule::Drop),
    ("Consistency", Rule::Drop),
    ("VolumeOptions", Rule::Empty("pools-D57 volumes")),
];

/// A volume without a name goes with its container.
fn anonymous(mount: &Map<String, Value>) -> Result<Value, Refusal> {
    value::sift(mount, VOLUME)?;
    Ok(json!({ "Type": "volume", "Target": value::text(mount, "Target")? }))
}

/// Where a path of the node lies on the host, if the lease may have it in a container.
fn granted(source: &str, target: &str, read_only: bool, grant: &Grant) -> Result<Bind, Refusal> {
    let path = Path::new(source);
    if !path.is_absolute() {
        return Err(Refusal::forbidden(
            "pools-D57 volumes",
            format!("'{source}' is a named volume; directories below the workspace can be used"),
        ));
    }
    if !Path::new(target).is_absolute() {
        return Err(Refusal::malformed(format!("'{target}' is no path in a container")));
    }
    if path.components().any(|part| matches!(part, Component::ParentDir)) {
        return Err(Refusal::forbidden("pools-D57 binds", format!("'{source}' has '..' in it")));
    }
    let bind = |root: &Path, below: &Path, read_only| Bind {
        root: root.to_owned(),
        below: below.to_owned(),
        asked: source.to_owned(),
        target: target.to_owned(),
        read_only,
    };
    if let Ok(below) = path.strip_prefix(&grant.workspace) {
        return Ok(bind(&grant.workspace, below, read_only));
    }
    for mount in &grant.mounts {
        if let Ok(below) = path.strip_prefix(&mount.target) {
            return Ok(bind(&mount.source, below, read_only || !mount.writable));
        }
    }
    if path.file_name().is_some_and(|name| name == "docker.sock") {
        return Err(Refusal::forbidden("pools-D31", "the engine's socket is not given to containers"));
    }
    Err(Refusal::forbidden(
        "pools-D57 binds",
        format!("'{source}' lies neither below the workspace nor below a directory that the label grants"),
    ))
}
