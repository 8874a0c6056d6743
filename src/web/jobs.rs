//! The list of jobs, and a job's page.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::Web;
use super::description;
use super::failure::Failure;
use super::pages::{PAGE_SHOWN, render};
use super::view::{Fact, Line};
use crate::catalog::recipe::{Publisher, Recipe, Step, TimeLimitKind};
use crate::catalog::{Catalog, Entry};
use crate::model::{Addresses, JobName};
use crate::store::BuildFilter;

/// Jobs on a page of the list.
const JOBS_SHOWN: usize = 200;
/// Problems of a job that its page lists.
const NOTICES_SHOWN: usize = 10;

/// A job in the list.
pub(super) struct JobLine {
    pub name: String,
    pub path: String,
    pub word: &'static str,
    pub tone: &'static str,
    pub about: String,
    pub place: String,
}

impl JobLine {
    fn new(name: &JobName, entry: &Entry) -> JobLine {
        let (word, tone) = standing(entry);
        JobLine {
            name: name.to_string(),
            path: Addresses::new("").job(name),
            word,
            tone,
            about: about(entry),
            place: place(&entry.recipe),
        }
    }
}

/// Whether a job runs here, in a word.
fn standing(entry: &Entry) -> (&'static str, &'static str) {
    match (entry.owned(), entry.wanted) {
        (true, _) => ("runs here", "good"),
        (false, true) => ("refused", "bad"),
        (false, false) => ("", "calm"),
    }
}

/// The first reason why it does not run here, else what it is for.
fn about(entry: &Entry) -> String {
    let refused = entry.wanted && !entry.owned();
    let worst = entry.findings.iter().max_by_key(|finding| finding.weight);
    if let Some(finding) = worst.filter(|_| refused) {
        return finding.problem.message.clone();
    }
    let description = entry.recipe.description.trim();
    description.lines().next().unwrap_or_default().chars().take(140).collect()
}

fn place(recipe: &Recipe) -> String {
    match recipe.place.line {
        0 => recipe.place.file.clone(),
        line => format!("{}:{line}", recipe.place.file),
    }
}

/// What the list is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Search {
    /// Part of a name.
    #[serde(default)]
    q: String,
    /// How many jobs come before the page.
    #[serde(default)]
    from: usize,
}

#[derive(Template)]
#[template(path = "jobs.html", config = "src/web/askama.toml")]
struct Jobs {
    query: String,
    total: usize,
    notices: Vec<String>,
    jobs: Vec<JobLine>,
    more: Option<String>,
}

/// `/jobs`.
pub(super) async fn list(State(web): State<Web>, Query(search): Query<Search>) -> Result<Response, Failure> {
    let catalog = web.catalog.current();
    let wanted = search.q.trim().to_lowercase();
    let mut found: Vec<_> =
        catalog.jobs().filter(|(name, _)| name.as_str().to_lowercase().contains(&wanted)).collect();
    found.sort_by_key(|(name, entry)| (!entry.wanted, (*name).clone()));
    let until = search.from.saturating_add(JOBS_SHOWN);
    let more = (found.len() > until).then(|| format!("/jobs?from={until}&q={}", query_text(&search.q)));
    render(&Jobs {
        total: found.len(),
        notices: problems(&catalog),
        jobs: found
            .into_iter()
            .skip(search.from)
            .take(JOBS_SHOWN)
            .map(|(name, entry)| JobLine::new(name, entry))
            .collect(),
        query: search.q,
        more,
    })
}

fn query_text(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

fn problems(catalog: &Catalog) -> Vec<String> {
    catalog
        .problems()
        .iter()
        .filter(|problem| problem.is_error())
        .take(NOTICES_SHOWN)
        .map(ToString::to_string)
        .collect()
}

/// A step as the page shows it.
struct ScriptView {
    title: String,
    place: String,
    script: String,
}

#[derive(Template)]
#[template(path = "job.html", config = "src/web/askama.toml")]
struct JobPage {
    name: String,
    description: String,
    notices: Vec<String>,
    facts: Vec<Fact>,
    live: bool,
    builds: Vec<Line>,
    older: Option<String>,
    steps: Vec<ScriptView>,
}

/// A job's page.
pub(super) async fn page(web: &Web, job: &JobName, query: Option<&str>) -> Result<Response, Failure> {
    let before = query
        .and_then(|query| query.strip_prefix("before="))
        .map(|text| text.parse().map_err(|_| Failure::bad_request("'before' is no build's id.")))
        .transpose()?;
    let filter = BuildFilter { job: Some(job.clone()), before, limit: PAGE_SHOWN, ..BuildFilter::default() };
    let records = web.builds.list(filter).await?;
    let catalog = web.catalog.current();
    let entry = catalog.job(job.as_str());
    if records.is_empty() && before.is_none() && entry.is_none() {
        return Err(Failure::not_found(format!("No job called {job} is known here.")));
    }
    let now = web.builds.now();
    let last = records.last().filter(|_| records.len() >= PAGE_SHOWN as usize);
    render(&JobPage {
        name: job.to_string(),
        description: entry.map(|entry| description::to_html(&entry.recipe.description)).unwrap_or_default(),
        notices: entry.map(notices).unwrap_or_else(|| vec!["The job is no longer defined.".to_owned()]),
        facts: entry.map(facts).unwrap_or_default(),
        live: records.iter().any(|record| record.state.outcome().is_none()),
        older: last.map(|record| format!("{}?before={}", Addresses::new("").job(job), record.id)),
        builds: records.iter().map(|record| Line::new(record, now)).collect(),
        steps: entry.map(|entry| scripts(&entry.recipe)).unwrap_or_default(),
    })
}

fn notices(entry: &Entry) -> Vec<String> {
    entry.findings.iter().take(NOTICES_SHOWN).map(|finding| finding.problem.to_string()).collect()
}

fn facts(entry: &Entry) -> Vec<Fact> {
    let recipe = &entry.recipe;
    let mut facts = Vec::new();
    let mut fact = |name, value: String| {
        if !value.is_empty() {
            facts.push(Fact { name, value, note: String::new() });
        }
    };
    fact(
        "Here",
        if entry.owned() {
            "runs here"
        } else if entry.wanted {
            "refused"
        } else {
            "stays with its master"
        }
        .to_owned(),
    );
    fact("Node", if recipe.node.is_empty() { "any".to_owned() } else { recipe.node.clone() });
    let limit = recipe.timeout.as_ref().map(|limit| match limit.kind {
        TimeLimitKind::Absolute => format!("{} min", limit.amount),
        TimeLimitKind::NoActivity => format!("{} s of silence", limit.amount),
    });
    fact("Time limit", limit.unwrap_or_default());
    let names: Vec<&str> = recipe.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    fact("Parameters", names.join(", "));
    fact("Defined in", place(recipe));
    facts
}

fn scripts(recipe: &Recipe) -> Vec<ScriptView> {
    let script = |title: String, step: &Step| {
        let (place, script) = match step {
            Step::Shell(shell) => (&shell.place, shell.script.clone()),
            Step::TriggerBuilds(trigger) => {
                let jobs = trigger.starts.iter().flat_map(|start| &start.jobs);
                (&trigger.place, jobs.map(|job| format!("start {job}\n")).collect())
            }
            Step::PullImage(pull) => (&pull.place, format!("pull {}\n", pull.image)),
            Step::BuildImage(image) => (&image.place, format!("{:#?}", image.names)),
            Step::Inject(inject) => {
                let names = inject.variables.iter().map(|(name, value)| format!("{name}={value}\n"));
                (&inject.place, names.collect())
            }
            Step::Conditional(step) => (&step.place, format!("{:#?}", step.condition)),
        };
        ScriptView { title, place: format!("{}:{}", place.file, place.line), script }
    };
    let builders = recipe
        .steps
        .iter()
        .enumerate()
        .map(|(index, step)| script(format!("step {} (shell)", index + 1), step));
    let publishers = recipe.publishers.iter().flat_map(|publisher| match publisher {
        Publisher::PostBuildScript(post) => post.groups.iter().flat_map(|group| &group.steps).collect(),
        Publisher::Archive(_)
        | Publisher::TestReports(_)
        | Publisher::Mail(_)
        | Publisher::StartsAfter(_) => Vec::new(),
    });
    builders.chain(publishers.map(|step| script("post step (shell)".to_owned(), step))).collect()
}
