//! `causeway node` and `causeway lease`: what a running server's builds run on, and who has it.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::Global;
use super::client::{Client, wait_for};
use super::events;
use super::failure::{Failure, Kind};
use super::output::{Field, Output, Tone};

/// A node has about ten in its life, a lease six.
const EVENTS_OF_ONE: u64 = 100;

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
        let hint = "`causeway node list` shows the nodes that there are";
        show_history(client, output, ("node", node), hint)
    }

    fn list(client: &Client, output: &Output) -> Result<(), Failure> {
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
        let head = ["STATE", "NODE", "LABEL", "PROVIDER", "BUILD", "DETAIL"];
        show_all(client, output, ("nodes", &[]), &head, fields)
    }
}

/// Leases of a running server: the right of a build to a node.
#[derive(Debug, Args)]
pub(super) struct Lease {
    #[command(subcommand)]
    command: LeaseCommand,
}

#[derive(Debug, Subcommand)]
enum LeaseCommand {
    /// List leases, newest first
    List {
        /// Also those that ended within the last day
        #[arg(long, short)]
        all: bool,
        /// At most so many
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: u32,
    },
    /// Show what happened to one lease, also when it is over
    Show {
        /// Its id
        lease: String,
    },
}

impl Lease {
    /// Runs the command.
    pub(super) fn run(&self, global: &Global, output: &Output) -> Result<(), Failure> {
        let client = Client::new(global)?;
        match &self.command {
            LeaseCommand::List { all, limit } => Lease::list(&client, output, *all, *limit),
            LeaseCommand::Show { lease } => {
                let hint = "`causeway lease list --all` shows the leases of the last day";
                show_history(&client, output, ("lease", lease), hint)
            }
        }
    }

    fn list(client: &Client, output: &Output, all: bool, limit: u32) -> Result<(), Failure> {
        let mut query = vec![("limit", limit.to_string())];
        query.extend((!all).then(|| ("state", "live".to_owned())));
        let fields = |lease: &Value| {
            vec![
                Field::word(text(lease, "state")),
                Field::plain(text(lease, "id")),
                Field::plain(text(lease, "build")),
                Field::plain(text(lease, "expression")),
                Field::plain(text(lease, "node")),
            ]
        };
        let head = ["STATE", "LEASE", "BUILD", "ASKED FOR", "NODE"];
        show_all(client, output, ("leases", &query), &head, fields)
    }
}

/// Prints all that the server lists under a name, as a table or as JSON.
fn show_all(
    client: &Client,
    output: &Output,
    (what, query): (&str, &[(&'static str, String)]),
    head: &[&str],
    fields: impl Fn(&Value) -> Vec<Field>,
) -> Result<(), Failure> {
    let answer: Value = wait_for(client.get(&format!("/{what}"), query))?;
    if output.is_json() {
        output.json_pretty(&answer[what]);
        return Ok(());
    }
    let rows = answer[what].as_array().into_iter().flatten().map(fields).collect();
    output.table(head, rows, &format!("no {what}"));
    Ok(())
}

/// Prints what happened to one node or lease.
fn show_history(
    client: &Client,
    output: &Output,
    (kind, id): (&str, &str),
    hint: &str,
) -> Result<(), Failure> {
    let query = [("object", id.to_owned()), ("kind", kind.to_owned())];
    let events = wait_for(events::list(client, &query, EVENTS_OF_ONE))?;
    if events.is_empty() {
        return Err(Failure::new(Kind::NotFound, format!("nothing is known of a {kind} {id}")).hint(hint));
    }
    events::show_all(output, &events);
    Ok(())
}

pub(super) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}
