//! `causeway status` and `causeway node list`: how a running server is.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::Global;
use super::client::{Client, wait_for};
use super::events;
use super::failure::{Failure, Kind};
use super::output::{Field, Output, Tone};

/// A node has about ten in its life.
const EVENTS_OF_NODE: u64 = 100;

/// Nodes of a running server.
#[derive(Debug, Args)]
pub(super) struct Node {
    #[command(subcommand)]
    command: NodeCommand,
}

#[derive(Debug, Subcommand)]
enum NodeCommand {
    /// List nodes, oldest first
    List,
    /// Show what happened to one node, also when it is gone
    Show {
        /// Its id
        node: String,
    },
}

impl Node {
    /// Runs the command.
    pub(super) fn run(&self, global: &Global, output: &Output) -> Result<(), Failure> {
        let client = Client::new(global)?;
        match &self.command {
            NodeCommand::List => Node::list(&client, output),
            NodeCommand::Show { node } => Node::show(&client, output, node),
        }
    }

    fn show(client: &Client, output: &Output, node: &str) -> Result<(), Failure> {
        let query = [("object", node.to_owned()), ("kind", "node".to_owned())];
        let events = wait_for(events::list(client, &query, EVENTS_OF_NODE))?;
        if events.is_empty() {
            return Err(Failure::new(Kind::NotFound, format!("nothing is known of a node {node}"))
                .hint("`causeway node list` shows the nodes that there are"));
        }
        events::show_all(output, &events);
        Ok(())
    }

    fn list(client: &Client, output: &Output) -> Result<(), Failure> {
        let answer: Value = wait_for(client.get("/nodes", &[]))?;
        if output.is_json() {
            output.json_pretty(&answer["nodes"]);
            return Ok(());
        }
        let fields = |node: &Value| {
            vec![
                Field::word(text(node, "state")),
                Field::plain(text(node, "id")),
                Field::plain(text(node, "label")),
                Field::plain(text(node, "provider")),
                Field::toned(Tone::Quiet, text(node, "build")),
                Field::plain(text(node, "detail")),
            ]
        };
        let rows = answer["nodes"].as_array().into_iter().flatten().map(fields).collect();
        output.table(&["STATE", "NODE", "LABEL", "PROVIDER", "BUILD", "DETAIL"], rows, "no nodes");
        Ok(())
    }
}

/// `causeway status`.
pub(super) fn status(global: &Global, output: &Output) -> Result<(), Failure> {
    let client = Client::new(global)?;
    let status: Value = wait_for(client.get("/status", &[]))?;
    if output.is_json() {
        output.json_pretty(&status);
        return Ok(());
    }
    let ready = status["ready"] == true;
    let word = if ready { output.paint(Tone::Good, "ready") } else { output.paint(Tone::Warn, "not ready") };
    output.line(&format!("Causeway {}  {word}", text(&status, "version")));
    output.line(&format!("pages       {}", text(&status, "url")));
    output.line(&format!("gearman     {}", text(&status, "gearman")));
    output.line(&format!(
        "builds      {} running, {} waiting",
        status["builds_running"], status["builds_waiting"]
    ));
    output.line(&format!("jobs        {}, {} of them run here", status["jobs"], status["jobs_owned"]));
    for trouble in status["troubles"].as_array().into_iter().flatten() {
        output.line(&format!("not ready   {}", text(trouble, "detail")));
    }
    for provider in status["providers"].as_array().into_iter().flatten() {
        let up = if provider["healthy"] == true { "up" } else { "not up" };
        let line = format!(
            "provider    {}  {up}  {} of {} nodes  {}",
            text(provider, "name"),
            provider["nodes"],
            provider["max_nodes"],
            text(provider, "summary")
        );
        output.line(line.trim_end());
    }
    for label in status["labels"].as_array().into_iter().flatten() {
        output.line(&format!(
            "label       {}  {} ready of {}, {} being made, {} in use",
            text(label, "name"),
            label["ready"],
            label["wanted"],
            label["launching"],
            label["leased"]
        ));
    }
    Ok(())
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}
