//! A node's container: how it is defined, what is seen of it.

use std::collections::HashMap;
use std::path::Path;

use bollard::Docker;
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerState, ContainerSummary, HostConfig,
    HostConfigLogConfig, Mount as Bind, MountType,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, RemoveContainerOptionsBuilder,
    StartContainerOptions, WaitContainerOptionsBuilder,
};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use super::DockerConfig;
use super::error::{self, Phase};
use super::keeper_file::{MOUNTED, PROGRAM};
use super::network;
use crate::image::{RoomSpec, SECRETS};
use crate::keeper::WORD;
use crate::model::NodeId;
use crate::pool::label::{LabelDefinition, Mount, SecurityProfile};
use crate::pool::provider::{DoorSpec, Listing, NodeSpec, Observed, ObservedState, ProviderError};

pub(super) const INSTANCE: &str = "causeway.instance";
pub(super) const NODE: &str = "causeway.node";
pub(super) const PROVIDER: &str = "causeway.provider";
const POOL: &str = "causeway.pool";
const LABEL: &str = "causeway.label";
pub(super) const KIND: &str = "causeway.kind";
/// The kind of what a build made through the guard.
const GUARD: &str = "guard";
/// The kind of a build container.
const ROOM_KIND: &str = "room";

/// Every label by which a node and what belongs to it are known.
pub(super) const MARKS: [&str; 6] = [INSTANCE, NODE, PROVIDER, POOL, LABEL, KIND];

/// What was seen of a container.
#[derive(Debug)]
pub(super) struct Seen {
    pub id: String,
    /// Whether it carries this installation's and this provider's marks.
    pub ours: bool,
    pub state: ObservedState,
    pub image: Option<String>,
    /// The network that it was made for.
    pub network: Option<String>,
    pub diagnosis: String,
}

impl Seen {
    /// A container that was there before it was to be made (pools 5): ours is taken, a stranger's is a conflict.
    pub fn adopt(self) -> Result<String, ProviderError> {
        if self.ours {
            Ok(self.id)
        } else {
            let text = format!("a container of that name belongs to somebody else: {}", self.id);
            Err(ProviderError::Permanent(text))
        }
    }

    pub fn observed(self, node: NodeId) -> Observed {
        Observed { node, external_id: self.id, state: self.state }
    }
}

/// What the engine has under that name.
pub(super) async fn inspect(
    docker: &Docker,
    name: &str,
) -> Result<Option<ContainerInspectResponse>, ProviderError> {
    match docker.inspect_container(name, None::<InspectContainerOptions>).await {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error::classify(&error, Phase::Look) {
            ProviderError::NotFound => Ok(None),
            other => Err(other),
        },
    }
}

/// The name is computed before the first call and never changes (pools 2).
pub(super) fn external_name(config: &DockerConfig, node: NodeId) -> String {
    let instance: String = config.instance.chars().take(6).collect();
    format!("cw-{instance}-{node}")
}

/// Everything that the engine is told about a node.
pub(super) fn definition(
    spec: &NodeSpec,
    config: &DockerConfig,
    keeper: &Path,
) -> Result<ContainerCreateBody, ProviderError> {
    let label = &spec.label;
    let image = label
        .image
        .clone()
        .ok_or_else(|| ProviderError::Permanent(format!("the label '{}' names no image", label.name)))?;
    let directory = spec.directory.to_string_lossy().into_owned();
    let node_marks =
        marks(spec.node, label, config, "node").map(|(name, value)| (name.to_owned(), value)).into();
    Ok(ContainerCreateBody {
        image: Some(image),
        hostname: Some(spec.node.to_string()),
        user: label.user.clone(),
        entrypoint: Some(
            [PROGRAM, WORD, "run"].iter().map(|word| (*word).to_owned()).chain([directory]).collect(),
        ),
        cmd: Some(Vec::new()),
        working_dir: Some("/".to_owned()),
        env: Some(label.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        labels: Some(node_marks),
        open_stdin: Some(true),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(false),
        host_config: Some(host_config(spec, config, keeper)),
        ..ContainerCreateBody::default()
    })
}

/// A build container's name.
pub(super) fn room_name(config: &DockerConfig, node: NodeId) -> String {
    format!("{}-room", external_name(config, node))
}

/// Everything that the engine is told about a build container: a node beside the node, with its image, its user, its rights, and the
/// workspace at the same path (docker-M1).
pub(super) fn room(
    room: &RoomSpec,
    lease: &DoorSpec,
    config: &DockerConfig,
    keeper: &Path,
    directory: &Path,
    cgroup_parent: Option<String>,
) -> Result<ContainerCreateBody, ProviderError> {
    let of_node = &lease.label;
    let workspace =
        Mount { source: lease.workspace.clone(), target: lease.workspace.clone(), writable: true };
    let mut label = LabelDefinition {
        image: Some(room.image.clone()),
        user: Some(room.user.clone()),
        mounts: std::iter::once(workspace).chain(room.mounts.iter().cloned()).collect(),
        // Variables reach steps through the keeper: an image that is made of the container has none of them (docker-M37).
        environment: Vec::new(),
        network: room.network.clone(),
        ..LabelDefinition::clone(of_node)
    };
    label.memory_bytes = match (room.memory_bytes, of_node.memory_bytes) {
        (Some(wanted), Some(most)) => Some(wanted.min(most)),
        (wanted, most) => wanted.or(most),
    };
    let spec = NodeSpec {
        node: lease.node,
        instance: config.instance.clone(),
        label,
        directory: directory.to_owned(),
    };
    let mut body = definition(&spec, config, keeper)?;
    let marks = marks(lease.node, of_node, config, ROOM_KIND);
    body.labels = Some(marks.map(|(name, value)| (name.to_owned(), value)).into());
    if let Some(host) = &mut body.host_config {
        host.cgroup_parent = cgroup_parent;
        host.cpu_shares = room.cpu_shares.map(i64::from);
        host.privileged = Some(room.privileged);
        if room.privileged {
            (host.cap_drop, host.security_opt, host.readonly_rootfs) = (None, None, Some(false));
        }
        // Files with secrets: in memory, open to the steps' user alone once they are put there.
        let secrets = directory.join(SECRETS).to_string_lossy().into_owned();
        host.tmpfs.get_or_insert_default().insert(secrets, "mode=1777,size=16m".to_owned());
    }
    Ok(body)
}

fn host_config(spec: &NodeSpec, config: &DockerConfig, keeper: &Path) -> HostConfig {
    let label = &spec.label;
    let directory = spec.directory.as_path();
    let mut mounts = vec![bind(directory, directory, true), bind(keeper, Path::new(MOUNTED), false)];
    mounts.extend(label.mounts.iter().map(|mount| bind(&mount.source, &mount.target, mount.writable)));
    let memory = label.memory_bytes.and_then(|bytes| i64::try_from(bytes).ok());
    let strict = label.profile == SecurityProfile::Strict;
    HostConfig {
        mounts: Some(mounts),
        nano_cpus: label.cpus_milli.map(|milli| i64::from(milli) * 1_000_000),
        memory,
        // No swap beyond it (pools-D34).
        memory_swap: memory,
        pids_limit: Some(i64::from(label.pids)),
        shm_size: label.shm_bytes.and_then(|bytes| i64::try_from(bytes).ok()),
        cap_drop: match label.profile {
            SecurityProfile::Strict => Some(vec!["ALL".to_owned()]),
            SecurityProfile::Standard => Some(vec!["NET_RAW".to_owned(), "MKNOD".to_owned()]),
            SecurityProfile::Compat => None,
        },
        // `sudo` in jobs that are moved unchanged needs what this forbids.
        security_opt: (label.profile != SecurityProfile::Compat)
            .then(|| vec!["no-new-privileges".to_owned()]),
        readonly_rootfs: Some(strict),
        tmpfs: strict.then(|| HashMap::from([("/tmp".to_owned(), "mode=1777".to_owned())])),
        network_mode: network::mode(&label.network, config, spec.node),
        // The keeper is process 1, and logs are its files: the engine keeps no copy.
        init: Some(false),
        log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
        // With it, the end of a short life could not be read (pools-D12).
        auto_remove: Some(false),
        ..HostConfig::default()
    }
}

/// The kind of mount that fails when its source is missing, instead of making a directory of root's (pools-D2).
fn bind(source: &Path, target: &Path, writable: bool) -> Bind {
    Bind {
        typ: Some(MountType::BIND),
        source: Some(source.to_string_lossy().into_owned()),
        target: Some(target.to_string_lossy().into_owned()),
        read_only: Some(!writable),
        ..Bind::default()
    }
}

pub(super) fn marks(
    node: NodeId,
    label: &LabelDefinition,
    config: &DockerConfig,
    kind: &str,
) -> [(&'static str, String); 6] {
    [
        (INSTANCE, mark_value(&config.instance)),
        (NODE, node.to_string()),
        (PROVIDER, mark_value(&config.name)),
        (POOL, mark_value(&label.pool)),
        (LABEL, mark_value(&label.name)),
        (KIND, kind.to_owned()),
    ]
}

/// The marks of everything that a build makes through the guard.
pub(super) fn guard_marks(spec: &DoorSpec, config: &DockerConfig) -> Vec<(String, String)> {
    let marks = marks(spec.node, &spec.label, config, GUARD);
    marks.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The filter by which everything of a node is found, the node itself among it.
pub(super) fn node_filter(config: &DockerConfig, node: NodeId) -> HashMap<String, Vec<String>> {
    let labels = vec![
        format!("{INSTANCE}={}", mark_value(&config.instance)),
        format!("{PROVIDER}={}", mark_value(&config.name)),
        format!("{NODE}={node}"),
    ];
    HashMap::from([("label".to_owned(), labels)])
}

/// A mark's value has at most 63 plain characters; a longer or other one is replaced by its hash (pools 2).
pub(super) fn mark_value(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if value.len() <= 63 && value.bytes().all(plain) {
        return value.to_owned();
    }
    Sha256::digest(value).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// What an inspection of a build container says.
pub(super) fn seen_room(found: &ContainerInspectResponse, config: &DockerConfig) -> Seen {
    let labels = found.config.as_ref().and_then(|config| config.labels.as_ref());
    let ours = labels.is_some_and(|labels| is_of_kind(ROOM_KIND, labels, config));
    Seen { ours, ..seen(found, config) }
}

/// What an inspection says.
pub(super) fn seen(found: &ContainerInspectResponse, config: &DockerConfig) -> Seen {
    let labels = found.config.as_ref().and_then(|config| config.labels.as_ref());
    let state = found.state.clone().unwrap_or_default();
    Seen {
        id: found.id.clone().unwrap_or_default(),
        ours: labels.is_some_and(|labels| is_ours(labels, config)),
        image: found.image.clone(),
        network: found.host_config.as_ref().and_then(|host| host.network_mode.clone()),
        diagnosis: diagnosis(&state),
        state: observed_state(&state),
    }
}

fn observed_state(state: &ContainerState) -> ObservedState {
    match state.status.map(|status| status.to_string()).as_deref() {
        Some("created") => ObservedState::Created,
        Some("running" | "paused" | "restarting") => ObservedState::Running,
        _ => ObservedState::Exited(diagnosis(state)),
    }
}

fn diagnosis(state: &ContainerState) -> String {
    let mut text = format!(
        "{} with code {}",
        state.status.map_or_else(|| "ended".to_owned(), |status| status.to_string()),
        state.exit_code.unwrap_or(0)
    );
    if state.oom_killed == Some(true) {
        text.push_str(", something in it was killed for memory");
    }
    if let Some(error) = state.error.as_deref().filter(|error| !error.is_empty()) {
        text.push_str(": ");
        text.push_str(error);
    }
    text
}

fn is_ours(labels: &HashMap<String, String>, config: &DockerConfig) -> bool {
    is_of_kind("node", labels, config)
}

/// Whether a build made it, or it was made for one beside its node.
pub(super) fn is_child(labels: &HashMap<String, String>, config: &DockerConfig) -> bool {
    [GUARD, ROOM_KIND].iter().any(|kind| is_of_kind(kind, labels, config))
}

fn is_of_kind(kind: &str, labels: &HashMap<String, String>, config: &DockerConfig) -> bool {
    let has = |name: &str, value: &str| labels.get(name) == Some(&mark_value(value));
    has(INSTANCE, &config.instance) && has(PROVIDER, &config.name) && has(KIND, kind)
}

/// What a listing of all containers says (pools-P54 to P56).
pub(super) fn listing(containers: &[ContainerSummary], config: &DockerConfig) -> Listing {
    let mut listing = Listing { objects: Vec::new(), complete: true, unmanaged: 0 };
    let instance = mark_value(&config.instance);
    let mut left: Vec<Observed> = Vec::new();
    for container in containers {
        let labels = container.labels.clone().unwrap_or_default();
        let node = labels.get(NODE).and_then(|node| node.parse::<NodeId>().ok());
        match node {
            Some(node) if is_ours(&labels, config) => {
                let status = container.status.clone().unwrap_or_default();
                listing.objects.push(Observed {
                    node,
                    external_id: container.id.clone().unwrap_or_default(),
                    state: match container.state.map(|state| state.to_string()).as_deref() {
                        Some("created") => ObservedState::Created,
                        Some("running" | "paused" | "restarting") => ObservedState::Running,
                        _ => ObservedState::Exited(status),
                    },
                });
            }
            // What a build made is there as long as its node, or is left of one (pools-D57).
            Some(node) if is_child(&labels, config) => left.push(Observed {
                node,
                external_id: container.id.clone().unwrap_or_default(),
                state: ObservedState::Exited("only containers that its build made are left".to_owned()),
            }),
            // Helpers and other providers' nodes of this installation are looked after elsewhere.
            _ if labels.get(INSTANCE) == Some(&instance) => {}
            _ => listing.unmanaged += 1,
        }
    }
    for object in left {
        if !listing.objects.iter().any(|known| known.node == object.node) {
            listing.objects.push(object);
        }
    }
    listing
}

/// Empties a node's directory from within a container that may do it: for a Causeway that is not root (pools-D4).
pub(super) async fn erase(
    docker: &Docker,
    config: &DockerConfig,
    node: NodeId,
    image: &str,
    keeper: &Path,
    directory: &Path,
) -> Result<(), ProviderError> {
    let name = format!("{}-erase", external_name(config, node));
    let class = |error| error::classify(&error, Phase::Repeatable);
    let target = directory.to_string_lossy().into_owned();
    let labels =
        [(INSTANCE, mark_value(&config.instance)), (NODE, node.to_string()), (KIND, "helper".to_owned())];
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        user: Some("0:0".to_owned()),
        entrypoint: Some(
            [PROGRAM, WORD, "erase"].iter().map(|word| (*word).to_owned()).chain([target]).collect(),
        ),
        cmd: Some(Vec::new()),
        labels: Some(labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        host_config: Some(HostConfig {
            mounts: Some(vec![bind(directory, directory, true), bind(keeper, Path::new(MOUNTED), false)]),
            network_mode: Some("none".to_owned()),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    };
    let remove = RemoveContainerOptionsBuilder::default().v(true).force(true).build();
    // One that a former attempt left is in the way.
    let _ = docker.remove_container(&name, Some(remove.clone())).await;
    let options = CreateContainerOptionsBuilder::default().name(&name).build();
    docker.create_container(Some(options), body).await.map_err(class)?;
    // Asked before the start: afterwards it may be over already.
    let wait = WaitContainerOptionsBuilder::default().condition("next-exit").build();
    let mut ended = Box::pin(docker.wait_container(&name, Some(wait)));
    let started = docker.start_container(&name, None::<StartContainerOptions>).await.map_err(class);
    if started.is_ok() {
        let _ = ended.next().await;
    }
    let _ = docker.remove_container(&name, Some(remove)).await;
    started
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_short_and_plain() {
        assert_eq!(mark_value("ci-jessie_1.2"), "ci-jessie_1.2");
        for odd in ["with space", "ä", &"x".repeat(64)] {
            let value = mark_value(odd);
            assert_eq!(value.len(), 32);
            assert_ne!(value, mark_value(&format!("{odd}x")));
        }
    }
}
