//! `causeway check`: everything that is wrong with configuration and job definitions, at once (decision 27).

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Global;
use super::failure::{Failure, Kind};
use super::output::Output;
use super::tree;
use crate::app;
use crate::catalog::{Catalog, CatalogConfig, Tree, Verdict, Weight};
use crate::config::Config;
use crate::model::{Problem, Severity};

/// Errors are what Job Builder itself would refuse, and a configuration that cannot be used. Everything else is a note.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Files and folders of Job Builder YAML; without them, those of the configuration
    #[arg(value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Take notes for errors
    #[arg(long)]
    strict: bool,
}

/// What was found.
#[derive(Debug, Default)]
struct Findings {
    problems: Vec<Problem>,
    verdicts: BTreeMap<Verdict, usize>,
    owned: usize,
    files: usize,
}

impl Check {
    /// Checks and prints.
    pub(super) fn run(&self, global: &Global, output: &Output) -> Result<(), Failure> {
        let mut findings = Findings::default();
        let catalog = match tree::configuration(global) {
            Some(Ok(config)) => {
                findings.problems.extend(config.notes.iter().cloned());
                findings.problems.extend(outside(&config)?);
                Some(config.catalog)
            }
            Some(Err(problems)) => {
                findings.problems.extend(problems.list);
                None
            }
            None if self.folders.is_empty() => {
                return Err(Failure::new(Kind::Usage, "there is nothing to check")
                    .hint("name a configuration with --config FILE, or folders of job definitions"));
            }
            None => Some(CatalogConfig::default()),
        };
        // A broken configuration does not keep the named trees from being looked at.
        let mut catalog = catalog.unwrap_or_default();
        if !self.folders.is_empty() {
            catalog.paths = self.folders.clone();
        }
        findings.look_at(&catalog);
        findings.report(self.strict, output)
    }
}

/// What keeps the configured providers from making nodes, and builds from running on masters.
fn outside(config: &Config) -> Result<Vec<Problem>, Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::failed(&error))?;
    Ok(runtime.block_on(async {
        let (mut problems, probes) =
            tokio::join!(app::look_at_providers(config), app::look_at_masters(&config.masters));
        problems.extend(app::master_problems(&config.masters, &probes));
        problems
    }))
}

impl Findings {
    fn look_at(&mut self, config: &CatalogConfig) {
        let tree = Tree::read(config);
        self.files = tree.files;
        let catalog = Catalog::of_tree(&tree, config);
        self.problems.extend(catalog.problems().iter().cloned());
        self.owned = catalog.owned().count();
        for (name, entry) in catalog.jobs() {
            *self.verdicts.entry(entry.verdict()).or_default() += 1;
            for finding in entry.findings.iter() {
                // Of jobs that nobody wants here it is enough to count them.
                let severity = match finding.weight {
                    Weight::Error => Severity::Error,
                    Weight::Stays if entry.wanted => Severity::Note,
                    Weight::Stays | Weight::Difference => continue,
                };
                let mut problem = Problem { severity, ..finding.problem.clone() };
                problem.message = format!("job '{name}': {}", problem.message);
                self.problems.push(problem);
            }
        }
    }

    fn report(&self, strict: bool, output: &Output) -> Result<(), Failure> {
        let errors = self.problems.iter().filter(|problem| problem.is_error()).count();
        let notes = self.problems.len() - errors;
        let jobs: usize = self.verdicts.values().sum();
        let bad = errors > 0 || (strict && notes > 0);
        if output.is_json() {
            let verdicts: BTreeMap<&str, usize> =
                self.verdicts.iter().map(|(verdict, count)| (verdict.as_str(), *count)).collect();
            output.json_pretty(&json!({
                "ok": !bad,
                "errors": errors,
                "notes": notes,
                "problems": self.problems.iter().map(tree::problem_json).collect::<Vec<_>>(),
                "files": self.files,
                "jobs": jobs,
                "owned": self.owned,
                "verdicts": verdicts,
            }));
        } else {
            for problem in &self.problems {
                output.line(&problem.to_string());
            }
            output.line(&self.summary(errors, notes, jobs));
        }
        if !bad {
            return Ok(());
        }
        let what = if errors > 0 {
            counted(errors, "error")
        } else {
            format!("{} (--strict)", counted(notes, "note"))
        };
        // The answer above says it all.
        Err(Failure::silent(what))
    }

    fn summary(&self, errors: usize, notes: usize, jobs: usize) -> String {
        let mut text = format!("{}, {}", counted(errors, "error"), counted(notes, "note"));
        if self.files > 0 {
            let verdicts: Vec<String> = self
                .verdicts
                .iter()
                .map(|(verdict, count)| format!("{count} {}", verdict.as_str()))
                .collect();
            text.push_str(&format!("; {} in {}", counted(jobs, "job"), counted(self.files, "file")));
            if !verdicts.is_empty() {
                text.push_str(&format!(": {}; {} run here", verdicts.join(", "), self.owned));
            }
        }
        text
    }
}

/// `1 error`, `2 errors`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
