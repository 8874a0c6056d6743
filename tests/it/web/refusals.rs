//! What is refused (decision 23), and what is bounded.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::face::{Face, TOKEN};

#[tokio::test]
async fn decision_23_a_change_needs_the_token() {
    let face = Face::start().await;
    let id = face.accept("unit", &[]).await;
    let url = format!("{}/causeway/v1/builds/{id}:abort", face.url);
    for request in [
        face.http.post(&url),
        face.http.post(&url).bearer_auth("wrong"),
        face.http.post(&url).basic_auth("a", Some(TOKEN)),
        face.http.post(&url).header("Authorization", TOKEN),
    ] {
        let refused = request.send().await.unwrap();
        assert_eq!(refused.status(), 401);
        assert_eq!(refused.headers()["www-authenticate"], "Bearer");
        let body: serde_json::Value = refused.json().await.unwrap();
        assert_eq!(body["error"], "unauthorized");
        assert!(body["reason"].is_string() && body["detail"].is_string());
    }
    assert!(face.json(&format!("/causeway/v1/builds/{id}")).await["stop_asked_ms"].is_null());
    assert_eq!(face.http.post(&url).bearer_auth(TOKEN).send().await.unwrap().status(), 200);
    assert!(face.json(&format!("/causeway/v1/builds/{id}")).await["stop_asked_ms"].is_u64());
}

#[tokio::test]
async fn decision_23_no_change_by_get() {
    let face = Face::start().await;
    let id = face.accept("unit", &[]).await;
    let path = format!("/causeway/v1/builds/{id}:abort");
    let answer = face.http.get(format!("{}{path}", face.url)).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert!(face.json(&format!("/causeway/v1/builds/{id}")).await["stop_asked_ms"].is_null());
}

#[tokio::test]
async fn decision_23_other_names_and_other_pages_are_refused() {
    let face = Face::start().await;
    let get = |name: &'static str, value: String| {
        face.http.get(format!("{}/", face.url)).header(name, value).send()
    };
    assert_eq!(get("Host", "ci.example".into()).await.unwrap().status(), 200);
    assert_eq!(get("Host", "evil.example".into()).await.unwrap().status(), 403);
    assert_eq!(get("Origin", face.url.clone()).await.unwrap().status(), 200);
    assert_eq!(get("Origin", "http://evil.example".into()).await.unwrap().status(), 403);
    assert_eq!(get("Origin", "null".into()).await.unwrap().status(), 403);
    let page = face.page("/metrics").await;
    assert!(page.contains("causeway_http_requests_refused_total 3\n"), "{page}");
}

/// Sends bytes and reads what comes until the connection ends.
async fn raw(face: &Face, bytes: &[u8]) -> String {
    let address = face.url.trim_start_matches("http://").to_owned();
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    // The server may answer and close before all is sent.
    let _ = socket.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = socket.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(20), read).await.expect("the connection ends");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_request_without_host_is_refused() {
    let face = Face::start().await;
    let answer = raw(&face, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn sizes_are_bounded() {
    let face = Face::start().await;
    let head = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "a".repeat(200_000));
    let answer = raw(&face, head.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let url = format!("{}/job/unit/1/logText/progressiveText", face.url);
    let answer = face.http.post(url).body("a".repeat(3 * 1024 * 1024)).send().await;
    assert!(answer.is_err() || answer.unwrap().status() == 413);
    assert!(raw(&face, b"\x00\x01garbage\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    assert_eq!(face.page("/healthz").await, "ok\n", "and it lives on");
}
