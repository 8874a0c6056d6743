//! Routes as text.

use serde_json::Value;

use crate::cli::check::counted;
use crate::cli::node::text as text_of;
use crate::cli::output::{Field, Output, Tone};

/// Names of jobs that one line of the listing shows.
const NAMES_SHOWN: usize = 3;
/// Jobs left out that are named.
const LEFT_OUT_SHOWN: usize = 10;

/// The list of routes: those that were turned together and say the same stand on one line.
pub(super) fn list(output: &Output, answer: &Value) {
    if output.is_json() {
        output.json_pretty(answer);
        return;
    }
    let routes = answer["routes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rows = routes.chunk_by(together).map(row).collect();
    let head = ["STAGE", "BUILDS", "DECIDES", "SAYS", "SET BY", "WHEN", "WHY"];
    output.table(&head, rows, "there are no routes");
    let stages = answer["stages"].as_object().into_iter().flatten();
    let mut counts: Vec<String> = stages
        .filter(|(_, count)| count.as_u64().is_some_and(|count| count > 0))
        .map(|(stage, count)| format!("{stage} {count}"))
        .collect();
    counts.extend(answer["left"].as_u64().filter(|left| *left > 0).map(|left| format!("not ours {left}")));
    output.note(&format!("jobs: {}", if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }));
    if answer["frozen"].is_object() {
        let (by, why) = (text_of(&answer["frozen"], "by"), text_of(&answer["frozen"], "why"));
        output.note(format!("frozen by {by}: nothing is set or promoted {why}").trim_end());
    }
}

/// Whether two routes are shown on one line.
fn together(left: &Value, right: &Value) -> bool {
    let same = |name: &str| left["turn"][name] == right["turn"][name];
    let plain = |route: &Value| route["turn"].is_object();
    plain(left)
        && plain(right)
        && left["setting"] == right["setting"]
        && ["at_ms", "by", "why"].iter().all(|name| same(name))
}

fn row(routes: &[Value]) -> Vec<Field> {
    let mut routes: Vec<&Value> = routes.iter().collect();
    routes.sort_by_key(|route| which_text(&route["which"]));
    let names: Vec<String> =
        routes.iter().take(NAMES_SHOWN).map(|route| which_text(&route["which"])).collect();
    let mut builds = names.join(", ");
    if routes.len() > NAMES_SHOWN {
        builds.push_str(&format!(" and {} more", routes.len() - NAMES_SHOWN));
    }
    let first = routes[0];
    let jobs: u64 = routes.iter().filter_map(|route| route["jobs"].as_u64()).sum();
    let (by, at) = match first["turn"].is_object() {
        true => (text_of(&first["turn"], "by"), moment(&first["turn"])),
        false => ("configuration".to_owned(), String::new()),
    };
    vec![
        stage(&text_of(&first["setting"], "stage")),
        Field::plain(builds),
        Field::plain(jobs.to_string()),
        Field::plain(text_of(&first["setting"], "text")),
        Field::plain(by),
        Field::toned(Tone::Quiet, at),
        Field::plain(text_of(&first["turn"], "why")),
    ]
}

fn stage(word: &str) -> Field {
    let tone = match word {
        "pool" => Tone::Good,
        "canary" => Tone::Warn,
        "shadow" => Tone::Busy,
        _ => Tone::Quiet,
    };
    Field::toned(tone, word)
}

fn which_text(which: &Value) -> String {
    let mut text = text_of(which, "jobs");
    for part in ["project", "pipeline", "branch"] {
        if let Some(pattern) = which[part].as_str() {
            text.push_str(&format!(" with {part} {pattern}"));
        }
    }
    text
}

fn moment(turn: &Value) -> String {
    let millis = turn["at_ms"].as_i64().unwrap_or(0);
    jiff::Timestamp::from_millisecond(millis)
        .map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_default()
}

/// Every job with its route.
pub(super) fn jobs(output: &Output, answer: &Value) {
    if output.is_json() {
        output.json_pretty(answer);
        return;
    }
    let jobs = answer["jobs"].as_array().into_iter().flatten();
    let row = |job: &Value| {
        let word = job["stage"].as_str().unwrap_or("not ours");
        vec![stage(word), Field::plain(text_of(job, "name")), Field::plain(text_of(job, "reason"))]
    };
    output.table(&["STAGE", "JOB", "WHY"], jobs.map(row).collect(), "there are no jobs");
}

/// One job.
pub(super) fn one(output: &Output, job: &Value) {
    if output.is_json() {
        output.json_pretty(job);
        return;
    }
    let word = job["stage"].as_str().unwrap_or("not ours");
    let side = match job["side"].as_str() {
        Some("pool") => "on a node".to_owned(),
        Some("master") => format!("on master {} as {}", text_of(job, "master"), text_of(job, "job_there")),
        _ => "on no side of ours".to_owned(),
    };
    output.line(&format!("job      {}", text_of(job, "name")));
    output.line(&format!("stage    {word}"));
    output.line(&format!("runs     {side}"));
    output.line(&format!("because  {}", text_of(job, "reason")));
    for reason in job["in_the_way"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        output.line(&format!("no node: {reason}"));
    }
    if job["turns"].as_array().is_some_and(|turns| !turns.is_empty()) {
        output.line("");
        history(output, job);
    }
}

/// Turns, newest first.
pub(super) fn history(output: &Output, answer: &Value) {
    if output.is_json() {
        output.json_pretty(answer);
        return;
    }
    let turns = answer["turns"].as_array().into_iter().flatten();
    let row = |turn: &Value| {
        let said = match (turn["setting"]["text"].as_str(), turn["which"].is_object()) {
            (Some(text), _) => text.to_owned(),
            (None, true) => "as configured".to_owned(),
            (None, false) => String::new(),
        };
        vec![
            Field::plain(turn["number"].to_string()),
            Field::toned(Tone::Quiet, moment(turn)),
            Field::plain(text_of(turn, "by")),
            Field::plain(text_of(turn, "kind")),
            Field::plain(which_text(&turn["which"])),
            Field::plain(said),
            Field::plain(text_of(turn, "why")),
        ]
    };
    let head = ["TURN", "WHEN", "BY", "DID", "BUILDS", "SAYS", "WHY"];
    output.table(&head, turns.map(row).collect(), "nothing was ever turned");
}

/// What a change did.
pub(super) fn turned(output: &Output, answer: &Value) {
    if output.is_json() {
        output.json_pretty(answer);
        return;
    }
    let turns = answer["turns"].as_array().map(Vec::as_slice).unwrap_or_default();
    let unchanged = usize::try_from(answer["unchanged"].as_u64().unwrap_or(0)).unwrap_or(0);
    match turns {
        [] => output.line("nothing to change: it is so already"),
        [one] if one["which"].is_null() => output.line(match one["kind"].as_str() {
            Some("freeze") => {
                "routes are frozen: nothing is set or promoted until `causeway route freeze --off`"
            }
            _ => "routes may move again",
        }),
        [one] => output.line(&format!("{}: {}", which_text(&one["which"]), said(one))),
        many => output.line(&format!("{}: {}", counted(many.len(), "route"), said(&many[0]))),
    }
    if unchanged > 0 && !turns.is_empty() {
        output.note(&format!("{} had that already", counted(unchanged, "route")));
    }
    let left_out = answer["left_out"].as_array().map(Vec::as_slice).unwrap_or_default();
    if left_out.is_empty() {
        return;
    }
    output.note(&format!("left out, as they cannot run on nodes: {}", counted(left_out.len(), "job")));
    for job in left_out.iter().take(LEFT_OUT_SHOWN) {
        let reason = job["reasons"][0].as_str().unwrap_or_default();
        output.note(&format!("  {}: {reason}", text_of(job, "name")));
    }
}

fn said(turn: &Value) -> String {
    turn["setting"]["text"].as_str().unwrap_or("as configured").to_owned()
}
