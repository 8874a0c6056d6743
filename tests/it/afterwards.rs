//! What runs after a build, runs: post steps and the collection of artifacts after each way in which builders end, and once each
//! when Causeway is killed at any place of it (jjb-T1, T2, pools-D63, D70).

use std::time::Duration;

use causeway::gearman::client::Client;
use serde_json::{Value, json};

use crate::crash::{builds, console, ended, nothing_left};
use crate::support::{IMAGE, Program, Serve, engine, get, import_busybox, submit, within};

/// Debug builds on two busy cores.
const ENDS_WITHIN: Duration = Duration::from_secs(120);

const JOBS: &str = r##"
- job:
    name: ends
    concurrent: true
    builders:
      - shell: |
          #!/bin/sh
          mkdir -p out && echo begun >out/log.txt && echo other >out/other.txt
          echo "ends by $HOW"
          case $HOW in
              failure) exit 3 ;;
              abort | timeout) sleep 1000 ;;
              memory) exec tail /dev/zero ;;
              signal) kill -9 $$ ;;
          esac
      - shell: 'echo never-said'
    publishers:
      - postbuildscript:
          builders:
            - build-on: [FAILURE, ABORTED]
              build-steps:
                - shell: |
                    #!/bin/sh
                    echo "after $HOW"
                    echo after >>out/log.txt
      - archive: {artifacts: 'out/'}
      - postbuildscript:
          builders:
            - build-on: [FAILURE, ABORTED]
              build-steps:
                - shell: |
                    #!/bin/sh
                    rm -r out && echo "cleaned up"
            - build-on: [SUCCESS]
              build-steps: [{shell: 'echo never-said'}]
"##;

/// How builders end: the word, the cause's text, and how long they may take.
const ENDS: &[(&str, &str, &str)] = &[
    ("failure", "FAILURE", "step 1 (shell) ended with exit code 3"),
    ("abort", "ABORTED", "stopped"),
    ("timeout", "FAILURE", "longer than its limit"),
    ("signal", "FAILURE", "signal 9"),
    ("memory", "FAILURE", "memory"),
];

struct Place {
    folder: tempfile::TempDir,
    serve: Serve,
}

impl Place {
    /// With this limit for builders.
    fn new(provider: &str, label: &str, limit: &str) -> Place {
        let folder = tempfile::Builder::new().prefix("cwa").tempdir_in("/tmp").unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("jobs.yaml", JOBS);
        write(
            "causeway.yaml",
            &format!(
                "state: state\ncatalog: {{jjb: [jobs.yaml], own: ['*']}}\n\
                 builds: {{grace: 2s, timeout: {limit}}}\ngearman: {{lost_client_grace: 10m}}\n\
                 providers:\n  - {{name: here, max_nodes: 4, {provider}}}\n\
                 pools:\n  - {{name: main, provider: here, labels: [{{name: any, {label}}}]}}\n"
            ),
        );
        let serve = Serve::new(&folder.path().join("state")).config(&folder.path().join("causeway.yaml"));
        Place { folder, serve }
    }

    fn process(how: &str) -> Place {
        Place::new("driver: process", "min_ready: 0", limit(how))
    }
}

fn limit(how: &str) -> &'static str {
    if how == "timeout" { "2s" } else { "5m" }
}

#[must_use]
struct Zuul {
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Zuul {
    fn launch(server: &Program, how: &str) -> Zuul {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let mut client = Client::connect(server.gearman().parse().unwrap()).await.unwrap();
            submit(&mut client, "ends", how, &json!({"HOW": how})).await;
            client
        });
        Zuul { client, runtime }
    }

    /// Asks for the build's end as Zuul does.
    fn stop(&mut self) {
        self.runtime.block_on(async {
            let data = json!({"name": "ends", "number": 1});
            let data = data.to_string();
            let level = causeway::gearman::packet::Level::High;
            self.client.submit(level, b"stop:causeway", b"stop", data.as_bytes()).await.unwrap();
        });
    }
}

/// Starts a build that ends in this way, and sees to it that it does.
#[track_caller]
fn end(server: &Program, how: &str) -> Zuul {
    let mut zuul = Zuul::launch(server, how);
    if how == "abort" {
        within(ENDS_WITHIN, || {
            let texts: String = builds(server).iter().map(|build| console(server, build)).collect();
            if texts.contains("ends by abort\n") { Ok(()) } else { Err(texts) }
        });
        zuul.stop();
    }
    zuul
}

#[track_caller]
fn ended_truly(server: &Program, how: &str) {
    let (_, word, cause) = ENDS.iter().find(|(known, ..)| *known == how).unwrap();
    let build: &Value = &ended(server, 1)[0];
    let text = console(server, build);
    assert_eq!(build["result"], *word, "{text}");
    assert!(build["reason"].as_str().unwrap().contains(cause), "{build}");
    for line in
        [format!("ends by {how}"), format!("after {how}"), "cleaned up".into(), format!("Finished: {word}")]
    {
        assert_eq!(text.matches(&format!("\n{line}\n")).count(), 1, "{line}: {text}");
    }
    assert!(!text.contains("never-said\n"), "{text}");
    let url = build["url"].as_str().unwrap();
    let kept = |name: &str| get(&format!("{url}artifact/out/{name}")).body;
    assert_eq!([kept("log.txt"), kept("other.txt")], ["begun\nafter\n", "other\n"], "{text}");
}

#[test]
fn jjb_t2_post_steps_and_artifacts_after_every_end_on_processes() {
    for (how, ..) in ENDS.iter().filter(|(how, ..)| *how != "memory") {
        let place = Place::process(how);
        let server = place.serve.start();
        let _zuul = end(&server, how);
        ended_truly(&server, how);
        nothing_left(&place.folder.path().join("state/nodes"));
    }
}

#[test]
fn jjb_t2_post_steps_and_artifacts_after_every_end_on_docker() {
    let Some(host) = engine() else { return };
    import_busybox(&host);
    for (how, ..) in ENDS {
        let label = format!("image: '{IMAGE}', pull: never, network: none, memory: 64MiB");
        let place = Place::new(&format!("driver: docker, engine: '{host}'"), &label, limit(how));
        let server = place.serve.start();
        let _zuul = end(&server, how);
        ended_truly(&server, how);
        nothing_left(&place.folder.path().join("state/nodes"));
    }
}

/// Places after the builders' end, in their order.
const PLACES: &[&str] = &[
    "before-status",
    "after-status",
    "before-publish",
    "before-status:2",
    "after-status:2",
    "in-archive",
    "in-archive:2",
    "before-archive",
    "after-archive",
    "after-status:3",
    "before-delete",
];

#[test]
fn jjb_t2_post_steps_and_artifacts_over_kill_9_at_each_place() {
    for how in ["failure", "abort", "timeout"] {
        for failpoint in PLACES {
            let place = Place::process(how);
            let mut server = place.serve.clone().env("CAUSEWAY_FAILPOINT", failpoint).start();
            let _zuul = end(&server, how);
            assert!(!server.wait(ENDS_WITHIN).success(), "{how} {failpoint}");
            let server = place.serve.start();
            ended_truly(&server, how);
            nothing_left(&place.folder.path().join("state/nodes"));
        }
    }
}
