//! `causeway plan`: which jobs can move, and why the others stay (jjb 26).

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::Global;
use super::check::counted;
use super::failure::{Failure, Kind};
use super::output::{Field, Output, Tone};
use super::tree;
use crate::catalog::{LayoutUses, Plan, PlannedJob, ReasonGroup, Verdict};

/// Without a configuration, labels, credentials and jobs on masters that would have to be configured count as differences.
#[derive(Debug, Args)]
pub(super) struct PlanCommand {
    /// Files and folders of Job Builder YAML; without them, those of the configuration
    #[arg(value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Zuul's layout.yaml: jobs are weighted by how often it names them
    #[arg(long, value_name = "FILE")]
    layout: Option<PathBuf>,
    /// List every job
    #[arg(long)]
    all: bool,
}

impl PlanCommand {
    /// Plans and prints.
    pub(super) fn run(&self, global: &Global, output: &Output) -> Result<(), Failure> {
        let config = tree::catalog(global, &self.folders)?;
        let layout = self.layout.as_ref().map(layout).transpose()?;
        let plan = Plan::new(tree::outline(&config), layout.as_ref());
        if output.is_json() {
            output.json_pretty(&document(&plan, layout.is_some()));
        } else {
            print(&plan, layout.is_some(), self.all, output);
        }
        Ok(())
    }
}

fn layout(path: &PathBuf) -> Result<LayoutUses, Failure> {
    let wrong = |reason: String| {
        Failure::new(Kind::Usage, format!("the layout {} cannot be read: {reason}", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    LayoutUses::parse(&text).map_err(|error| wrong(error.to_string()))
}

fn document(plan: &Plan, weighted: bool) -> Value {
    let counts = Verdict::ALL.map(|verdict| {
        let (jobs, used) = plan.count(verdict);
        (verdict.as_str().to_owned(), json!({ "jobs": jobs, "in_layout": weighted.then_some(used) }))
    });
    let group = |group: &ReasonGroup| {
        json!({
            "code": group.code, "component": group.component, "text": group.message, "jobs": group.jobs,
            "alone": group.alone, "layout_uses": group.layout_uses,
        })
    };
    json!({
        "total": plan.jobs.len(),
        "verdicts": counts.into_iter().collect::<serde_json::Map<String, Value>>(),
        "reasons": plan.reasons().iter().map(group).collect::<Vec<_>>(),
        "differences": plan.differences().iter().map(group).collect::<Vec<_>>(),
        "unknown_in_tree": plan.unknown,
        "problems": plan.problems.iter().map(tree::problem_json).collect::<Vec<_>>(),
        "jobs": plan.jobs.iter().map(job).collect::<Vec<_>>(),
    })
}

fn job(job: &PlannedJob) -> Value {
    json!({
        "name": job.name,
        "verdict": job.verdict.as_str(),
        "layout_uses": job.layout_uses,
        "differences": job.differences.iter().map(tree::finding_json).collect::<Vec<_>>(),
        "reasons": job.reasons.iter().map(tree::finding_json).collect::<Vec<_>>(),
    })
}

/// What a verdict means, in words.
fn words(verdict: Verdict) -> (Tone, &'static str) {
    match verdict {
        Verdict::AsIs => (Tone::Good, "moves as is"),
        Verdict::WithDifferences => (Tone::Warn, "moves with differences"),
        Verdict::Stays => (Tone::Quiet, "stays on Jenkins"),
        Verdict::Error => (Tone::Bad, "is wrong where it is"),
    }
}

fn print(plan: &Plan, weighted: bool, all: bool, output: &Output) {
    let rows = Verdict::ALL.map(|verdict| {
        let (jobs, used) = plan.count(verdict);
        let (tone, text) = words(verdict);
        let used = if weighted { used.to_string() } else { "-".to_owned() };
        vec![Field::toned(tone, text), Field::plain(jobs.to_string()), Field::plain(used)]
    });
    output.table(&["VERDICT", "JOBS", "IN THE LAYOUT"], rows.to_vec(), "there are no jobs");
    section("Why jobs stay", &plan.reasons(), output);
    section("What is different for jobs that move", &plan.differences(), output);
    if !plan.unknown.is_empty() {
        let names = plan.unknown.join(", ");
        output.line(&format!(
            "\nThe layout names {} that the tree does not have: {names}",
            counted(plan.unknown.len(), "job")
        ));
    }
    if all {
        output.line("");
        let rows = plan.jobs.iter().map(|job| {
            let reason = job.reasons.first().or(job.differences.first());
            let text = reason.map(|finding| finding.problem.message.clone()).unwrap_or_default();
            let tone = words(job.verdict).0;
            vec![
                Field::plain(job.name.as_str()),
                Field::toned(tone, job.verdict.as_str()),
                Field::plain(job.layout_uses.to_string()),
                Field::plain(text),
            ]
        });
        output.table(&["JOB", "VERDICT", "USES", "FIRST REASON"], rows.collect(), "there are no jobs");
    }
    for problem in &plan.problems {
        output.note(&problem.to_string());
    }
}

fn section(title: &str, groups: &[ReasonGroup], output: &Output) {
    if groups.is_empty() {
        return;
    }
    output.line(&format!("\n{title}"));
    let rows = groups.iter().map(|group| {
        vec![
            Field::plain(group.jobs.to_string()),
            Field::plain(group.alone.to_string()),
            Field::plain(group.layout_uses.to_string()),
            Field::plain(group.component.as_str()),
            Field::plain(group.message.as_str()),
        ]
    });
    output.table(&["JOBS", "NOTHING ELSE", "USES", "COMPONENT", "WHAT"], rows.collect(), "none");
}
