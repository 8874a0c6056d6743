//! Builds that start builds, steps under conditions, and credentials: real runs (jjb 23), over kill -9 as well.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use causeway::gearman::client::Client;
use serde_json::Value;

use crate::crash::{builds, console, ended};
use crate::support::{IMAGE, Program, Serve, engine, get, import_busybox, submit, within};

/// A debug build on two busy cores.
const ENDS_WITHIN: Duration = Duration::from_secs(120);
/// A secret that shells have to quote.
const TOKEN: &str = "tok'en/42=xyz";
/// A secret of several lines.
const NETRC: &str = "machine gerrit.example\nlogin ci-user\npassword pw-of-netrc\n";

const JOBS: &str = r##"
- job:
    name: parent
    concurrent: true
    builders:
      - trigger-builds:
          - project: child
            current-parameters: true
            predefined-parameters: |
              FROM=$JOB_NAME
              RESULT=$CHILD_RESULT
            block: true
      - shell: |
          #!/bin/sh
          echo "after the child"
    publishers:
      - postbuildscript:
          builders:
            - build-on: [SUCCESS, UNSTABLE, FAILURE]
              build-steps:
                - conditional-step:
                    condition-kind: regex-match
                    regex: ^(gate.*|post)$
                    label: $ZUUL_PIPELINE
                    on-evaluation-failure: dont-run
                    steps:
                      - trigger-builds:
                          - project: saver
                            block: true
                            block-thresholds: {build-step-failure-threshold: never, unstable-threshold: never, failure-threshold: never}
                - shell: |
                    #!/bin/sh
                    echo "post step of the parent"
- job:
    name: child
    concurrent: true
    parameters:
      - string: {name: DEFAULTED, default: by-default}
    builders:
      - shell: |
          #!/bin/sh
          echo "child of $FROM for $WHO, $DEFAULTED"
          sleep 1
          exit $RESULT
- job:
    name: saver
    concurrent: true
    builders:
      - shell: |
          #!/bin/sh
          exit 1
- job:
    name: choosy
    concurrent: true
    builders:
      - shell: 'touch here'
      - conditional-step:
          condition-kind: and
          condition-operands:
            - {condition-kind: file-exists, condition-filename: here}
            - {condition-kind: shell, condition-command: 'test "$JOB_NAME" = choosy'}
          steps:
            - shell: 'echo all-hold; rm here'
      - conditional-step:
          condition-kind: file-exists
          condition-filename: here
          steps:
            - shell: 'echo never-said'
      - conditional-step:
          condition-kind: strings-match
          condition-string1: $WHO
          condition-string2: '1'
          steps:
            - shell: |
                #!/bin/sh
                exit 7
            - shell: 'echo never-said'
- job:
    name: secretive
    concurrent: true
    wrappers:
      - credentials-binding:
          - text: {credential-id: token, variable: TOKEN}
          - file: {credential-id: netrc, variable: NETRC}
          - username-password-separated: {credential-id: user, username: LOGIN, password: PASSWORD}
    builders:
      - shell: |
          #!/bin/sh
          test "$(cat "$NETRC")" = "$EXPECTED" && echo "netrc is whole"
          case "$NETRC" in "$WORKSPACE"/*) echo "in the workspace";; esac
          ls -l "$NETRC" | cut -c 1-10
          printf '%s' "$TOKEN" | cut -c 1-6 | tr -d '\n'; sleep 0.3; printf '%s\n' "$TOKEN" | cut -c 7-
          printf '%s' "$TOKEN" | base64; printf '%s' "$LOGIN:$PASSWORD" | base64
          cat "$NETRC"; sh -xc ': "$TOKEN"'
          echo "login $LOGIN"
          i=0; while [ $i -lt 30 ]; do echo "$i $TOKEN"; i=$((i+1)); sleep 0.1; done
    publishers:
      - postbuildscript:
          builders:
            - build-on: [SUCCESS, FAILURE]
              build-steps:
                - shell: |
                    #!/bin/sh
                    [ -e "$NETRC" ] || echo "the file is gone"
                    [ -n "$TOKEN" ] && echo "the variable is there"
- job:
    name: needy
    concurrent: true
    wrappers:
      - credentials-binding:
          - text: {credential-id: broken, variable: A}
    builders:
      - shell: 'echo never-said'
"##;

/// A server with these jobs and so many nodes.
struct Place {
    folder: tempfile::TempDir,
    serve: Serve,
}

impl Place {
    fn new(provider: &str, label: &str, nodes: usize) -> Place {
        let folder = tempfile::Builder::new().prefix("cws").tempdir_in("/tmp").unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("jobs.yaml", JOBS);
        write("token", &format!("{TOKEN}\n"));
        write("netrc", NETRC);
        write("password", "pass word");
        let config = folder.path().join("causeway.yaml");
        let text = format!(
            "state: state\ncatalog: {{jjb: [jobs.yaml], own: ['*']}}\nbuilds: {{grace: 2s, max_running: 20}}\n\
             gearman: {{lost_client_grace: 10m}}\ncredentials:\n  - {{id: token, text: 'file:token'}}\n  - {{id: netrc, file: 'file:netrc'}}\n  \
             - {{id: user, user: ann, password: 'file:password'}}\n  - {{id: broken, text: 'file:gone'}}\n\
             providers:\n  - {{name: here, max_nodes: {nodes}, {provider}}}\n\
             pools:\n  - {{name: main, provider: here, labels: [{{name: any, {label}}}]}}\n"
        );
        std::fs::write(&config, text).unwrap();
        let serve = Serve::new(&folder.path().join("state")).config(&config);
        Place { folder, serve }
    }

    fn process(nodes: usize) -> Place {
        Place::new("driver: process", "min_ready: 0", nodes)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// No file below that folder holds the text.
    #[track_caller]
    fn nowhere(&self, folder: &str, text: &str) {
        let found = Command::new("grep").args(["-rlaF", "-e", text]).arg(self.path(folder)).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&found.stdout), "", "{text}");
    }
}

/// A client that has launched builds. What still waits in the queue goes away with it, as with Zuul (zuul-S-16).
#[must_use]
struct Launched {
    _client: Client,
    _runtime: tokio::runtime::Runtime,
}

/// Launches builds as Zuul does.
fn launch(server: &Program, job: &str, builds: std::ops::Range<usize>, parameters: &Value) -> Launched {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = runtime.block_on(async {
        let mut client = Client::connect(server.gearman().parse().unwrap()).await.unwrap();
        for who in builds {
            let mut parameters = parameters.clone();
            parameters["WHO"] = who.to_string().into();
            submit(&mut client, job, &format!("{job}-{who}"), &parameters).await;
        }
        client
    });
    Launched { _client: client, _runtime: runtime }
}

fn of<'a>(builds: &'a [Value], job: &str) -> Vec<&'a Value> {
    builds.iter().filter(|build| build["job"] == job).collect()
}

/// Parents fill the house and wait: their children get nodes all the same, and each parent has exactly one of each.
#[track_caller]
fn families(server: &Program, parents: usize) {
    let all = ended(server, parents * 3);
    for parent in of(&all, "parent") {
        let text = console(server, parent);
        assert_eq!(parent["result"], "SUCCESS", "{text}");
        let own = |job| -> Vec<&Value> {
            of(&all, job).into_iter().filter(|child| child["parent"]["id"] == parent["id"]).collect()
        };
        let [child] = own("child")[..] else { panic!("one child: {all:#?}") };
        assert_eq!(child["result"], "SUCCESS");
        let who = parent["parameters"]["WHO"].as_str().unwrap();
        let said = format!("child of parent for {who}, by-default\n");
        assert_eq!(console(server, child).matches(&said).count(), 1, "{}", console(server, child));
        assert_eq!(own("saver").len(), 1);
        for line in [
            format!("Started child #{}: ", child["number"]),
            format!("child #{} ended: SUCCESS\n", child["number"]),
            "after the child\n".to_owned(),
            "the condition of step 3 holds (".to_owned(),
            "post step of the parent\n".to_owned(),
            "Finished: ".to_owned(),
        ] {
            let count = text.to_lowercase().matches(&line.to_lowercase()).count();
            assert_eq!(count, 1, "{line}: {text}");
        }
    }
    let page = get(of(&all, "child")[0]["url"].as_str().unwrap());
    assert!(page.body.contains("parent #"), "{}", page.body);
}

fn gate() -> Value {
    serde_json::json!({"ZUUL_PIPELINE": "gate-and-submit", "CHILD_RESULT": "0"})
}

#[test]
fn jjb_23_waiting_builds_do_not_block_those_that_they_wait_for() {
    let place = Place::process(2);
    let server = place.serve.start();
    let _zuul = launch(&server, "parent", 0..4, &gate());
    families(&server, 4);
}

#[test]
fn jjb_23_a_result_counts_by_its_threshold() {
    let place = Place::process(4);
    let server = place.serve.start();
    let _zuul =
        launch(&server, "parent", 0..1, &serde_json::json!({"ZUUL_PIPELINE": "check", "CHILD_RESULT": "1"}));
    let all = ended(&server, 2);
    let parent = of(&all, "parent")[0];
    let text = console(&server, parent);
    assert_eq!(parent["result"], "FAILURE", "{text}");
    assert!(parent["reason"].as_str().unwrap().contains("child #1 ended with FAILURE"), "{parent}");
    assert!(!text.contains("after the child") && text.contains("post step of the parent"), "{text}");
    assert!(text.contains("The condition of step 3 does not hold ('check' against"), "{text}");
}

/// A child is started exactly once, wherever the process dies.
#[test]
fn jjb_23_a_started_build_is_started_once_over_kill_9() {
    for failpoint in
        ["before-trigger", "after-start", "after-start:2", "after-trigger", "before-status", "after-status"]
    {
        let place = Place::process(2);
        let mut server = place.serve.clone().env("CAUSEWAY_FAILPOINT", failpoint).start();
        let _zuul = launch(&server, "parent", 0..1, &gate());
        assert!(!server.wait(ENDS_WITHIN).success(), "{failpoint}");
        let server = place.serve.start();
        families(&server, 1);
    }
}

#[test]
fn jjb_23_conditions_are_judged_on_the_node() {
    let place = Place::process(4);
    let server = place.serve.start();
    let _zuul = launch(&server, "choosy", 0..2, &serde_json::json!({}));
    for build in ended(&server, 2) {
        let text = console(&server, &build);
        let fails = build["parameters"]["WHO"] == "1";
        assert_eq!(build["result"], if fails { "FAILURE" } else { "SUCCESS" }, "{text}");
        assert!(text.contains("\nall-hold\n") && !text.contains("\nnever-said\n"), "{text}");
    }
    // What builds did is counted, their output and the store's commits as well (pools 14.3).
    let metrics = get(&format!("{}/metrics", server.http())).body;
    let value = |name: &str| -> f64 {
        let line = metrics.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
    };
    assert!(value(r#"causeway_step_total{result="SUCCESS",cause="exit"}"#) >= 2.0, "{metrics}");
    assert!(value(r#"causeway_step_total{result="FAILURE",cause="exit"}"#) >= 1.0, "{metrics}");
    assert!(
        value("causeway_log_bytes_total") >= 100.0 && value("causeway_store_commit_seconds_count") >= 8.0,
        "{metrics}"
    );
}

/// Nothing of a secret is in any log, in pieces, encoded, over a crash; its file is gone before publishers.
#[track_caller]
fn keeps_secrets(place: &Place) {
    let mut server = place.serve.start();
    let _zuul = launch(&server, "secretive", 0..1, &serde_json::json!({"EXPECTED": NETRC.trim_end()}));
    within(ENDS_WITHIN, || {
        let texts: Vec<String> = builds(&server).iter().map(|build| console(&server, build)).collect();
        if texts.iter().any(|text| text.contains("\n5 *")) { Ok(()) } else { Err(texts.join("\n")) }
    });
    server.kill();
    let server = place.serve.start();
    let build = &ended(&server, 1)[0];
    let text = console(&server, build);
    assert_eq!(build["result"], "SUCCESS", "{text}");
    for line in ["netrc is whole", "-r--------", "login ann", "the file is gone", "the variable is there"] {
        assert_eq!(text.matches(&format!("\n{line}\n")).count(), 1, "{line}: {text}");
    }
    assert!(!text.contains("\nin the workspace\n"), "{text}");
    let masked = "*".repeat(TOKEN.len());
    for number in 0..30 {
        assert_eq!(text.matches(&format!("\n{number} {masked}\n")).count(), 1, "{number}: {text}");
    }
    assert!(text.contains(&format!("\n{masked}\n")), "{text}");
    // base64 of the token, and of the user with the password: what their letters share with others stays.
    for secret in
        [TOKEN, "tok'\\''en", "dG9rJ2VuLzQyPXh5", "pass word", "Bhc3Mgd29y", "pw-of-netrc", "gerrit.example"]
    {
        assert!(!text.contains(secret), "{secret}: {text}");
        place.nowhere("state/logs", secret);
    }
    // The records hold none either.
    place.nowhere("state/artifacts", TOKEN);
    for file in std::fs::read_dir(place.path("state")).unwrap().map(|entry| entry.unwrap().path()) {
        let bytes = if file.is_file() { std::fs::read(&file).unwrap() } else { Vec::new() };
        let found = bytes.windows(TOKEN.len()).any(|piece| piece == TOKEN.as_bytes());
        assert!(!found, "{}", file.display());
    }
    assert!(!server.stderr().contains("pass word") && !server.stderr().contains(TOKEN));
}

#[test]
fn pools_d47_no_log_holds_a_secret() {
    keeps_secrets(&Place::process(4));
}

#[test]
fn pools_d47_no_log_holds_a_secret_on_docker() {
    let Some(host) = engine() else { return };
    import_busybox(&host);
    let label = format!("image: '{IMAGE}', pull: never, network: none");
    keeps_secrets(&Place::new(&format!("driver: docker, engine: '{host}'"), &label, 4));
}

/// Before a node is used, with a word that says that another try would end the same way (decision 8).
#[test]
fn jjb_23_a_credential_that_cannot_be_read_ends_the_build_before_its_steps() {
    let place = Place::process(4);
    let server = place.serve.start();
    let _zuul = launch(&server, "needy", 0..1, &serde_json::json!({}));
    let build = &ended(&server, 1)[0];
    assert_eq!(build["result"], "CONFIG_ERROR");
    let reason = build["reason"].as_str().unwrap();
    assert!(reason.contains("the credential 'broken' is needed: the secret's file"), "{reason}");
    assert!(reason.contains("mend its entry under 'credentials'") && build["node"].is_null(), "{build}");
}
