//! The pool and its providers, from the configuration.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::StartError;
use crate::config::{Config, Driver, ProviderConfig};
use crate::pool::Pool;
use crate::pool::provider::Provider;
use crate::store::Store;
use crate::sys::SharedClock;

/// Loads what a former process left, and starts the reconciler.
pub(super) async fn start(
    config: &Config,
    store: &Arc<dyn Store>,
    clock: &SharedClock,
    shutdown: &CancellationToken,
) -> Result<Pool, StartError> {
    let mut providers = Vec::with_capacity(config.providers.len());
    for provider in &config.providers {
        providers.push(driver(config, provider)?);
    }
    Pool::start(config.pool(), providers, Arc::clone(store), Arc::clone(clock), shutdown.clone())
        .await
        .map_err(StartError::Pool)
}

fn driver(_config: &Config, provider: &ProviderConfig) -> Result<Arc<dyn Provider>, StartError> {
    match &provider.driver {
        Driver::Process | Driver::Docker { .. } => {
            Err(StartError::Provider { name: provider.name.clone(), detail: "not there yet".into() })
        }
    }
}
