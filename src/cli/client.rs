//! Talks to a running server (decision 24): finds it, shows the token where a change needs it, and says what went wrong in
//! words with an exit code.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Global;
use super::failure::{Failure, Kind, chain};
use crate::config::{Config, Overrides};
use crate::telemetry::innermost;

/// Where a server is looked for when nothing says otherwise.
const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";
/// Until the server answers.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// A name in a state directory.
const TOKEN_FILE: &str = "token";

/// A server, as a command sees it.
pub(super) struct Client {
    http: reqwest::Client,
    root: String,
    token: Option<String>,
    token_file: PathBuf,
}

impl Client {
    /// By `--server`, else the configuration, else the usual address; with the token of the state directory where it can be read.
    pub(super) fn new(global: &Global) -> Result<Client, Failure> {
        let overrides = Overrides { state: global.state.clone(), ..Overrides::default() };
        let config = match &global.config {
            Some(path) => Config::load(path, &overrides),
            None => Config::without_file(&overrides),
        };
        let config = config.map_err(|problems| Failure::new(Kind::Usage, problems.to_string()))?;
        let configured = global.config.as_ref().map(|_| format!("http://{}", config.http.listen));
        let root = global.server.clone().or(configured).unwrap_or_else(|| DEFAULT_SERVER.to_owned());
        Client::of(&root, &config.state)
    }

    /// The server at `root`, whose state directory has the token.
    pub(super) fn of(root: &str, state: &std::path::Path) -> Result<Client, Failure> {
        let token_file = state.join(TOKEN_FILE);
        let token = std::fs::read_to_string(&token_file).ok().map(|text| text.trim().to_owned());
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .no_proxy()
            .build()
            .map_err(|error| Failure::failed(&error))?;
        let root = format!("{}/causeway/v1", root.trim_end_matches('/'));
        Ok(Client { http, root, token, token_file })
    }

    /// Reads.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, Failure> {
        let request = self.request(Method::GET, path).query(query).timeout(ANSWER_WITHIN);
        decode(self.send(request).await?).await
    }

    /// Changes.
    pub(super) async fn post(&self, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        let request = self.request(Method::POST, path).timeout(ANSWER_WITHIN);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        decode(self.send(request).await?).await
    }

    /// Reads bytes as they come.
    pub(super) async fn stream(&self, path: &str, query: &[(&str, String)]) -> Result<Bytestream, Failure> {
        let request = self.request(Method::GET, path).query(query);
        self.send(request).await.map(|response| Bytestream { response })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let change = method != Method::GET;
        let request = self.http.request(method, format!("{}{path}", self.root));
        match &self.token {
            Some(token) if change => request.bearer_auth(token),
            _ => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body: Value = response.json().await.unwrap_or_default();
        Err(self.refused(status, &body))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let kind = if error.is_builder() { Kind::Usage } else { Kind::Unreachable };
        let server = self.root.trim_end_matches("/causeway/v1");
        Failure::new(kind, format!("no server answers at {server}: {}", chain(innermost(error))))
            .hint("start one with `causeway serve`, or name a running one with --server URL")
    }

    fn refused(&self, status: StatusCode, body: &Value) -> Failure {
        let kind = match status {
            StatusCode::NOT_FOUND => Kind::NotFound,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::CONFLICT => Kind::Refused,
            _ => Kind::Failed,
        };
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let reason = text("reason");
        let message = if reason.is_empty() { format!("the server answered {status}") } else { reason };
        let failure = Failure::new(kind, message);
        if status == StatusCode::UNAUTHORIZED {
            return failure.hint(format!(
                "the token is read from {}; name the server's state directory with --state DIR, or run as its owner",
                self.token_file.display()
            ));
        }
        let detail = text("detail");
        if detail.is_empty() { failure } else { failure.hint(detail) }
    }
}

async fn decode<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    response.json().await.map_err(|error| {
        Failure::failed(&error).hint("is the server of another version, or something else than Causeway?")
    })
}

/// Bytes that come one after the other.
pub(super) struct Bytestream {
    response: Response,
}

impl Bytestream {
    /// The next bytes; `None` at the end; an error when the connection broke.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, reqwest::Error> {
        self.response.chunk().await
    }
}

/// Runs a command that waits.
pub(super) fn wait_for<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(&error))?;
    runtime.block_on(command)
}
