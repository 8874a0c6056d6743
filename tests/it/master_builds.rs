//! Builds that run on a Jenkins master by REST: the whole program between a Gearman client and a master that behaves as the contract
//! says, through lost answers, stops, restarts of the master and kill -9 of Causeway (jenkins-rest 3, 4, 7).

use std::net::SocketAddr;
use std::time::Duration;

use causeway::gearman::client::Client;
use causeway::gearman::packet::kind;
use serde_json::{Value, json};

use crate::fake_master::{FakeMaster, Fault, Job, Plan, TOKEN, USER, Weather, Wrong};
use crate::support::{Program, Serve, get, submit, try_get, within};

const LIMIT: Duration = Duration::from_secs(40);

/// A server whose jobs all run on one master.
struct Road {
    fake: FakeMaster,
    serve: Serve,
    server: Program,
    _folder: tempfile::TempDir,
}

fn held() -> Plan {
    Plan { waits: None, runs: None, ..Plan::default() }
}

impl Road {
    fn open(jobs: impl IntoIterator<Item = Job>) -> Road {
        Road::armed(jobs, None)
    }

    /// With a place where the first process dies.
    fn armed(jobs: impl IntoIterator<Item = Job>, failpoint: Option<&str>) -> Road {
        let fake = FakeMaster::open(jobs);
        fake.world().prefix = "/jenkins".to_owned();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), TOKEN).unwrap();
        let names: Vec<String> = fake.world().jobs.keys().cloned().collect();
        let routes: String = names
            .iter()
            .map(|name| {
                format!("  - {{jobs: {}, stage: master, master: ci, job: {name}}}\n", name.replace('/', "-"))
            })
            .collect();
        let config = folder.path().join("causeway.yaml");
        let text = format!(
            "masters:\n  - {{name: ci, url: '{}', user: {USER}, token: file:token, poll: 20ms, settle: 300ms}}\nroutes:\n{routes}",
            fake.url()
        );
        std::fs::write(&config, text).unwrap();
        let serve = Serve::new(&folder.path().join("state")).config(&config);
        let server = match failpoint {
            Some(place) => serve.clone().env("CAUSEWAY_FAILPOINT", place).start(),
            None => serve.start(),
        };
        Road { fake, serve, server, _folder: folder }
    }

    fn restart(&mut self) {
        self.server.kill();
        self.server = self.serve.start();
    }

    async fn client(&self) -> Client {
        let address: SocketAddr = self.server.gearman().parse().unwrap();
        Client::connect(address).await.unwrap()
    }

    fn build(&self, job: &str, number: u64) -> Result<Value, String> {
        let answer =
            try_get(&format!("{}/causeway/v1/builds?job={job}&number={number}", self.server.http()))?;
        let found: Value = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
        found["builds"].get(0).cloned().ok_or_else(|| format!("{job} {number} is not there: {}", answer.body))
    }

    #[track_caller]
    fn ended(&self, job: &str, number: u64) -> Value {
        within(LIMIT, || {
            let build = self.build(job, number)?;
            if build["state"] == "ended" { Ok(build) } else { Err(format!("{build}")) }
        })
    }

    #[track_caller]
    fn console(&self, job: &str, number: u64) -> String {
        get(&format!("{}/job/{job}/{number}/consoleText", self.server.http())).body
    }

    /// The master's log stands in the console once, whole, behind our own lines.
    #[track_caller]
    fn console_is_whole(&self, job: &str, number: u64, there: &str, on_master: u64) {
        let console = self.console(job, number);
        let world = self.fake.world();
        let log = world.builds[&(there.to_owned(), on_master)].text();
        assert!(console.ends_with(&log), "console:\n{console}\nthe master's log:\n{log}");
        assert_eq!(console.matches("Started by user").count(), 1, "{console}");
    }
}

fn parameters(uuid: &str) -> Value {
    json!({"ZUUL_UUID": uuid, "ZUUL_CHANGE": "7", "TEXT": "a b&c=d\u{e9}", "NOT_DEFINED": "x"})
}

#[tokio::test(flavor = "multi_thread")]
async fn zuul_6_4_results_come_as_from_the_plugin() {
    let results = ["SUCCESS", "FAILURE", "UNSTABLE", "NOT_BUILT"];
    let name = |result: &str| format!("team/{}", result.to_lowercase());
    let road =
        Road::open(results.map(|result| Job::new(&name(result)).plan(Plan { result, ..Plan::default() })));
    let mut client = road.client().await;
    for result in results {
        let job = name(result).replace('/', "-");
        submit(&mut client, &job, result, &parameters(result)).await;
        let build = road.ended(&job, 1);
        assert_eq!(build["result"], result, "{build}");
        assert_eq!(build["stage"], "master");
        assert!(build["route_reason"].as_str().unwrap().contains("says master ci"), "{build}");
        assert!(
            build["master_url"]
                .as_str()
                .unwrap()
                .ends_with(&format!("/jenkins/job/team/job/{}/1/", result.to_lowercase()))
        );
        road.console_is_whole(&job, 1, &name(result), 1);
        let page = get(&format!("{}/job/{job}/1/", road.server.http())).body;
        assert!(page.contains("says master ci"), "{page}");
    }
    let sent = &road.fake.world().triggers[0].1;
    assert!(sent.contains(&("TEXT".to_owned(), "a b&c=d\u{e9}".to_owned())), "{sent:?}");
    let console = road.console("team-success", 1);
    assert!(console.contains("the master drops them: NOT_DEFINED"), "{console}");
}

#[tokio::test(flavor = "multi_thread")]
async fn jenkins_7_6_a_stop_is_carried_out_in_the_queue_and_on_the_executor() {
    let road = Road::open([Job::new("unit").plan(held())]);
    let mut client = road.client().await;
    let stop = async |client: &mut Client, number: u64| {
        let data = json!({"name": "unit", "number": number}).to_string();
        client
            .submit(causeway::gearman::packet::Level::High, b"stop:causeway", b"", data.as_bytes())
            .await
            .unwrap();
    };
    submit(&mut client, "unit", "u1", &parameters("u1")).await;
    within(LIMIT, || if road.fake.world().queue.len() == 1 { Ok(()) } else { Err("not queued".into()) });
    stop(&mut client, 1).await;
    assert_eq!(road.ended("unit", 1)["result"], "ABORTED");
    assert_eq!(road.fake.world().builds.len(), 0);
    submit(&mut client, "unit", "u2", &parameters("u2")).await;
    road.fake.world().let_go("unit", Some(Duration::ZERO), None);
    within(LIMIT, || {
        let build = road.build("unit", 2)?;
        if build["state"] == "running" { Ok(()) } else { Err(build.to_string()) }
    });
    let describe = json!({"name": "unit", "number": 2, "html_description": "patch 7"}).to_string();
    client
        .submit(causeway::gearman::packet::Level::Low, b"set_description:causeway", b"", describe.as_bytes())
        .await
        .unwrap();
    within(LIMIT, || match road.fake.world().builds_of("unit")[0].1.description.as_deref() {
        Some("patch 7") => Ok(()),
        other => Err(format!("{other:?}")),
    });
    stop(&mut client, 2).await;
    assert_eq!(road.ended("unit", 2)["result"], "ABORTED");
    road.console_is_whole("unit", 2, "unit", 1);
    assert_eq!(road.fake.world().triggers.len(), 2);
}

/// Dies at one place, is started again, and the build goes on: one trigger, one result, the whole log.
async fn killed_at(place: &str) {
    let mut road = Road::armed([Job::new("unit")], Some(place));
    let mut client = road.client().await;
    submit(&mut client, "unit", "u1", &parameters("u1")).await;
    road.server.wait(LIMIT);
    road.restart();
    let build = road.ended("unit", 1);
    assert_eq!(build["result"], "SUCCESS", "{place}: {build}");
    road.console_is_whole("unit", 1, "unit", 1);
    assert_eq!(road.fake.world().triggers.len(), 1, "{place}");
    assert_eq!(road.fake.world().builds.len(), 1, "{place}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_p1_a_kill_in_any_phase_neither_triggers_twice_nor_loses_the_build() {
    for place in [
        "master-asking",
        "master-before-trigger",
        "master-after-trigger",
        "master-queued",
        "master-running",
        "master-before-end",
        "master-after-end",
    ] {
        killed_at(place).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jenkins_7_3_a_lost_answer_is_looked_for_and_never_triggered_twice() {
    let road = Road::open([Job::new("unit"), Job { parameters: None, ..Job::new("plain") }]);
    let mut client = road.client().await;
    let late = Wrong::CarriedOutLate(Duration::from_millis(100));
    for (number, wrong) in (1..).zip([Wrong::AnswerLost, Wrong::AnswerCut, late]) {
        for (job, path) in [("unit", "/job/unit/buildWithParameters"), ("plain", "/job/plain/build")] {
            road.fake.world().faults.push(Fault::next(path, wrong));
            submit(&mut client, job, &format!("{job}{number}"), &parameters(&format!("u{number}"))).await;
            assert_eq!(road.ended(job, number)["result"], "SUCCESS");
            road.console_is_whole(job, number, job, number);
        }
    }
    assert_eq!(road.fake.world().triggers.len(), 6);
    assert_eq!(road.fake.world().builds.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn jenkins_3_2_builds_that_would_be_folded_run_one_after_the_other() {
    let road = Road::open([Job { parameters: None, ..Job::new("plain") }]);
    road.fake.world().let_go("plain", None, Some(Duration::from_millis(50)));
    let mut client = road.client().await;
    for unique in ["a", "b", "c"] {
        submit(&mut client, "plain", unique, &json!({})).await;
    }
    within(LIMIT, || {
        let triggers = road.fake.world().triggers.len();
        if triggers >= 3 { Ok(()) } else { Err(format!("{triggers} triggers")) }
    });
    road.fake.world().let_go("plain", Some(Duration::ZERO), Some(Duration::from_millis(50)));
    let mut there: Vec<String> = (1..=3)
        .map(|number| road.ended("plain", number)["master_url"].as_str().unwrap().to_owned())
        .collect();
    there.sort();
    there.dedup();
    assert_eq!(there.len(), 3, "each has a build of its own: {there:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn jenkins_4_5_a_restart_of_the_master_keeps_what_waits_and_loses_what_runs() {
    let road = Road::open([Job::new("waits").plan(held()), Job::new("runs").plan(held())]);
    let mut client = road.client().await;
    road.fake.world().let_go("runs", Some(Duration::ZERO), None);
    submit(&mut client, "waits", "w", &parameters("w")).await;
    submit(&mut client, "runs", "r", &parameters("r")).await;
    within(LIMIT, || {
        let (running, queued) = (road.build("runs", 1)?, road.fake.world().queue.len());
        if running["master_url"].is_string() && queued == 2 {
            Ok(())
        } else {
            Err(format!("{running} {queued}"))
        }
    });
    road.fake.stop();
    within(LIMIT, || {
        let log = road.server.stderr();
        if log.contains("a master does not answer") { Ok(()) } else { Err(log) }
    });
    road.fake.start();
    let lost = road.ended("runs", 1);
    assert!(lost["result"].is_null() && lost["reason"].as_str().unwrap().contains("was restarted"), "{lost}");
    road.fake.world().let_go("waits", Some(Duration::ZERO), Some(Duration::ZERO));
    assert_eq!(road.ended("waits", 1)["result"], "SUCCESS");
    assert_eq!(road.fake.world().triggers.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_master_refuses_ends_with_a_word_and_says_what_to_do() {
    let off = Job { buildable: false, ..Job::new("off") };
    let mut choosy = Job { choices: vec!["a".into(), "b".into()], ..Job::new("choosy") };
    choosy.parameters = Some(vec!["CHOICE".into()]);
    let road = Road::open([off, choosy, Job::new("gone"), Job::new("unit")]);
    road.fake.world().jobs.remove("gone");
    let mut client = road.client().await;
    let mut said = async |job: &str, parameters: &Value| {
        submit(&mut client, job, job, parameters).await;
        let build = road.ended(job, 1);
        assert_eq!(build["result"], "CONFIG_ERROR", "{build}");
        build["reason"].as_str().unwrap().to_owned()
    };
    assert!(said("off", &json!({})).await.contains("is disabled; enable it there"));
    assert!(said("choosy", &json!({"CHOICE": "c"})).await.contains("'c' is no choice"));
    assert!(said("gone", &json!({})).await.contains("see that the job gone is there"));
    road.fake.world().may_build = false;
    assert!(said("unit", &json!({})).await.contains("give the user Job/Read, Job/Build"));
    assert_eq!(road.fake.world().triggers.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_answer_of_jenkins_ends_a_build_with_why_and_what_to_do() {
    const STRANGE: usize = 5;
    let names = ["locked", "site"];
    let road = Road::open(names.map(Job::new));
    let wrongs = [Wrong::Status(401), Wrong::Page];
    for (name, wrong) in names.into_iter().zip(wrongs) {
        let fault = Fault::next(&format!("/job/{name}/api/json"), wrong);
        road.fake.world().faults.extend(std::iter::repeat_n(fault, STRANGE));
    }
    let mut client = road.client().await;
    for name in names {
        submit(&mut client, name, name, &parameters(name)).await;
    }
    let said = |name: &str| {
        let build = road.ended(name, 1);
        (build["result"].clone(), build["reason"].as_str().unwrap().to_owned())
    };
    let (result, reason) = said("locked");
    assert!(result == "CONFIG_ERROR" && reason.contains("does not know this user and token"), "{reason}");
    assert!(reason.contains("put the user and the API token of the master into 'masters'"), "{reason}");
    // Another program behind the address may go away again: Zuul launches anew.
    let (result, reason) = said("site");
    assert!(result.is_null() && reason.contains("this is no answer of Jenkins"), "{reason}");
    assert_eq!(road.fake.world().triggers.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn jenkins_7_6_a_stop_between_trigger_and_queue_item_is_carried_out() {
    let road = Road::open([Job::new("unit").plan(held())]);
    let late = Wrong::AnswerSlow(Duration::from_millis(400));
    road.fake.world().faults.push(Fault::next("/job/unit/buildWithParameters", late));
    let mut client = road.client().await;
    submit(&mut client, "unit", "u1", &parameters("u1")).await;
    within(LIMIT, || match road.fake.world().triggers.len() {
        1 => Ok(()),
        other => Err(format!("{other} triggers")),
    });
    let data = json!({"name": "unit", "number": 1}).to_string();
    let high = causeway::gearman::packet::Level::High;
    client.submit(high, b"stop:causeway", b"", data.as_bytes()).await.unwrap();
    assert_eq!(road.ended("unit", 1)["result"], "ABORTED");
    let world = road.fake.world();
    assert_eq!((world.triggers.len(), world.builds.len()), (1, 0), "it was cancelled in the queue");
}

/// Thirty builds through a storm: each has one trigger that counts, one result, a complete log.
async fn storm(seed: u64) {
    const BUILDS: u64 = 30;
    let road =
        Road::open([Job::new("unit"), Job::new("bad").plan(Plan { result: "FAILURE", ..Plan::default() })]);
    road.fake.world().weather = Some(Weather::new(seed, 20, 120));
    let mut client = road.client().await;
    for number in 1..=BUILDS {
        for job in ["unit", "bad"] {
            submit(&mut client, job, &format!("{job}{number}"), &parameters(&format!("{job}{number}"))).await;
        }
    }
    for number in 1..=BUILDS {
        for (job, result) in [("unit", "SUCCESS"), ("bad", "FAILURE")] {
            let build = road.ended(job, number);
            assert_eq!(build["result"], result, "seed {seed}: {build}");
            let there =
                build["master_url"].as_str().unwrap().trim_end_matches('/').rsplit('/').next().unwrap();
            road.console_is_whole(job, number, job, there.parse().unwrap());
        }
    }
    let world = road.fake.world();
    assert_eq!(world.builds.len() as u64, 2 * BUILDS, "seed {seed}: one build each");
    assert_eq!(world.triggers.len() as u64, 2 * BUILDS, "seed {seed}: one trigger each");
}

#[tokio::test(flavor = "multi_thread")]
async fn jenkins_7_each_build_has_one_trigger_one_result_and_a_complete_log_in_any_weather() {
    for seed in [1, 7, 4242] {
        storm(seed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn zuul_z_5_zuul_hears_number_manager_and_url_then_the_estimate_then_one_end() {
    let road = Road::open([Job::new("unit")]);
    let mut client = road.client().await;
    submit(&mut client, "unit", "u1", &parameters("u1")).await;
    let mut heard = Vec::new();
    while heard.last().is_none_or(|(kind, _)| *kind != kind::WORK_COMPLETE) {
        let (kind, data) = tokio::time::timeout(LIMIT, client.packet()).await.unwrap().unwrap();
        heard.push((kind, String::from_utf8_lossy(&data).into_owned()));
    }
    heard.retain(|(kind, _)| *kind != kind::JOB_CREATED);
    let kinds: Vec<u32> = heard.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        kinds,
        [kind::WORK_DATA, kind::WORK_STATUS, kind::WORK_STATUS, kind::WORK_COMPLETE],
        "{heard:?}"
    );
    for part in ["\"number\":1", "\"manager\":\"causeway\"", "\"name\":\"unit\"", "/job/unit/1/"] {
        assert!(heard[0].1.contains(part), "{heard:?}");
    }
    assert!(heard[2].1.ends_with("120000"), "the master's estimate: {heard:?}");
    assert!(heard[3].1.contains("\"result\":\"SUCCESS\""), "{heard:?}");
}
