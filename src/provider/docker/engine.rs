//! The engine's address and a client for it, whose version both sides speak.

use bollard::{API_DEFAULT_VERSION, Docker};
use tokio::sync::OnceCell;

use super::error::{self, Phase};
use crate::pool::provider::ProviderError;

/// How long a call may take, in seconds (pools-V2).
const CALL_LIMIT: u64 = 60;

pub(super) struct Engine {
    address: String,
    client: OnceCell<Docker>,
}

impl Engine {
    pub fn new(address: String) -> Engine {
        Engine { address, client: OnceCell::new() }
    }

    /// The client. The version is asked for once; an engine that is down is asked again by the next call.
    pub async fn client(&self) -> Result<Docker, ProviderError> {
        self.client.get_or_try_init(|| connect(&self.address)).await.cloned()
    }
}

/// Connects and agrees on a version.
pub(super) async fn connect(address: &str) -> Result<Docker, ProviderError> {
    let Some(path) = address.strip_prefix("unix://") else {
        let text =
            format!("'{address}' is no address of a local engine: unix:///path/to/docker.sock is expected");
        return Err(ProviderError::Permanent(text));
    };
    let unreachable = |error: bollard::errors::Error| match error::classify(&error, Phase::Look) {
        ProviderError::Transient(text) => {
            ProviderError::Transient(format!("no Docker Engine answers at {address}: {text}"))
        }
        other => other,
    };
    Docker::connect_with_unix(path, CALL_LIMIT, API_DEFAULT_VERSION)
        .map_err(unreachable)?
        .negotiate_version()
        .await
        .map_err(unreachable)
}
