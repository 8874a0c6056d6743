//! One build on a master, from its acceptance to its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{Instrument, error, info_span, warn};

use super::masters::RunContext;
use super::watch::Watched;
use super::{Master, MasterError};
use crate::build::BuildEvent;
use crate::console::Console;
use crate::jenkins::wire::{JobFacts, QueueId, Refusal};
use crate::model::{
    BuildId, BuildRecord, BuildState, Cause, JobName, MasterLog, MasterRun, MasterStep, Outcome,
    ParameterValue, ResultWord, Side,
};
use crate::sys::{Backoff, failpoint};

/// The first pause before a master that does not answer is asked again; doubles up to [`PAUSE_LONGEST`].
pub(super) const PAUSE_FIRST: Duration = Duration::from_millis(200);
/// The longest pause between tries.
pub(super) const PAUSE_LONGEST: Duration = Duration::from_secs(15);
/// Answers that are none of Jenkins' before a build that has not been triggered is given up.
const STRANGE_ANSWERS: u32 = 5;
/// Parameters that are unique for each build, the best first: ours, then Zuul's.
const MARKS: [&str; 2] = ["CAUSEWAY_BUILD", "ZUUL_UUID"];

/// Runs a build, or takes it up where a former process left it.
pub(super) async fn run(context: Arc<RunContext>, id: BuildId) {
    let Some(record) = context.builds.watch(id) else { return };
    let accepted = Arc::clone(&record.borrow());
    let span = info_span!("build", build.id = %id, job.name = %accepted.request.job);
    async move {
        let kept = accepted.master.as_ref().map_or(0, |run| run.log.console_end);
        let outcome = match context.consoles.writer_cut(id, kept).await {
            Ok(console) => with_console(&context, &accepted, record, console).await,
            Err(problem) => lost(format!("the build's console cannot be opened: {problem}")),
        };
        if let Err(problem) = context.builds.apply(id, BuildEvent::Ended(outcome)).await {
            error!(error = %problem, "the build's end was not recorded");
        }
        failpoint::hit("master-after-end");
    }
    .instrument(span)
    .await;
}

async fn with_console(
    context: &RunContext,
    accepted: &BuildRecord,
    record: watch::Receiver<Arc<BuildRecord>>,
    console: Console,
) -> Outcome {
    let place = match accepted.request.route.as_ref().map(|route| &route.side) {
        Some(Side::Master { name, job }) => context.masters.get(name).map(|watched| (watched, job.clone())),
        Some(Side::Pool) | None => None,
    };
    let Some((watched, job)) = place else {
        let outcome =
            refused("the master that its route names is not in 'masters' of the configuration (any more)");
        close(&console, Some(&outcome)).await;
        return outcome;
    };
    let mut build = OnMaster {
        context,
        watched,
        job,
        id: accepted.id,
        record,
        console,
        log_ended: false,
        takes_any: None,
    };
    let outcome = match build.carry_out().await {
        Ok(outcome) | Err(outcome) => outcome,
    };
    build.watched.release(build.id);
    close(&build.console, (!build.log_ended).then_some(&outcome)).await;
    failpoint::hit("master-before-end");
    outcome
}

/// Ends the console; a log of the master that came to its end has its own last line (jenkins-rest 4.3).
async fn close(console: &Console, outcome: Option<&Outcome>) {
    if let Some(outcome) = outcome {
        // Only fails when the process ends; the next one says it again.
        let _ = console.append(format!("{}\nFinished: {}\n", outcome.cause, outcome.word()).into()).await;
    }
    if let Err(problem) = console.sync().await {
        warn!(error = %problem, "the console is not on the disk yet");
    }
    console.finish();
}

/// Not the change's fault.
pub(super) fn lost(detail: impl Into<String>) -> Outcome {
    Outcome { result: None, cause: Cause::Infrastructure { detail: detail.into() } }
}

/// Would end the same way again.
fn refused(detail: impl Into<String>) -> Outcome {
    Outcome { result: Some(ResultWord::ConfigError), cause: Cause::Definition { detail: detail.into() } }
}

/// A build on a master. Functions that end the build before its time return its outcome as their error.
pub(super) struct OnMaster<'a> {
    pub context: &'a RunContext,
    pub watched: Watched,
    /// The job's name on the master.
    pub job: JobName,
    pub id: BuildId,
    record: watch::Receiver<Arc<BuildRecord>>,
    pub console: Console,
    /// The master's log is here to its last line.
    pub log_ended: bool,
    /// Whether the job takes parameters, as long as the answer is fresh.
    pub takes_any: Option<bool>,
}

impl OnMaster<'_> {
    async fn carry_out(&mut self) -> Result<Outcome, Outcome> {
        let stored = self.record.borrow().master.clone();
        // What a former process has begun to ask for may have been carried out.
        let (mut run, mut sure) = match stored {
            Some(run) => (run, false),
            None => (self.prepare().await?, true),
        };
        loop {
            match run.step {
                MasterStep::Asking => self.ask(&mut run, sure).await?,
                MasterStep::Queued { item } => self.wait_in_queue(&mut run, QueueId(item)).await?,
                MasterStep::Started { number, .. } => return self.follow(&mut run, number).await,
            }
            sure = false;
            self.store(&run).await?;
            match run.step {
                MasterStep::Queued { .. } => failpoint::hit("master-queued"),
                MasterStep::Started { .. } => failpoint::hit("master-running"),
                MasterStep::Asking => {}
            }
        }
    }

    pub(super) fn master(&self) -> &dyn Master {
        self.watched.master()
    }

    /// The record of this moment.
    pub(super) fn now(&self) -> Arc<BuildRecord> {
        Arc::clone(&self.record.borrow())
    }

    /// The cause of a stop that was asked for.
    pub(super) fn stop(&self) -> Option<Cause> {
        self.record.borrow().stop.as_ref().map(|mark| mark.cause.clone())
    }

    /// Resolves when a stop is asked for.
    pub(super) async fn stop_asked(&self) {
        let mut record = self.record.clone();
        let gone = record.wait_for(|record| record.stop.is_some()).await.is_err();
        if gone {
            std::future::pending::<()>().await;
        }
    }

    pub(super) fn stopped(&self) -> Outcome {
        let cause = self.stop().unwrap_or(Cause::Stopped { by: "somebody on the master".into() });
        Outcome { result: Some(ResultWord::Aborted), cause }
    }

    /// Stores how far the build is.
    pub(super) async fn store(&self, run: &MasterRun) -> Result<(), Outcome> {
        self.tell(BuildEvent::OnMaster(run.clone())).await
    }

    async fn tell(&self, event: BuildEvent) -> Result<(), Outcome> {
        let told = self.context.builds.apply(self.id, event).await;
        told.map(|_| ()).map_err(|problem| lost(problem.to_string()))
    }

    /// Says what a build that has not started waits for.
    pub(super) async fn waits_for(&self, reason: String) -> Result<(), Outcome> {
        match &self.now().state {
            BuildState::Waiting { reason: known } if *known == reason => Ok(()),
            BuildState::Accepted | BuildState::Waiting { .. } => {
                self.tell(BuildEvent::Waiting { reason }).await
            }
            BuildState::Running | BuildState::Publishing | BuildState::Ended(_) => Ok(()),
        }
    }

    pub(super) async fn say(&self, text: &str) {
        // Only fails when the process ends; the next one cuts off and says again what is not recorded.
        let _ = self.console.append(text.to_owned().into()).await;
    }

    /// A pause that a stop ends.
    pub(super) async fn pause(&self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.stop_asked() => {}
        }
    }

    /// What was passed on, as text, as the plugin does it (zuul 6.4); nulls are left out. Our own mark is the last.
    pub(super) fn parameters(&self) -> Vec<(String, String)> {
        let record = self.now();
        let given = record.request.parameters.0.iter();
        let given =
            given.filter(|parameter| parameter.value != ParameterValue::Null && parameter.name != MARKS[0]);
        let given = given.map(|parameter| (parameter.name.clone(), parameter.value.text().into_owned()));
        given.chain([(MARKS[0].to_owned(), self.id.to_string())]).collect()
    }

    /// Learns what must be known before the trigger, and stores that it is about to be sent.
    async fn prepare(&mut self) -> Result<MasterRun, Outcome> {
        let reason = self.now().request.route.as_ref().map(|route| route.reason.clone()).unwrap_or_default();
        let name = self.watched.name().to_owned();
        self.say(&format!("Runs on the Jenkins master {name} as {}: {reason}\n", self.job)).await;
        let facts = self.facts().await?;
        let parameters = self.parameters();
        self.check(&facts, &parameters).await?;
        self.takes_any = Some(facts.parameters.is_some());
        let defined = facts.parameters.unwrap_or_default();
        let defines = |name: &str| defined.iter().any(|definition| definition.name == name);
        let mark =
            MARKS.iter().find(|mark| defines(mark) && parameters.iter().any(|(name, _)| name == *mark));
        let mark = mark.and_then(|mark| parameters.iter().find(|(name, _)| name == mark)).cloned();
        let items_before = if mark.is_some() { 0 } else { self.newest_item().await? };
        let console_end = self.console.length();
        let run = MasterRun {
            step: MasterStep::Asking,
            mark,
            items_before,
            session: None,
            estimated_ms: None,
            url: None,
            log: MasterLog { next: 0, console_end, carriage_return: false },
        };
        self.store(&run).await?;
        failpoint::hit("master-asking");
        Ok(run)
    }

    pub(super) async fn facts(&self) -> Result<JobFacts, Outcome> {
        self.patiently(|| self.master().job(&self.job)).await
    }

    /// Refuses what the master would refuse, in words that help; says which parameters it will drop (jenkins-rest 7.2).
    async fn check(&self, facts: &JobFacts, parameters: &[(String, String)]) -> Result<(), Outcome> {
        let (job, name) = (&self.job, self.watched.name());
        if !facts.buildable {
            return Err(refused(format!("the job {job} on master {name} is disabled; enable it there")));
        }
        let defined = facts.parameters.as_deref().unwrap_or_default();
        for definition in defined.iter().filter(|definition| !definition.choices.is_empty()) {
            let given = parameters.iter().find(|(given, _)| *given == definition.name);
            if let Some((given, value)) = given.filter(|(_, value)| !definition.choices.contains(value)) {
                let choices = definition.choices.join(", ");
                let text = format!(
                    "'{value}' is no choice of the parameter {given} of {job} on master {name}: {choices}"
                );
                return Err(refused(text));
            }
        }
        let dropped = parameters.iter().map(|(given, _)| given.as_str());
        let dropped: Vec<&str> = dropped
            .filter(|given| *given != MARKS[0] && !defined.iter().any(|definition| definition.name == *given))
            .collect();
        if !dropped.is_empty() {
            let list = dropped.join(", ");
            self.say(&format!(
                "The job does not define these parameters there, so the master drops them: {list}\n"
            ))
            .await;
        }
        Ok(())
    }

    /// The newest item that the master shows: ours will be newer.
    async fn newest_item(&self) -> Result<u64, Outcome> {
        let queue = self.patiently(|| self.master().queue_with_parameters()).await?;
        let recent = self.patiently(|| self.master().recent(&self.job)).await?;
        let builds = recent.iter().filter_map(|build| build.queue_id);
        Ok(queue.iter().map(|item| item.id).chain(builds).map(|id| id.0).max().unwrap_or(0))
    }

    /// Asks something that changes nothing until there is an answer. A master that is down or starting is never an error of a build; a
    /// stop ends the waiting.
    pub(super) async fn patiently<T, F>(&self, question: impl Fn() -> F) -> Result<T, Outcome>
    where
        F: Future<Output = Result<T, MasterError>>,
    {
        let (mut backoff, mut strange) = (Backoff::new(PAUSE_FIRST, PAUSE_LONGEST), 0);
        loop {
            let asked = {
                let _place = self.watched.request().await;
                question().await
            };
            let error = match asked {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match &error {
                MasterError::Refused(refusal) if refusal.is_passing() => {}
                MasterError::Refused(Refusal::NotJenkins { .. } | Refusal::Status { .. })
                | MasterError::Large => {
                    strange += 1;
                    if strange >= STRANGE_ANSWERS {
                        return Err(lost(self.about(&error)));
                    }
                }
                MasterError::Refused(_) => return Err(self.refusal(&error)),
                MasterError::Unreachable(_) | MasterError::Lost(_) => {}
            }
            if self.stop().is_some() {
                return Err(self.stopped());
            }
            self.waits_for(self.about(&error)).await?;
            self.pause(backoff.pause()).await;
        }
    }

    fn about(&self, error: &MasterError) -> String {
        format!("master {}: {error}", self.watched.name())
    }

    /// What a refusal of the master means for the build: the same would happen again, and what to do about it.
    pub(super) fn refusal(&self, error: &MasterError) -> Outcome {
        let cure = match error {
            MasterError::Refused(Refusal::NotFound) => {
                format!("see that the job {} is there and that the user has Job/Read", self.job)
            }
            MasterError::Refused(Refusal::NotBuildable) => "enable the job there, or save it once".to_owned(),
            MasterError::Refused(Refusal::NotAllowed { .. }) => {
                "give the user Job/Read, Job/Build and Job/Cancel".to_owned()
            }
            MasterError::Refused(Refusal::WrongLogin | Refusal::LoginNeeded | Refusal::CrumbNeeded) => {
                "put the user and the API token of the master into 'masters'".to_owned()
            }
            _ => "`causeway master check` says more".to_owned(),
        };
        refused(format!("{}; {cure}", self.about(error)))
    }
}
