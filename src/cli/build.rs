//! `causeway build …`: what runs, what ran, its log; start and abort.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Global;
use super::client::{Client, wait_for};
use super::failure::{Failure, Kind};
use super::output::{Field, Output, Tone};

/// A follower whose server went away asks again for this long.
const BACK_WITHIN: Duration = Duration::from_secs(60);
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// Builds of a running server.
#[derive(Debug, Args)]
pub(super) struct Build {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List builds, newest first
    List {
        /// Only builds of this job
        #[arg(long, value_name = "JOB")]
        job: Option<String>,
        /// Only builds that have not ended
        #[arg(long, conflicts_with = "ended")]
        live: bool,
        /// Only builds that have ended
        #[arg(long)]
        ended: bool,
        /// At most so many
        #[arg(long, default_value_t = 30, value_name = "N")]
        limit: u32,
    },
    /// Show one build
    Show {
        /// Its id, or JOB#NUMBER
        build: String,
    },
    /// Print a build's log
    Log {
        /// Its id, or JOB#NUMBER
        build: String,
        /// Go on until the build has ended
        #[arg(long, short)]
        follow: bool,
    },
    /// Stop a build
    Abort {
        /// Its id, or JOB#NUMBER
        build: String,
    },
    /// Start a build of a job
    Start {
        /// The job's full name
        job: String,
        /// A parameter, as NAME=VALUE; may be given several times
        #[arg(long = "parameter", short, value_name = "NAME=VALUE")]
        parameters: Vec<String>,
        /// Print its log until it has ended; the exit code is 0 only for SUCCESS
        #[arg(long, short)]
        follow: bool,
    },
}

impl Build {
    /// Runs the command.
    pub(super) fn run(&self, global: &Global, output: &Output) -> Result<(), Failure> {
        let client = Client::new(global)?;
        wait_for(async {
            match &self.command {
                Command::List { job, live, ended, limit } => {
                    list(&client, output, job.clone(), (*live, *ended), *limit).await
                }
                Command::Show { build } => show(&client, output, build).await,
                Command::Log { build, follow } => {
                    let id = find(&client, build).await?;
                    log(&client, output, &id, *follow).await
                }
                Command::Abort { build } => abort(&client, output, build).await,
                Command::Start { job, parameters, follow } => {
                    start(&client, output, job, parameters, *follow).await
                }
            }
        })
    }
}

async fn list(
    client: &Client,
    output: &Output,
    job: Option<String>,
    (live, ended): (bool, bool),
    limit: u32,
) -> Result<(), Failure> {
    let mut query = vec![("limit", limit.to_string())];
    query.extend(job.map(|job| ("job", job)));
    let state = if live { Some("live") } else { ended.then_some("ended") };
    query.extend(state.map(|state| ("state", state.to_owned())));
    let answer: Value = client.get("/builds", &query).await?;
    if output.is_json() {
        output.json_pretty(&answer["builds"]);
        return Ok(());
    }
    let rows = answer["builds"].as_array().into_iter().flatten().map(|build| {
        vec![
            Field::word(word(build)),
            Field::plain(name(build)),
            Field::toned(Tone::Quiet, text(&build["id"])),
            Field::plain(text(&build["parameters"]["ZUUL_PROJECT"])),
            Field::plain(text(&build["reason"])),
        ]
    });
    output.table(&["STATE", "BUILD", "ID", "PROJECT", "REASON"], rows.collect(), "no builds");
    Ok(())
}

async fn show(client: &Client, output: &Output, build: &str) -> Result<(), Failure> {
    let id = find(client, build).await?;
    let build: Value = client.get(&format!("/builds/{id}"), &[]).await?;
    if output.is_json() {
        output.json_pretty(&build);
        return Ok(());
    }
    let line = |name: &str, value: String| {
        if !value.is_empty() {
            output.line(&format!("{name:<12}{value}"));
        }
    };
    output.line(&format!("{}  {}", name(&build), output.paint(Tone::of(&word(&build)), &word(&build))));
    line("reason", text(&build["reason"]));
    for (label, field) in
        [("page", "url"), ("id", "id"), ("node", "node"), ("label", "label"), ("zuul", "zuul_uuid")]
    {
        line(label, text(&build[field]));
    }
    for step in build["steps"].as_array().into_iter().flatten() {
        let end = step["end"].as_str().unwrap_or("running");
        line(&text(&step["title"]), format!("  {end}"));
    }
    for (name, value) in build["parameters"].as_object().into_iter().flatten() {
        line("parameter", format!("{name}={}", text(value)));
    }
    Ok(())
}

async fn abort(client: &Client, output: &Output, build: &str) -> Result<(), Failure> {
    let id = find(client, build).await?;
    let answer = client.post(&format!("/builds/{id}:abort"), None).await?;
    if output.is_json() {
        output.json_line(&answer);
        return Ok(());
    }
    match answer["answer"].as_str() {
        Some("taken") => output.line("it is asked to stop"),
        Some("already") => output.line("it was asked to stop before"),
        _ => output.line("it has ended"),
    }
    Ok(())
}

async fn start(
    client: &Client,
    output: &Output,
    job: &str,
    parameters: &[String],
    follow: bool,
) -> Result<(), Failure> {
    let mut values = Map::new();
    for parameter in parameters {
        let (name, value) = parameter.split_once('=').ok_or_else(|| {
            Failure::new(Kind::Usage, format!("'{parameter}' is no parameter")).hint("write NAME=VALUE")
        })?;
        values.insert(name.to_owned(), value.into());
    }
    let build = client.post("/builds", Some(json!({ "job": job, "parameters": values }))).await?;
    let id = text(&build["id"]);
    if !follow {
        if output.is_json() {
            output.json_line(&build);
        } else {
            output.line(&format!("{}  {}", name(&build), text(&build["url"])));
        }
        return Ok(());
    }
    output.note(&format!("{}  {}", name(&build), text(&build["url"])));
    log(client, output, &id, true).await?;
    let build: Value = client.get(&format!("/builds/{id}"), &[]).await?;
    output.note(&format!("{}: {}", word(&build), text(&build["reason"])));
    if build["result"] == "SUCCESS" {
        return Ok(());
    }
    Err(Failure::new(Kind::Failed, format!("{} ended with {}", name(&build), word(&build))))
}

/// Prints the log. A follower goes on where it was when the server comes back.
pub(super) async fn log(client: &Client, output: &Output, id: &str, follow: bool) -> Result<(), Failure> {
    let path = format!("/builds/{id}/log");
    let mut offset = 0u64;
    let mut gone: Option<tokio::time::Instant> = None;
    loop {
        let query = [("start", offset.to_string()), ("follow", follow.to_string())];
        match client.stream(&path, &query).await {
            Ok(mut parts) => loop {
                match parts.next().await {
                    Ok(Some(bytes)) => {
                        gone = None;
                        offset += bytes.len() as u64;
                        output.bytes(&bytes);
                    }
                    Ok(None) if !follow || ended(client, id).await => return Ok(()),
                    // The server is about to end, or broke off: it is asked again.
                    Ok(None) | Err(_) => break,
                }
            },
            Err(failure) if gone.is_none() && offset == 0 => return Err(failure),
            Err(failure) => {
                if gone.get_or_insert_with(tokio::time::Instant::now).elapsed() > BACK_WITHIN {
                    return Err(failure);
                }
            }
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
}

async fn ended(client: &Client, id: &str) -> bool {
    client.get::<Value>(&format!("/builds/{id}"), &[]).await.is_ok_and(|build| build["state"] == "ended")
}

/// The id of what the user named: an id, or JOB#NUMBER.
pub(super) async fn find(client: &Client, build: &str) -> Result<String, Failure> {
    let Some((job, number)) = build.rsplit_once('#') else {
        return Ok(build.to_owned());
    };
    let query = [("job", job.to_owned()), ("number", number.to_owned())];
    let answer: Value = client.get("/builds", &query).await?;
    answer["builds"][0]["id"].as_str().map(str::to_owned).ok_or_else(|| {
        Failure::new(Kind::NotFound, format!("there is no build {build}"))
            .hint("`causeway build list` shows the builds that there are")
    })
}

/// State or result, in one word.
fn word(build: &Value) -> String {
    match build["state"].as_str() {
        Some("ended") => build["result"].as_str().unwrap_or("RETRY").to_owned(),
        state => state.unwrap_or_default().to_owned(),
    }
}

fn name(build: &Value) -> String {
    format!("{}#{}", text(&build["job"]), text(&build["number"]))
}

/// A value as people read it; nothing for null.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
