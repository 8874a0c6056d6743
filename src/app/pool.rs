//! The pool and its providers, from the configuration.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::StartError;
use crate::config::{Config, Driver, ProviderConfig};
use crate::pool::Pool;
use crate::pool::provider::Provider;
use crate::provider::docker::{DockerConfig, DockerProvider, import_host_image};
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
