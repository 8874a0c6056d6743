//! The pool and its providers, from the configuration.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::StartError;
use crate::config::{Config, Driver, ProviderConfig};
use crate::model::Problem;
use crate::pool::Pool;
use crate::pool::label::{LabelDefinition, PullPolicy};
use crate::pool::provider::Provider;
use crate::provider::docker::{DockerConfig, DockerProvider, engine_version, import_host_image};
use crate::provider::process::ProcessProvider;
use crate::store::Store;
use crate::sys::SharedClock;

/// Our own file, also after an upgrade has replaced it.
const PROGRAM: &str = "/proc/self/exe";

/// Makes sure that an engine has an image with a shell, made from this machine's own programs (decision 21), and returns its name.
///
/// # Errors
/// Why there is none, for people.
pub async fn first_image(engine: &str) -> Result<String, String> {
    let made = import_host_image(engine).await;
    made.map_err(|error| format!("the Docker Engine at {engine} takes no image: {error}"))
}

/// What keeps providers and labels from making nodes, as far as it can be seen without changing anything (`causeway check`):
/// engines that do not answer, images that are not there and never pulled, directories that do not exist (pools-D1a).
pub async fn look_at_providers(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    for provider in &config.providers {
        let labels = config.labels.definitions.iter().filter(|label| label.provider == provider.name);
        let Driver::Docker { engine, .. } = &provider.driver else { continue };
        if let Err(error) = engine_version(engine).await {
            problems.push(
                Problem::error("unreachable-engine", format!("provider '{}': {error}", provider.name))
                    .because(format!("the Docker Engine at {engine} did not answer"))
                    .cure("start the engine, or name its socket under 'engine'"),
            );
            continue;
        }
        let driver = driver(config, provider, "check");
        for label in labels {
            problems.extend(missing_mounts(label));
            if label.pull == PullPolicy::Never
                && let Err(error) = driver.prepare(label).await
            {
                let problem = Problem::error("missing-image", format!("label '{}': {error}", label.name));
                problems
                    .push(problem.cure("load the image into the engine, or let it be pulled (`pull: auto`)"));
            }
        }
    }
    problems
}

fn missing_mounts(label: &LabelDefinition) -> impl Iterator<Item = Problem> + '_ {
    label.mounts.iter().filter(|mount| !mount.source.exists()).map(|mount| {
        let message =
            format!("label '{}': the directory {} does not exist", label.name, mount.source.display());
        Problem::error("missing-mount", message)
            .because("nodes of this label cannot be made without it")
            .cure("make the directory, or take it out of 'mounts'")
    })
}

/// Loads what a former process left, and starts the reconciler.
pub(super) async fn start(
    config: &Config,
    store: &Arc<dyn Store>,
    clock: &SharedClock,
    shutdown: &CancellationToken,
) -> Result<Pool, StartError> {
    let instance = store.instance_id().await.map_err(StartError::Names)?;
    let drivers = config.providers.iter().map(|provider| driver(config, provider, &instance)).collect();
    Pool::start(config.pool(), drivers, Arc::clone(store), Arc::clone(clock), shutdown.clone())
        .await
        .map_err(StartError::Pool)
}

fn driver(config: &Config, provider: &ProviderConfig, instance: &str) -> Arc<dyn Provider> {
    let name = provider.name.as_str();
    match &provider.driver {
        Driver::Process => Arc::new(ProcessProvider::new(name, instance, &config.nodes_dir, PROGRAM)),
        Driver::Docker { engine, pull_timeout } => Arc::new(DockerProvider::new(DockerConfig {
            name: name.to_owned(),
            engine: engine.clone(),
            instance: instance.to_owned(),
            nodes_dir: config.nodes_dir.clone(),
            keeper_dir: config.state.join("keeper"),
            program: PROGRAM.into(),
            pull_timeout: *pull_timeout,
        })),
    }
}
