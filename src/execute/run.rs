//! One build from its acceptance to its end.

use std::sync::Arc;
use std::time::Duration;

use tracing::{Instrument, error, info_span, warn};

use super::context::Context;
use super::disk::watch;
use super::guard::GuardSocket;
use super::order::has_log;
use super::publish::Publishing;
use super::secrets::Bound;
use super::session::Session;
use super::steps::Steps;
use super::stop::StopWatch;
use super::turn::{Turn, Turns};
use super::verdict::Verdict;
use crate::build::BuildEvent;
use crate::catalog::recipe::{Compiled, Recipe};
use crate::console::Console;
use crate::model::{
    BuildId, BuildRecord, Cause, JobName, Origin, Outcome, Precedence, ResultWord, StepState,
};
use crate::pool::{LeaseFailure, PoolError, Priority, Want};

/// Nodes that are tried before an infrastructure failure is told to the client (pools-D62).
const NODES_TRIED: u32 = 3;

/// Why a build ends before its recipe does.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The same would happen again.
    Definition(String),
    /// Not the change's fault.
    Infrastructure(String),
    /// Stopped before it had a node.
    Stopped(Cause),
}

impl From<LeaseFailure> for Trouble {
    fn from(failure: LeaseFailure) -> Trouble {
        match failure {
            LeaseFailure::Definition(text) => Trouble::Definition(text),
            LeaseFailure::Infrastructure(text) => Trouble::Infrastructure(text),
            LeaseFailure::NodeLost(_) => Trouble::Infrastructure(failure.to_string()),
        }
    }
}

impl From<PoolError> for Trouble {
    fn from(failure: PoolError) -> Trouble {
        match failure {
            PoolError::Label(error) => Trouble::Definition(error.to_string()),
            PoolError::Load(_) | PoolError::Ended => Trouble::Infrastructure(failure.to_string()),
        }
    }
}

impl From<Trouble> for Outcome {
    fn from(trouble: Trouble) -> Outcome {
        match trouble {
            Trouble::Definition(detail) => {
                Outcome { result: Some(ResultWord::ConfigError), cause: Cause::Definition { detail } }
            }
            Trouble::Infrastructure(detail) => {
                Outcome { result: None, cause: Cause::Infrastructure { detail } }
            }
            Trouble::Stopped(cause) => Outcome { result: Some(ResultWord::Aborted), cause },
        }
    }
}

/// Runs a build, or takes it up where a former process left it.
pub(super) async fn run(context: Arc<Context>, turns: Arc<Turns>, turn: Option<Turn>, id: BuildId) {
    let Some(record) = context.builds.watch(id) else { return };
    let accepted = Arc::clone(&record.borrow());
    let job = accepted.request.job.clone();
    let span = info_span!("build", build.id = %id, job.name = %job);
    async move {
        let console = match open_console(&context, &accepted).await {
            Ok(console) => console,
            Err(problem) => {
                error!(error = %problem, "the build's console cannot be opened");
                let detail = format!("the build's console cannot be opened: {problem}");
                finish(&context, id, Trouble::Infrastructure(detail).into()).await;
                return;
            }
        };
        let stop = StopWatch::new(record);
        let mut build =
            Build { context: &context, turns: &turns, turn, id, stop, console, session: None, guard: None };
        let outcome = build.carry_out().await;
        if let Some(guard) = build.guard.take() {
            guard.close().await;
        }
        build.say(&format!("{}\nFinished: {}\n", outcome.cause, outcome.word())).await;
        if let Err(problem) = build.console.sync().await {
            warn!(error = %problem, "the console is not on the disk yet");
        }
        build.console.finish();
        finish(&context, id, outcome).await;
        if let Some(session) = build.session.take() {
            session.release().await;
        }
    }
    .instrument(span)
    .await;
}

/// The console, without what a former process wrote after the last moment that is recorded, so that no line stands twice.
async fn open_console(context: &Context, record: &BuildRecord) -> std::io::Result<Console> {
    match record.steps.last().map(|step| &step.state) {
        None => context.consoles.writer_cut(record.id, 0).await,
        Some(StepState::Ended { console_end, .. }) => {
            context.consoles.writer_cut(record.id, *console_end).await
        }
        Some(StepState::Started) => {
            let started = record.steps.last().filter(|step| !logs(record, step.index));
            match started {
                // What it said is said again.
                Some(step) => context.consoles.writer_cut(record.id, step.console_start).await,
                None => context.consoles.writer(record.id).await,
            }
        }
    }
}

/// Whether a step's output comes from the node.
fn logs(record: &BuildRecord, index: u32) -> bool {
    match Compiled::from_text(&record.recipe) {
        Ok(Compiled::Runs(recipe)) => has_log(&recipe, index),
        Ok(Compiled::Refused(_)) | Err(_) => true,
    }
}

async fn finish(context: &Context, id: BuildId, outcome: Outcome) {
    if let Err(problem) = context.builds.apply(id, BuildEvent::Ended(outcome)).await {
        error!(build.id = %id, error = %problem, "the build's end was not recorded");
    }
}

/// A build that is being run.
struct Build<'a> {
    context: &'a Context,
    turns: &'a Turns,
    /// Held until the build's end, when its job runs one build at a time.
    turn: Option<Turn>,
    id: BuildId,
    stop: StopWatch,
    console: Console,
    session: Option<Session>,
    guard: Option<GuardSocket>,
}

impl Build<'_> {
    async fn carry_out(&mut self) -> Outcome {
        match self.whole().await {
            Ok(verdict) => verdict.outcome(),
            Err(trouble) => trouble.into(),
        }
    }

    async fn whole(&mut self) -> Result<Verdict, Trouble> {
        let record = self.record().await?;
        let recipe = match Compiled::from_text(&record.recipe) {
            Ok(Compiled::Runs(recipe)) => *recipe,
            Ok(Compiled::Refused(reason)) => return Err(Trouble::Definition(reason)),
            Err(problem) => {
                return Err(Trouble::Infrastructure(format!("the recipe cannot be read: {problem}")));
            }
        };
        if record.steps.is_empty() {
            self.say(&started_by(&record)).await;
        }
        self.quiet(&record, &recipe).await?;
        if !recipe.concurrent && self.turn.is_none() {
            self.turn = Some(self.turn(&record.request.job).await?);
        }
        let secrets = Bound::gather(&self.context.secrets, &recipe, &record.request.parameters).await?;
        let session = self.node(&record, &recipe).await?;
        self.guard = GuardSocket::open(session.lease(), &self.console, secrets.masks.clone()).await;
        let session = self.session.insert(session);
        let record = self.context.builds.find(self.id).await.ok().flatten().unwrap_or(record);
        let mut steps = Steps::new(self.context, &record, &recipe, session, &self.console, &secrets);
        let mut verdict = Verdict::new();
        tokio::select! {
            done = steps.builders(&mut verdict, &mut self.stop) => done?,
            () = Box::pin(watch(self.context, session.lease().clone(), self.id)) => {}
        }
        // In a box, as everything that is not what a build does most of its time: running a script (perf-M3).
        Box::pin(Publishing::new(steps, self.stop.clone()).run(&mut verdict)).await?;
        Ok(verdict)
    }

    /// Waits for the job's quiet period, which counts from when the build was asked for.
    async fn quiet(&self, record: &BuildRecord, recipe: &Recipe) -> Result<(), Trouble> {
        let asked_by_zuul_or_build = !matches!(record.request.origin, Origin::Http { .. });
        if recipe.quiet_seconds == 0 || asked_by_zuul_or_build || record.lease.is_some() {
            return Ok(());
        }
        let over = record.accepted_at.0 + u64::from(recipe.quiet_seconds) * 1000;
        let left = Duration::from_millis(over.saturating_sub(self.context.builds.now().0));
        self.tell(BuildEvent::Waiting { reason: "the job's quiet period is not over".into() }).await?;
        let mut stop = self.stop.clone();
        tokio::select! {
            () = tokio::time::sleep(left) => Ok(()),
            () = stop.asked() => Err(Trouble::Stopped(stop.mark().map_or(Cause::Finished, |mark| mark.cause))),
        }
    }

    async fn turn(&self, job: &JobName) -> Result<Turn, Trouble> {
        if let Some(turn) = self.turns.take(job) {
            return Ok(turn);
        }
        self.tell(BuildEvent::Waiting { reason: "another build of this job runs".into() }).await?;
        let mut stop = self.stop.clone();
        tokio::select! {
            turn = self.turns.wait(job) => Ok(turn),
            () = stop.asked() => Err(Trouble::Stopped(stop.mark().map_or(Cause::Finished, |mark| mark.cause))),
        }
    }

    async fn record(&self) -> Result<Arc<BuildRecord>, Trouble> {
        let found = self.context.builds.find(self.id).await;
        let found = found.map_err(|problem| Trouble::Infrastructure(problem.to_string()))?;
        found.ok_or_else(|| Trouble::Infrastructure("the build's record is gone".into()))
    }

    /// A node: the one that the build had before a restart, or one from the pool. As long as no step was started, losing one
    /// costs nothing but another try.
    async fn node(&self, record: &BuildRecord, recipe: &Recipe) -> Result<Session, Trouble> {
        if let Some((lease, _)) = record.lease {
            match self.context.pool.resume(self.id, lease).await {
                Ok(lease) => return Ok(Session::new(lease)),
                Err(failure) if !record.steps.is_empty() => return Err(failure.into()),
                Err(failure) => {
                    warn!(error = %failure, "the build's node is gone before its first step; asking for another")
                }
            }
        }
        let mut tried = 0;
        loop {
            tried += 1;
            match self.lease(record, recipe).await {
                Err(Trouble::Infrastructure(detail)) if tried < NODES_TRIED => {
                    self.say(&format!("No node: {detail}. Trying again.\n")).await;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                other => return other,
            }
        }
    }

    async fn lease(&self, record: &BuildRecord, recipe: &Recipe) -> Result<Session, Trouble> {
        let expression = record.request.label.clone().unwrap_or_else(|| recipe.node.clone());
        let beyond = matches!(&record.request.origin, Origin::Build(parent) if parent.waits);
        let priority = priority(record.request.precedence);
        let want = Want { build: self.id, expression, priority, beyond };
        let mut ticket = self.context.pool.request(want).await?;
        let mut reasons = ticket.reason();
        let mut stop = self.stop.clone();
        let lease = loop {
            tokio::select! {
                lease = ticket.lease() => break lease?,
                changed = reasons.changed() => {
                    let reason = reasons.borrow_and_update().clone();
                    if changed.is_ok() && !reason.is_empty() {
                        self.tell(BuildEvent::Waiting { reason }).await?;
                    } else if changed.is_err() {
                        break ticket.lease().await?;
                    }
                }
                () = stop.asked() => {
                    ticket.cancel().await;
                    let cause = stop.mark().map_or(Cause::Finished, |mark| mark.cause);
                    return Err(Trouble::Stopped(cause));
                }
            }
        };
        let (label, directory) = (lease.label(), lease.directory().display().to_string());
        let image = label.image.as_ref().map(|image| format!(", image {image}")).unwrap_or_default();
        self.tell(BuildEvent::Leased { lease: lease.id(), node: lease.node() }).await?;
        let line =
            format!("Building on node {} (label {}{image}) in {directory}\n", lease.node(), label.name);
        self.say(&line).await;
        Ok(Session::new(lease))
    }

    async fn tell(&self, event: BuildEvent) -> Result<(), Trouble> {
        let told = self.context.builds.apply(self.id, event).await;
        told.map(|_| ()).map_err(|problem| Trouble::Infrastructure(problem.to_string()))
    }

    async fn say(&self, text: &str) {
        // Only fails when the process ends; the next one cuts off and says again what is not recorded.
        let _ = self.console.append(text.to_owned().into()).await;
    }
}

fn priority(precedence: Precedence) -> Priority {
    match precedence {
        Precedence::High => Priority::High,
        Precedence::Normal => Priority::Normal,
        Precedence::Low => Priority::Low,
    }
}

/// The console's first line.
fn started_by(record: &BuildRecord) -> String {
    let change = record.request.change();
    match &record.request.origin {
        Origin::Http { user } => format!("Started by {user}\n"),
        Origin::Build(parent) => {
            format!("Started by upstream project \"{}\" build number {}\n", parent.job, parent.number)
        }
        Origin::Gearman { unique } if change.project.is_empty() => {
            format!("Started over Gearman ({unique})\n")
        }
        Origin::Gearman { .. } if change.change.is_empty() => {
            format!("Started by Zuul: {} {} in {}\n", change.project, change.reference, change.pipeline)
        }
        Origin::Gearman { .. } => format!(
            "Started by Zuul: change {},{} of {} in {}\n",
            change.change, change.patch_set, change.project, change.pipeline
        ),
    }
}
