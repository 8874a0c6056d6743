//! Shell steps of a build, run or taken up in the recipe's order.

use std::path::{Path, PathBuf};
use std::time::Duration;

use indexmap::IndexMap;

use super::context::{Context, workspace};
use super::ending::{Limits, judge};
use super::environment::{Facts, environment};
use super::expand::expand;
use super::order::{Placed, PlacedPublisher, place};
use super::run::Trouble;
use super::session::{Session, StepCall};
use super::stop::StopWatch;
use super::verdict::Verdict;
use crate::build::BuildEvent;
use crate::catalog::recipe::{Recipe, ShellStep, Step, TimeLimitKind};
use crate::console::Console;
use crate::keeper::{StepId, StepSpec};
use crate::model::{BuildRecord, Cause, Millis, ResultWord, StepEnd, StepRecord, StepState};
use crate::sys::failpoint;

/// The shortest time limit of a build (Jenkins' own floor for its timeout wrapper is three minutes; short ones are for tests).
const LIMIT_MIN: Duration = Duration::from_secs(1);
/// Variables by which processes of this build are found (jjb-T14).
const COOKIE: [&str; 5] = ["BUILD_ID", "BUILD_NUMBER", "BUILD_TAG", "JOB_NAME", super::environment::COOKIE];

/// The steps of one build on its node.
pub(super) struct Steps<'a> {
    context: &'a Context,
    record: &'a BuildRecord,
    recipe: &'a Recipe,
    session: &'a Session,
    console: &'a Console,
    environment: IndexMap<String, String>,
    workspace: String,
    limits: Limits,
}

impl<'a> Steps<'a> {
    /// Prepares to run `recipe` on the session's node.
    pub fn new(
        context: &'a Context,
        record: &'a BuildRecord,
        recipe: &'a Recipe,
        session: &'a Session,
        console: &'a Console,
    ) -> Steps<'a> {
        let lease = session.lease();
        let label = lease.label();
        let node = lease.node();
        let job = &record.request.job;
        let workspace = workspace(lease.workspace_root(), job);
        let mut labels = vec![label.name.clone()];
        labels.extend(label.aliases.iter().cloned());
        let mut node_environment: Vec<_> = super::guard::address(lease).into_iter().collect();
        node_environment.extend(label.environment.iter().cloned());
        let mut facts = Facts {
            record,
            recipe,
            node_environment: &node_environment,
            node_name: node.as_str(),
            node_labels: &labels,
            workspace: &workspace,
            root_url: context.addresses.root(),
            build_url: &context.addresses.build(job, record.number),
            limit_millis: None,
        };
        // The limit may name a variable, and a variable may hold the limit: once without, then with it.
        let limits = limits(recipe, &environment(&facts), context.settings.timeout);
        facts.limit_millis = limits.absolute.map(|limit| limit.as_millis());
        let environment = environment(&facts);
        Steps { context, record, recipe, session, console, environment, workspace, limits }
    }

    /// Runs the builders: the first that fails ends them (jjb-T1), and so do a stop and the time limit (jjb-T2).
    ///
    /// # Errors
    /// When the node is lost.
    pub async fn builders(&mut self, verdict: &mut Verdict, stop: &mut StopWatch) -> Result<(), Trouble> {
        let (builders, _) = place(self.recipe);
        for placed in &builders {
            if verdict.word() > ResultWord::Unstable {
                break;
            }
            if let Some(mark) = stop.mark() {
                verdict.worsen(ResultWord::Aborted, mark.cause);
                break;
            }
            if let Some((word, cause)) = self.step(*placed, self.limits, self.builders_left(), stop).await? {
                verdict.worsen(word, named(cause, stop));
            }
        }
        Ok(())
    }

    /// How much of the build's own time limit is left: it counts from the first step on, over restarts too (pools-D64).
    fn builders_left(&self) -> Option<Duration> {
        let limit = self.limits.absolute?;
        let since = self
            .record
            .steps
            .first()
            .map_or(Duration::ZERO, |first| self.context.builds.now().since(first.started_at));
        Some(limit.saturating_sub(since).max(LIMIT_MIN))
    }

    /// Runs one step, or takes it up, or reads its end from the record; `None` when it ended well.
    ///
    /// # Errors
    /// When the node is lost.
    pub async fn step(
        &self,
        placed: Placed<'_>,
        limits: Limits,
        left: Option<Duration>,
        stop: &mut StopWatch,
    ) -> Result<Option<(ResultWord, Cause)>, Trouble> {
        let shell = match placed.step {
            Step::Shell(shell) => shell,
            // The catalogue offers no job with such a step before it can be run here.
            Step::TriggerBuilds(_) | Step::Conditional(_) => {
                let detail = "a step of a kind that cannot be run yet".to_owned();
                return Ok(Some((ResultWord::ConfigError, Cause::Definition { detail })));
            }
        };
        let title = format!("step {} (shell)", placed.index);
        let end = match self.recorded(placed.index).map(|step| &step.state) {
            Some(StepState::Ended { end, .. }) => end.clone(),
            Some(StepState::Started) | None => {
                self.run(placed.index, &title, shell, limits, left, stop).await?
            }
        };
        Ok(judge(&end, &title, shell, limits))
    }

    fn recorded(&self, index: u32) -> Option<&StepRecord> {
        self.record.steps.iter().find(|step| step.index == index)
    }

    async fn run(
        &self,
        index: u32,
        title: &str,
        shell: &ShellStep,
        limits: Limits,
        left: Option<Duration>,
        stop: &mut StopWatch,
    ) -> Result<StepEnd, Trouble> {
        let console_start = match self.recorded(index) {
            Some(step) => step.console_start,
            None => self.announce(index, title, shell).await?,
        };
        let call = StepCall {
            spec: self.spec(index, shell, limits, left),
            stored: self.console.taken(console_start).await,
            grace: self.context.settings.grace,
        };
        let report = self.session.run(call, self.console, stop).await?;
        let end = StepEnd::from(&report);
        let console_end = self.console.length();
        failpoint::hit("before-status");
        self.tell(BuildEvent::StepEnded { index, end: end.clone(), console_end }).await?;
        failpoint::hit("after-status");
        Ok(end)
    }

    /// Writes the step's line and records it, before its process exists.
    async fn announce(&self, index: u32, title: &str, shell: &ShellStep) -> Result<u64, Trouble> {
        let job = self.record.request.job.base();
        self.say(&format!("[{job}] $ {} # {title}\n", shell.interpreter.join(" "))).await;
        let console_start = self.console.length();
        self.tell(BuildEvent::StepStarted { index, title: title.to_owned(), console_start }).await?;
        Ok(console_start)
    }

    fn spec(&self, index: u32, shell: &ShellStep, limits: Limits, left: Option<Duration>) -> StepSpec {
        let settings = &self.context.settings;
        StepSpec {
            step: StepId(index),
            argv: shell.interpreter.clone(),
            script: Some(shell.script.clone().into_bytes()),
            env: self.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            cwd: self.workspace.clone(),
            absolute: left,
            inactivity: limits.inactivity,
            grace: settings.grace,
            log_limit: settings.log_limit,
            end_at_log_limit: false,
        }
    }

    /// Ends what the builders have left behind, before the publishers (jjb-T1, T14).
    ///
    /// # Errors
    /// When the node is lost.
    pub async fn sweep(&self) -> Result<(), Trouble> {
        let cookie = COOKIE
            .iter()
            .filter_map(|name| self.environment.get(*name).map(|value| format!("{name}={value}")));
        self.session.sweep(cookie.collect(), self.context.settings.grace).await?;
        Ok(())
    }

    /// The publishers with the numbers of their steps.
    pub fn publishers(&self) -> Vec<PlacedPublisher<'a>> {
        place(self.recipe).1
    }

    /// Replaces variables in a text field (jjb-T26).
    pub fn expand(&self, text: &str) -> String {
        expand(text, |name| self.environment.get(name).map(String::as_str))
    }

    /// Tells the build's writer.
    ///
    /// # Errors
    /// When the event does not fit or cannot be stored.
    pub async fn tell(&self, event: BuildEvent) -> Result<(), Trouble> {
        let told = self.context.builds.apply(self.record.id, event).await;
        told.map(|_| ()).map_err(|problem| Trouble::Infrastructure(problem.to_string()))
    }

    /// Writes a line of ours to the console.
    pub async fn say(&self, text: &str) {
        // Only fails when the process ends; the next one cuts off and says again what is not recorded.
        let _ = self.console.append(text.to_owned().into()).await;
    }

    /// The shared parts.
    pub fn context(&self) -> &'a Context {
        self.context
    }

    /// The build as it was when this process took it up.
    pub fn record(&self) -> &'a BuildRecord {
        self.record
    }

    /// The node.
    pub fn session(&self) -> &'a Session {
        self.session
    }

    /// The workspace's path relative to the node's directory, as the keeper's files are named.
    pub fn workspace_below_node(&self) -> PathBuf {
        let directory = self.session.lease().directory();
        Path::new(&self.workspace).strip_prefix(directory).map_or_else(|_| PathBuf::new(), Path::to_path_buf)
    }

    /// The time now.
    pub fn now(&self) -> Millis {
        self.context.builds.now()
    }
}

/// The cause of a stop is who asked for it.
fn named(cause: Cause, stop: &StopWatch) -> Cause {
    match (cause, stop.mark()) {
        (Cause::Stopped { .. }, Some(mark)) => mark.cause,
        (cause, _) => cause,
    }
}

/// The limits in force: the job's own, in minutes (seconds for silence), else the server's. An amount that is no number after
/// its variables are replaced is no limit of the job's.
fn limits(recipe: &Recipe, variables: &IndexMap<String, String>, fallback: Duration) -> Limits {
    let Some(limit) = &recipe.timeout else {
        return Limits { absolute: Some(fallback), ..Limits::default() };
    };
    let text = expand(&limit.amount, |name| variables.get(name).map(String::as_str));
    let amount: Option<f64> =
        text.trim().parse().ok().filter(|amount: &f64| amount.is_finite() && *amount > 0.0);
    let seconds = |factor: f64| amount.and_then(|amount| Duration::try_from_secs_f64(amount * factor).ok());
    match limit.kind {
        TimeLimitKind::Absolute => Limits {
            absolute: Some(seconds(60.0).unwrap_or(fallback)),
            inactivity: None,
            action: Some(limit.action),
        },
        TimeLimitKind::NoActivity => {
            Limits { absolute: Some(fallback), inactivity: seconds(1.0), action: Some(limit.action) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::recipe::{TimeLimit, TimeLimitAction};

    fn with_limit(kind: TimeLimitKind, amount: &str) -> Limits {
        let timeout =
            TimeLimit { kind, amount: amount.into(), action: TimeLimitAction::Fail, variable: None };
        let recipe = Recipe { timeout: Some(timeout), ..Recipe::default() };
        let variables = IndexMap::from([("BUILD_TIMEOUT".to_owned(), "30".to_owned())]);
        limits(&recipe, &variables, Duration::from_secs(9))
    }

    #[test]
    fn jjb_t26_a_limit_may_be_a_variable() {
        let limits = with_limit(TimeLimitKind::Absolute, "${BUILD_TIMEOUT}");
        assert_eq!(limits.absolute, Some(Duration::from_secs(1800)));
        assert_eq!(with_limit(TimeLimitKind::Absolute, "${NOPE}").absolute, Some(Duration::from_secs(9)));
    }

    #[test]
    fn silence_counts_in_seconds() {
        let limits = with_limit(TimeLimitKind::NoActivity, "180");
        assert_eq!(limits.inactivity, Some(Duration::from_secs(180)));
        assert_eq!(limits.absolute, Some(Duration::from_secs(9)));
    }
}
