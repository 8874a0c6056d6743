//! The command line: parses, calls, prints, and turns what happened into an exit code.
//!
//! Owns every word on the terminal: tables, colours, hints, progress. `serve` and `demo` start a server; `check` and `jobs` read
//! files; the other commands talk to a running server over HTTP. Data goes to the standard output, everything else to the
//! standard error output. Never: a decision about a build. Start with [`main`].

mod build;
mod check;
mod client;
mod compare;
mod demo;
mod diff;
mod engine;
mod events;
mod export;
pub mod failure;
mod jobs;
mod master;
pub mod node;
mod origins;
mod output;
mod plan;
mod reading;
mod route;
mod serve;
mod status;
mod tree;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::telemetry::logging::{self, Logging};
use failure::Failure;
use output::Output;

/// Runs Zuul v2 builds of Jenkins Job Builder jobs in containers, in the place of Zuul's Gearman server.
#[derive(Debug, Parser)]
#[command(name = "causeway", version, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 refused, 5 server not reachable."
)]
struct CommandLine {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
struct Global {
    /// Print JSON on the standard output
    #[arg(long, global = true)]
    json: bool,
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The state directory
    #[arg(long, global = true, value_name = "DIR")]
    state: Option<PathBuf>,
    /// The running server's address, for commands that ask one
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// Which log lines: a level, or `module=level` pairs separated by commas
    #[arg(long, global = true, value_name = "FILTER", default_value = "")]
    log: String,
    /// Log one JSON object a line
    #[arg(long, global = true)]
    log_json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::Serve),
    Demo(demo::Demo),
    /// Name everything that is wrong with configuration and job definitions
    Check(check::Check),
    /// Jobs of a tree, and what they are compiled to
    Jobs(jobs::Jobs),
    /// Which jobs can move, and why the others stay
    Plan(plan::PlanCommand),
    /// Builds of a running server
    Build(build::Build),
    Master(master::MasterCommand),
    Route(route::RouteCommand),
    Compare(compare::CompareCommand),
    /// Nodes of a running server
    Node(node::Node),
    /// Leases of a running server
    Lease(node::Lease),
    Events(events::Events),
    /// How a running server is
    Status,
}

/// The YAML parser gives up on some input by a panic, which its reader catches and tells as a problem of the tree: its own words
/// would only stand beside that.
fn quiet_parser() {
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.location().is_some_and(|place| place.file().contains("libyaml-safer")) {
            others(info);
        }
    }));
}

/// Parses the command line of this process and runs it.
pub fn main() -> ExitCode {
    quiet_parser();
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => {
            // Help and version are answers, not failures; a pipe that was closed meanwhile is nobody's failure either.
            let code = u8::try_from(error.exit_code()).unwrap_or(failure::USAGE);
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let output = Output::new(line.global.json);
    match run(&line, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.code())
        }
    }
}

impl CommandLine {
    /// A server says what it does; everywhere else log lines would stand between what was asked for.
    fn log_filter(&self) -> &str {
        match self.command {
            Command::Serve(_) => &self.global.log,
            _ if self.global.log.is_empty() => "warn",
            _ => &self.global.log,
        }
    }
}

fn run(line: &CommandLine, output: &Output) -> Result<(), Failure> {
    let global = &line.global;
    let logging = Logging {
        json: global.log_json,
        filter: line.log_filter().to_owned(),
        no_colour: !output.colour_on_stderr(),
    };
    logging::start(&logging)
        .map_err(|error| Failure::usage(&error).hint("a level is one of error, warn, info, debug, trace"))?;
    match &line.command {
        Command::Serve(serve) => serve.run(global, output),
        Command::Demo(demo) => demo.run(global, output),
        Command::Check(check) => check.run(global, output),
        Command::Jobs(jobs) => jobs.run(global, output),
        Command::Plan(plan) => plan.run(global, output),
        Command::Build(build) => build.run(global, output),
        Command::Master(master) => master.run(global, output),
        Command::Route(route) => route.run(global, output),
        Command::Compare(compare) => compare.run(global, output),
        Command::Node(node) => node.run(global, output),
        Command::Lease(lease) => lease.run(global, output),
        Command::Events(events) => events.run(global, output),
        Command::Status => status::status(global, output),
    }
}
