//! Routes turned by command and over HTTP: who may, what is refused and why, which side builds run on from then on.

use std::time::Duration;

use causeway::gearman::client::Client;
use serde_json::{Value, json};

use crate::fake_master::{FakeMaster, Job, TOKEN, USER};
use crate::support::{Finished, Program, Serve, get, repository, run_with, submit, try_get, within};

pub const LIMIT: Duration = Duration::from_secs(60);

/// A server with the jobs of the harness, nodes that are processes, and one master that has some of them.
pub struct Crossing {
    pub fake: FakeMaster,
    pub server: Program,
    serve: Serve,
    folder: tempfile::TempDir,
}

impl Crossing {
    pub fn open(jobs: impl IntoIterator<Item = Job>, more: &str) -> Crossing {
        Crossing::over(jobs, more, None, 4)
    }

    /// With a tree of its own, and so many nodes.
    pub fn over(jobs: impl IntoIterator<Item = Job>, more: &str, tree: Option<&str>, nodes: u32) -> Crossing {
        let fake = FakeMaster::open(jobs);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), TOKEN).unwrap();
        let own = folder.path().join("jobs.yaml");
        if let Some(text) = tree {
            std::fs::write(&own, text).unwrap();
        }
        let tree = if tree.is_some() { own } else { repository().join("fixtures/harness/jjb") };
        let config = folder.path().join("causeway.yaml");
        let text = format!(
            "catalog:\n  jjb: [{tree}]\n  own: [alike]\nproviders:\n  - {{name: here, driver: process, max_nodes: {nodes}}}\n\
             pools:\n  - {{name: main, provider: here, labels: [{{name: debian}}]}}\n\
             masters:\n  - {{name: ci, url: '{url}', user: {USER}, token: file:token, poll: 20ms, settle: 300ms}}\n{more}",
            tree = tree.display(),
            url = fake.url()
        );
        std::fs::write(&config, text).unwrap();
        let serve = Serve::new(&folder.path().join("state")).config(&config);
        let server = serve.start();
        Crossing { fake, server, serve, folder }
    }

    pub fn restart(&mut self) {
        self.server.kill();
        self.server = self.serve.start();
    }

    pub async fn client(&self) -> Client {
        Client::connect(self.server.gearman().parse().unwrap()).await.unwrap()
    }

    /// Runs the command line against the server, as anna.
    pub fn command(&self, arguments: &[&str]) -> Finished {
        let state = self.folder.path().join("state").display().to_string();
        let asked = [arguments, &["--server", self.server.http(), "--state", &state]].concat();
        run_with(&[("USER", "anna"), ("SUDO_USER", "anna")], &asked)
    }

    /// The same with `--json`, which must succeed.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let finished = self.command(&[arguments, &["--json"]].concat());
        assert_eq!(finished.code, Some(0), "{}", finished.transcript());
        serde_json::from_str(&finished.stdout).unwrap()
    }

    /// A command that is refused, with its exit code and all that it said.
    #[track_caller]
    pub fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let finished = self.command(arguments);
        (finished.code.unwrap(), finished.transcript())
    }

    #[track_caller]
    pub fn ended(&self, job: &str, number: u64) -> Value {
        within(LIMIT, || {
            let url = format!("{}/causeway/v1/builds?job={job}&number={number}", self.server.http());
            let found: Value =
                serde_json::from_str(&try_get(&url)?.body).map_err(|error| error.to_string())?;
            let build = found["builds"][0].clone();
            if build["state"] == "ended" { Ok(build) } else { Err(format!("{found}")) }
        })
    }
}

/// What Zuul sends for a change.
pub fn change(number: u64) -> Value {
    json!({
        "ZUUL_UUID": format!("u{number}"), "ZUUL_CHANGE": number.to_string(), "ZUUL_PATCHSET": "1",
        "ZUUL_PROJECT": "demo", "ZUUL_PIPELINE": "check", "ZUUL_BRANCH": "main",
    })
}

const ON_MASTER: &str = "routes:\n  - {jobs: unit, stage: master, master: ci}\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_to_the_pool_and_back_by_command_and_its_page_says_why() {
    let mut crossing = Crossing::open([Job::new("unit")], ON_MASTER);
    let mut client = crossing.client().await;
    submit(&mut client, "unit", "u1", &change(1)).await;
    assert_eq!(crossing.ended("unit", 1)["side"], "master");

    let turned = crossing.json(&["route", "set", "pool", "unit", "--why", "a first try"]);
    assert_eq!(turned["turns"][0]["by"], "anna", "{turned}");
    submit(&mut client, "unit", "u2", &change(2)).await;
    let build = crossing.ended("unit", 2);
    assert_eq!(
        (build["side"].as_str(), build["result"].as_str()),
        (Some("pool"), Some("SUCCESS")),
        "{build}"
    );
    assert_eq!(build["route_reason"], "the route 'unit' says pool (set by anna: a first try)");
    let page = get(&format!("{}/job/unit/2/", crossing.server.http())).body;
    assert!(page.contains("set by anna: a first try"), "{page}");

    crossing.restart();
    assert_eq!(crossing.json(&["route", "show", "unit"])["stage"], "pool", "it outlives the process");
    crossing.json(&["route", "roll-back", "unit", "--why", "enough"]);
    let mut client = crossing.client().await;
    submit(&mut client, "unit", "u3", &change(3)).await;
    let build = crossing.ended("unit", 3);
    assert_eq!(build["route_reason"], "the route 'unit' says master ci", "{build}");
    let history = crossing.json(&["route", "history", "unit"]);
    let kinds: Vec<&str> =
        history["turns"].as_array().unwrap().iter().map(|turn| turn["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["roll-back", "set"], "{history}");
    let (code, said) = crossing.refused(&["route", "roll-back", "unit"]);
    assert!(code == 4 && said.contains("nothing was turned for 'unit'"), "{said}");
}

#[test]
fn what_cannot_be_is_refused_with_why_and_what_to_do() {
    let crossing = Crossing::open([Job::new("unit"), Job::new("team/far")], ON_MASTER);
    let refused = |arguments: &[&str], code: i32, parts: &[&str]| {
        let (found, said) = crossing.refused(arguments);
        assert!(found == code && parts.iter().all(|part| said.contains(part)), "{arguments:?}: {said}");
    };
    refused(
        &["route", "set", "pool", "nobody"],
        3,
        &["nobody knows a job called 'nobody'", "causeway jobs list"],
    );
    refused(
        &["route", "set", "master", "nobody", "--master", "ci"],
        3,
        &["master ci has no job called 'nobody'"],
    );
    refused(&["route", "set", "pool", "no-*"], 3, &["taken by the pattern 'no-*'"]);
    refused(
        &["route", "set", "master", "unit", "--master", "cj"],
        1,
        &["no master is called 'cj'", "there is: ci"],
    );
    refused(&["route", "set", "canary", "unit", "--share", "101"], 2, &["101"]);
    refused(&["route", "set", "pool", "unit", "--share", "7"], 1, &["only the stage canary has a share"]);
    refused(&["route", "set", "pool", "far"], 3, &["nobody knows"]);
    let far = ["route", "set", "master", "far", "--master", "ci", "--job-there", "team/far"];
    assert_eq!(crossing.command(&far).code, Some(0));
    refused(
        &["route", "set", "pool", "far"],
        4,
        &["the job far cannot run on nodes", "it is not in the job definitions", "causeway plan"],
    );
    refused(&["route", "promote", "u*"], 4, &["there is no route for exactly 'u*'"]);
    refused(
        &["route", "set", "pool", "lint", "--pipeline", "check"],
        4,
        &["the other builds of lint are none of ours"],
    );
    refused(&["route", "show", "nobody"], 3, &["No job called nobody is known"]);
    let by_nobody =
        run_with(&[], &["route", "freeze", "--server", crossing.server.http(), "--state", "/nowhere"]);
    assert!(by_nobody.code == Some(4) && by_nobody.stderr.contains("token"), "{}", by_nobody.transcript());

    crossing.json(&["route", "freeze", "--why", "release"]);
    refused(&["route", "set", "pool", "unit"], 4, &["routes are frozen by anna: release", "freeze --off"]);
    crossing.json(&["route", "roll-back", "far"]);
    crossing.json(&["route", "freeze", "--off"]);
    crossing.json(&["route", "set", "pool", "unit"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_takes_its_share_of_changes_and_a_recheck_meets_the_same_side() {
    let crossing = Crossing::open([Job::new("unit")], ON_MASTER);
    crossing.json(&["route", "set", "canary", "unit", "--share", "50"]);
    let mut client = crossing.client().await;
    const CHANGES: u64 = 12;
    for round in 0..2 {
        for number in 0..CHANGES {
            let mut parameters = change(number);
            parameters["ZUUL_UUID"] = format!("{round}-{number}").into();
            parameters["ZUUL_REF"] = format!("refs/zuul/main/{round}{number}").into();
            submit(&mut client, "unit", &format!("{round}-{number}"), &parameters).await;
        }
    }
    let mut sides: std::collections::BTreeMap<String, Vec<String>> = Default::default();
    for number in 1..=2 * CHANGES {
        let build = crossing.ended("unit", number);
        assert_eq!(
            (build["stage"].as_str(), build["result"].as_str()),
            (Some("canary"), Some("SUCCESS")),
            "{build}"
        );
        let side = build["side"].as_str().unwrap().to_owned();
        let word = if side == "pool" { "so the pool" } else { "so the master" };
        assert!(build["route_reason"].as_str().unwrap().ends_with(word), "{build}");
        sides.entry(build["parameters"]["ZUUL_CHANGE"].to_string()).or_default().push(side);
    }
    assert!(sides.values().all(|two| two.len() == 2 && two[0] == two[1]), "{sides:?}");
    let in_pool = sides.values().filter(|two| two[0] == "pool").count();
    assert!((1..CHANGES as usize).contains(&in_pool), "{sides:?}");
    let on_master = crossing.fake.world().triggers.len();
    assert_eq!(on_master + 2 * in_pool, 2 * CHANGES as usize);
}

#[test]
fn many_jobs_turned_together_stand_on_one_line() {
    let crossing =
        Crossing::open([Job::new("unit")], "routes:\n  - {jobs: '*', stage: master, master: ci}\n");
    crossing.json(&["route", "set", "pool", "a", "b", "c", "docs", "lint", "--why", "the quick ones"]);
    crossing.json(&["route", "set", "canary", "unit", "--share", "20"]);
    let finished = crossing.command(&["route", "list"]);
    let text = regex_free(&finished.transcript());
    assert!(text.contains("pool a, b, c and 2 more 5 pool anna"), "{text}");
    assert!(text.contains("canary unit 1 canary with 20 % beside master ci anna"), "{text}");
    assert!(text.contains("master * 3 master ci configuration"), "{text}");
    let jobs = crossing.json(&["route", "list", "--jobs"]);
    let of = |name: &str| {
        let found = jobs["jobs"].as_array().unwrap().iter().find(|job| job["name"] == name);
        found.unwrap()["stage"].as_str().unwrap().to_owned()
    };
    assert_eq!((of("a"), of("unit"), of("slow")), ("pool".into(), "canary".into(), "master".into()));
}

/// The text with every run of blanks as one.
fn regex_free(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
