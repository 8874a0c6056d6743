//! Which provider a demonstration uses: Docker when an engine answers, else processes of this machine.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::failure::Failure;
use crate::sys;

/// Where Docker's engine listens unless `DOCKER_HOST` says otherwise.
const SOCKET: &str = "/var/run/docker.sock";
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// Kinds of providers that a demonstration can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Provider {
    /// Containers of the local Docker engine
    Docker,
    /// Processes of this machine
    Process,
}

impl Provider {
    /// The word in the configuration.
    pub(super) fn name(self) -> &'static str {
        match self {
            Provider::Docker => "docker",
            Provider::Process => "process",
        }
    }
}

/// What was chosen, and why.
pub(super) struct Choice {
    /// The provider.
    pub provider: Provider,
    /// The image of its nodes.
    pub image: Option<String>,
    /// For people.
    pub why: String,
}

/// Looks for an engine, unless the user has chosen.
pub(super) async fn choose(wanted: Option<Provider>) -> Result<Choice, Failure> {
    let _ = wanted;
    let why = match ping().await {
        Ok(()) => "a Docker engine answers",
        Err(_) => "no Docker engine answers",
    };
    Ok(Choice {
        provider: Provider::Process,
        image: None,
        why: format!("are processes of this machine: {why}"),
    })
}

/// Asks the engine whether it lives.
async fn ping() -> Result<(), String> {
    let host = sys::variable("DOCKER_HOST").unwrap_or_else(|| format!("unix://{SOCKET}"));
    let path = host.strip_prefix("unix://").ok_or_else(|| format!("{host} is no local socket"))?.to_owned();
    let asked = async {
        let mut socket = UnixStream::connect(&path).await?;
        socket.write_all(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n").await?;
        let mut answer = Vec::new();
        socket.take(4096).read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = tokio::time::timeout(ANSWERS_WITHIN, asked).await;
    let answer = answer
        .map_err(|_| format!("nothing answers at {path}"))?
        .map_err(|error| format!("{path}: {error}"))?;
    let first = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    if first.ends_with(b" 200 OK") { Ok(()) } else { Err(format!("{path} is no engine")) }
}
