//! `causeway route`: where jobs run, and the way to move them there and back.

mod show;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Global;
use super::client::{Client, wait_for};
use super::failure::Failure;
use super::output::Output;
use crate::sys;

/// Where jobs run: on masters, on nodes, or moving from one to the other
#[derive(Debug, Args)]
pub(super) struct RouteCommand {
    #[command(subcommand)]
    command: Command,
}

/// Which builds.
#[derive(Debug, Args)]
struct Which {
    /// Names of jobs, or shell patterns of them
    #[arg(required = true, value_name = "JOB")]
    jobs: Vec<String>,
    /// Only builds of Zuul's projects that this pattern takes
    #[arg(long, value_name = "PATTERN")]
    project: Option<String>,
    /// Only builds in these pipelines
    #[arg(long, value_name = "PATTERN")]
    pipeline: Option<String>,
    /// Only builds for these branches
    #[arg(long, value_name = "PATTERN")]
    branch: Option<String>,
}

/// Why.
#[derive(Debug, Args)]
struct Why {
    /// Why, for the history
    #[arg(long, default_value = "", value_name = "TEXT")]
    why: String,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the routes in the order in which they count, and how many jobs are at which stage
    List {
        /// List every job with its route
        #[arg(long)]
        jobs: bool,
    },
    /// Say where builds of a job run and why, what stands in the way of a node, and what was turned
    Show {
        /// The job
        job: String,
        /// For a build of this project
        #[arg(long, default_value = "")]
        project: String,
        /// In this pipeline
        #[arg(long, default_value = "")]
        pipeline: String,
        /// For this branch
        #[arg(long, default_value = "")]
        branch: String,
        /// For this change, NUMBER,PATCHSET
        #[arg(long, default_value = "")]
        change: String,
    },
    /// Give jobs a stage, from the next build on
    Set {
        /// The stage
        #[arg(value_parser = ["master", "shadow", "canary", "pool"])]
        stage: String,
        #[command(flatten)]
        which: Which,
        /// The master, one of those in the configuration; without it, the one that the job has
        #[arg(long, value_name = "NAME")]
        master: Option<String>,
        /// With the stage `master`: leave the job to whoever registers it
        #[arg(long, conflicts_with = "master")]
        plugin: bool,
        /// The job's full name on the master (FOLDER/JOB)
        #[arg(long, value_name = "NAME")]
        job_there: Option<String>,
        /// With the stage `canary`: how many of a hundred changes run in the pool
        #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
        share: Option<u8>,
        #[command(flatten)]
        why: Why,
    },
    /// Move jobs to their next stage: master, shadow, canary, pool
    Promote {
        #[command(flatten)]
        which: Which,
        /// How many of a hundred changes a canary takes; widens one that is there
        #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
        share: Option<u8>,
        #[command(flatten)]
        why: Why,
    },
    /// Take the last turn of jobs back
    RollBack {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        why: Why,
    },
    /// Show who turned which routes, when and why, newest first
    History {
        /// Only of this job or pattern
        job: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u32,
    },
    /// Let nothing be set or promoted any more; a roll-back is always taken
    Freeze {
        /// Let it be again
        #[arg(long)]
        off: bool,
        #[command(flatten)]
        why: Why,
    },
}

impl RouteCommand {
    /// Runs the command.
    pub(super) fn run(&self, global: &Global, output: &Output) -> Result<(), Failure> {
        let client = Client::new(global)?;
        wait_for(self.command.run(&client, output))
    }
}

impl Command {
    async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        match self {
            Command::List { jobs: false } => show::list(output, &client.get("/routes", &[]).await?),
            Command::List { jobs: true } => show::jobs(output, &client.get("/routes:jobs", &[]).await?),
            Command::Show { job, project, pipeline, branch, change } => {
                let (number, patch_set) = change.split_once(',').unwrap_or((change, ""));
                let parts = [
                    ("project", project.as_str()),
                    ("pipeline", pipeline),
                    ("branch", branch),
                    ("change", number),
                    ("patch_set", patch_set),
                ];
                let query = parts.map(|(name, text)| (name, text.to_owned()));
                show::one(output, &client.get(&format!("/routes/{job}"), &query).await?);
            }
            Command::Set { stage, which, master, plugin, job_there, share, why } => {
                let mut body = which.body(why);
                body["stage"] = stage.as_str().into();
                body["master"] = master.as_deref().into();
                body["plugin"] = (*plugin).into();
                body["job_there"] = job_there.as_deref().into();
                body["share"] = (*share).into();
                show::turned(output, &client.post("/routes", Some(body)).await?);
            }
            Command::Promote { which, share, why } => {
                let mut body = which.body(why);
                body["share"] = (*share).into();
                show::turned(output, &client.post("/routes:promote", Some(body)).await?);
            }
            Command::RollBack { which, why } => {
                show::turned(output, &client.post("/routes:roll-back", Some(which.body(why))).await?);
            }
            Command::History { job, limit } => {
                let mut query = vec![("limit", limit.to_string())];
                query.extend(job.clone().map(|job| ("jobs", job)));
                show::history(output, &client.get("/routes:history", &query).await?);
            }
            Command::Freeze { off, why } => {
                let body = json!({ "on": !off, "by": user(), "why": why.why });
                show::turned(output, &client.post("/routes:freeze", Some(body)).await?);
            }
        }
        Ok(())
    }
}

impl Which {
    fn body(&self, why: &Why) -> Value {
        json!({
            "jobs": self.jobs, "project": self.project, "pipeline": self.pipeline, "branch": self.branch,
            "by": user(), "why": why.why,
        })
    }
}

/// Whoever sits at the terminal, for the history; the server only knows the holder of its token.
fn user() -> Option<String> {
    ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(sys::variable)
}
