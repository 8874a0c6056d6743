//! What each address says (jenkins-rest 1 to 4).

use base64::Engine;
use serde_json::{Value, json};

use super::tree::Tree;
use super::world::{Build, ItemState, World, visible};
use super::{PASSWORD, TOKEN, USER};

/// A request that was read whole.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Without the query.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub form: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    fn given(&self, name: &str) -> Option<&str> {
        let all = self.query.iter().chain(&self.form);
        all.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn bare(status: u16) -> Answer {
        Answer { status, headers: Vec::new(), body: Vec::new() }
    }

    pub fn page(status: u16) -> Answer {
        let body = b"<html><body>A page</body></html>".to_vec();
        Answer { status, headers: vec![("Content-Type".into(), "text/html;charset=utf-8".into())], body }
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Answer {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// Carries a request out.
pub fn answer(world: &mut World, request: &Request) -> Answer {
    world.advance();
    if world.starting > 0 {
        world.starting -= 1;
        return Answer::page(503);
    }
    if let Some(refused) = login(world, request) {
        return refused;
    }
    let prefix = world.prefix.clone();
    let Some(path) = request.path.strip_prefix(&prefix) else { return Answer::page(404) };
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["api", "json"] => object(world, request, &root(world)),
        ["whoAmI", "api", "json"] => object(world, request, &json!({"anonymous": false, "name": USER})),
        ["crumbIssuer", "api", "json"] => crumb(world, request),
        ["queue", "api", "json"] => object(world, request, &queue(world, request)),
        ["queue", "item", id, "api", "json"] => match id.parse().ok().and_then(|id| item(world, request, id))
        {
            Some(found) => object(world, request, &found),
            None => Answer::page(404),
        },
        ["queue", "cancelItem"] => cancel(world, request),
        ["computer", "api", "json"] => object(world, request, &computers(world)),
        ["job", ..] => job(world, request, &parts),
        _ => Answer::page(404),
    }
}

/// Tokens need no crumb, passwords do, wrong logins are 401, none is 403 (jenkins-rest 1.2, 1.3).
fn login(world: &World, request: &Request) -> Option<Answer> {
    let encode = |secret: &str| {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{secret}")))
    };
    let said = request.header("authorization");
    if said.is_empty() {
        return Some(Answer::page(403).with("X-Jenkins", "2.507"));
    }
    if said == encode(TOKEN) {
        return None;
    }
    if said != encode(PASSWORD) {
        return Some(Answer::page(401).with("WWW-Authenticate", "Basic realm=\"Jenkins\""));
    }
    let session = format!("JSESSIONID={}", world.crumbs);
    let valid = request.header("jenkins-crumb") == format!("crumb{}", world.crumbs)
        && request.header("cookie").contains(&session);
    if request.method == "POST" && !(world.crumbs > 0 && valid) {
        let body = b"No valid crumb was included in the request".to_vec();
        return Some(Answer { body, ..Answer::page(403) });
    }
    None
}

fn crumb(world: &mut World, request: &Request) -> Answer {
    world.crumbs += 1;
    let crumb = json!({"_class": "hudson.security.csrf.DefaultCrumbIssuer", "crumb": format!("crumb{}", world.crumbs),
        "crumbRequestField": "Jenkins-Crumb"});
    let cookie = format!("JSESSIONID={}; Path=/; HttpOnly", world.crumbs);
    object(world, request, &crumb).with("Set-Cookie", cookie)
}

/// An object's api page, with the fields that are asked for.
fn object(world: &World, request: &Request, value: &Value) -> Answer {
    let shown = match request.given("tree") {
        Some(text) => match Tree::parse(text) {
            Some(tree) => tree.of(value),
            None => return Answer::page(500),
        },
        None => value.clone(),
    };
    let body = serde_json::to_vec(&shown).expect("it is JSON");
    Answer { body, ..Answer::bare(200) }
        .with("Content-Type", "application/json;charset=utf-8")
        .with("X-Jenkins", "2.507")
        .with("X-Jenkins-Session", format!("{:08x}", world.session))
}

fn root(world: &World) -> Value {
    let jobs: Vec<Value> = world.jobs.keys().map(|name| json!({"name": name, "color": "blue"})).collect();
    json!({"_class": "hudson.model.Hudson", "mode": "NORMAL", "quietingDown": false, "useCrumbs": true, "jobs": jobs})
}

fn parameters(list: &[(String, String)]) -> Value {
    let one = |(name, value): &(String, String)| json!({"_class": "hudson.model.StringParameterValue", "name": name, "value": value});
    let values: Vec<Value> = list.iter().map(one).collect();
    json!([{"_class": "hudson.model.CauseAction", "causes": [{}]}, {}, {"_class": "hudson.model.ParametersAction", "parameters": values}])
}

fn path_of(job: &str) -> String {
    job.split('/').map(|part| format!("job/{part}/")).collect()
}

/// What fields say of addresses is the configured root, whatever host was asked (jenkins-rest 1.1).
fn configured(world: &World, path: &str) -> String {
    format!("http://configured.example{}/{path}", world.prefix)
}

fn item(world: &World, request: &Request, id: u64) -> Option<Value> {
    let item = world.queue.get(&id)?;
    let task = json!({"_class": "hudson.model.FreeStyleProject", "name": item.job.rsplit('/').next(),
        "url": configured(world, &path_of(&item.job)), "color": "blue"});
    let english = request.header("accept-language").starts_with("en");
    let why = if english {
        "Waiting for next available executor"
    } else {
        "Warte auf den n\u{e4}chsten Build-Prozessor"
    };
    let mut value = json!({"_class": "hudson.model.Queue$BuildableItem", "id": id, "url": format!("queue/item/{id}/"),
        "task": task, "why": why, "blocked": false, "buildable": true, "stuck": false,
        "actions": parameters(&item.parameters)});
    match item.state {
        ItemState::Waiting => {}
        ItemState::Cancelled => {
            value["_class"] = json!("hudson.model.Queue$LeftItem");
            value["why"] = Value::Null;
            value["cancelled"] = json!(true);
            value["executable"] = Value::Null;
        }
        ItemState::Left(number) => {
            value["_class"] = json!("hudson.model.Queue$LeftItem");
            value["why"] = Value::Null;
            value["cancelled"] = json!(false);
            let url = configured(world, &format!("{}{number}/", path_of(&item.job)));
            value["executable"] =
                json!({"_class": "hudson.model.FreeStyleBuild", "number": number, "url": url});
        }
    }
    Some(value)
}

fn queue(world: &World, request: &Request) -> Value {
    let waiting = world.queue.iter().filter(|(_, item)| item.state == ItemState::Waiting);
    let items: Vec<Value> = waiting.filter_map(|(id, _)| item(world, request, *id)).collect();
    json!({"_class": "hudson.model.Queue", "items": items})
}

fn cancel(world: &mut World, request: &Request) -> Answer {
    if request.method != "POST" {
        return Answer::page(405);
    }
    match request.given("id").and_then(|id| id.parse().ok()).map(|id| world.cancel(id)) {
        Some(Some(true)) => Answer::bare(204),
        Some(Some(false)) => Answer::page(500),
        Some(None) => Answer::page(404),
        None => Answer::page(500),
    }
}

fn computers(world: &World) -> Value {
    let executors: Vec<Value> = world
        .builds
        .iter()
        .filter(|(_, build)| build.over.is_none())
        .map(|((job, number), shown)| json!({"idle": false, "currentExecutable": build(world, job, *number, shown)}))
        .chain([json!({"idle": true, "currentExecutable": null})])
        .collect();
    json!({"_class": "hudson.model.ComputerSet", "busyExecutors": executors.len() - 1, "computer": [
        {"_class": "hudson.model.Hudson$MasterComputer", "displayName": "Built-In Node", "executors": executors, "oneOffExecutors": []}]})
}

fn build(world: &World, job: &str, number: u64, build: &Build) -> Value {
    let over = build.over.is_some();
    let took = build.over.map_or(0, |over| over.duration_since(build.began).as_millis());
    json!({"_class": "hudson.model.FreeStyleBuild", "number": number, "id": number.to_string(),
        "url": configured(world, &format!("{}{number}/", path_of(job))), "displayName": format!("#{number}"),
        "description": build.description, "building": !over, "inProgress": !build.closed, "result": build.result,
        "timestamp": build.began_ms, "duration": u64::try_from(took).unwrap_or_default(),
        "estimatedDuration": world.jobs[job].plan.estimated_ms, "queueId": build.queue_id, "builtOn": "",
        "actions": parameters(&build.parameters)})
}

/// `/job/A/job/B/…`: the deepest job of that name, then what is asked of it.
fn job(world: &mut World, request: &Request, parts: &[&str]) -> Answer {
    let mut names = Vec::new();
    let mut rest = parts;
    while let ["job", name, more @ ..] = rest {
        names.push(*name);
        rest = more;
    }
    let asked = names.join("/");
    let found = world.jobs.keys().find(|name| name.eq_ignore_ascii_case(&asked)).cloned();
    let Some(name) = found else { return Answer::page(404) };
    match rest {
        [] if !request.path.ends_with('/') => {
            Answer::bare(302).with("Location", format!("{}/", request.path))
        }
        [] => Answer::page(200),
        ["api", "json"] => object(world, request, &job_facts(world, &name)),
        ["build"] => trigger(world, request, &name, false),
        ["buildWithParameters"] => trigger(world, request, &name, true),
        [number, below @ ..] => match number.parse() {
            Ok(number) => of_build(world, request, &name, number, below),
            Err(_) => Answer::page(404),
        },
    }
}

fn job_facts(world: &World, name: &str) -> Value {
    let job = &world.jobs[name];
    let definition = |parameter: &String| {
        let choice = parameter == "CHOICE";
        let kind = if choice { "ChoiceParameterDefinition" } else { "StringParameterDefinition" };
        let mut value = json!({"_class": format!("hudson.model.{kind}"), "name": parameter, "type": kind,
            "defaultParameterValue": {"_class": "hudson.model.StringParameterValue", "name": parameter, "value": ""}});
        if choice {
            value["choices"] = json!(job.choices);
        }
        value
    };
    let property: Vec<Value> = job
        .parameters
        .iter()
        .map(|list| {
            let definitions: Vec<Value> = list.iter().map(definition).collect();
            json!({"_class": "hudson.model.ParametersDefinitionProperty", "parameterDefinitions": definitions})
        })
        .collect();
    let builds: Vec<Value> = world
        .builds
        .iter()
        .rev()
        .filter(|((known, _), _)| known == name)
        .map(|((_, number), shown)| build(world, name, *number, shown))
        .collect();
    json!({"_class": "hudson.model.FreeStyleProject", "name": name.rsplit('/').next(), "fullName": name,
        "buildable": job.buildable, "concurrentBuild": true, "nextBuildNumber": job.next_number,
        "property": property, "builds": builds})
}

fn trigger(world: &mut World, request: &Request, job: &str, with_parameters: bool) -> Answer {
    if request.method != "POST" {
        return Answer::page(405);
    }
    if !world.may_build {
        return Answer::page(403)
            .with("X-You-Are-Authenticated-As", USER)
            .with("X-Required-Permission", "hudson.model.Item.Build");
    }
    let known = &world.jobs[job];
    match (&known.parameters, with_parameters) {
        _ if !known.buildable => return Answer::page(409),
        (None, true) => return Answer::page(500),
        (Some(_), false) => return Answer::page(400).with("X-Error", "Nothing is submitted"),
        _ => {}
    }
    let unfit =
        |value: &str| !known.choices.is_empty() && !known.choices.iter().any(|choice| choice == value);
    if request.given("CHOICE").is_some_and(unfit) {
        return Answer::page(500);
    }
    let given: Vec<(String, String)> =
        request.query.iter().chain(&request.form).filter(|(name, _)| name != "delay").cloned().collect();
    let id = world.trigger(job, &given);
    let location = format!("http://{}{}/queue/item/{id}/", request.header("host"), world.prefix);
    Answer::bare(201).with("Location", location)
}

fn of_build(world: &mut World, request: &Request, job: &str, number: u64, below: &[&str]) -> Answer {
    let key = (job.to_owned(), number);
    if !world.builds.contains_key(&key) {
        return Answer::page(404);
    }
    match below {
        ["api", "json"] => object(world, request, &build(world, job, number, &world.builds[&key])),
        ["logText", "progressiveText"] => log(request, &world.builds[&key]),
        ["consoleText"] => Answer { body: visible(&world.builds[&key].raw), ..Answer::bare(200) },
        ["stop"] | ["submitDescription"] if request.method != "POST" => Answer::page(405),
        ["stop"] => {
            let build = world.builds.get_mut(&key).expect("it is there");
            build.stopped |= build.over.is_none();
            // Relative, as Tomcat has it (jenkins-rest 1.1).
            Answer::bare(302).with("Location", format!("{}/{}{number}/", world.prefix, path_of(job)))
        }
        ["submitDescription"] => {
            let text = request.given("description").map(str::to_owned);
            world.builds.get_mut(&key).expect("it is there").description = text;
            Answer::bare(302).with("Location", "..")
        }
        _ => Answer::page(404),
    }
}

/// Positions count the hidden markup that the text lacks; lines end in CRLF; beyond the end comes everything again (jenkins-rest 4.3).
fn log(request: &Request, build: &Build) -> Answer {
    let Ok(start) = request.given("start").unwrap_or("0").parse::<usize>() else { return Answer::page(500) };
    let start = if start > build.raw.len() { 0 } else { start };
    let text = String::from_utf8_lossy(&visible(&build.raw[start..])).replace('\n', "\r\n");
    let answer = Answer { body: text.into_bytes(), ..Answer::bare(200) }
        .with("Content-Type", "text/plain;charset=utf-8")
        .with("X-Text-Size", build.raw.len().to_string());
    if build.closed { answer } else { answer.with("X-More-Data", "true") }
}
