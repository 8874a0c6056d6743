//! `causeway master` and `check` beside masters of every kind: what is said and the exit code are snapshots.

use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::support::{Finished, run, says};

/// How a master behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Quiet,
    NoRight,
    NoJobs,
    Starting,
    AnotherSite,
    Endless,
    Redirecting,
}

/// A master of that mood on a port of its own, for as long as it lives.
struct Master {
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Master {
    fn of(mood: Mood) -> Master {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().fallback(answer).with_state(mood);
        runtime.spawn(async move { axum::serve(listener, app).await });
        Master { address, _runtime: runtime }
    }
}

/// Answers as the recorded masters do (jenkins-rest 1.2 to 1.4, 3.1).
async fn answer(State(mood): State<Mood>, request: Request) -> Response {
    match mood {
        Mood::Starting => return (StatusCode::SERVICE_UNAVAILABLE, "Please wait").into_response(),
        Mood::AnotherSite => {
            return ([(header::CONTENT_TYPE, "text/html")], "<h1>It works!</h1>").into_response();
        }
        Mood::Redirecting => return (StatusCode::FOUND, [(header::LOCATION, "/jenkins/")]).into_response(),
        Mood::Endless => {
            let parts = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1 << 20]));
            return Body::from_stream(parts).into_response();
        }
        _ => {}
    }
    // `ci:11secret`
    let login = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match login {
        Some("Basic Y2k6MTFzZWNyZXQ=") => {}
        Some(_) => return StatusCode::UNAUTHORIZED.into_response(),
        None => return (StatusCode::FORBIDDEN, "<html>login</html>").into_response(),
    }
    let path = request.uri().path().trim_start_matches("/jenkins");
    let query = request.uri().query().unwrap_or_default();
    let json = match path {
        "/api/json" if query.contains("jobs") && mood == Mood::NoJobs => r#"{"jobs":[]}"#.to_owned(),
        "/api/json" if query.contains("jobs") => {
            r#"{"jobs":[{"name":"plain"},{"name":"team","jobs":[{"name":"plain"}]},{"name":"tuned"}]}"#.to_owned()
        }
        "/api/json" => format!(r#"{{"quietingDown":{},"useCrumbs":true}}"#, mood == Mood::Quiet),
        "/whoAmI/api/json" => r#"{"anonymous":false,"name":"ci"}"#.to_owned(),
        "/job/tuned/api/json" => {
            r#"{"buildable":true,"property":[{"parameterDefinitions":[{"name":"A","type":"StringParameterDefinition"}]}]}"#.to_owned()
        }
        "/job/plain/api/json" | "/job/team/job/plain/api/json" => r#"{"buildable":true,"property":[]}"#.to_owned(),
        "/job/tuned/build" if mood == Mood::NoRight => {
            return (StatusCode::FORBIDDEN, [("X-Required-Permission", "hudson.model.Item.Build")]).into_response();
        }
        "/job/tuned/build" => return (StatusCode::BAD_REQUEST, "Nothing is submitted").into_response(),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let headers = [
        ("content-type", "application/json;charset=utf-8"),
        ("x-jenkins", "2.507"),
        ("x-jenkins-session", "5a"),
        ("date", "Wed, 25 Nov 2026 12:00:00 GMT"),
    ];
    (headers, json).into_response()
}

/// A configuration that names one master.
fn configured(folder: &Path, url: &str, token: &str) -> String {
    std::fs::write(folder.join("token"), format!("{token}\n")).unwrap();
    let text = format!("masters:\n  - {{name: ci, url: '{url}', user: ci, token: file:token}}\n");
    let file = folder.join("causeway.yaml");
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

fn asked(url: &str, token: &str, command: &[&str]) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    let config = configured(folder.path(), url, token);
    run(&[command, &["--config", &config]].concat())
}

fn checked(mood: Mood) -> Finished {
    let master = Master::of(mood);
    asked(&format!("http://{}/", master.address), "11secret", &["master", "check", "ci"])
}

#[test]
fn a_master_that_is_well_is_usable() {
    says!("master-well", checked(Mood::Well), []);
    let master = Master::of(Mood::Well);
    // Under a path prefix too (jenkins-rest 1.1), and as a list.
    let url = format!("http://{}/jenkins", master.address);
    says!("master-list", asked(&url, "11secret", &["master", "list"]), []);
    says!("master-list-json", asked(&url, "11secret", &["master", "list", "--json"]), []);
}

#[test]
fn what_stands_in_the_way_is_named_with_its_cure() {
    says!("master-quiet", checked(Mood::Quiet), []);
    says!("master-no-right", checked(Mood::NoRight), []);
    says!("master-no-jobs", checked(Mood::NoJobs), []);
    says!("master-starting", checked(Mood::Starting), []);
    says!("master-another-site", checked(Mood::AnotherSite), []);
    says!("master-redirecting", checked(Mood::Redirecting), []);
    says!("master-endless", checked(Mood::Endless), []);
    let master = Master::of(Mood::Well);
    let url = format!("http://{}/", master.address);
    says!("master-wrong-login", asked(&url, "11wrong", &["master", "check", "ci"]), []);
    says!("master-unknown", asked(&url, "11secret", &["master", "check", "cj"]), []);
}

#[test]
fn a_master_that_nobody_runs_is_unreachable() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    says!("master-unreachable", asked(&format!("http://{port}/"), "11secret", &["check"]), []);
}

#[test]
fn masters_that_are_configured_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("causeway.yaml");
    std::fs::write(
        &file,
        "masters:\n  - {name: ci, url: 'ci.example'}\n  - {name: tls, url: 'https://ci.example/'}\n  \
         - {name: half, url: 'http://ci.example/', user: me}\n  - {url: 'http://ci.example/'}\n",
    )
    .unwrap();
    let finished = run(&["master", "list", "--config", &file.display().to_string()]);
    says!("master-configured-wrong", finished, [folder.path() => "FOLDER"]);
}
