//! Streams to a keeper in a container: an attach to process 1, or an exec of `keeper join` (decision 17).

use std::io;
use std::path::Path;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use bollard::query_parameters::AttachContainerOptionsBuilder;
use futures_util::{Stream, StreamExt};
use tokio::io::AsyncWrite;
use tokio_util::io::StreamReader;

use super::error::{self, Phase};
use super::keeper_file::PROGRAM;
use crate::keeper::WORD;
use crate::model::NodeId;
use crate::pool::provider::{BoxStream, ProviderError};

/// Data frames of the keeper have 64 KiB; the engine's own pieces are smaller.
const PIECE: usize = 64 * 1024;

/// Attaches to process 1 of a container that is not started yet.
pub(super) async fn attach(docker: &Docker, id: &str, node: NodeId) -> Result<BoxStream, ProviderError> {
    let options =
        AttachContainerOptionsBuilder::default().stream(true).stdin(true).stdout(true).stderr(true).build();
    let attached = docker
        .attach_container(id, Some(options))
        .await
        .map_err(|error| error::classify(&error, Phase::Look))?;
    Ok(joined(attached.output, attached.input, node))
}

/// Starts `keeper join` beside a keeper that runs.
pub(super) async fn join(
    docker: &Docker,
    id: &str,
    node: NodeId,
    directory: &Path,
) -> Result<BoxStream, ProviderError> {
    let command = [PROGRAM, WORD, "join"].map(str::to_owned);
    let directory = directory.to_string_lossy().into_owned();
    let options = CreateExecOptions {
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(command.into_iter().chain([directory]).collect()),
        ..CreateExecOptions::default()
    };
    let class = |error| match error::classify(&error, Phase::Look) {
        // 409: the container does not run.
        ProviderError::Permanent(text) => ProviderError::Transient(text),
        other => other,
    };
    let exec = docker.create_exec(id, options).await.map_err(class)?;
    let start = StartExecOptions { output_capacity: Some(PIECE), ..StartExecOptions::default() };
    match docker.start_exec(&exec.id, Some(start)).await.map_err(class)? {
        StartExecResults::Attached { output, input } => Ok(joined(output, input, node)),
        StartExecResults::Detached => {
            Err(ProviderError::Transient("the engine detached where it was asked to attach".to_owned()))
        }
    }
}

fn joined(
    output: impl Stream<Item = Result<LogOutput, Error>> + Send + Unpin + 'static,
    input: impl AsyncWrite + Send + Unpin + 'static,
    node: NodeId,
) -> BoxStream {
    let bytes = output.filter_map(move |piece| {
        std::future::ready(match piece {
            Ok(LogOutput::StdErr { message }) => {
                let text = String::from_utf8_lossy(&message);
                tracing::warn!(node.id = %node, "the keeper says: {}", text.trim_end());
                None
            }
            Ok(output) => Some(Ok(output.into_bytes())),
            Err(error) => Some(Err(io::Error::other(error))),
        })
    });
    Box::new(tokio::io::join(StreamReader::new(bytes), input))
}
