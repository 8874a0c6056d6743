//! The `trigger-builds` builder (jjb 23): builds that a build starts, waited for or not.
//!
//! Each has an id made of its parent's, of the step, and of its place in the step, and is recorded under that before anything
//! else happens: after a crash at any point the same step asks again, and finds what it started. A build that waits keeps its
//! node; those that it waits for get nodes beyond the limits (`Want::beyond`), so that waiting builds cannot block each other.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tracing::warn;

use super::ending::judge;
use super::inject::Unread;
use super::limits::Span;
use super::run::Trouble;
use super::steps::Steps;
use super::stop::StopWatch;
use super::verdict::Effect;
use crate::build::{Accepted, Refusal};
use crate::catalog::recipe::{BuildStart, PassedParameters, Thresholds, TriggerBuilds};
use crate::model::{
    BuildId, BuildRecord, BuildRequest, Cause, JobName, Millis, Origin, Outcome, Parameter, ParameterValue,
    Parameters, Parent, ResultWord, StepEnd, StepState,
};
use crate::sys::failpoint;

/// Builds that start builds that start builds: more is a mistake that would never end.
const GENERATIONS_MAX: usize = 16;
/// The pause between tries to record a build while the store is full (decision 16).
const RECORD_AGAIN: Duration = Duration::from_secs(1);

/// One build that a start asks for.
struct Target {
    /// Its id, whether it was started or not.
    id: BuildId,
    /// The job's name as it is after its variables were replaced.
    name: String,
}

/// Why no parameters can be passed on.
enum NotPassed {
    /// A file that has to be there is not.
    Missing(String),
    /// They must not be passed on, or cannot be read.
    Refused(String),
}

/// Whether a start does nothing, and is no failure, when a file is missing.
fn may_be_missing(start: &BuildStart) -> bool {
    let required =
        |passed: &PassedParameters| matches!(passed, PassedParameters::Files { required: true, .. });
    start.parameters.iter().any(required)
}

/// How a wait ended.
enum Waited {
    /// The build has ended.
    Over(Arc<BuildRecord>),
    /// The one that waits is to end.
    Given(StepEnd),
}

impl Steps<'_> {
    /// Starts builds, and waits for those of each start that says so before the next one.
    ///
    /// # Errors
    /// When nothing can be recorded.
    pub async fn trigger(
        &self,
        index: u32,
        what: &str,
        trigger: &TriggerBuilds,
        span: Span,
        stop: &mut StopWatch,
    ) -> Result<Option<Effect>, Trouble> {
        let title = format!("step {index} ({what})");
        let step = match self.recorded(index) {
            Some(step) => step.clone(),
            None => self.announce(index, &title).await?,
        };
        match &step.state {
            StepState::Ended { end: StepEnd::Exit(_), .. } => {
                self.remembered(index, step.started_at, trigger).await
            }
            StepState::Ended { end, .. } => Ok(judge(end, &title, None, span.limits)),
            StepState::Started => {
                failpoint::hit("before-trigger");
                let (end, effect) = self.start_all(index, step.started_at, trigger, span, stop).await?;
                failpoint::hit("after-trigger");
                self.ended(index, end.clone()).await?;
                Ok(match end {
                    StepEnd::Exit(_) => effect,
                    other => judge(&other, &title, None, span.limits),
                })
            }
        }
    }

    async fn start_all(
        &self,
        index: u32,
        at: Millis,
        trigger: &TriggerBuilds,
        span: Span,
        stop: &mut StopWatch,
    ) -> Result<(StepEnd, Option<Effect>), Trouble> {
        let mut effect = None;
        for (place, start) in trigger.starts.iter().enumerate() {
            let mut started = Vec::new();
            for target in self.targets(index, at, place, start) {
                match self.start(&target, start, stop).await? {
                    Ok(Some(accepted)) => started.push((target, accepted)),
                    Ok(None) => {}
                    Err(reason) => {
                        self.say(&format!("{} was not started: {reason}\n", target.name)).await;
                        add(&mut effect, Some(not_started(&target.name, &reason)));
                    }
                }
            }
            let Some(thresholds) = &start.wait else { continue };
            for (target, accepted) in started {
                match self.wait(accepted, span, stop).await {
                    Waited::Given(end) => {
                        self.say(&format!("{} goes on by itself\n", target.name)).await;
                        return Ok((end, effect));
                    }
                    Waited::Over(record) => {
                        let word = record.state.outcome().and_then(|outcome| outcome.result);
                        let word = word.map_or("no result", ResultWord::as_str);
                        self.say(&format!("{} #{} ended: {word}\n", target.name, record.number)).await;
                        add(&mut effect, counted(&record, thresholds));
                    }
                }
            }
        }
        let failed = effect.as_ref().is_some_and(|effect: &Effect| effect.ends);
        Ok((StepEnd::Exit(i32::from(failed)), effect))
    }

    /// What a step that ended before a restart did to the build: its builds' results do not change any more.
    async fn remembered(
        &self,
        index: u32,
        at: Millis,
        trigger: &TriggerBuilds,
    ) -> Result<Option<Effect>, Trouble> {
        let mut effect = None;
        for (place, start) in trigger.starts.iter().enumerate() {
            for target in self.targets(index, at, place, start) {
                let found = self.context().builds.find(target.id).await;
                let found = found.map_err(|problem| Trouble::Infrastructure(problem.to_string()))?;
                add(
                    &mut effect,
                    match (found, &start.wait) {
                        (None, _) if may_be_missing(start) => None,
                        (None, _) => Some(not_started(&target.name, "the console says why")),
                        (Some(record), Some(thresholds)) => counted(&record, thresholds),
                        (Some(_), None) => None,
                    },
                );
            }
        }
        Ok(effect)
    }

    /// The builds that a start asks for.
    fn targets(&self, index: u32, at: Millis, start: usize, wanted: &BuildStart) -> Vec<Target> {
        let names = wanted.jobs.iter().flat_map(|job| {
            let names = self.expand(job);
            names.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>()
        });
        let target = |(place, name): (usize, String)| {
            let parent = self.record().id;
            let digest = Sha256::digest(format!("{parent} {index} {start} {place}"));
            let random = digest.iter().take(5).fold(0, |bits, byte| bits << 8 | u64::from(*byte));
            Target { id: BuildId::new(at.0, random), name }
        };
        names.filter(|name| !name.is_empty()).enumerate().map(target).collect()
    }

    /// Starts one build, or finds it started; or says why it cannot be.
    async fn start(
        &self,
        target: &Target,
        start: &BuildStart,
        stop: &StopWatch,
    ) -> Result<Result<Option<Accepted>, String>, Trouble> {
        let builds = &self.context().builds;
        let catalog = self.context().catalog.current();
        let Ok(job) = target.name.parse::<JobName>() else {
            return Ok(Err("that is no name of a job".to_owned()));
        };
        let known = builds.find(target.id).await;
        let known = known.map_err(|problem| Trouble::Infrastructure(problem.to_string()))?.is_some();
        if !known {
            if !catalog.owns(&job) {
                let cure = "add it to 'catalog.own', or do without the start";
                return Ok(Err(format!("no job of that name is Causeway's; {cure}")));
            }
            if let Some(reason) = self.too_many_generations(&job, start.wait.is_some()).await? {
                return Ok(Err(reason));
            }
        }
        let parameters = match self.passed(&start.parameters).await? {
            Ok(parameters) => parameters,
            Err(NotPassed::Missing(path)) => {
                // As in Jenkins: nothing is started, and nothing fails.
                self.say(&format!("{} is not started: there is no file '{path}'\n", target.name)).await;
                return Ok(Ok(None));
            }
            Err(NotPassed::Refused(reason)) => return Ok(Err(reason)),
        };
        let own = &self.record().request;
        let origin = Origin::Build(Parent {
            id: self.record().id,
            job: own.job.clone(),
            number: self.record().number,
            waits: start.wait.is_some(),
        });
        let (job_name, precedence) = (job.clone(), own.precedence);
        let request = BuildRequest { job, label: None, parameters, precedence, origin, route: None };
        let recipe: Arc<str> = catalog.compiled(&job_name).to_text().into();
        let floor = catalog.first_number(&job_name);
        loop {
            let asked = builds.submit_once(target.id, request.clone(), Arc::clone(&recipe), floor).await;
            match asked {
                Ok(accepted) => {
                    let url = self.context().addresses.build(&job_name, accepted.number);
                    let waits = if start.wait.is_some() { ", waiting for its end" } else { "" };
                    self.say(&format!("Started {job_name} #{}: {url}{waits}\n", accepted.number)).await;
                    failpoint::hit("after-start");
                    return Ok(Ok(Some(accepted)));
                }
                Err(Refusal::Store(problem)) if problem.is_retryable() && stop.mark().is_none() => {
                    warn!(error = %problem, job.name = %job_name, "a build cannot be recorded yet; trying again");
                    tokio::time::sleep(RECORD_AGAIN).await;
                }
                Err(refusal) => return Ok(Err(refusal.to_string())),
            }
        }
    }

    /// Why a build would be started in a circle: one that waits for itself, or a chain without end.
    async fn too_many_generations(&self, job: &JobName, waits: bool) -> Result<Option<String>, Trouble> {
        let mut generation = (self.record().request.clone(), 0);
        loop {
            let (request, count) = generation;
            if waits && request.job == *job {
                return Ok(Some(format!("a build of {job} waits for this one already")));
            }
            let Origin::Build(parent) = &request.origin else { return Ok(None) };
            if count >= GENERATIONS_MAX {
                return Ok(Some(format!("more than {GENERATIONS_MAX} builds have started each other")));
            }
            // Who does not wait is no part of a circle that stands still, but of a chain.
            let found = self.context().builds.find(parent.id).await;
            let found = found.map_err(|problem| Trouble::Infrastructure(problem.to_string()))?;
            let Some(record) = found else { return Ok(None) };
            generation = (record.request.clone(), count + 1);
        }
    }

    /// The parameters of a started build; a later value of a name wins.
    async fn passed(&self, passed: &[PassedParameters]) -> Result<Result<Parameters, NotPassed>, Trouble> {
        let mut all: Vec<Parameter> = Vec::new();
        let mut set =
            |name: &str, value: ParameterValue| match all.iter_mut().find(|known| known.name == name) {
                Some(known) => known.value = value,
                None => all.push(Parameter { name: name.to_owned(), value }),
            };
        for passed in passed {
            match passed {
                PassedParameters::Current => {
                    for parameter in &self.record().request.parameters.0 {
                        set(&parameter.name, parameter.value.clone());
                    }
                }
                PassedParameters::Predefined(pairs) => {
                    for (name, value) in pairs {
                        match self.without_credentials(name, value) {
                            Ok(value) => set(name, ParameterValue::Text(value)),
                            Err(reason) => return Ok(Err(NotPassed::Refused(reason))),
                        }
                    }
                }
                PassedParameters::Files { paths, required } => {
                    let paths = self.expand(paths);
                    for path in paths.split(',').map(str::trim).filter(|path| !path.is_empty()) {
                        match self.properties_file(path).await? {
                            Ok(pairs) => {
                                for (name, value) in pairs {
                                    match self.without_credentials(&name, &value) {
                                        Ok(value) => set(&name, ParameterValue::Text(value)),
                                        Err(reason) => return Ok(Err(NotPassed::Refused(reason))),
                                    }
                                }
                            }
                            Err(Unread::Missing) if *required => {
                                return Ok(Err(NotPassed::Missing(path.to_owned())));
                            }
                            Err(Unread::Missing) => {
                                self.say(&format!("There is no file '{path}'; going on without it\n")).await;
                            }
                            Err(Unread::Refused(reason)) => return Ok(Err(NotPassed::Refused(reason))),
                        }
                    }
                }
            }
        }
        Ok(Ok(Parameters(all)))
    }

    /// A value to be passed on. Parameters are kept and shown; credentials are not (pools-D91).
    fn without_credentials(&self, name: &str, value: &str) -> Result<String, String> {
        let value = self.expand(value);
        if self.secrets().credentials.found_in(&value) {
            return Err(format!(
                "its parameter {name} would hold a credential; bind the credential in that job"
            ));
        }
        Ok(value)
    }

    async fn wait(&self, mut accepted: Accepted, span: Span, stop: &mut StopWatch) -> Waited {
        let left = span.left(self.now());
        let limit = async {
            match left {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        };
        let ended = async {
            let ended = accepted.record.wait_for(|record| record.state.outcome().is_some()).await;
            let ended = ended.map(|record| Arc::clone(&record)).ok();
            match ended {
                Some(record) => record,
                // The writer of builds is gone, and with it the process; the next one waits again.
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            record = ended => Waited::Over(record),
            () = stop.asked() => Waited::Given(StepEnd::Stopped),
            () = limit => Waited::Given(StepEnd::Timeout),
        }
    }
}

fn add(effect: &mut Option<Effect>, next: Option<Effect>) {
    *effect = match (effect.take(), next) {
        (Some(before), Some(next)) => Some(before.and(next)),
        (before, next) => before.or(next),
    };
}

fn not_started(name: &str, reason: &str) -> Effect {
    let detail = format!("{name} was not started: {reason}");
    Effect::of(ResultWord::Failure, Cause::Publisher { name: "trigger-builds".to_owned(), detail })
}

/// How the result of a build that was waited for counts.
fn counted(record: &BuildRecord, thresholds: &Thresholds) -> Option<Effect> {
    let outcome = record.state.outcome()?;
    let (job, number) = (&record.request.job, record.number);
    let Outcome { result, .. } = outcome;
    let (word, cause) = match result {
        Some(word) => {
            let detail = format!("{job} #{number} ended with {word}");
            (*word, Cause::Publisher { name: "trigger-builds".to_owned(), detail })
        }
        // Not the change's fault: then it is not this build's either.
        None => {
            let detail = format!("{job} #{number}, which was waited for: {}", outcome.cause);
            (ResultWord::Failure, Cause::Infrastructure { detail })
        }
    };
    let reached = |threshold: &Option<String>| {
        threshold.as_deref().and_then(ResultWord::from_text).is_some_and(|threshold| word >= threshold)
    };
    let ends = reached(&thresholds.step_failure);
    if ends || reached(&thresholds.failure) {
        Some(Effect { ends, ..Effect::of(ResultWord::Failure, cause) })
    } else if reached(&thresholds.unstable) {
        Some(Effect::of(ResultWord::Unstable, cause))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::testing::record;
    use crate::model::BuildState;

    fn thresholds(step: &str, unstable: &str, failure: &str) -> Thresholds {
        let threshold = |word: &str| (word != "never").then(|| word.to_owned());
        Thresholds {
            step_failure: threshold(step),
            unstable: threshold(unstable),
            failure: threshold(failure),
        }
    }

    fn effect(result: Option<ResultWord>, thresholds: &Thresholds) -> Option<(ResultWord, bool)> {
        let mut record = record("lint");
        let cause = Cause::Infrastructure { detail: "the node was lost".into() };
        record.state = BuildState::Ended(Outcome { result, cause });
        counted(&record, thresholds).map(|effect| (effect.word, effect.ends))
    }

    #[test]
    fn jjb_23_results_count_by_thresholds() {
        use ResultWord::{Aborted, Failure, Success, Unstable};
        let default = thresholds("FAILURE", "UNSTABLE", "FAILURE");
        assert_eq!(effect(Some(Success), &default), None);
        assert_eq!(effect(Some(Unstable), &default), Some((Unstable, false)));
        assert_eq!(effect(Some(Failure), &default), Some((Failure, true)));
        assert_eq!(effect(Some(Aborted), &default), Some((Failure, true)));
        assert_eq!(effect(None, &default), Some((Failure, true)));
        let never = thresholds("never", "never", "never");
        assert_eq!(effect(Some(Failure), &never), None);
        assert_eq!(effect(None, &never), None);
        let only_result = thresholds("never", "UNSTABLE", "FAILURE");
        assert_eq!(effect(Some(Failure), &only_result), Some((Failure, false)));
        assert_eq!(effect(Some(Unstable), &thresholds("UNSTABLE", "never", "never")), Some((Failure, true)));
    }
}
