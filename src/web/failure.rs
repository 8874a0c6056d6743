//! A request that is not answered as it hoped: one value, shown as JSON to programs and as a page to people.

use askama::Template;
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;
use tracing::error;

use crate::build::{BuildError, Refusal};
use crate::store::StoreError;

/// Why a request failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    status: StatusCode,
    error: &'static str,
    reason: String,
    detail: String,
}

/// The body that programs get (pools-14.2).
#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
}

#[derive(Template)]
#[template(path = "error.html", config = "src/web/askama.toml")]
struct Page<'a> {
    status: u16,
    title: &'a str,
    detail: &'a str,
}

impl Failure {
    fn new(status: StatusCode, error: &'static str, reason: impl Into<String>) -> Failure {
        Failure { status, error, reason: reason.into(), detail: String::new() }
    }

    /// Says more, or what to do about it.
    pub(super) fn detail(mut self, detail: impl Into<String>) -> Failure {
        self.detail = detail.into();
        self
    }

    /// Nothing has that name.
    pub(super) fn not_found(reason: impl Into<String>) -> Failure {
        Failure::new(StatusCode::NOT_FOUND, "not_found", reason)
    }

    /// The request makes no sense.
    pub(super) fn bad_request(reason: impl Into<String>) -> Failure {
        Failure::new(StatusCode::BAD_REQUEST, "bad_request", reason)
    }

    /// A change without the token, or with another one.
    pub(super) fn unauthorized(reason: impl Into<String>) -> Failure {
        Failure::new(StatusCode::UNAUTHORIZED, "unauthorized", reason).detail(
            "Send 'Authorization: Bearer TOKEN' with the text of the file 'token' in the state directory.",
        )
    }

    /// Asked under a name that is not ours, or by a page of another site (decision 23).
    pub(super) fn stranger(reason: impl Into<String>) -> Failure {
        Failure::new(StatusCode::FORBIDDEN, "forbidden", reason)
    }

    /// It cannot be done as things stand.
    pub(super) fn conflict(reason: impl Into<String>) -> Failure {
        Failure::new(StatusCode::CONFLICT, "refused", reason)
    }

    /// Not now, perhaps later.
    pub(super) fn unavailable(reason: impl Into<String>) -> Failure {
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", reason)
    }

    /// The path exists, the method does not.
    pub(super) fn method() -> Failure {
        Failure::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "this address does not take that method",
        )
    }

    /// Something of ours went wrong. The text goes to the log, not to the client.
    pub(super) fn internal(what: &'static str, cause: &(dyn std::error::Error + 'static)) -> Failure {
        error!(error = cause, "{what}");
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", what)
            .detail("The log of Causeway says more.")
    }

    /// As a page for people.
    pub(super) fn page(&self) -> Response {
        let title = match self.status {
            StatusCode::NOT_FOUND => "Not here",
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => "Not allowed",
            StatusCode::SERVICE_UNAVAILABLE => "Not now",
            _ => "That did not work",
        };
        let mut detail = self.reason.clone();
        if !self.detail.is_empty() {
            detail = format!("{detail} {}", self.detail);
        }
        let page = Page { status: self.status.as_u16(), title, detail: &detail };
        match page.render() {
            Ok(html) => (self.status, Html(html)).into_response(),
            Err(_) => (self.status, detail).into_response(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = Body { error: self.error, reason: &self.reason, detail: &self.detail };
        let mut answer = (self.status, Json(body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = header::HeaderValue::from_static("Bearer");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        answer.extensions_mut().insert(self);
        answer
    }
}

impl From<StoreError> for Failure {
    fn from(cause: StoreError) -> Failure {
        match &cause {
            StoreError::Full(_) => {
                Failure::unavailable("the store is full").detail("New builds wait until there is room.")
            }
            StoreError::Unavailable(_) => Failure::unavailable("the store is not available at the moment"),
            StoreError::Corrupt(_) | StoreError::Conflict(_) => {
                Failure::internal("the store could not be read", &cause)
            }
        }
    }
}

impl From<BuildError> for Failure {
    fn from(cause: BuildError) -> Failure {
        match cause {
            BuildError::Unknown => Failure::not_found("There is no such build."),
            BuildError::Illegal(illegal) => Failure::conflict(illegal.to_string()),
            BuildError::Store(store) => store.into(),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(cause: Refusal) -> Failure {
        match cause {
            Refusal::Store(store) => store.into(),
            Refusal::Draining => Failure::unavailable(Refusal::Draining.to_string()),
            unknown @ Refusal::UnknownJob(_) => Failure::not_found(unknown.to_string()),
        }
    }
}
