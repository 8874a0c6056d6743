//! What every request passes: whose name it used, whether it may change something, how long it may take; and what every answer
//! carries.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Web;
use super::failure::Failure;
use super::origin::Stranger;
use crate::telemetry::metrics::StatusLabels;

/// An answer begins within this time; only live consoles go on for longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Pages load only what is ours and run no script but our file.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// Checks a request, has it answered, and completes the answer.
pub(super) async fn protect(State(web): State<Web>, request: Request, next: Next) -> Response {
    let for_people = wants_page(request.uri().path());
    let answer = match admit(&web, &request) {
        Ok(()) => match tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await {
            Ok(answer) => answer,
            Err(_) => Failure::unavailable("the answer took too long").into_response(),
        },
        Err(failure) => {
            web.metrics.http.refused.inc();
            failure.into_response()
        }
    };
    let mut answer = match answer.extensions().get::<Failure>() {
        Some(failure) if for_people => failure.page(),
        _ => answer,
    };
    complete(answer.headers_mut());
    let status = match answer.status().as_u16() {
        ..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    };
    web.metrics.http.requests.get_or_create(&StatusLabels { status }).inc();
    answer
}

fn admit(web: &Web, request: &Request) -> Result<(), Failure> {
    web.hosts.check(request.uri(), request.headers()).map_err(|stranger| match stranger {
        Stranger::NoHost => Failure::bad_request("The request names no host."),
        Stranger::Host => Failure::stranger("This server does not go by the name that the request used.")
            .detail("Set 'http.public_url' to the name that it is reached by."),
        Stranger::Origin => Failure::stranger("A page of another site asked for this."),
    })?;
    let reading = matches!(*request.method(), Method::GET | Method::HEAD) || reads_by_post(request);
    if reading || web.token.as_ref().is_some_and(|token| token.matches(bearer(request.headers()))) {
        return Ok(());
    }
    Err(Failure::unauthorized(if web.token.is_some() {
        "A change needs the token."
    } else {
        "This server takes no changes over HTTP: it has no token."
    }))
}

/// Some clients ask for a part of the log with a form (jenkins-rest 4.3).
fn reads_by_post(request: &Request) -> bool {
    *request.method() == Method::POST && request.uri().path().ends_with("/logText/progressiveText")
}

/// The token that was sent, or nothing.
fn bearer(headers: &HeaderMap) -> &str {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (scheme, token) = value.split_once(' ').unwrap_or_default();
    if scheme.eq_ignore_ascii_case("bearer") { token.trim() } else { "" }
}

fn wants_page(path: &str) -> bool {
    !(path.starts_with("/causeway/")
        || path.contains("/api/")
        || path.contains("/logText/")
        || path == "/metrics")
}

fn complete(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("deny"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(PAGE_POLICY);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
