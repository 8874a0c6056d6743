//! `causeway jobs`: the jobs of a tree and what they are compiled to.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jjb_compat::{Job, Outcome};
use serde_json::{Value, json};

use super::Global;
use super::diff::Diff;
use super::export::Export;
use super::failure::{Failure, Kind};
use super::output::{Field, Output, Tone};
use super::tree;
use crate::catalog::recipe::{Publisher, Recipe, Step};
use crate::catalog::{Catalog, CatalogConfig, Entry, Tree, Verdict};
use crate::model::JobName;

/// Looks at the jobs of a tree.
#[derive(Debug, Args)]
pub(super) struct Jobs {
    #[command(subcommand)]
    command: JobsCommand,
}

#[derive(Debug, Subcommand)]
enum JobsCommand {
    /// List the jobs
    List {
        /// Files and folders of Job Builder YAML; without them, those of the configuration
        #[arg(value_name = "DIR")]
        folders: Vec<PathBuf>,
    },
    Diff(Diff),
    Export(Export),
    /// Show what a job is compiled to
    Show {
        /// The job's full name
        #[arg(value_name = "NAME")]
        name: String,
        /// Files and folders of Job Builder YAML; without them, those of the configuration
        #[arg(value_name = "DIR")]
        folders: Vec<PathBuf>,
        /// Say where each value was written, and through which macros it came
        #[arg(long)]
        origins: bool,
    },
}

impl Jobs {
    /// Runs the command.
    pub(super) fn run(&self, global: &Global, output: &Output) -> Result<(), Failure> {
        match &self.command {
            JobsCommand::List { folders } => {
                let config = tree::catalog(global, folders)?;
                list(catalog(tree::outline(&config), &config, output), output);
                Ok(())
            }
            JobsCommand::Diff(diff) => diff.run(output),
            JobsCommand::Export(export) => export.run(output),
            JobsCommand::Show { name, folders, origins } => {
                let config = tree::catalog(global, folders)?;
                let tree = tree::opened(&config);
                let catalog = catalog(tree.tree(), &config, output);
                let entry = catalog.job(name).ok_or_else(|| unknown(catalog, name))?;
                let written = tree.outcome().job(name).filter(|_| *origins);
                show(entry, written.map(|job| (job, tree.outcome())), output);
                Ok(())
            }
        }
    }
}

/// The catalogue of a tree; its own problems are said beside the data.
fn catalog(tree: &'static Tree, config: &CatalogConfig, output: &Output) -> &'static Catalog {
    let catalog: &Catalog = Box::leak(Box::new(Catalog::of_tree(tree, config)));
    for problem in catalog.problems().iter().filter(|problem| problem.is_error()) {
        output.note(&problem.to_string());
    }
    catalog
}

fn unknown(catalog: &Catalog, name: &str) -> Failure {
    let near = catalog.jobs().map(|(job, _)| job.as_str()).find(|job| job.contains(name));
    let hint = match near {
        Some(near) => format!("did you mean '{near}'?"),
        None => "`causeway jobs list` shows the names that there are".to_owned(),
    };
    Failure::new(Kind::NotFound, format!("no job is called '{name}'")).hint(hint)
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::AsIs => Tone::Good,
        Verdict::WithDifferences => Tone::Warn,
        Verdict::Stays => Tone::Quiet,
        Verdict::Error => Tone::Bad,
    }
}

fn list(catalog: &Catalog, output: &Output) {
    if output.is_json() {
        let jobs: Vec<Value> = catalog.jobs().map(|(name, entry)| summary(name, entry)).collect();
        output.json_pretty(&json!({ "jobs": jobs }));
        return;
    }
    let rows = catalog.jobs().map(|(name, entry)| {
        let recipe = &entry.recipe;
        vec![
            Field::plain(name.as_str()),
            Field::toned(tone(entry.verdict()), entry.verdict().as_str()),
            Field::plain(if entry.owned() { "yes" } else { "" }),
            Field::plain(recipe.node.as_str()),
            Field::toned(Tone::Quiet, format!("{}:{}", recipe.place.file, recipe.place.line)),
        ]
    });
    output.table(&["JOB", "VERDICT", "RUNS HERE", "NODE", "WRITTEN AT"], rows.collect(), "there are no jobs");
}

fn summary(name: &JobName, entry: &Entry) -> Value {
    json!({
        "name": name.as_str(),
        "verdict": entry.verdict().as_str(),
        "owned": entry.owned(),
        "disabled": entry.recipe.disabled,
        "node": entry.recipe.node,
        "template": entry.template.as_deref(),
        "project": entry.project.as_deref(),
        "file": entry.recipe.place.file,
        "line": entry.recipe.place.line,
    })
}

fn show(entry: &Entry, written: Option<(&Job, &Outcome)>, output: &Output) {
    let origins = written.is_some();
    let recipe = &entry.recipe;
    if output.is_json() {
        output.json_pretty(&json!({
            "name": recipe.job,
            "verdict": entry.verdict().as_str(),
            "owned": entry.owned(),
            "template": entry.template.as_deref(),
            "project": entry.project.as_deref(),
            "recipe": &**recipe,
            "findings": entry.findings.iter().map(tree::finding_json).collect::<Vec<_>>(),
            "origins": written.map(|(job, tree)| super::origins::json(job, tree)),
        }));
        return;
    }
    let heading = |text: &str| output.line(&output.paint(Tone::Busy, text));
    output.line(&format!(
        "{}  {}",
        recipe.job,
        output.paint(tone(entry.verdict()), entry.verdict().as_str())
    ));
    head(entry, output);
    if !recipe.parameters.is_empty() {
        heading("parameters");
        for parameter in &recipe.parameters {
            output.line(&format!("  {} = {}", parameter.name, parameter.default));
        }
    }
    heading("steps");
    recipe.steps.iter().for_each(|step| self::step(step, origins, output));
    if !recipe.publishers.is_empty() {
        heading("after the build");
        recipe.publishers.iter().for_each(|publisher| self::publisher(publisher, origins, output));
    }
    if !entry.findings.is_empty() {
        heading("findings");
        for finding in entry.findings.iter() {
            output.line(&format!("{} ({})", finding.problem, finding.component));
        }
    }
    if let Some((job, tree)) = written {
        super::origins::print(job, tree, output);
    }
}

fn head(entry: &Entry, output: &Output) {
    let recipe: &Recipe = &entry.recipe;
    output.line(&format!("  written at  {}:{}", recipe.place.file, recipe.place.line));
    if let Some(template) = &entry.template {
        let project = entry.project.as_deref().unwrap_or_default();
        output.line(&format!("  template    {template} (project {project})"));
    }
    let node = if recipe.node.is_empty() { "any" } else { &recipe.node };
    output.line(&format!("  node        {node}"));
    output.line(&format!("  concurrent  {}", recipe.concurrent));
    if let Some(limit) = &recipe.timeout {
        output.line(&format!("  time limit  {} ({:?}, {:?})", limit.amount, limit.kind, limit.action));
    }
}

fn step(shown: &Step, origins: bool, output: &Output) {
    match shown {
        Step::Shell(shell) => {
            let place = if origins {
                format!("   # {}:{}", shell.place.file, shell.place.line)
            } else {
                String::new()
            };
            output.line(&format!("  $ {}{}", shell.interpreter.join(" "), output.paint(Tone::Quiet, &place)));
            for line in shell.script.trim_matches('\n').lines() {
                output.line(&format!("    | {line}"));
            }
        }
        Step::TriggerBuilds(trigger) => {
            for start in &trigger.starts {
                let wait = if start.wait.is_some() { " and wait" } else { "" };
                output.line(&format!("  start {}{wait}", start.jobs.join(", ")));
            }
        }
        Step::PullImage(pull) => output.line(&format!("  pull the image {}", pull.image)),
        Step::BuildImage(image) => {
            let push = if image.push { " and push it" } else { "" };
            output.line(&format!("  build an image{push}: {:?}", image.names));
        }
        Step::Inject(inject) => {
            if let Some(file) = &inject.file {
                output.line(&format!("  set the variables of {file}"));
            }
            for (name, value) in &inject.variables {
                output.line(&format!("  set {name}={value}"));
            }
        }
        Step::Conditional(conditional) => {
            output.line(&format!("  if {:?}", conditional.condition));
            conditional.steps.iter().for_each(|inner| step(inner, origins, output));
        }
    }
}

fn publisher(publisher: &Publisher, origins: bool, output: &Output) {
    match publisher {
        Publisher::PostBuildScript(post) => {
            for group in &post.groups {
                output.line(&format!("  on {}", group.build_on.join(", ")));
                group.steps.iter().for_each(|step| self::step(step, origins, output));
            }
        }
        Publisher::Archive(archive) => {
            let place = if origins {
                format!("   # {}:{}", archive.place.file, archive.place.line)
            } else {
                String::new()
            };
            output.line(&format!("  keep {}{}", archive.artifacts, output.paint(Tone::Quiet, &place)));
        }
        Publisher::Mail(mail) => {
            output.line(&format!("  on {} send mail to {}", mail.on.join(", "), mail.recipients));
        }
        Publisher::StartsAfter(after) => {
            for start in &after.starts {
                output.line(&format!("  on {} start {}", start.on.join(", "), start.start.jobs.join(", ")));
            }
        }
        Publisher::TestReports(reports) => {
            let patterns: Vec<&str> = reports.sources.iter().map(|source| source.pattern.as_str()).collect();
            output.line(&format!("  read test reports {} ({})", patterns.join(", "), reports.publisher));
        }
    }
}
