//! Answers to the client.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::Response;
use hyper::body::Incoming;
use serde_json::{Value, json};

/// Why a body broke off.
type BodyError = Box<dyn std::error::Error + Send + Sync>;
/// A body of either direction.
pub(in crate::provider::docker) type Body = UnsyncBoxBody<Bytes, BodyError>;

/// Of the engine's head these lines are passed on.
const PASSED: &[&str] = &[
    "content-type",
    "api-version",
    "docker-experimental",
    "ostype",
    "server",
    "builder-version",
    "x-docker-container-path-stat",
];

/// No body.
pub(in crate::provider::docker) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body that is there as a whole.
pub(in crate::provider::docker) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// An answer in the form that clients show to people.
pub(super) fn message(status: u16, text: &str) -> Response<Body> {
    of_json(status, &json!({ "message": text }))
}

/// An answer of ours.
pub(super) fn of_json(status: u16, value: &Value) -> Response<Body> {
    let mut response = Response::new(full(value.to_string()));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response
        .headers_mut()
        .insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    response
}

/// The engine's answer, its body passed on as it comes.
pub(super) fn passed(response: Response<Incoming>) -> Response<Body> {
    let (head, body) = response.into_parts();
    headed(&head, body.map_err(Into::into).boxed_unsync())
}

/// The engine's answer with another body.
pub(super) fn headed(head: &hyper::http::response::Parts, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    for name in PASSED {
        if let Some(value) = head.headers.get(*name) {
            response.headers_mut().insert(*name, value.clone());
        }
    }
    response
}
