//! Reading a tree of Job Builder YAML: files in, jobs with their translation and the tree's own problems out.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::{available_parallelism, scope};

use jjb_compat::{FileSystem, Files, Job, Options, Outcome, Source, Workspace, read_each};

use super::config::{CatalogConfig, Reading};
use super::finding::Finding;
use super::recipe::{Publisher, Recipe, Step};
use super::targets::look_at_targets;
use super::translate::{Extent, Shared, Translator, position, translate};
use crate::model::{Frame, Problem, Severity};

/// Threads for the translation; more bring nothing for the trees that there are.
const THREADS: usize = 8;

/// A job as it was read and translated.
#[derive(Debug, Clone)]
pub struct TreeJob {
    /// Its full name, as Job Builder has it.
    pub name: String,
    /// What it runs by; complete when no finding keeps it on Jenkins.
    pub recipe: Arc<Recipe>,
    /// Differences, reasons to stay, errors.
    pub findings: Arc<[Finding]>,
    /// The template that it was made from.
    pub template: Option<Arc<str>>,
    /// The project that used the template.
    pub project: Option<Arc<str>>,
}

/// A tree as it was read.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Its jobs, in Job Builder's order (jjb-J112).
    pub jobs: Vec<Arc<TreeJob>>,
    /// What is wrong with it; jobs with errors of their own are left out above.
    pub problems: Vec<Problem>,
    /// How many files were read.
    pub files: usize,
}

impl Tree {
    /// Reads the files and folders of a configuration. Takes as long as the disk takes: for blocking threads.
    pub fn read(config: &CatalogConfig) -> Tree {
        Tree::read_from(FileSystem::new(), config)
    }

    /// The same for lists of jobs: of a recipe there is only what tells jobs apart, and which others a job starts. A large tree
    /// takes a small part of its memory then.
    pub fn outline(config: &CatalogConfig) -> Tree {
        Tree::each(FileSystem::new(), config, Extent::Outline)
    }

    /// Reads from anywhere.
    pub fn read_from(source: impl Source, config: &CatalogConfig) -> Tree {
        Tree::each(source, config, Extent::Whole)
    }

    /// Each job is translated as soon as it is expanded, and only what its extent asks for stays.
    fn each(source: impl Source, config: &CatalogConfig, extent: Extent) -> Tree {
        if config.paths.is_empty() {
            return Tree::default();
        }
        let shared = Shared::default();
        let worker = || Translator::new(config, &shared, extent);
        let work = |translator: &Translator<'_>, job: Job, files: &Files| {
            Arc::new(tree_job(&job, files, translator))
        };
        let (outcome, jobs) = read_each(&source, &config.paths, &options(&config.reading), worker, work);
        tree(&outcome, jobs, config)
    }

    /// Whether something in it is what Job Builder itself would refuse.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }
}

/// A tree that can be read again: only what a changed file can affect is expanded and translated again.
#[derive(Debug)]
pub struct OpenTree<S = FileSystem> {
    config: CatalogConfig,
    /// `None` where no paths are configured.
    workspace: Option<Workspace<S>>,
    /// The reading that `tree` is the translation of.
    outcome: Arc<Outcome>,
    /// Its jobs one by one, without what there is to say once all are known.
    translations: Vec<Arc<TreeJob>>,
    tree: Tree,
}

impl OpenTree {
    /// Opens the files and folders of a configuration. Takes as long as the disk takes: for blocking threads.
    pub fn open(config: &CatalogConfig) -> OpenTree {
        OpenTree::open_from(FileSystem::new(), config)
    }
}

impl<S: Source> OpenTree<S> {
    fn open_from(source: S, config: &CatalogConfig) -> OpenTree<S> {
        let workspace = (!config.paths.is_empty())
            .then(|| Workspace::open(source, config.paths.clone(), options(&config.reading)));
        let outcome = workspace.as_ref().map(|workspace| Arc::clone(workspace.outcome())).unwrap_or_default();
        let translations = translated(&outcome, config, None);
        let tree = tree(&outcome, translations.clone(), config);
        OpenTree { config: config.clone(), workspace, outcome, translations, tree }
    }

    /// Whether it can be read again by this configuration, or is another tree.
    pub fn is_for(&self, config: &CatalogConfig) -> bool {
        self.config.paths == config.paths && self.config.reading == config.reading
    }

    /// Reads again what has changed.
    pub fn refresh(&mut self, config: &CatalogConfig) {
        let Some(workspace) = &mut self.workspace else { return };
        workspace.refresh();
        let next = Arc::clone(workspace.outcome());
        let same = self.config.translates_like(config);
        let known = same.then(|| Known::new(&self.outcome, &self.translations));
        let translations = translated(&next, config, known);
        self.tree = tree(&next, translations.clone(), config);
        self.config = config.clone();
        self.outcome = next;
        self.translations = translations;
    }

    /// What the translation was made from.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The tree as it was read last.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }
}

/// Translates the jobs of a reading; those that are as before keep their translation.
fn translated(outcome: &Outcome, config: &CatalogConfig, known: Option<Known<'_>>) -> Vec<Arc<TreeJob>> {
    let files = &outcome.files;
    let threads = available_parallelism().map_or(1, NonZero::get).min(THREADS);
    let share = outcome.jobs.len().div_ceil(threads).max(1);
    let shared = Shared::default();
    let translate_share = |jobs: &[Job]| -> Vec<Arc<TreeJob>> {
        let translator = Translator::new(config, &shared, Extent::Whole);
        let translated = |job: &Job| match known.as_ref().and_then(|known| known.of(job)) {
            Some(known) => known,
            None => Arc::new(tree_job(job, files, &translator)),
        };
        jobs.iter().map(translated).collect()
    };
    let mut shares = outcome.jobs.chunks(share);
    let first = shares.next().unwrap_or_default();
    scope(|scope| {
        let translate_share = &translate_share;
        let others: Vec<_> = shares.map(|jobs| scope.spawn(move || translate_share(jobs))).collect();
        let mut jobs = translate_share(first);
        for other in others {
            match other.join() {
                Ok(more) => jobs.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        jobs
    })
}

/// The tree of these translations, with what there is to say of a job only when all others are known.
fn tree(outcome: &Outcome, mut jobs: Vec<Arc<TreeJob>>, config: &CatalogConfig) -> Tree {
    let files = &outcome.files;
    look_at_targets(&mut jobs, config);
    let problems = outcome.problems.iter().map(|problem| converted(problem, files)).collect();
    Tree { jobs, problems, files: files.len() }
}

fn tree_job(job: &Job, files: &Files, translator: &Translator<'_>) -> TreeJob {
    let mut translation = translate(job, files, translator);
    if translator.extent() == Extent::Outline {
        outlined(&mut translation.recipe);
    }
    TreeJob {
        name: job.name.to_string(),
        recipe: Arc::new(translation.recipe),
        findings: translation.findings.into(),
        template: job.origin.template.clone(),
        project: job.origin.project.as_ref().map(|(name, _)| Arc::clone(name)),
    }
}

/// Leaves of the steps and publishers the starts of other jobs.
fn outlined(recipe: &mut Recipe) {
    recipe.steps.retain(|step| matches!(step, Step::TriggerBuilds(_) | Step::Conditional(_)));
    recipe.steps.shrink_to_fit();
    recipe.publishers.retain(|publisher| matches!(publisher, Publisher::PostBuildScript(_)));
    recipe.publishers.shrink_to_fit();
}

/// Translations of an earlier reading.
struct Known<'k> {
    jobs: HashMap<&'k str, (&'k Job, &'k Arc<TreeJob>)>,
}

impl<'k> Known<'k> {
    fn new(outcome: &'k Outcome, translations: &'k [Arc<TreeJob>]) -> Known<'k> {
        let pairs = outcome.jobs.iter().zip(translations);
        Known { jobs: pairs.map(|(job, translated)| (&*job.name, (job, translated))).collect() }
    }

    fn of(&self, job: &Job) -> Option<Arc<TreeJob>> {
        let (before, translated) = self.jobs.get(&*job.name)?;
        job.is_same_as(before).then(|| Arc::clone(translated))
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

#[cfg(test)]
mod tests;
