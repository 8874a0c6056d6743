//! kill -9 of Causeway while builds run: every build ends once, with its true result, every line stands once, nothing stays behind.

use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway::gearman::client::Client;
use causeway::gearman::packet::kind;

use crate::support::{IMAGE, OwnEngine, Program, Serve, engine, get, import_busybox, within};

/// Builds that run when the server is killed.
const BUILDS: usize = 20;
/// Lines that each of them prints, over about six seconds.
const LINES: usize = 600;
/// A debug build on two busy cores, with a container a build.
const ENDS_WITHIN: Duration = Duration::from_secs(240);

/// A server's folder: configuration, jobs, state.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A folder with this provider and the job `lines`.
    pub(crate) fn new(provider: &str, label: &str) -> Place {
        let folder = tempfile::Builder::new().prefix("cwc").tempdir_in("/tmp").unwrap();
        let place = Place { folder };
        std::fs::create_dir(place.path("jjb")).unwrap();
        std::fs::write(place.path("jjb/jobs.yaml"), JOBS).unwrap();
        let text = format!(
            "state: state\ncatalog: {{jjb: [jjb], own: ['*']}}\nbuilds: {{grace: 2s}}\n\
             providers:\n  - {{name: here, max_nodes: 24, {provider}}}\n\
             pools:\n  - {{name: main, provider: here, labels: [{{name: any, {label}}}]}}\n"
        );
        std::fs::write(place.path("causeway.yaml"), text).unwrap();
        place
    }

    /// The same with nodes on that Docker Engine, which has the image of busybox.
    pub(crate) fn on_docker(host: &str) -> Place {
        let label = format!("image: '{IMAGE}', pull: never, network: none");
        Place::new(&format!("driver: docker, engine: '{host}'"), &label)
    }

    /// How many containers of this place's the engine still has: they mount something below its folder.
    pub(crate) fn containers(&self, host: &str) -> usize {
        let output = std::process::Command::new("/usr/bin/docker")
            .args(["-H", host, "ps", "--all", "--no-trunc", "--format", "{{.Mounts}}"])
            .output()
            .unwrap();
        let own = self.folder.path().display().to_string();
        String::from_utf8_lossy(&output.stdout).lines().filter(|mounts| mounts.contains(&own)).count()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn serve(&self) -> Serve {
        Serve::new(&self.path("state")).config(&self.path("causeway.yaml"))
    }
}

const JOBS: &str = r##"
- job:
    name: lines
    concurrent: true
    builders:
      - shell: |
          #!/bin/sh
          i=0
          while [ $i -lt $COUNT ]; do echo "line $i of $WHO"; i=$((i+1)); [ $((i % 10)) = 0 ] && sleep 0.1; done
          exit $CODE
    publishers:
      - postbuildscript:
          builders:
            - build-on: [SUCCESS, FAILURE]
              build-steps:
                - shell: |
                    #!/bin/sh
                    echo "post step of $WHO"
                    rmdir "$WORKSPACE"
"##;

/// Submits builds of `lines`, each with a number of its own, every fourth to fail.
pub(crate) fn submit(address: &str, builds: std::ops::Range<usize>, lines: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = Client::connect(address.parse().unwrap()).await.unwrap();
        for who in builds.clone() {
            let code = i32::from(who % 4 == 3);
            let arguments = format!(r#"{{"WHO": "{who}", "COUNT": {lines}, "CODE": {code}}}"#);
            let unique = format!("unique-{who}");
            client
                .send(kind::SUBMIT_JOB_BG, &[b"build:lines", unique.as_bytes(), arguments.as_bytes()])
                .await
                .unwrap();
        }
        for _ in builds {
            assert_eq!(client.packet().await.unwrap().0, kind::JOB_CREATED);
        }
    });
}

/// All builds, oldest first.
pub(crate) fn builds(server: &Program) -> Vec<serde_json::Value> {
    let answer = get(&format!("{}/causeway/v1/builds?limit=500", server.http()));
    let mut list = serde_json::from_str::<serde_json::Value>(&answer.body).unwrap()["builds"]
        .as_array()
        .unwrap()
        .clone();
    list.reverse();
    list
}

/// Waits until so many builds print.
pub(crate) fn printing(server: &Program, count: usize) {
    within(ENDS_WITHIN, || {
        let texts: Vec<_> = builds(server).iter().map(|build| console(server, build)).collect();
        let printing = texts.iter().filter(|text| text.contains("line 20 of")).count();
        if printing == count { Ok(()) } else { Err(format!("{printing} of {count} builds print")) }
    });
}

/// Waits until every build has ended and there are `count` of them.
pub(crate) fn ended(server: &Program, count: usize) -> Vec<serde_json::Value> {
    within(ENDS_WITHIN, || {
        let builds = builds(server);
        let ended = builds.iter().filter(|build| build["state"] == "ended").count();
        if ended == count {
            Ok(builds)
        } else {
            Err(format!("{ended} of {count} builds have ended; {}", server.stderr()))
        }
    })
}

pub(crate) fn console(server: &Program, build: &serde_json::Value) -> String {
    let id = build["id"].as_str().unwrap();
    get(&format!("{}/causeway/v1/builds/{id}/log", server.http())).body
}

/// Every line once, in order; the result that its script asked for; the post step ran.
#[track_caller]
pub(crate) fn check(server: &Program, build: &serde_json::Value, lines: usize) {
    let text = console(server, build);
    let who = build["parameters"]["WHO"].as_str().unwrap().to_owned();
    let printed: Vec<&str> = text.lines().filter(|line| line.starts_with("line ")).collect();
    let expected: Vec<String> = (0..lines).map(|line| format!("line {line} of {who}")).collect();
    assert_eq!(printed, expected, "build {build}");
    let failed = who.parse::<usize>().unwrap() % 4 == 3;
    assert_eq!(build["result"], if failed { "FAILURE" } else { "SUCCESS" }, "{text}");
    assert_eq!(text.matches(&format!("post step of {who}\n")).count(), 1, "{text}");
    assert_eq!(text.matches("Finished: ").count(), 1, "{text}");
}

/// Kills the server while builds print and starts it again; then everything must be as if nothing had happened.
#[track_caller]
fn survives_kill_9(place: &Place) {
    let serve = place.serve();
    let mut server = serve.start();
    submit(server.gearman(), 0..BUILDS, LINES);
    printing(&server, BUILDS);
    server.kill();
    let server = serve.start();
    for build in ended(&server, BUILDS) {
        check(&server, &build, LINES);
    }
    nothing_left(&place.path("state/nodes"));
}

/// No node has left a directory (and, since an engine's container mounts one, no container either).
#[track_caller]
pub(crate) fn nothing_left(nodes: &Path) {
    within(ENDS_WITHIN, || {
        let left: Vec<_> =
            std::fs::read_dir(nodes).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("directories of nodes are left: {left:?}")) }
    });
}

#[test]
fn builds_survive_kill_9_on_processes() {
    survives_kill_9(&Place::new("driver: process", "min_ready: 0"));
}

#[test]
fn builds_survive_kill_9_on_docker() {
    let Some(host) = engine() else { return };
    import_busybox(&host);
    let place = Place::on_docker(&host);
    survives_kill_9(&place);
    assert_eq!(place.containers(&host), 0);
}

/// The engine's daemon is killed while builds print, and comes back: they go on and end with their true results.
#[test]
fn builds_survive_the_engines_daemon() {
    let Some(engine) = OwnEngine::start() else { return };
    import_busybox(engine.host());
    let place = Place::on_docker(engine.host());
    let server = place.serve().start();
    submit(server.gearman(), 0..4, LINES);
    printing(&server, 4);
    engine.kill();
    engine.start_again();
    for build in ended(&server, 4) {
        check(&server, &build, LINES);
    }
    nothing_left(&place.path("state/nodes"));
}
