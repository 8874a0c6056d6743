//! `causeway compare`: what came of the shadow builds.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Global;
use super::client::{Client, wait_for};
use super::failure::{Failure, Kind};
use super::node::text;
use super::output::{Field, Output, Tone};

/// Comparisons that are read: all that the server keeps of fifty jobs.
const READ_MAX: u32 = 10_000;

/// Builds on masters beside their shadows on nodes
#[derive(Debug, Args)]
pub(super) struct CompareCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say of each job, or of one, how often both sides were the same, and what stands in the way
    Report {
        /// The job
        job: Option<String>,
        /// Of one job: at most so many comparisons, the newest
        #[arg(long, default_value_t = 20, value_name = "N")]
        limit: usize,
    },
}

/// What is known of a job.
#[derive(Default)]
struct Tally {
    same: usize,
    differs: usize,
    flaky: usize,
    not_comparable: usize,
    /// The same, since the last one that was not.
    row: usize,
    /// The newest reason against it.
    against: String,
}

impl CompareCommand {
    /// Runs the command.
    pub(super) fn run(&self, global: &Global, output: &Output) -> Result<(), Failure> {
        let client = Client::new(global)?;
        let Command::Report { job, limit } = &self.command;
        let mut query = vec![("limit", READ_MAX.to_string())];
        query.extend(job.clone().map(|job| ("job", job)));
        let answer: Value = wait_for(client.get("/comparisons", &query))?;
        let list = answer["comparisons"].as_array().map(Vec::as_slice).unwrap_or_default();
        match job {
            Some(job) if list.is_empty() => Err(nothing(job)),
            Some(_) => {
                one(output, &list[..list.len().min(*limit)]);
                Ok(())
            }
            None => {
                all(output, list);
                Ok(())
            }
        }
    }
}

fn nothing(job: &str) -> Failure {
    Failure::new(Kind::NotFound, format!("no build of {job} was ever compared"))
        .hint(format!("`causeway route set shadow {job}` has its builds compared"))
}

/// The jobs, those with most in their way first. The newest comparison of a job comes first.
fn tallies(list: &[Value]) -> BTreeMap<String, Tally> {
    let mut jobs: BTreeMap<String, Tally> = BTreeMap::new();
    for one in list {
        let tally = jobs.entry(text(one, "job")).or_default();
        let first = tally.differs == 0;
        match one["verdict"].as_str().unwrap_or_default() {
            "same" => {
                tally.same += 1;
                tally.row += usize::from(first);
            }
            "flaky" => tally.flaky += 1,
            "not-comparable" => {
                tally.not_comparable += 1;
                if tally.against.is_empty() && tally.row == 0 {
                    tally.against = reason(one);
                }
            }
            _ => {
                tally.differs += 1;
                if first {
                    tally.against = reason(one);
                }
            }
        }
    }
    jobs
}

fn reason(one: &Value) -> String {
    one["why"][0].as_str().unwrap_or_default().to_owned()
}

fn all(output: &Output, list: &[Value]) {
    let mut jobs: Vec<(String, Tally)> = tallies(list).into_iter().collect();
    jobs.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.differs));
    if output.is_json() {
        let job = |(name, tally): &(String, Tally)| {
            json!({
                "job": name, "same": tally.same, "differs": tally.differs, "flaky": tally.flaky,
                "not_comparable": tally.not_comparable, "same_in_a_row": tally.row, "in_the_way": tally.against,
            })
        };
        output.json_pretty(&json!({ "jobs": jobs.iter().map(job).collect::<Vec<_>>() }));
        return;
    }
    let number = |count: usize| Field::plain(count.to_string());
    let row = |(name, tally): (String, Tally)| {
        let tone = if tally.differs > 0 { Tone::Bad } else { Tone::Good };
        vec![
            Field::toned(tone, name),
            number(tally.same),
            number(tally.differs),
            number(tally.flaky),
            number(tally.not_comparable),
            number(tally.row),
            Field::plain(tally.against),
        ]
    };
    let head = ["JOB", "SAME", "DIFFERS", "FLAKY", "NOT COMPARED", "SAME IN A ROW", "IN THE WAY"];
    output.table(&head, jobs.into_iter().map(row).collect(), "no build was ever compared");
}

fn one(output: &Output, list: &[Value]) {
    if output.is_json() {
        output.json_pretty(&json!({ "comparisons": list }));
        return;
    }
    let row = |one: &Value| {
        let tone = match one["verdict"].as_str() {
            Some("same") => Tone::Good,
            Some("differs") => Tone::Bad,
            Some("flaky") => Tone::Warn,
            _ => Tone::Quiet,
        };
        let number = |name: &str| one[name].as_u64().map(|number| format!("#{number}")).unwrap_or_default();
        let why = one["why"].as_array().into_iter().flatten().filter_map(Value::as_str);
        vec![
            Field::toned(tone, text(one, "verdict")),
            Field::plain(number("number")),
            Field::plain(number("shadow_number")),
            Field::plain(why.collect::<Vec<_>>().join("; ")),
            Field::toned(Tone::Quiet, text(one, "url")),
        ]
    };
    let head = ["VERDICT", "MASTER", "SHADOW", "WHY", "PAGE"];
    output.table(&head, list.iter().map(row).collect(), "no build was ever compared");
}
