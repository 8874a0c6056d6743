//! A job that tries everything to get at the host or at others.

use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::place::Place;
use crate::support::IMAGE;

/// Arguments of `docker` that must fail, and the rule that the client is told. `WS` is the workspace.
const ATTACKS: &[(&str, &str)] = &[
    ("run --privileged IMAGE true", "pools-D57 privileged"),
    ("run --cap-add SYS_ADMIN IMAGE true", "pools-D30 capabilities"),
    ("run --cap-add ALL IMAGE true", "pools-D30 capabilities"),
    ("run --device /dev/null IMAGE true", "pools-D57 devices"),
    ("run --pid host IMAGE true", "pools-D57 host namespaces"),
    ("run --ipc host IMAGE true", "pools-D57 host namespaces"),
    ("run --uts host IMAGE true", "pools-D57 host namespaces"),
    ("run --userns host IMAGE true", "pools-D57 host namespaces"),
    ("run --cgroupns host IMAGE true", "pools-D57 host namespaces"),
    ("run --network host IMAGE true", "pools-D57 host namespaces"),
    ("run --network container:other IMAGE true", "pools-D57 network"),
    ("run --publish 80:80 IMAGE true", "pools-D57 network"),
    ("run --cgroup-parent / IMAGE true", "pools-D57 limits"),
    ("run --ulimit nofile=9999999 IMAGE true", "pools-D57 limits"),
    ("run --oom-score-adj -1000 IMAGE true", "pools-D57 limits"),
    ("run --oom-kill-disable IMAGE true", "pools-D57 limits"),
    ("run --shm-size 2g IMAGE true", "pools-D57 limits"),
    ("run --sysctl net.ipv4.ip_forward=1 IMAGE true", "pools-D30"),
    ("run --security-opt apparmor=unconfined IMAGE true", "pools-D30"),
    ("run --security-opt systempaths=unconfined IMAGE true", "pools-D30"),
    ("run --runtime evil IMAGE true", "pools-D30"),
    ("run --restart always IMAGE true", "pools-D57 lease"),
    ("run --log-driver syslog IMAGE true", "pools-D57 lease"),
    ("run --label causeway.node=other IMAGE true", "pools-D57 marks"),
    ("run --volume /:/host IMAGE true", "pools-D57 binds"),
    ("run --volume /etc:/host:ro IMAGE true", "pools-D57 binds"),
    ("run --volume /proc:/host IMAGE true", "pools-D57 binds"),
    ("run --mount type=bind,source=/,target=/host IMAGE true", "pools-D57 binds"),
    ("run --volume WS/../..:/host IMAGE true", "pools-D57 binds"),
    ("run --volume WS/../steps:/host IMAGE true", "pools-D57 binds"),
    ("run --volume /var/run/docker.sock:/s IMAGE true", "pools-D31"),
    ("run --volume WS/sock:/s IMAGE true", "pools-D57 sockets"),
    ("run --volume WS/link:/host IMAGE true", "pools-D71"),
    ("run --volume WS/link/ssl:/host IMAGE true", "pools-D71"),
    ("run --volume WS/up:/host IMAGE true", "pools-D71"),
    ("run --volume WS/missing:/host IMAGE true", "pools-D2"),
    ("run --volume WS:/host:rshared IMAGE true", "pools-D57 binds"),
    ("run --volume named:/host IMAGE true", "pools-D57 volumes"),
    ("run --volumes-from other IMAGE true", "pools-D57 volumes"),
    ("run --volume-driver local --volume x:/host IMAGE true", "pools-D57 volumes"),
    ("run --name causeway-mine IMAGE true", "pools-D57 own objects"),
    ("run debian:10 true", "pools-D32"),
    ("pull debian:10", "pools-D32"),
    ("pull --all-tags localhost:1/x", "pools-D57 pull"),
    ("image inspect debian:10", "pools-D32"),
    ("build WS", "pools-D5"),
    ("commit own x", "pools-D57 calls"),
    ("push localhost:1/x", "pools-D57 calls"),
    ("image rm IMAGE", "pools-D57 calls"),
    ("image prune --force", "pools-D57 calls"),
    ("container prune --force", "pools-D57 calls"),
    ("volume create x", "pools-D57 calls"),
    ("volume ls", "pools-D57 calls"),
    ("network create x", "pools-D57 calls"),
    ("swarm init", "pools-D57 calls"),
    ("events --until 1s", "pools-D57 calls"),
    ("update --memory 8g own", "pools-D57 calls"),
    ("rename own other", "pools-D57 calls"),
    ("exec --privileged own true", "pools-D57 privileged"),
    ("inspect --type container OTHER", "No such container"),
    ("stop OTHER", "No such container"),
    ("rm OTHER", "No such container"),
    ("kill OTHER", "No such container"),
    ("logs OTHER", "No such container"),
    ("exec OTHER true", "No such container"),
    ("attach OTHER", "No such container"),
    ("wait OTHER", "No such container"),
    ("cp OTHER:/etc/passwd -", "No such container"),
    ("start OTHER", "No such container"),
];

#[tokio::test(flavor = "multi_thread")]
async fn pools_d57_a_hostile_job_is_refused_at_each_try() {
    let Some(mut place) = Place::open(&[("hostile", "echo held; sleep 1000"), ("other", "sleep 1000")])
    else {
        return;
    };
    place.submit("hostile").await;
    place.submit("other").await;
    place.until_console("hostile", "\nheld\n");
    let (node, other) = (place.node("hostile"), place.node("other"));
    let directory = place.node_directory(&node);
    let workspace = directory.join("workspace/hostile");
    let host = format!("unix://{}", directory.join("docker.sock").display());
    symlink("/etc", workspace.join("link")).unwrap();
    symlink("../../steps", workspace.join("up")).unwrap();
    std::fs::write(workspace.join("Dockerfile"), "FROM scratch\n").unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(workspace.join("sock")).unwrap();
    let made = place.docker(&host, &["run", "-d", "--name", &format!("own-{node}"), IMAGE, "sleep", "1000"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    // The node of another lease, and the own one: neither was made through the guard.
    let others = [place.container(&other, "node"), place.container(&node, "node")];
    let mut let_through = Vec::new();
    for (attack, rule) in ATTACKS {
        let targets = if attack.contains("OTHER") { &others[..] } else { &others[..1] };
        for target in targets {
            let arguments: Vec<String> = attack
                .split(' ')
                .map(|word| {
                    let word = if word == "own" { format!("own-{node}") } else { word.to_owned() };
                    word.replace("IMAGE", IMAGE)
                        .replace("WS", &workspace.display().to_string())
                        .replace("OTHER", target)
                })
                .collect();
            let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let output = place.docker(&host, &words);
            let said = String::from_utf8_lossy(&output.stderr);
            if output.status.success() || !said.contains(rule) {
                let_through.push(format!("{attack} ({rule}): {said}"));
            }
        }
    }
    assert!(let_through.is_empty(), "{}", let_through.join("\n"));
    let listed = place.docker(&host, &["ps", "-aq"]);
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 1, "only its own is seen");
    let console = place.until_console("hostile", "(rule pools-D57 privileged)");
    assert!(console.contains("[causeway] refused by Causeway's guard: "), "{console}");
    malformed(&directory.join("docker.sock"), &node);
    for name in &others {
        let state = place.docker(&place.engine, &["inspect", "-f", "{{.State.Running}}", name]);
        assert_eq!(String::from_utf8_lossy(&state.stdout), "true\n", "{name}");
    }
}

/// Bytes that no client sends: each is answered with a refusal or with the end of the connection, and the next one is served.
#[track_caller]
fn malformed(socket: &Path, node: &str) {
    let long = "a".repeat(100_000);
    let host = "Host: docker\r\n";
    let attach = format!("POST /containers/own-{node}/attach?stream=1 HTTP/1.1\r\n{host}");
    let create = format!("POST /containers/create HTTP/1.1\r\n{host}");
    let requests: Vec<(String, &str)> = vec![
        ("\0\0\0\0\r\n\r\n".to_owned(), " 400 "),
        ("GARBAGE\r\n\r\n".to_owned(), " 400 "),
        (format!("GET /{long} HTTP/1.1\r\n{host}\r\n"), " 4"),
        (format!("GET /_ping HTTP/1.1\r\n{host}X: {long}\r\n\r\n"), " 431 "),
        (format!("GET /_ping HTTP/1.1\r\n{host}{}\r\n", "X: y\r\n".repeat(100)), " 431 "),
        (format!("{create}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), " 400 "),
        (format!("{create}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{{}}"), " 400 "),
        (format!("{create}Content-Length: -5\r\n\r\n"), " 400 "),
        (format!("{create}Transfer-Encoding: gzip\r\n\r\n"), " 400 "),
        (format!("{create}Transfer-Encoding: chunked\r\n\r\nzz\r\n"), " 400 "),
        (format!("{create}Content-Length: 999999999999\r\n\r\n{{}}"), " 400 "),
        (format!("GET http://docker/_ping HTTP/1.1\r\n{host}\r\n"), " 400 "),
        (
            format!("GET /containers/json HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"),
            " 400 ",
        ),
        (format!("{attach}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"), " 400 "),
        (format!("{attach}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"), " 400 "),
        (format!("{attach}\r\n"), " 400 "),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), ""),
        (format!("CONNECT /_ping HTTP/1.1\r\n{host}\r\n"), " 4"),
        // What is sent behind a refused change of protocol is a request like any other, and judged.
        (
            format!(
                "GET /_ping HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n\
                 GET /volumes HTTP/1.1\r\n{host}\r\n"
            ),
            " 400 ",
        ),
    ];
    let mut wrong = Vec::new();
    for (request, status) in requests {
        let shown: String = request.chars().take(120).collect();
        let answer = ask(socket, request.as_bytes());
        let first = answer.lines().next().unwrap_or_default();
        if !first.contains(status) || answer.contains(" 101 ") || answer.contains("Volumes") {
            wrong.push(format!("{shown:?} was answered with {answer:?}, not with{status}"));
        }
        let ping = ask(socket, format!("GET /_ping HTTP/1.1\r\n{host}Connection: close\r\n\r\n").as_bytes());
        assert!(ping.starts_with("HTTP/1.1 200 "), "after {shown:?}: {ping}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // A body beyond the limit is not read to its end.
    let huge = format!("{create}Transfer-Encoding: chunked\r\n\r\n");
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    stream.write_all(huge.as_bytes()).unwrap();
    let piece = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
    let sent = (0..1000).take_while(|_| stream.write_all(piece.as_bytes()).is_ok()).count();
    assert!(sent < 1000, "64 MiB were taken");
}

/// Sends bytes and reads what comes until the connection ends, or nothing more comes.
fn ask(socket: &Path, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    // It may be closed before all is sent.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(count) = stream.read(&mut piece) {
        if count == 0 || answer.len() > 1 << 20 {
            break;
        }
        answer.extend_from_slice(&piece[..count]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}
