//! What builds are given and hand on: injected variables, managed files, an ssh agent, starts of other builds (jjb 23): real
//! runs, over kill -9 as well.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use causeway::gearman::client::Client;
use serde_json::{Value, json};

use crate::crash::{console, ended};
use crate::support::{Program, Serve, get, not_run, submit, within};

/// Debug builds on two busy cores.
const ENDS_WITHIN: Duration = Duration::from_secs(120);
const SETTINGS: &str = "<settings>\n  <mirror/>\n</settings>\n";

const JOBS: &str = r##"
- job:
    name: giver
    concurrent: true
    wrappers:
      - inject:
          properties-content: |
            A=1
            B=$A-two
    builders:
      - shell: 'echo "C=three of $B" >given.properties'
      - inject:
          properties-file: given.properties
          properties-content: D=$C, and more
          script-content: |
            #!/bin/sh
            echo "the script has $D"
      - shell: |
          #!/bin/sh
          # What the job makes of the file later changes nothing.
          echo C=changed >given.properties
          echo "first: $A $B $C $D"
          until [ -e ../../go ]; do sleep 0.05; done
      - shell: |
          #!/bin/sh
          echo "then: $A $B $C $D"
          printf 'FILED=from a file of %s\nFLAG=overridden' "$JOB_NAME" >passed.properties
          exit $RESULT
    publishers:
      - trigger-parameterized-builds:
          - project: taker
            condition: SUCCESS
            property-file: passed.properties
            boolean-parameters: {FLAG: true}
            predefined-parameters: WORD=$D
          - {project: failed-taker, condition: FAILED, current-parameters: true}
          - {project: never, predefined-parameters: A=1, property-file: no.properties, fail-on-missing: true}
          - {project: never, condition: ALWAYS}
          - {project: never, condition: UNSTABLE, current-parameters: true}
      - trigger: {project: follower}
      - postbuildscript:
          builders:
            - build-on: [SUCCESS, FAILURE]
              build-steps:
                - shell: 'echo "post: $C"'
- job-template:
    name: '{name}'
    concurrent: true
    parameters:
      - string: {name: DEFAULTED, default: by-default}
    builders:
      - shell: |
          #!/bin/sh
          echo "$JOB_NAME got <$FILED> <$FLAG> <$WORD> <$RESULT> <$DEFAULTED>"
- project:
    name: takers
    jobs:
      - '{name}': {name: taker}
      - '{name}': {name: failed-taker}
      - '{name}': {name: follower}
      - '{name}': {name: never}
- job:
    name: unfound
    concurrent: true
    builders:
      - inject: {properties-file: none.properties}
      - shell: 'echo never-said'
- job:
    name: outside
    concurrent: true
    builders:
      - inject: {properties-file: ../../causeway-node}
- job:
    name: short
    concurrent: true
    builders:
      - conditional-step:
          condition-kind: or
          condition-operands:
            - {condition-kind: shell, condition-command: 'echo first-asked'}
            - {condition-kind: shell, condition-command: 'echo second-asked'}
          steps:
            - shell: 'echo one-holds'
      - conditional-step:
          condition-kind: and
          condition-operands:
            - {condition-kind: never}
            - {condition-kind: shell, condition-command: 'echo third-asked'}
          steps:
            - shell: 'echo never-said'
- job:
    name: managed
    concurrent: true
    wrappers:
      - config-file-provider:
          files:
            - {file-id: settings, target: conf/settings.xml, variable: SETTINGS}
            - {file-id: settings, variable: ASIDE}
    builders:
      - shell: |
          #!/bin/sh
          [ "$SETTINGS" = "$WORKSPACE/conf/settings.xml" ] && cmp "$SETTINGS" "$ASIDE" && cat conf/settings.xml
          case $ASIDE in "$WORKSPACE"/*) echo in the workspace;; esac
    publishers:
      - postbuildscript:
          builders:
            - build-on: [SUCCESS]
              build-steps:
                - shell: '[ ! -e "$SETTINGS" ] && [ ! -e "$ASIDE" ] && echo both-gone'
- job:
    name: misplaced
    concurrent: true
    wrappers:
      - config-file-provider: {files: [{file-id: settings, target: ../../../x}]}
    builders: [{shell: 'echo never-said'}]
- job:
    name: agent
    concurrent: true
    wrappers:
      - ssh-agent-credentials: {users: [key]}
    builders:
      - shell: |
          #!/bin/sh
          ssh-add -l | grep -o 'key-of-a-test.*'
          find "$WORKSPACE@tmp" -type f
    publishers:
      - postbuildscript:
          builders:
            - build-on: [SUCCESS]
              build-steps:
                - shell: 'ssh-add -l || echo no-agent-any-more'
"##;

const TIMED: &str = r##"
- job:
    name: timed
    concurrent: true
    triggers: [timed: '* * * * *']
    parameters: [{string: {name: DEFAULTED, default: by-default}}]
    builders: [{shell: 'echo "timed with $DEFAULTED"'}]
"##;

const MAILING: &str = r##"
- job:
    name: mailing
    concurrent: true
    builders: [{shell: exit 1}]
    publishers:
      - email-ext:
          recipients: 'one@example.org, two@example.org $NONE'
          reply-to: answers@example.org
          subject: 'Broken: $BUILD_TAG – $BUILD_STATUS'
          body: |
            $DEFAULT_CONTENT
            .
            See $BUILD_URL for $ZUUL_PROJECT.
      - email-ext: {recipients: never@example.org, failure: false, success: true}
"##;

/// A server with such jobs, on processes of this machine.
pub struct Place {
    folder: tempfile::TempDir,
    pub serve: Serve,
}

impl Place {
    fn new() -> Place {
        Place::with(JOBS)
    }

    pub fn with(jobs: &str) -> Place {
        Place::further(jobs, "")
    }

    /// With further lines of configuration.
    fn further(jobs: &str, lines: &str) -> Place {
        let folder = tempfile::Builder::new().prefix("cwg").tempdir_in("/tmp").unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("jobs.yaml", jobs);
        write("settings", SETTINGS);
        write("key", "no key");
        let config = folder.path().join("causeway.yaml");
        let text = format!(
            "{lines}{}",
            "state: state\ncatalog: {jjb: [jobs.yaml], own: ['*']}\nbuilds: {grace: 2s}\n\
             gearman: {lost_client_grace: 10m}\n\
             credentials:\n  - {id: settings, file: 'file:settings'}\n  - {id: key, user: git, ssh_key: 'file:key'}\n\
             providers:\n  - {name: here, max_nodes: 4, driver: process}\n\
             pools:\n  - {name: main, provider: here, labels: [{name: any, min_ready: 0}]}\n",
        );
        write("causeway.yaml", &text);
        let serve = Serve::new(&folder.path().join("state")).config(&config);
        Place { folder, serve }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Lets the giver's waiting step go on.
    fn go(&self, node: &str) {
        std::fs::write(self.path("state/nodes").join(node).join("go"), "").unwrap();
    }
}

/// A client that has launched a build; it goes away with the value.
#[must_use]
struct Launched {
    _client: Client,
    _runtime: tokio::runtime::Runtime,
}

fn launch(server: &Program, job: &str, parameters: &Value) -> Launched {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = runtime.block_on(async {
        let mut client = Client::connect(server.gearman().parse().unwrap()).await.unwrap();
        submit(&mut client, job, job, parameters).await;
        client
    });
    Launched { _client: client, _runtime: runtime }
}

/// Runs one build of a job to its end: result and console.
#[track_caller]
pub fn run(server: &Program, job: &str) -> (String, String) {
    let _zuul = launch(server, job, &json!({}));
    within(ENDS_WITHIN, || {
        let answer = get(&format!("{}/job/{job}/1/consoleText", server.http()));
        match answer.body.rsplit_once("\nFinished: ") {
            Some((_, word)) if answer.status == 200 => Ok((word.trim().to_owned(), answer.body.clone())),
            _ => Err(answer.body),
        }
    })
}

fn node(text: &str) -> &str {
    text.split("Building on node ").nth(1).unwrap_or_default().split(' ').next().unwrap_or_default()
}

/// Waits until the giver's first build says this.
#[track_caller]
fn said(server: &Program, wanted: &str) -> String {
    within(ENDS_WITHIN, || {
        let text = get(&format!("{}/job/giver/1/consoleText", server.http())).body;
        if text.contains(wanted) { Ok(text) } else { Err(text) }
    })
}

/// A giver has ended with this result, and its children are these; returns their consoles.
#[track_caller]
fn family(server: &Program, result: &str, children: &[&str]) -> Vec<String> {
    let all = ended(server, 1 + children.len());
    let giver = all.iter().find(|build| build["job"] == "giver").unwrap();
    let text = console(server, giver);
    assert_eq!(giver["result"], result, "{text}");
    let values = "1 1-two three of 1-two three of 1-two, and more";
    for line in [
        "the script has three of 1-two, and more".to_owned(),
        format!("first: {values}"),
        format!("then: {values}"),
        "post: three of 1-two".to_owned(),
    ] {
        assert_eq!(text.matches(&format!("\n{line}\n")).count(), 1, "{line}: {text}");
    }
    let mut names: Vec<_> = all.iter().filter_map(|build| build["job"].as_str()).collect();
    names.retain(|name| *name != "giver");
    names.sort_unstable();
    assert_eq!(names, children, "{text}");
    children
        .iter()
        .map(|child| console(server, all.iter().find(|build| build["job"] == *child).unwrap()))
        .collect()
}

#[test]
fn jjb_23_variables_are_injected_and_builds_started_by_the_result() {
    for (given, result, children, got) in [
        (
            "0",
            "SUCCESS",
            vec!["follower", "taker"],
            vec![
                "follower got <> <> <> <> <by-default>",
                "taker got <from a file of giver> <true> <three of 1-two, and more> <> <by-default>",
            ],
        ),
        ("1", "FAILURE", vec!["failed-taker"], vec!["failed-taker got <> <> <> <1> <by-default>"]),
    ] {
        let place = Place::new();
        let server = place.serve.start();
        let _zuul = launch(&server, "giver", &json!({"RESULT": given}));
        place.go(node(&said(&server, "\nfirst: ")));
        let consoles = family(&server, result, &children);
        for (console, got) in consoles.iter().zip(got) {
            assert!(console.contains(&format!("\n{got}\n")), "{got}: {console}");
        }
        let text = said(&server, "Finished: ");
        assert!(text.contains("never is not started: there is no file 'no.properties'"), "{text}");
        assert!(text.contains("never: not started, since there is no parameter to pass on"), "{text}");
    }
}

/// The process dies while the giver waits, and at each place of its starts: the values stay, each child is started once.
#[test]
fn jjb_23_what_was_injected_and_started_outlives_kill_9() {
    // The first start that is reached is that of the node.
    for failpoint in
        ["", "before-trigger", "before-trigger:2", "after-start:2", "after-start:3", "after-trigger"]
    {
        let place = Place::new();
        let serve = place.serve.clone();
        let serve = if failpoint.is_empty() { serve } else { serve.env("CAUSEWAY_FAILPOINT", failpoint) };
        let mut server = serve.start();
        let _zuul = launch(&server, "giver", &json!({"RESULT": "0"}));
        let node = node(&said(&server, "\nfirst: ")).to_owned();
        if failpoint.is_empty() {
            server.kill();
        } else {
            place.go(&node);
            assert!(!server.wait(ENDS_WITHIN).success(), "{failpoint}");
        }
        let server = place.serve.start();
        place.go(&node);
        family(&server, "SUCCESS", &["follower", "taker"]);
    }
}

#[test]
fn jjb_23_a_file_that_cannot_be_injected_fails_the_build() {
    let place = Place::new();
    let server = place.serve.start();
    let (result, text) = run(&server, "unfound");
    assert_eq!(result, "FAILURE", "{text}");
    assert!(
        text.contains("inject: there is no file 'none.properties'") && !text.contains("never-said"),
        "{text}"
    );
    let (result, text) = run(&server, "outside");
    assert_eq!(result, "FAILURE", "{text}");
    assert!(text.contains("'../../causeway-node' does not lie in the workspace"), "{text}");
}

#[test]
fn jjb_23_conditions_stop_at_the_operand_that_decides() {
    let place = Place::new();
    let server = place.serve.start();
    let (result, text) = run(&server, "short");
    assert_eq!(result, "SUCCESS", "{text}");
    assert!(text.contains("\nfirst-asked\n") && text.contains("\none-holds\n"), "{text}");
    for never in ["\nsecond-asked\n", "\nthird-asked\n", "\nnever-said\n"] {
        assert!(!text.contains(never), "{never}: {text}");
    }
}

/// Takes one mail as a server does; returns what it was told.
fn take_mail(listener: std::net::TcpListener) -> std::thread::JoinHandle<String> {
    use std::io::{BufRead, BufReader, Write};
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(ENDS_WITHIN)).unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let (mut told, mut in_text) = (String::new(), false);
        stream.write_all(b"220 ready\r\n").unwrap();
        while let Some(Ok(line)) = lines.next() {
            told.push_str(&line);
            told.push('\n');
            if in_text && line != "." {
                continue;
            }
            in_text = line == "DATA";
            let answer: &[u8] = match line.as_str() {
                "QUIT" => break,
                "DATA" => b"354 go on\r\n",
                "EHLO causeway" => b"250-here\r\n250 8BITMIME\r\n",
                _ => b"250 ok\r\n",
            };
            stream.write_all(answer).unwrap();
        }
        told
    })
}

#[test]
fn jjb_23_a_mail_tells_of_the_result() {
    use base64::Engine;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mail = format!("mail: {{server: '{}', from: ci@example.org}}\n", listener.local_addr().unwrap());
    let taken = take_mail(listener);
    let place = Place::further(MAILING, &mail);
    let server = place.serve.start();
    let (result, text) = run(&server, "mailing");
    assert_eq!(result, "FAILURE", "{text}");
    assert_eq!(text.matches("Sent mail to one@example.org, two@example.org\n").count(), 1, "{text}");
    assert!(!text.contains("never@example.org"), "{text}");
    let told = taken.join().unwrap();
    for line in [
        "MAIL FROM:<ci@example.org>",
        "RCPT TO:<one@example.org>",
        "RCPT TO:<two@example.org>",
        "Reply-To: answers@example.org",
    ] {
        assert_eq!(told.matches(&format!("\n{line}\n")).count(), 1, "{line}: {told}");
    }
    let decoded = |text: &str| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text.replace('\n', "")).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let subject = told.split("Subject: =?utf-8?B?").nth(1).and_then(|rest| rest.split("?=").next()).unwrap();
    assert_eq!(decoded(subject), "Broken: jenkins-mailing-1 – Failure");
    let (_, body) = told.split_once("base64\n\n").unwrap();
    let body = decoded(body.split("\n.\n").next().unwrap());
    let url = format!("{}/job/mailing/1/", server.http());
    assert!(body.starts_with("mailing - Build # 1 - Failure:\n"), "{body}");
    assert!(body.contains(&format!("\n.\nSee {url} for $ZUUL_PROJECT.\n")), "{body}");
    // The next one is not taken by anybody: it is said, and changes nothing.
    let again = launch(&server, "mailing", &json!({}));
    within(ENDS_WITHIN, || {
        let text = get(&format!("{}/job/mailing/2/consoleText", server.http())).body;
        if text.contains("Finished: FAILURE") && text.contains("was not sent: ") { Ok(()) } else { Err(text) }
    });
    drop(again);
}

/// The clock starts it within a minute and some seconds; a restart within that minute starts nothing twice.
#[test]
fn jjb_23_the_clock_starts_a_job_once_a_minute() {
    let place = Place::with(TIMED);
    let mut server = place.serve.start();
    let first = |server: &Program| {
        within(ENDS_WITHIN, || {
            let answer = get(&format!("{}/job/timed/1/consoleText", server.http()));
            if answer.body.contains("Finished: SUCCESS") { Ok(answer.body) } else { Err(answer.body) }
        })
    };
    let text = first(&server);
    let begun = std::time::Instant::now();
    assert!(text.starts_with("Started by timer\n") && text.contains("\ntimed with by-default\n"), "{text}");
    server.kill();
    let server = place.serve.start();
    assert_eq!(first(&server), text);
    let builds = crate::crash::builds(&server);
    let minutes = begun.elapsed().as_secs() / 60 + 2;
    assert!(builds.len() as u64 <= minutes, "{builds:#?}");
}

#[test]
fn jjb_23_managed_files_lie_where_the_job_wants_them_and_go_before_publishers() {
    let place = Place::new();
    let server = place.serve.start();
    let (result, text) = run(&server, "managed");
    assert_eq!(result, "SUCCESS", "{text}");
    assert!(text.contains(SETTINGS) && text.contains("\nboth-gone\n"), "{text}");
    assert!(!text.contains("\nin the workspace\n"), "{text}");
    let (result, text) = run(&server, "misplaced");
    assert_eq!(result, "CONFIG_ERROR", "{text}");
    assert!(text.contains("'../../../x' does not lie in the workspace"), "{text}");
}

#[test]
fn jjb_23_an_ssh_agent_holds_the_keys_for_the_steps() {
    if !std::path::Path::new("/usr/bin/ssh-agent").exists() {
        return not_run("an ssh agent needs openssh-client");
    }
    let place = Place::new();
    let key = place.path("key");
    std::fs::remove_file(&key).unwrap();
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "key-of-a-test", "-f"])
        .arg(&key)
        .status()
        .unwrap();
    assert!(made.success());
    let server = place.serve.start();
    let (result, text) = run(&server, "agent");
    assert_eq!(result, "SUCCESS", "{text}");
    assert!(text.contains("\nkey-of-a-test (ED25519)\n"), "{text}");
    assert!(text.contains("\nno-agent-any-more\n"), "{text}");
    // No file of it is left when the first builder runs.
    assert!(!text.contains("agentKeys/1\n"), "{text}");
}
