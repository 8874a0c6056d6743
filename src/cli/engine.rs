//! Which provider a demonstration uses: Docker when an engine answers, else processes of this machine.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::failure::{Failure, Kind};
use crate::app;
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
    /// The engine's address.
    pub engine: Option<String>,
    /// The image of its nodes.
    pub image: Option<String>,
    /// For people.
    pub why: String,
}

/// Looks for an engine and gives it an image made from this machine (decision 21), unless the user wants processes. An engine that
/// the user asked for has to work; one that was only found does not.
pub(super) async fn choose(wanted: Option<Provider>) -> Result<Choice, Failure> {
    if wanted == Some(Provider::Process) {
        return Ok(processes("as you asked"));
    }
    let found: Result<(String, String), String> = match ping().await {
        Ok(engine) => app::first_image(&engine).await.map(|image| (engine, image)),
        Err(reason) => Err(format!("no Docker Engine answers ({reason})")),
    };
    match found {
        Ok((engine, image)) => {
            let why = format!(
                "are containers of the Docker Engine at {engine}, which answers; their image is {image}"
            );
            Ok(Choice { provider: Provider::Docker, engine: Some(engine), image: Some(image), why })
        }
        Err(reason) if wanted.is_some() => Err(Failure::new(Kind::Failed, reason)
            .hint("start the engine, name it with DOCKER_HOST, or use --provider process")),
        Err(reason) => Ok(processes(&reason)),
    }
}

fn processes(why: &str) -> Choice {
    let why = format!("are processes of this machine: {why}");
    Choice { provider: Provider::Process, engine: None, image: None, why }
}

/// Asks the engine whether it lives, and returns its address.
async fn ping() -> Result<String, String> {
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
    if first.ends_with(b" 200 OK") { Ok(host) } else { Err(format!("{path} is no engine")) }
}
