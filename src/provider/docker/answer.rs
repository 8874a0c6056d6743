//! Answers of the engine that come line by line: a build's, a push's.

use std::time::Duration;

use bytes::BytesMut;
use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::Value;

use super::guard::whole;

/// A line is never longer: what a program writes without a line break comes in pieces.
const LINE_MAX: usize = 1 << 20;
/// How long an answer to a refused request may take.
const REFUSAL_LIMIT: Duration = Duration::from_secs(60);

/// One line.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Line {
    /// What a build says.
    pub stream: Option<String>,
    /// Facts: an image's id, a push's digest.
    pub aux: Option<Value>,
    /// How it failed.
    #[serde(rename = "errorDetail")]
    pub error: Option<Detail>,
}

/// A failure in a stream that began well.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Detail {
    /// The exit code of a RUN.
    pub code: Option<i32>,
    /// The engine's words.
    pub message: String,
}

/// The lines of an answer.
pub(super) struct Lines {
    body: Incoming,
    buffer: BytesMut,
}

impl Lines {
    /// Those of an answer that began well, else the engine's status and words.
    pub async fn of(response: Response<Incoming>) -> Result<Lines, (u16, String)> {
        let status = response.status().as_u16();
        if status == 200 {
            return Ok(Lines { body: response.into_body(), buffer: BytesMut::new() });
        }
        let read = tokio::time::timeout(REFUSAL_LIMIT, whole(response.into_body())).await;
        let bytes = read.ok().and_then(Result::ok).unwrap_or_default();
        let message = serde_json::from_slice::<Value>(&bytes).ok();
        let message = message.and_then(|value| Some(value.get("message")?.as_str()?.to_owned()));
        Err((status, message.unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned())))
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// When the stream is cut, or is none.
    pub async fn next(&mut self) -> Result<Option<Line>, String> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer) {
                let line = self.buffer.split_to(end + 1);
                match read(&line)? {
                    Some(line) => return Ok(Some(line)),
                    None => continue,
                }
            }
            if self.buffer.len() > LINE_MAX {
                return Err("a line without end".to_owned());
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.buffer.extend_from_slice(&bytes);
                    }
                }
                Some(Err(error)) => return Err(format!("the engine's answer broke off: {error}")),
                None => {
                    let rest = self.buffer.split();
                    return read(&rest);
                }
            }
        }
    }
}

fn read(line: &[u8]) -> Result<Option<Line>, String> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(line).map(Some).map_err(|error| format!("an answer that is none: {error}"))
}
