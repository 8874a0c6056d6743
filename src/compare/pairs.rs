//! Pairs made for the comparison: thirty that are the same although their logs differ in times, places, numbers and order, thirty
//! that differ for one planted reason each. No wrong verdict.

use std::time::Duration;

use super::{ArtifactSeen, Names, Part, Seen, TestsSeen, Verdict, judge};
use crate::model::ResultWord;

/// What the master's log and ours say alike in every pair.
const COMMON: &str = "Cloning into 'core'...\nHEAD is now at 3f786850e387550fdab836ed7e6dc881de23001b\nOK\n";

fn seen(log: &str) -> Seen {
    Seen {
        result: Some(ResultWord::Success),
        log: Some(format!("{COMMON}{log}\nFinished: SUCCESS\n")),
        ..Seen::default()
    }
}

fn pair((master, ours): (&str, &str)) -> (Seen, Seen) {
    let names = |names: &[&str]| Names::new(names.iter().map(|name| (*name).to_owned()));
    let master = Seen { names: names(&["jenkins-agent-7", "/srv/jenkins/workspace/unit"]), ..seen(master) };
    let ours = Seen { names: names(&["cw-node-01m8a4", "/nodes/01m8a4/workspace"]), ..seen(ours) };
    (master, ours)
}

/// Logs that say the same.
const SAME: [(&str, &str); 30] = [
    // Times.
    ("12:00:01 compiling\n12:00:02 linking", "compiling\nlinking"),
    ("[2026-11-25T12:00:01.123Z] compiling", "[2026-11-25T19:30:44.001Z] compiling"),
    ("built on Wed Nov 25 12:00:01 UTC 2026", "built on Thu Nov 26 07:13:59 UTC 2026"),
    ("2026-11-25 12:00:01,123 INFO starting", "2026-11-26 07:01:44,999 INFO starting"),
    ("cache is from 2026-11-24", "cache is from 2026-11-25"),
    ("access [25/Nov/2026:12:00:01 +0000] GET", "access [26/Nov/2026:07:00:59 +0000] GET"),
    ("stamp 20261125T120001Z", "stamp 20261126T070159Z"),
    // Durations.
    ("Ran 12 tests in 0.345s", "Ran 12 tests in 1.2s"),
    ("5 passed in 0.12s", "5 passed in 14.02s"),
    ("real\t0m1.234s\nuser\t0m0.900s", "real\t1m7.001s\nuser\t0m5.120s"),
    ("took 12 seconds", "took 340 seconds"),
    ("done in 350ms", "done in 2m3s"),
    ("finished after 1h05m", "finished after 59m"),
    // Addresses and identities.
    ("listening on 127.0.0.1:41234", "listening on 127.0.0.1:39001"),
    ("object at 0x7f00aa12bc", "object at 0x7ffeee0011"),
    ("container 4f2d9a7c1b3e started", "container a90c77fe1d02 started"),
    (
        "request 8f9ffc25-eea8-41ae-8cee-61b6474c34a2 sent",
        "request 11111111-2222-4333-8444-555555555555 sent",
    ),
    ("server at http://localhost:8081/api", "server at http://localhost:43210/api"),
    (
        "layer sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 stored",
        "layer sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752 stored",
    ),
    // Numbers.
    ("worker pid 4711 ready", "worker pid 22 ready"),
    ("read 12.3 MB of 40.1 MB", "read 13 MB of 40 MB"),
    ("progress 10%\nprogress 20%\nprogress 100%", "progress 50%\nprogress 100%"),
    ("listening, port=5901", "listening, port=60123"),
    // Places.
    ("reading /srv/jenkins/workspace/unit/setup.cfg", "reading /nodes/01m8a4/workspace/setup.cfg"),
    ("using /usr/lib/python3/a.py:12", "using /opt/venv/lib/a.py:12"),
    ("wrote /tmp/tmpab12cd/out", "wrote /tmp/tmpzz98yx/out"),
    (
        "+ cd /srv/jenkins/workspace/unit\nhost jenkins-agent-7",
        "+ cd /nodes/01m8a4/workspace\nhost cw-node-01m8a4",
    ),
    // Order, colours, frames.
    ("one: begins\ntwo: begins\none: ends\ntwo: ends", "two: begins\none: begins\ntwo: ends\none: ends"),
    ("\u{1b}[32mgreen\u{1b}[0m\nfetch 1\rfetch 2\rfetched", "green\nfetch 9\rfetched"),
    ("[unit] $ /bin/bash -xe /tmp/jenkins812.sh\nArchiving artifacts", "Causeway: step 1 (shell)"),
];

#[test]
fn pairs_that_differ_only_in_their_surroundings_are_the_same() {
    for logs in SAME {
        let (master, ours) = pair(logs);
        assert_eq!(judge(&master, &ours, &[]), Verdict::Same, "{logs:?}");
    }
}

/// Logs with one planted line.
const LOGS: [(&str, &str); 17] = [
    ("compiling\nlinking", "compiling"),
    ("compiling", "compiling\nlinking"),
    ("12:00:01 warning: unused variable x", "12:00:01 warning: unused variable y"),
    ("Ran 12 tests in 0.3s", "Ran 11 tests in 0.3s"),
    ("exit status 0", "exit status 1"),
    ("Python 3.11.2", "Python 3.9.18"),
    (
        "HEAD is at 3f786850e387550fdab836ed7e6dc881de23001b",
        "HEAD is at 89e6c98d92887913cadf06b2adb97f26cde4849b",
    ),
    ("reading /a/b/setup.cfg", "reading /a/b/tox.ini"),
    ("server at http://one.example/api", "server at http://two.example/api"),
    ("user=jenkins", "user=root"),
    ("a\na", "a"),
    ("ok 7 - reads a file", "not ok 7 - reads a file"),
    ("coverage: 87%", "coverage: 84%"),
    ("/usr/bin/python3: found", "/usr/bin/python3: not found"),
    ("LANG=C.UTF-8", "LANG=POSIX"),
    ("installed requests-2.31.0", "installed requests-2.28.1"),
    ("Skipped: 2", "Skipped: 3"),
];

/// A change of one side.
type Plant = fn(&mut Seen);

fn tests(cases: &[(&str, &str)]) -> TestsSeen {
    let of = |word: &str| cases.iter().filter(|(_, status)| *status == word).count() as u64;
    TestsSeen {
        totals: (of("passed"), of("failed"), of("skipped")),
        cases: cases.iter().map(|(name, status)| ((*name).to_owned(), (*status).to_owned())).collect(),
    }
}

fn file(path: &str, size: u64, digest: &str) -> ArtifactSeen {
    ArtifactSeen { path: path.to_owned(), size: Some(size), digest: Some(digest.to_owned()) }
}

/// What both sides of a planted pair have.
fn whole() -> Seen {
    Seen {
        tests: Some(tests(&[("a", "passed"), ("b", "failed"), ("c", "skipped")])),
        artifacts: Some(vec![file("out/report.xml", 10, "d1"), file("out/log.txt", 5, "d2")]),
        lasted: Some(Duration::from_secs(100)),
        ..seen("compiling")
    }
}

const PLANTED: [(Part, &str, Plant); 13] = [
    (Part::Result, "FAILURE here", |ours| ours.result = Some(ResultWord::Failure)),
    (Part::Result, "UNSTABLE here", |ours| ours.result = Some(ResultWord::Unstable)),
    (Part::Result, "CONFIG_ERROR here", |ours| ours.result = Some(ResultWord::ConfigError)),
    (Part::Tests, "b: failed", |ours| {
        ours.tests = Some(tests(&[("a", "passed"), ("b", "passed"), ("c", "skipped")]));
    }),
    (Part::Tests, "c: skipped", |ours| ours.tests = Some(tests(&[("a", "passed"), ("b", "failed")]))),
    (Part::Tests, "d: not there", |ours| {
        ours.tests = Some(tests(&[("a", "passed"), ("b", "failed"), ("c", "skipped"), ("d", "passed")]));
    }),
    (Part::Tests, "a: passed", |ours| {
        ours.tests = Some(tests(&[("e", "passed"), ("b", "failed"), ("c", "skipped")]));
    }),
    (Part::Artifacts, "out/log.txt: there", |ours| {
        ours.artifacts.as_mut().unwrap().pop();
    }),
    (Part::Artifacts, "out/more: not there", |ours| {
        ours.artifacts.as_mut().unwrap().push(file("out/more", 1, "d"))
    }),
    (Part::Artifacts, "out/report.xml: 10 bytes", |ours| ours.artifacts.as_mut().unwrap()[0].size = Some(11)),
    (Part::Artifacts, "out/report.xml: d1", |ours| {
        ours.artifacts.as_mut().unwrap()[0].digest = Some("other".to_owned());
    }),
    (Part::Duration, "100 s on the master, 400 s here", |ours| ours.lasted = Some(Duration::from_secs(400))),
    (Part::Duration, "100 s on the master, 10 s here", |ours| ours.lasted = Some(Duration::from_secs(10))),
];

#[test]
fn pairs_with_one_planted_difference_differ_in_it_and_say_where() {
    assert_eq!(LOGS.len() + PLANTED.len(), 30);
    for logs in LOGS {
        let (master, ours) = pair(logs);
        match judge(&master, &ours, &[]) {
            Verdict::Differs(found) => {
                assert!(found.len() == 1 && found[0].part == Part::Log, "{logs:?}: {found:?}");
                let shown = |side: &str, line: &str| {
                    side == "no such line" || line.lines().any(|line| side.contains(line))
                };
                assert!(shown(&found[0].master, logs.0) && shown(&found[0].ours, logs.1), "{found:?}");
            }
            other => panic!("{logs:?}: {other:?}"),
        }
    }
    let mut wrong = Vec::new();
    for (part, said, plant) in PLANTED {
        let (master, mut ours) = (whole(), whole());
        plant(&mut ours);
        match judge(&master, &ours, &[]) {
            Verdict::Differs(found)
                if found.iter().all(|one| one.part == part)
                    && found.iter().any(|one| {
                        let text = one.to_string().replace(" (", ": ").replace("): ", ": ");
                        text.contains(said)
                    }) => {}
            other => wrong.push(format!("{said}: {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_cannot_be_compared_says_why() {
    let stopped = Seen { result: Some(ResultWord::Aborted), ..whole() };
    let lost = Seen { result: None, useless: Some("lost its node".to_owned()), ..whole() };
    let word = |master: &Seen, ours: &Seen| judge(master, ours, &[]).why();
    assert_eq!(word(&stopped, &whole()), "the master's build was stopped");
    assert_eq!(word(&whole(), &lost), "the shadow build lost its node");
    assert_eq!(
        word(&Seen { result: None, ..whole() }, &whole()),
        "the master's build came to no end of its own"
    );
}

#[test]
fn a_job_that_flips_on_the_master_itself_is_flaky_and_not_different() {
    let failed = Seen { result: Some(ResultWord::Failure), ..whole() };
    let others = [ResultWord::Success, ResultWord::Failure];
    let flaky = judge(&whole(), &failed, &others);
    assert_eq!(flaky.why(), "the master itself had FAILURE and SUCCESS for this change; here it was FAILURE");
    assert_eq!(judge(&whole(), &failed, &[ResultWord::Success]).as_str(), "differs");
    assert_eq!(judge(&whole(), &whole(), &others), Verdict::Same);
}
