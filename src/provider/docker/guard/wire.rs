//! Calls to the engine, each on a connection of its own: nothing of one call can be taken for a part of another.

use std::path::PathBuf;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use super::Trouble;
use super::reply::{Body, empty};

/// An answer that is read as a whole is never longer.
const ANSWER_MAX: usize = 8 << 20;
/// How long such an answer may take (pools-V2).
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Where the engine listens.
pub(in crate::provider::docker) struct EngineSocket(pub PathBuf);

impl EngineSocket {
    /// Sends a request; the answer's body follows as it comes.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Trouble> {
        let engine = |error: &dyn std::fmt::Display| Trouble::Engine(error.to_string());
        let stream = UnixStream::connect(&self.0).await.map_err(|error| engine(&error))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| engine(&error))?;
        // Ends with the answer's body, or when nobody wants it any more.
        tokio::spawn(connection.with_upgrades());
        sender.send_request(request).await.map_err(|error| engine(&error))
    }

    /// Asks for an object; `None` when there is none.
    pub async fn look(&self, target: &str) -> Result<Option<Value>, Trouble> {
        let asked = async {
            let response = self.send(request(Method::GET, target, empty())?).await?;
            match response.status().as_u16() {
                200 => Ok(Some(json(response.into_body()).await?)),
                404 => Ok(None),
                other => Err(Trouble::Engine(format!("{target} was answered with {other}"))),
            }
        };
        match tokio::time::timeout(ANSWER_LIMIT, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(Trouble::Engine(format!("{target} was not answered"))),
        }
    }
}

/// A request to the engine.
pub(in crate::provider::docker) fn request(
    method: Method,
    target: &str,
    body: Body,
) -> Result<Request<Body>, Trouble> {
    Request::builder()
        .method(method)
        .uri(target)
        .header("Host", "docker")
        .body(body)
        .map_err(|error| Trouble::Engine(error.to_string()))
}

/// Reads an answer as a whole.
pub(in crate::provider::docker) async fn whole(body: Incoming) -> Result<bytes::Bytes, Trouble> {
    let read = Limited::new(body, ANSWER_MAX).collect().await;
    read.map(|read| read.to_bytes()).map_err(|error| Trouble::Engine(error.to_string()))
}

async fn json(body: Incoming) -> Result<Value, Trouble> {
    serde_json::from_slice(&whole(body).await?).map_err(|error| Trouble::Engine(error.to_string()))
}
