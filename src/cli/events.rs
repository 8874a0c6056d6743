//! `causeway events`: what happened to builds, nodes and leases.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde_json::Value;

use super::Global;
use super::build::find;
use super::client::{Client, wait_for};
use super::failure::Failure;
use super::output::{Field, Output, Tone};

/// A follower asks again after this time.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// Events that a follower asks for at once.
const AT_ONCE: u64 = 500;

/// What happened to builds, nodes and leases of a running server
#[derive(Debug, Args)]
pub(super) struct Events {
    /// Only of this one: an id, or JOB#NUMBER
    #[arg(value_name = "OBJECT")]
    object: Option<String>,
    /// Only of builds, nodes or leases
    #[arg(long, value_name = "KIND", value_parser = ["build", "node", "lease"])]
    kind: Option<String>,
    /// At most so many, the newest
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: u32,
    /// Go on printing what happens
    #[arg(long, short)]
    follow: bool,
}

impl Events {
    /// Runs the command.
    pub(super) fn run(&self, global: &Global, output: &Output) -> Result<(), Failure> {
        let client = Client::new(global)?;
        wait_for(async {
            let object = match &self.object {
                Some(object) => Some(find(&client, object).await?),
                None => None,
            };
            let query = self.query(object);
            let newest = list(&client, &query, self.limit.into()).await?;
            let mut last = newest.last().map_or(0, number);
            if !self.follow {
                show_all(output, &newest);
                return Ok(());
            }
            newest.iter().for_each(|event| show_line(output, event));
            loop {
                tokio::time::sleep(ASK_AGAIN).await;
                for event in since(&client, &query, last).await? {
                    last = number(&event);
                    show_line(output, &event);
                }
            }
        })
    }

    fn query(&self, object: Option<String>) -> Vec<(&'static str, String)> {
        let object = object.map(|object| ("object", object));
        object.into_iter().chain(self.kind.clone().map(|kind| ("kind", kind))).collect()
    }
}

/// The newest events, oldest first.
pub(super) async fn list(
    client: &Client,
    query: &[(&'static str, String)],
    limit: u64,
) -> Result<Vec<Value>, Failure> {
    let mut query = query.to_vec();
    query.push(("limit", limit.to_string()));
    page(client, &query).await
}

/// All events since the one with that number, oldest first.
async fn since(client: &Client, query: &[(&'static str, String)], last: u64) -> Result<Vec<Value>, Failure> {
    let mut newer: Vec<Value> = Vec::new();
    loop {
        let mut query = query.to_vec();
        query.extend([("since", last.to_string()), ("limit", AT_ONCE.to_string())]);
        query.extend(newer.first().map(|event| ("before", number(event).to_string())));
        let mut events = page(client, &query).await?;
        let whole = (events.len() as u64) < AT_ONCE;
        events.append(&mut newer);
        newer = events;
        if whole {
            return Ok(newer);
        }
    }
}

async fn page(client: &Client, query: &[(&'static str, String)]) -> Result<Vec<Value>, Failure> {
    let mut answer: Value = client.get("/events", query).await?;
    let events = answer["events"].as_array_mut().map(std::mem::take).unwrap_or_default();
    Ok(events.into_iter().rev().collect())
}

/// Prints events as a table, or as JSON.
pub(super) fn show_all(output: &Output, events: &[Value]) {
    if output.is_json() {
        output.json_pretty(&events);
        return;
    }
    let row = |event: &Value| {
        vec![
            Field::toned(Tone::Quiet, time(event)),
            Field::plain(format!("{} {}", text(event, "kind"), text(event, "object"))),
            Field::word(text(event, "to")),
            Field::plain(text(event, "cause")),
            Field::toned(Tone::Quiet, text(event, "actor")),
        ]
    };
    let head = ["TIME", "OBJECT", "STATE", "CAUSE", "BY"];
    output.table(&head, events.iter().map(row).collect(), "no events");
}

fn show_line(output: &Output, event: &Value) {
    if output.is_json() {
        output.json_line(event);
        return;
    }
    let to = text(event, "to");
    let state = output.paint(Tone::of(&to), &to);
    let (kind, object) = (text(event, "kind"), text(event, "object"));
    output.line(&format!("{}  {kind} {object}  {state}  {}", time(event), text(event, "cause")));
}

fn number(event: &Value) -> u64 {
    event["number"].as_u64().unwrap_or_default()
}

/// `2026-11-25 08:41:14.123`, UTC.
fn time(event: &Value) -> String {
    let millis = event["at_ms"].as_i64().unwrap_or_default();
    let time = Timestamp::from_millisecond(millis).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

fn text(event: &Value, name: &str) -> String {
    event[name].as_str().unwrap_or_default().to_owned()
}
