//! The catalogue of one moment: every job of the tree, and which of them are ours.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::config::CatalogConfig;
use super::finding::{Finding, Verdict, Weight};
use super::recipe::{Compiled, Recipe};
use super::tree::{Tree, TreeJob};
use crate::model::{JobName, Position, Problem};

/// A job that the tree has.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it runs by; complete when [`Entry::runs`].
    pub recipe: Arc<Recipe>,
    /// Differences, reasons to stay, errors.
    pub findings: Arc<[Finding]>,
    /// Whether a pattern of the configuration names it as ours.
    pub wanted: bool,
    /// The template that it was made from.
    pub template: Option<Arc<str>>,
    /// The project that used the template.
    pub project: Option<Arc<str>>,
}

impl Entry {
    /// Whether it can move.
    pub fn verdict(&self) -> Verdict {
        Verdict::of(&self.findings)
    }

    /// Whether it can run here.
    pub fn runs(&self) -> bool {
        self.verdict().moves() && !self.recipe.disabled
    }

    /// Whether it is ours: a pattern names it, and it can run (decision 9).
    pub fn owned(&self) -> bool {
        self.wanted && self.runs()
    }

    /// What a build of it carries.
    pub fn compiled(&self) -> Compiled {
        if self.runs() {
            Compiled::Runs(Box::new((*self.recipe).clone()))
        } else {
            Compiled::Refused(self.refusal())
        }
    }

    /// Why it cannot run, for the console of a build that was asked for all the same.
    fn refusal(&self) -> String {
        if self.recipe.disabled {
            return format!("The job {} is disabled ('disabled: true').", self.recipe.job);
        }
        let mut text = format!("The job {} cannot run here:", self.recipe.job);
        for finding in self.findings.iter().filter(|finding| finding.weight > Weight::Difference) {
            text.push('\n');
            text.push_str(&finding.problem.to_string());
        }
        text
    }
}

/// All that is known at one moment. Never changes; a reload makes another one.
#[derive(Debug, Default)]
pub struct Catalog {
    config: CatalogConfig,
    entries: BTreeMap<JobName, Entry>,
    problems: Vec<Problem>,
}

impl Catalog {
    /// Reads the tree. Takes as long as the disk takes: for blocking threads.
    pub fn load(config: &CatalogConfig) -> Catalog {
        Catalog::of_tree(&Tree::read(config), config)
    }

    /// The catalogue of a tree that was read.
    pub fn of_tree(tree: &Tree, config: &CatalogConfig) -> Catalog {
        let mut catalog =
            Catalog { config: config.clone(), entries: BTreeMap::new(), problems: tree.problems.clone() };
        for job in &tree.jobs {
            catalog.add(job);
        }
        catalog.look_at_patterns();
        catalog
    }

    fn add(&mut self, job: &TreeJob) {
        let TreeJob { name, recipe, findings, template, project } = job.clone();
        match name.parse::<JobName>() {
            Ok(parsed) => {
                let wanted = self.config.own.has(&name);
                self.entries.insert(parsed, Entry { recipe, findings, wanted, template, project });
            }
            Err(error) => {
                let position =
                    Position { file: recipe.place.file.clone(), line: recipe.place.line, column: 0 };
                let problem = Problem::error("job-name", error.to_string()).at(position);
                self.problems.push(problem.cure("give the job another name"));
            }
        }
    }

    /// A pattern that no job answers to is most likely misspelt.
    fn look_at_patterns(&mut self) {
        let names: Vec<&str> = self.entries.keys().map(JobName::as_str).collect();
        let lost: Vec<String> =
            self.config.own.without_match(&names).into_iter().map(str::to_owned).collect();
        for pattern in lost {
            let problem = Problem::note(
                "pattern-without-job",
                format!("'catalog.own' has '{pattern}', which names no job"),
            )
            .cure("`causeway jobs list` shows the names that there are");
            self.problems.push(problem);
        }
    }

    /// A job of the tree, ours or not.
    pub fn job(&self, name: &str) -> Option<&Entry> {
        self.entries.get(&name.parse::<JobName>().ok()?)
    }

    /// All jobs of the tree, by name.
    pub fn jobs(&self) -> impl ExactSizeIterator<Item = (&JobName, &Entry)> {
        self.entries.iter()
    }

    /// The jobs that are ours and can run, by name: what is offered (decision 9).
    pub fn owned(&self) -> impl Iterator<Item = &JobName> {
        self.entries.iter().filter(|(_, entry)| entry.owned()).map(|(name, _)| name)
    }

    /// The jobs that a pattern names as ours, but that cannot run.
    pub fn refused(&self) -> impl Iterator<Item = (&JobName, &Entry)> {
        self.entries.iter().filter(|(_, entry)| entry.wanted && !entry.runs())
    }

    /// Whether a job is ours and can run.
    pub fn owns(&self, name: &JobName) -> bool {
        self.entries.get(name).is_some_and(Entry::owned)
    }

    /// What a build of a job carries; a job that is not there (any more) can only be refused (decision 9).
    pub fn compiled(&self, name: &JobName) -> Compiled {
        match self.entries.get(name) {
            Some(entry) => entry.compiled(),
            None => Compiled::Refused(format!("The job {name} is not in the job definitions (any more).")),
        }
    }

    /// The number from which a job's builds are counted (zuul-8.2).
    pub fn first_number(&self, name: &JobName) -> u64 {
        self.config.first_number(name.as_str())
    }

    /// What is wrong with the tree.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether something in the tree is what Job Builder itself would refuse.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }

    /// What it was loaded by.
    pub fn config(&self) -> &CatalogConfig {
        &self.config
    }
}
