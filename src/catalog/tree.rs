//! Reading a tree of Job Builder YAML: files in, jobs with their translation and the tree's own problems out.

use jjb_compat::{FileSystem, Files, Options, Outcome, Source};

use super::config::{CatalogConfig, Reading};
use super::finding::Finding;
use super::recipe::Recipe;
use super::targets::look_at_targets;
use super::translate::{position, translate};
use crate::model::{Frame, Problem, Severity};

/// A job as it was read and translated.
#[derive(Debug, Clone)]
pub struct TreeJob {
    /// Its full name, as Job Builder has it.
    pub name: String,
    /// What it runs by; complete when no finding keeps it on Jenkins.
    pub recipe: Recipe,
    /// Differences, reasons to stay, errors.
    pub findings: Vec<Finding>,
    /// The template that it was made from.
    pub template: Option<String>,
    /// The project that used the template.
    pub project: Option<String>,
}

/// A tree as it was read.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Its jobs, in Job Builder's order (jjb-J112).
    pub jobs: Vec<TreeJob>,
    /// What is wrong with it; jobs with errors of their own are left out above.
    pub problems: Vec<Problem>,
    /// How many files were read.
    pub files: usize,
}

impl Tree {
    /// Reads the files and folders of a configuration. Takes as long as the disk takes: for blocking threads.
    pub fn read(config: &CatalogConfig) -> Tree {
        Tree::read_from(&FileSystem::new(), config)
    }

    /// Reads from anywhere.
    pub fn read_from(source: &dyn Source, config: &CatalogConfig) -> Tree {
        if config.paths.is_empty() {
            return Tree::default();
        }
        let outcome = jjb_compat::read(source, &config.paths, &options(&config.reading));
        Tree::translated(&outcome, config)
    }

    fn translated(outcome: &Outcome, config: &CatalogConfig) -> Tree {
        let files = &outcome.files;
        let jobs = outcome.jobs.iter().map(|job| {
            let translation = translate(job, files, config);
            TreeJob {
                name: job.name.to_string(),
                recipe: translation.recipe,
                findings: translation.findings,
                template: job.origin.template.as_deref().map(str::to_owned),
                project: job.origin.project.as_ref().map(|(name, _)| name.to_string()),
            }
        });
        let mut jobs: Vec<TreeJob> = jobs.collect();
        look_at_targets(&mut jobs, config);
        Tree {
            jobs,
            problems: outcome.problems.iter().map(|problem| converted(problem, files)).collect(),
            files: files.len(),
        }
    }

    /// Whether something in it is what Job Builder itself would refuse.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }
}

fn options(reading: &Reading) -> Options {
    Options {
        dialect: reading.dialect,
        allow_duplicates: reading.allow_duplicates,
        allow_empty_variables: reading.allow_empty_variables,
        retain_anchors: reading.retain_anchors,
        recursive: reading.recursive,
        exclude: reading.exclude.clone(),
        include_path: reading.include_path.clone(),
        plugins: reading.plugins.clone(),
        collect: true,
        ..Options::default()
    }
}

/// A problem of the tree, in our words.
fn converted(problem: &jjb_compat::Problem, files: &Files) -> Problem {
    let severity = match problem.severity {
        jjb_compat::Severity::Error => Severity::Error,
        jjb_compat::Severity::Warning => Severity::Note,
    };
    let frame = |frame: &jjb_compat::Frame| Frame {
        what: frame.what.clone(),
        position: frame.place.and_then(|place| position(files, place)),
    };
    Problem {
        severity,
        code: problem.code,
        position: problem.place.and_then(|place| position(files, place)),
        excerpt: problem.place.and_then(|place| files.line(place)).map(str::to_owned),
        message: problem.message.clone(),
        reason: problem.reason.clone(),
        cure: problem.cure.clone(),
        chain: problem.chain.iter().map(frame).collect(),
    }
}
