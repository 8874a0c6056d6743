//! The `docker` provider against an engine that is played from a script: the failures of pools 11.2 that a real one shows rarely.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use causeway::pool::provider::{ObservedState, Provider, ProviderError};
use causeway::provider::docker::{DockerConfig, DockerProvider};
use serde_json::json;

use crate::docker_engine::new_node;
use crate::keeper_process::{PROGRAM, label, spec};

/// What the engine says to `METHOD /path` under that version of its API; `None`: nothing, ever.
type Script = dyn Fn(&str, &str) -> Option<(u16, String)> + Send + Sync;

struct Engine {
    directory: tempfile::TempDir,
    calls: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Engine {
    fn start(script: impl Fn(&str, &str) -> Option<(u16, String)> + Send + Sync + 'static) -> Engine {
        let directory = tempfile::tempdir().unwrap();
        let listener = tokio::net::UnixListener::bind(directory.path().join("engine")).unwrap();
        let (calls, script): (Arc<Mutex<Vec<String>>>, Arc<Script>) = (Arc::default(), Arc::new(script));
        let seen = Arc::clone(&calls);
        let answer = move |request: Request<Body>| {
            let (version, path) = split(request.uri().path());
            let call = format!("{} {path}", request.method());
            seen.lock().unwrap().push(call.clone());
            let said = script(&version, &call);
            async move {
                match said {
                    Some((status, text)) => Response::builder()
                        .status(status)
                        .header("Api-Version", "1.41")
                        .header("Content-Type", "application/json")
                        .body(Body::from(text))
                        .unwrap(),
                    None => std::future::pending().await,
                }
            }
        };
        let router = axum::Router::new().fallback(answer);
        let task = tokio::spawn(axum::serve(listener, router).into_future());
        Engine { directory, calls, task }
    }

    fn provider(&self) -> DockerProvider {
        let path = |name: &str| self.directory.path().join(name);
        DockerProvider::new(DockerConfig {
            name: "here".to_owned(),
            engine: format!("unix://{}", path("engine").display()),
            instance: "one".to_owned(),
            nodes_dir: self.nodes(),
            keeper_dir: path("keeper"),
            program: PROGRAM.into(),
            pull_timeout: Duration::from_secs(30),
        })
    }

    fn nodes(&self) -> PathBuf {
        self.directory.path().join("nodes")
    }

    fn count(&self, call: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|seen| *seen == call).count()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// `/v1.41/info` as version and path.
fn split(path: &str) -> (String, String) {
    let (version, rest) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    match version.strip_prefix('v').filter(|version| version.contains('.')) {
        Some(version) => (version.to_owned(), format!("/{rest}")),
        None => (String::new(), path.to_owned()),
    }
}

fn no(message: &str) -> String {
    json!({"message": message}).to_string()
}

/// What every healthy engine says; the rest is up to the script.
fn healthy(call: &str) -> (u16, String) {
    match call {
        "GET /version" => (200, json!({"Version": "20.10.24", "ApiVersion": "1.41"}).to_string()),
        "GET /containers/json" | "GET /networks" => (200, "[]".to_owned()),
        _ => (404, no("No such object")),
    }
}

/// A container with our marks, as an inspection shows it.
fn container(node: &str, status: &str) -> String {
    let labels = json!({
        "causeway.instance": "one", "causeway.provider": "here", "causeway.kind": "node", "causeway.node": node,
    });
    json!({"Id": "c1", "State": {"Status": status, "ExitCode": 137}, "Config": {"Labels": labels}})
        .to_string()
}

#[tokio::test(start_paused = true)]
async fn pools_11_2_a_socket_that_hangs_ends_a_look_and_makes_a_change_uncertain() {
    let engine = Engine::start(|_, call| match call {
        "GET /version" => Some(healthy(call)),
        call if call.starts_with("GET /containers/cw-one-") => Some(healthy(call)),
        _ => None,
    });
    let provider = engine.provider();
    provider.check().await.unwrap();
    let listed = provider.list().await;
    assert!(matches!(listed, Err(ProviderError::Transient(_))), "{listed:?}");
    let made = provider.create(&spec(&engine.nodes(), new_node(), label(Some("debian:12")))).await;
    assert!(matches!(made, Err(ProviderError::Ambiguous(_))), "it may be there: {made:?}");
}

#[tokio::test]
async fn pools_11_2_a_disk_without_room_is_no_room_wherever_it_shows() {
    let full = "write /var/lib/docker/tmp/layer: no space left on device";
    let line = json!({"errorDetail": {"message": full}, "error": full}).to_string();
    let stream = format!("{}\n{line}\n", json!({"status": "Pulling fs layer"}));
    let engine = Engine::start(move |_, call| {
        Some(match call {
            // The status was sent before the disk was full.
            "POST /images/create" => (200, stream.clone()),
            "POST /containers/create" => (500, no(full)),
            _ => healthy(call),
        })
    });
    let provider = engine.provider();
    let pulled = provider.prepare(&label(Some("debian:12"))).await;
    assert!(
        matches!(&pulled, Err(ProviderError::Quota(text)) if text.contains("no space left")),
        "{pulled:?}"
    );
    assert_eq!(engine.count("POST /images/create"), 1, "trying again makes no room");
    let made = provider.create(&spec(&engine.nodes(), new_node(), label(Some("debian:12")))).await;
    assert!(matches!(made, Err(ProviderError::Quota(_))), "{made:?}");
}

#[tokio::test]
async fn pools_11_2_an_image_that_goes_before_its_use_is_pulled_again_once() {
    for goes in [1, 2] {
        let state = Mutex::new((0, false));
        let engine = Engine::start(move |_, call| {
            let (creates, pulled) = &mut *state.lock().unwrap();
            Some(match call {
                "POST /containers/create" => {
                    *creates += 1;
                    match *creates <= goes {
                        true => {
                            *pulled = false;
                            (404, no("No such image: debian:12"))
                        }
                        false => (201, json!({"Id": "c1", "Warnings": []}).to_string()),
                    }
                }
                "POST /images/create" => {
                    *pulled = true;
                    (200, json!({"status": "done"}).to_string())
                }
                "GET /images/debian:12/json" if *pulled => (200, json!({"Id": "sha256:1"}).to_string()),
                _ => healthy(call),
            })
        });
        let provider = engine.provider();
        let made = provider.create(&spec(&engine.nodes(), new_node(), label(Some("debian:12")))).await;
        match goes {
            1 => assert_eq!(made.unwrap(), "c1"),
            _ => assert!(matches!(made, Err(ProviderError::Transient(_))), "{made:?}"),
        }
        assert_eq!((engine.count("POST /containers/create"), engine.count("POST /images/create")), (2, 1));
    }
}

#[tokio::test]
async fn pools_11_2_a_container_that_is_dead_or_on_its_way_out_goes_in_the_end() {
    let node = new_node();
    let name = format!("/containers/cw-one-{node}/json");
    let deletes = Mutex::new(0);
    let text = node.to_string();
    let engine = Engine::start(move |_, call| {
        let mut deletes = deletes.lock().unwrap();
        Some(match call {
            call if call == format!("GET {name}") && *deletes < 3 => (200, container(&text, "dead")),
            "DELETE /containers/c1" => {
                *deletes += 1;
                match *deletes {
                    1 => (409, no("removal of container c1 is already in progress")),
                    2 => (500, no("driver failed to remove root filesystem: device or resource busy")),
                    _ => (204, String::new()),
                }
            }
            _ => healthy(call),
        })
    });
    let provider = engine.provider();
    let found = provider.find(node).await.unwrap().unwrap();
    assert!(matches!(found.state, ObservedState::Exited(_)), "{found:?}");
    for _ in 0..2 {
        let busy = provider.destroy(node).await;
        assert!(matches!(busy, Err(ProviderError::Transient(_))), "tried again: {busy:?}");
    }
    provider.destroy(node).await.unwrap();
    assert_eq!(provider.find(node).await.unwrap(), None);
}

#[tokio::test]
async fn pools_11_2_an_engine_that_became_older_is_spoken_to_as_it_is() {
    let older = Arc::new(Mutex::new(false));
    let now = Arc::clone(&older);
    let engine = Engine::start(move |version, call| {
        let latest = if *now.lock().unwrap() { "1.40" } else { "1.41" };
        Some(match call {
            _ if !version.is_empty() && version > latest => {
                let text =
                    format!("client version {version} is too new. Maximum supported API version is {latest}");
                (400, no(&text))
            }
            "GET /version" => (200, json!({"Version": "19", "ApiVersion": latest}).to_string()),
            _ => healthy(call),
        })
    });
    let provider = engine.provider();
    assert!(provider.check().await.unwrap().summary.contains("API 1.41"));
    provider.list().await.unwrap();
    *older.lock().unwrap() = true;
    provider.list().await.unwrap();
    assert!(provider.check().await.unwrap().summary.contains("API 1.40"));
    provider.list().await.unwrap();
}

#[tokio::test]
async fn pools_d36_addresses_that_are_used_up_are_swept_for_once_and_are_a_quota_then() {
    let gone = new_node();
    let left = json!([{
        "Name": "left", "Id": "n1",
        "Labels": {"causeway.node": gone.to_string(), "causeway.kind": "network"},
    }]);
    let engine = Engine::start(move |_, call| {
        Some(match call {
            "POST /networks/create" => {
                let text = "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network";
                (500, json!({ "message": text }).to_string())
            }
            "GET /networks" => (200, left.to_string()),
            "GET /containers/json" => (200, "[]".to_owned()),
            _ if call.starts_with("DELETE /networks/") => (204, String::new()),
            "GET /version" => (200, r#"{"ApiVersion": "1.41"}"#.to_owned()),
            _ => (404, r#"{"message": "none"}"#.to_owned()),
        })
    });
    let provider = engine.provider();
    let mut spec = spec(&engine.nodes(), new_node(), label(Some("image:1")));
    spec.label.network = causeway::pool::label::NetworkMode::Isolated;
    let failure = provider.create(&spec).await.unwrap_err();
    assert!(matches!(failure, ProviderError::Quota(_)), "{failure:?}");
    assert_eq!(engine.count("POST /networks/create"), 2);
    assert_eq!(engine.count(&format!("DELETE /networks/cw-one-{gone}")), 1);
    assert_eq!(engine.count("POST /containers/create"), 0);
}
