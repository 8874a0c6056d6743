//! A network for one node (pools-D36): what its build makes is in it too, nobody else is, and it goes with the node.

use std::collections::{HashMap, HashSet};

use bollard::Docker;
use bollard::models::NetworkCreateRequest;
use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder};

use super::DockerConfig;
use super::container::{self, INSTANCE, NODE, PROVIDER};
use super::error::{self, Phase};
use crate::model::NodeId;
use crate::pool::label::{LabelDefinition, NetworkMode};
use crate::pool::provider::ProviderError;
use crate::provider::directory;

/// Its kind among what carries our marks.
const KIND: &str = "network";

/// What the engine is told about a network; `None`: its own default. Isolated nodes are in a network with their own name.
pub(super) fn mode(network: &NetworkMode, config: &DockerConfig, node: NodeId) -> Option<String> {
    match network {
        NetworkMode::Default => None,
        NetworkMode::Isolated => Some(container::external_name(config, node)),
        NetworkMode::None => Some("none".to_owned()),
        NetworkMode::Shared(name) => Some(name.clone()),
        NetworkMode::Host => Some("host".to_owned()),
    }
}

/// The same network by the name that it has on the engine.
pub(super) fn of(network: &NetworkMode, config: &DockerConfig, node: NodeId) -> NetworkMode {
    match network {
        NetworkMode::Isolated => NetworkMode::Shared(container::external_name(config, node)),
        other => other.clone(),
    }
}

/// Makes the node's network; one that is there already is its own. When the engine has no addresses left, what no node needs is taken
/// away, and it is tried once more (pools-D36).
///
/// # Errors
/// [`ProviderError::Quota`] when there is still no room.
pub(super) async fn make(
    docker: &Docker,
    config: &DockerConfig,
    node: NodeId,
    label: &LabelDefinition,
) -> Result<(), ProviderError> {
    let name = container::external_name(config, node);
    if let Ok(found) = docker.inspect_network(&name, None).await {
        let theirs = found.labels.unwrap_or_default();
        return match theirs.get(NODE).is_some_and(|of| of == node.as_str()) {
            true => Ok(()),
            false => Err(ProviderError::Permanent(format!("a network {name} belongs to somebody else"))),
        };
    }
    let marks = container::marks(node, label, config, KIND);
    let wanted = NetworkCreateRequest {
        name,
        driver: Some("bridge".to_owned()),
        labels: Some(marks.map(|(name, value)| (name.to_owned(), value)).into()),
        ..NetworkCreateRequest::default()
    };
    let Err(failure) = docker.create_network(wanted.clone()).await else { return Ok(()) };
    match error::classify(&failure, Phase::Repeatable) {
        ProviderError::Quota(text) => {
            let removed = sweep(docker, config).await?;
            tracing::warn!(removed, error = text, "the engine has no addresses left for networks");
            let again = docker.create_network(wanted).await;
            again.map(|_| ()).map_err(|error| error::classify(&error, Phase::Repeatable))
        }
        // Somebody has just made it: the call before this one, whose answer was lost.
        _ if error::is_conflict(&failure) => Ok(()),
        other => Err(other),
    }
}

/// Takes the node's network away; not there is gone.
///
/// # Errors
/// When it is still there.
pub(super) async fn remove(
    docker: &Docker,
    config: &DockerConfig,
    node: NodeId,
) -> Result<(), ProviderError> {
    remove_named(docker, &container::external_name(config, node)).await
}

async fn remove_named(docker: &Docker, name: &str) -> Result<(), ProviderError> {
    match docker.remove_network(name).await.map_err(|error| error::classify(&error, Phase::Repeatable)) {
        Ok(()) | Err(ProviderError::NotFound) => Ok(()),
        // A container that is going still holds it.
        Err(ProviderError::Permanent(text)) => Err(ProviderError::Transient(text)),
        Err(other) => Err(other),
    }
}

/// The nodes that have a network here.
///
/// # Errors
/// When the engine does not tell.
pub(super) async fn nodes(docker: &Docker, config: &DockerConfig) -> Result<Vec<NodeId>, ProviderError> {
    let labels = vec![
        format!("{INSTANCE}={}", container::mark_value(&config.instance)),
        format!("{PROVIDER}={}", container::mark_value(&config.name)),
        format!("{}={KIND}", container::KIND),
    ];
    let filters = HashMap::from([("label".to_owned(), labels)]);
    let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
    let found = docker.list_networks(Some(options)).await;
    let found = found.map_err(|error| error::classify(&error, Phase::Look))?;
    let node = |labels: HashMap<String, String>| labels.get(NODE)?.parse::<NodeId>().ok();
    Ok(found.into_iter().filter_map(|network| node(network.labels?)).collect())
}

/// Removes the networks of nodes that have neither container nor directory. Returns how many those were.
async fn sweep(docker: &Docker, config: &DockerConfig) -> Result<usize, ProviderError> {
    let options = ListContainersOptionsBuilder::default().all(true).build();
    let containers = docker.list_containers(Some(options)).await;
    let containers = containers.map_err(|error| error::classify(&error, Phase::Look))?;
    let live: HashSet<NodeId> =
        containers.into_iter().filter_map(|container| container.labels?.get(NODE)?.parse().ok()).collect();
    let mut removed = 0;
    for node in nodes(docker, config).await? {
        // The directory is made before the network.
        if live.contains(&node) || directory::of(&config.nodes_dir, node).exists() {
            continue;
        }
        if remove(docker, config, node).await.is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}
