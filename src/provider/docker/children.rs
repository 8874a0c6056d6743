//! What a build made through the guard, and its build container, removed with its node (pools-D57).

use bollard::Docker;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder,
    RemoveVolumeOptions,
};

use super::DockerConfig;
use super::container::{is_child, node_filter};
use super::error::{self, Phase};
use crate::model::NodeId;
use crate::pool::provider::ProviderError;

/// Removes all containers of that node's builds, with their volumes, whatever state they are in.
///
/// # Errors
/// When one is left; asking again goes on.
pub(super) async fn remove(
    docker: &Docker,
    config: &DockerConfig,
    node: NodeId,
) -> Result<(), ProviderError> {
    let filter = node_filter(config, node);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filter).build();
    let found = docker.list_containers(Some(options)).await;
    let found = found.map_err(|error| error::classify(&error, Phase::Look))?;
    let is_child = |labels: &Option<_>| labels.as_ref().is_some_and(|labels| is_child(labels, config));
    let found: Vec<_> = found.into_iter().filter(|container| is_child(&container.labels)).collect();
    if found.is_empty() {
        return Ok(());
    }
    let options = RemoveContainerOptionsBuilder::default().v(true).force(true).build();
    for container in found {
        let Some(id) = container.id else { continue };
        gone(docker.remove_container(&id, Some(options.clone())).await)?;
    }
    // A volume of a container that was never started is removed with it; one that the engine lost hold of is found by its marks.
    let options = ListVolumesOptionsBuilder::default().filters(&filter).build();
    let volumes = docker.list_volumes(Some(options)).await;
    let volumes = volumes.map_err(|error| error::classify(&error, Phase::Look))?;
    for volume in volumes.volumes.unwrap_or_default() {
        gone(docker.remove_volume(&volume.name, None::<RemoveVolumeOptions>).await)?;
    }
    Ok(())
}

/// The bytes that a node's containers have written into their own layers: the node's, and those of all that its builds made.
///
/// # Errors
/// When the engine does not tell.
pub(super) async fn written(
    docker: &Docker,
    config: &DockerConfig,
    node: NodeId,
) -> Result<u64, ProviderError> {
    let filter = node_filter(config, node);
    let options = ListContainersOptionsBuilder::default().all(true).size(true).filters(&filter).build();
    let found = docker.list_containers(Some(options)).await;
    let found = found.map_err(|error| error::classify(&error, Phase::Look))?;
    let sizes = found.into_iter().filter_map(|container| u64::try_from(container.size_rw?).ok());
    Ok(sizes.sum())
}

/// Not found is gone.
fn gone(removed: Result<(), bollard::errors::Error>) -> Result<(), ProviderError> {
    match removed.map_err(|error| error::classify(&error, Phase::Repeatable)) {
        Ok(()) | Err(ProviderError::NotFound) => Ok(()),
        Err(other) => Err(other),
    }
}
