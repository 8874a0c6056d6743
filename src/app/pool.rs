//! The pool and its providers, from the configuration.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::StartError;
use crate::config::{Config, Driver, ProviderConfig};
use crate::pool::Pool;
use crate::pool::provider::Provider;
use crate::provider::docker::{DockerConfig, DockerProvider, import_host_image};
