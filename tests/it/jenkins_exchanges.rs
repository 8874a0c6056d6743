//! Every recorded exchange with a real Jenkins that a client can receive, read by our client's side of the wire.

use causeway::jenkins::wire::{
    BuildFacts, Identity, JobFacts, LogPart, Phase, QueueId, QueueItem, QueueState, Refusal, Reply,
    RootFacts, Verdict, cancelled, jobs, queued,
};
use serde_json::{Value, json};

use crate::support::{not_run, shared};

/// One exchange.
struct Exchange {
    id: String,
    method: String,
    path: String,
    login: String,
    reply: Reply,
}

/// All exchanges of one version; empty when the fixtures are not there.
fn recorded(version: &str) -> Vec<Exchange> {
    let Some(folder) = shared().map(|shared| shared.join("fixtures/jenkins-rest").join(version)) else {
        not_run("the recorded exchanges with Jenkins are not beside the project");
        return Vec::new();
    };
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut exchanges = Vec::new();
    for file in files {
        let text = std::fs::read(&file).unwrap();
        let topic: Value = serde_json::from_slice(&text).unwrap();
        // We never ask for a compressed answer.
        let plain = |value: &&Value| value["request"]["headers"]["Accept-Encoding"].is_null();
        exchanges.extend(topic["exchanges"].as_array().unwrap().iter().filter(plain).map(exchange));
    }
    exchanges
}

fn exchange(value: &Value) -> Exchange {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (request, response) = (&value["request"], &value["response"]);
    let headers = response["headers"].as_array().unwrap().iter();
    let body = &response["body"];
    let body = match &body["json"] {
        // Pages are cut in the recording; their words stand beside them.
        Value::Null => text(&body["text"]) + body["visible_text"].as_str().unwrap_or_default(),
        json => json.to_string(),
    };
    Exchange {
        id: text(&value["id"]),
        method: text(&request["method"]),
        path: text(&request["path"]),
        login: text(&request["headers"]["Authorization"]),
        reply: Reply {
            status: u16::try_from(response["status"].as_u64().unwrap()).unwrap(),
            headers: headers.map(|pair| (text(&pair[0]), text(&pair[1]))).collect(),
            body: body.into(),
        },
    }
}

const VERSIONS: [&str; 2] = ["2.372", "2.507"];

/// Reads those exchanges whose path fits; says how many there were.
fn read_all(fits: impl Fn(&Exchange) -> bool, read: impl Fn(&Exchange) -> Result<(), Refusal>) -> usize {
    let mut count = 0;
    for exchange in VERSIONS.iter().flat_map(|version| recorded(version)).filter(fits) {
        count += 1;
        let meant = meaning(&exchange);
        match (read(&exchange), meant) {
            (Ok(()), None) => {}
            (Err(refusal), Some(meant)) if refusal == meant => {}
            (read, meant) => panic!(
                "{} {} {}: read as {read:?}, meant {meant:?}",
                exchange.id, exchange.method, exchange.path
            ),
        }
    }
    count
}

/// What a status means, as the contract's tables have it.
fn meaning(exchange: &Exchange) -> Option<Refusal> {
    let header = |name: &str| exchange.reply.header(name).map(str::to_owned);
    match exchange.reply.status {
        200..=302 => None,
        400 => Some(Refusal::Malformed { reason: header("X-Error") }),
        401 => Some(Refusal::WrongLogin),
        403 => Some(match header("X-Required-Permission") {
            Some(permission) => Refusal::NotAllowed { permission },
            // A POST that lacks both login and crumb meets the crumb's filter first (jenkins-rest 1.3).
            None if exchange.method == "POST" && exchange.login.is_empty() => Refusal::CrumbNeeded,
            None => Refusal::LoginNeeded,
        }),
        404 => Some(Refusal::NotFound),
        405 => Some(Refusal::WrongMethod),
        409 => Some(Refusal::NotBuildable),
        status => Some(Refusal::Status { status }),
    }
}

fn bare(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}

/// A question for fields that ours does not ask for gives an answer without ours.
fn asks_all(path: &str) -> bool {
    !path.contains("tree=")
}

fn seen(count: usize, least: usize) {
    assert!(count >= least || shared().is_none(), "only {count} exchanges were read");
}

#[test]
fn jenkins_rest_7_1_the_master_itself() {
    let fits = |exchange: &Exchange| {
        exchange.method == "GET" && bare(&exchange.path) == "/api/json" && !exchange.path.contains("jsonp")
    };
    seen(read_all(fits, |exchange| RootFacts::read(&exchange.reply).map(drop)), 30);
    seen(read_all(fits, |exchange| jobs(&exchange.reply).map(drop)), 30);
    let who = |exchange: &Exchange| bare(&exchange.path) == "/whoAmI/api/json";
    seen(read_all(who, |exchange| Identity::read(&exchange.reply).map(drop)), 4);
}

#[test]
fn jenkins_rest_2_1_jobs() {
    let fits = |exchange: &Exchange| {
        let path = bare(&exchange.path);
        let parts = path.trim_matches('/').split('/').count();
        exchange.method == "GET" && path.starts_with("/job/") && path.ends_with("/api/json") && parts == 4
            // A `;` in a path and an empty `tree` are never sent.
            && !path.contains("..") && !exchange.path.ends_with("tree=")
    };
    seen(read_all(fits, |exchange| JobFacts::read(&exchange.reply).map(drop)), 30);
    let all: Vec<_> = VERSIONS.iter().flat_map(|version| recorded(version)).collect();
    let of = |id: &str| all.iter().filter(|exchange| exchange.id == id).collect::<Vec<_>>();
    for exchange in of("03-034") {
        let parameters = JobFacts::read(&exchange.reply).unwrap().parameters.expect("it has parameters");
        let color = parameters.iter().find(|parameter| parameter.name == "COLOR").expect("COLOR is defined");
        assert_eq!(color.kind, "StringParameterDefinition");
        let size = parameters.iter().find(|parameter| parameter.name == "SIZE").expect("SIZE is defined");
        assert!(size.choices.contains(&"large".to_owned()), "{size:?}");
    }
    for exchange in of("02-061") {
        let names: Vec<String> = jobs(&exchange.reply).unwrap().iter().map(|job| job.to_string()).collect();
        assert!(names.contains(&"team/inner".to_owned()), "{names:?}");
        assert!(!names.contains(&"team".to_owned()), "a folder is no job: {names:?}");
    }
}

#[test]
fn jenkins_rest_3_1_triggers() {
    let fits = |exchange: &Exchange| {
        let path = bare(&exchange.path);
        exchange.method == "POST" && (path.ends_with("/build") || path.ends_with("/buildWithParameters"))
    };
    seen(read_all(fits, |exchange| queued(&exchange.reply).map(drop)), 60);
    for exchange in VERSIONS.iter().flat_map(|version| recorded(version)) {
        let item = || queued(&exchange.reply).unwrap();
        match exchange.id.as_str() {
            "03-001" => assert_eq!(item(), Some(QueueId(1))),
            // Folded: the second trigger answers with the first one's item (jenkins-rest 3.2).
            "03-036" | "03-037" => assert_eq!(item(), Some(QueueId(11))),
            // The form variant names the job.
            "03-029" => assert_eq!(item(), None),
            _ => {}
        }
    }
}

#[test]
fn jenkins_rest_3_3_queue_items() {
    let fits = |exchange: &Exchange| {
        bare(&exchange.path).starts_with("/queue/item/")
            && exchange.method == "GET"
            && bare(&exchange.path).ends_with("/api/json")
    };
    let read = |exchange: &Exchange| QueueItem::read(QueueId(0), &exchange.reply).map(drop);
    seen(read_all(fits, read), 20);
    let cancels =
        |exchange: &Exchange| exchange.method == "POST" && exchange.path.contains("/queue/cancelItem?id=1");
    let mut answers = Vec::new();
    for exchange in VERSIONS.iter().flat_map(|version| recorded(version)) {
        if cancels(&exchange) {
            answers.push(cancelled(&exchange.reply).unwrap());
        }
        let state = || QueueItem::read(QueueId(0), &exchange.reply).unwrap().state;
        match exchange.id.as_str() {
            "03-038" => assert!(matches!(state(), QueueState::Waiting { .. })),
            "03-042" | "07-038" => assert_eq!(state(), QueueState::Cancelled),
            "03-022" => assert_eq!(state(), QueueState::Started { number: 2 }),
            _ => {}
        }
    }
    // Cancelled once; afterwards it has left.
    assert_eq!(answers.iter().filter(|cancelled| **cancelled).count() * 3, answers.len(), "{answers:?}");
}

#[test]
fn jenkins_rest_4_1_builds() {
    let fits = |exchange: &Exchange| {
        let path = bare(&exchange.path);
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        exchange.method == "GET"
            && parts.len() >= 5
            && parts[0] == "job"
            && path.ends_with("/api/json")
            && parts[parts.len() - 3].parse::<u64>().is_ok()
            && asks_all(&exchange.path)
    };
    seen(read_all(fits, |exchange| BuildFacts::read(&exchange.reply).map(drop)), 16);
}

#[test]
fn jenkins_rest_4_3_progressive_logs() {
    let fits = |exchange: &Exchange| {
        exchange.path.contains("/logText/progressiveText?start=") && exchange.path.starts_with("/job/")
    };
    let start = |exchange: &Exchange| {
        exchange.path.rsplit('=').next().and_then(|start| start.parse().ok()).unwrap_or(0)
    };
    seen(read_all(fits, |exchange| LogPart::read(start(exchange), &exchange.reply).map(drop)), 16);
    for exchange in VERSIONS.iter().flat_map(|version| recorded(version)) {
        let part = || LogPart::read(start(&exchange), &exchange.reply).unwrap();
        match exchange.id.as_str() {
            // Hidden markup is counted and not sent.
            "03-059" => assert!(part().more && part().next > part().text.len() as u64),
            "03-068" => assert!(part().text.is_empty() && !part().more && !part().again),
            "03-069" => assert!(part().again && !part().text.is_empty()),
            _ => {}
        }
    }
}

#[test]
fn jenkins_rest_4_2_a_result_counts_when_nothing_is_built_any_more() {
    let Some(shared) = shared() else { return };
    let text = std::fs::read(shared.join("fixtures/jenkins-rest/build-end-states.json")).unwrap();
    let states: Value = serde_json::from_slice(&text).unwrap();
    let runs = states["runs"].as_object().unwrap().values().flat_map(|runs| runs.as_array().unwrap());
    let (mut count, mut closing) = (0, 0);
    for run in runs {
        let phases: Vec<Phase> = run.as_array().unwrap().iter().map(phase).collect();
        count += 1;
        closing += usize::from(phases.iter().any(|phase| matches!(phase, Phase::Closing(_))));
        assert!(phases.is_sorted_by_key(|phase| match phase {
            Phase::Running => 0,
            Phase::Closing(_) => 1,
            Phase::Over(_) => 2,
        }));
        assert_eq!(phases.last(), Some(&Phase::Over(Verdict::Success)));
    }
    assert!(count >= 10 && closing >= 2, "{count} runs, {closing} with a log that was not complete");
}

/// A state as it was seen: building, inProgress, result, and what the log said.
fn phase(state: &Value) -> Phase {
    let body = json!({"building": state[0], "inProgress": state[1], "result": state[2]});
    let reply = Reply { status: 200, headers: Vec::new(), body: body.to_string().into() };
    BuildFacts::read(&reply).unwrap().phase
}
