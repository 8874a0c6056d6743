//! One assignment of a `build:` function, from the queue to its one end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tracing::{info, warn};

use super::Feed;
use crate::build::{Accepted, Refusal};
use crate::catalog::recipe::Compiled;
use crate::gearman::packet::Level;
use crate::gearman::server::{Command, Handle};
use crate::model::{BuildRecord, BuildRequest, JobName, Origin, Parameters, Precedence, Route, Side, Stage};
use crate::route::Asked;
use crate::zuul::wire::{Ended, Started, parse_parameters};

/// The pause between tries to record a build while the store is full (decision 16).
const RECORD_AGAIN: Duration = Duration::from_secs(1);

/// A job that the queue has handed to us.
#[derive(Debug, Clone)]
pub(super) struct Assignment {
    /// Its handle.
    pub handle: Handle,
    /// The function that it was submitted to.
    pub function: Bytes,
    /// What its client calls it.
    pub unique: Bytes,
    /// Its arguments.
    pub data: Bytes,
    /// How urgent it is.
    pub level: Level,
    /// Whether it takes room in the house.
    pub bounded: bool,
}

impl Feed {
    /// Accepts a build, announces it, follows it and tells its end.
    pub(super) async fn build(self: Arc<Self>, assignment: Assignment) {
        let handle = assignment.handle.clone();
        match self.accept(&assignment).await {
            Some(accepted) => self.follow(&handle, accepted).await,
            None => self.send(Command::Fail { handle: handle.clone() }).await,
        }
        self.assigned.remove(&handle);
        self.cancelled.remove(&handle);
        if assignment.bounded {
            self.room.leave(assignment.function).await;
        }
    }

    /// Records the build, waiting while the store cannot take it: until then it can still be cancelled in the gap.
    async fn accept(self: &Arc<Self>, assignment: &Assignment) -> Option<Accepted> {
        let (request, compiled, floor) = self.compile(assignment)?;
        let recipe: Arc<str> = compiled.to_text().into();
        let mut paused = false;
        let accepted = loop {
            match self.builds.submit(request.clone(), Arc::clone(&recipe), floor).await {
                Ok(accepted) => break Some(accepted),
                Err(Refusal::Store(problem)) if problem.is_retryable() => {
                    if !paused {
                        warn!(error = %problem, "the store takes no new builds; own jobs stay queued");
                        self.send(Command::PauseLocal(true)).await;
                        paused = true;
                    }
                    if self.cancelled.contains(&assignment.handle) {
                        break None;
                    }
                    tokio::time::sleep(RECORD_AGAIN).await;
                }
                Err(problem) => {
                    warn!(error = %problem, "build refused");
                    break None;
                }
            }
        };
        if paused {
            self.send(Command::PauseLocal(false)).await;
        }
        accepted
    }

    /// What to run, or why it can only be refused: parameters that are none, a job that we do not know or cannot run.
    fn compile(&self, assignment: &Assignment) -> Option<(BuildRequest, Compiled, u64)> {
        let name = std::str::from_utf8(&assignment.function).ok()?.strip_prefix("build:")?;
        let (job, label) = split_label(name, |job| self.router.knows(job));
        let Ok(job) = job.parse::<JobName>() else {
            warn!(gearman.function = %name, "a function of ours names no job");
            return None;
        };
        let (parameters, refusal) = match parse_parameters(&assignment.data) {
            Ok(parameters) => (parameters, None),
            Err(problem) => (Parameters::default(), Some(problem.to_string())),
        };
        let mut request = BuildRequest {
            route: None,
            job,
            label: label.map(str::to_owned),
            parameters,
            precedence: precedence(assignment.level),
            origin: Origin::Gearman { unique: String::from_utf8_lossy(&assignment.unique).into_owned() },
        };
        let planned = self.router.plan(&Asked::of(&request));
        // What cannot even be read is refused here, whichever side it would go to.
        request.route = match &refusal {
            Some(_) => Some(Route {
                stage: Stage::Pool,
                side: Side::Pool,
                reason: "its arguments cannot be read".to_owned(),
            }),
            None => planned.route,
        };
        let compiled = match refusal {
            Some(reason) => Compiled::Refused(reason),
            None => planned.recipe,
        };
        let floor = planned.floor;
        Some((request, compiled, floor))
    }

    async fn follow(&self, handle: &Handle, accepted: Accepted) {
        self.assigned.insert(handle.clone(), accepted.id);
        let mut record = accepted.record;
        let request = record.borrow().request.clone();
        let url = self.addresses.build(&request.job, accepted.number);
        info!(build.id = %accepted.id, gearman.handle = %handle, job.name = %request.job, build.number = accepted.number, "assignment became a build");
        if self.cancelled.contains(handle) {
            self.stop_build(accepted.id, "Zuul, before the build was announced").await;
        } else {
            let first = self.started(&request.job, accepted.number, &url);
            self.send(Command::Data { handle: handle.clone(), data: first.to_json().into() }).await;
            self.send(Command::Status { handle: handle.clone(), numerator: 0, denominator: 100 }).await;
        }
        self.tell_estimate(handle, &mut record).await;
        let ended = record
            .wait_for(|record| record.state.outcome().is_some())
            .await
            .map(|record| Arc::clone(&record));
        // An error means that the writer of builds is gone: the process ends, and the next one finds the build again.
        if let Ok(record) = ended {
            self.tell_end(handle, &record, &url).await;
        }
    }

    /// What a master thinks its build takes, as the plugin says it: elapsed and estimated milliseconds (zuul 6.4).
    async fn tell_estimate(&self, handle: &Handle, record: &mut watch::Receiver<Arc<BuildRecord>>) {
        let estimate = |record: &BuildRecord| record.master.as_ref().and_then(|run| run.estimated_ms);
        let on_master = record.borrow().request.route.as_ref().is_some_and(Route::is_on_master);
        if !on_master || self.cancelled.contains(handle) {
            return;
        }
        let known =
            record.wait_for(|record| record.state.outcome().is_some() || estimate(record).is_some()).await;
        let Ok(Some((estimated, started))) =
            known.map(|record| estimate(&record).map(|estimated| (estimated, record.started_at)))
        else {
            return;
        };
        let elapsed = started.map_or(0, |started| self.builds.now().since(started).as_millis());
        let short = |millis: u128| u32::try_from(millis).unwrap_or(u32::MAX);
        self.send(Command::Status {
            handle: handle.clone(),
            numerator: short(elapsed).into(),
            denominator: short(u128::from(estimated)).into(),
        })
        .await;
    }

    async fn tell_end(&self, handle: &Handle, record: &BuildRecord, url: &str) {
        let node = record.lease.map(|(_, node)| node.to_string());
        let started =
            Started { node_name: node.as_deref(), ..self.started(&record.request.job, record.number, url) };
        let result = record.state.outcome().and_then(|outcome| outcome.result);
        let data = Ended { started, result }.to_json().into();
        self.send(Command::Complete { handle: handle.clone(), data }).await;
    }

    fn started<'a>(&'a self, job: &'a JobName, number: u64, url: &'a str) -> Started<'a> {
        Started {
            name: job.as_str(),
            number,
            url,
            worker: &self.facts,
            worker_name: &self.facts.manager,
            node_name: None,
            node_labels: &[],
        }
    }
}

fn precedence(level: Level) -> Precedence {
    match level {
        Level::High => Precedence::High,
        Level::Normal => Precedence::Normal,
        Level::Low => Precedence::Low,
    }
}

/// `JOB` or `JOB:LABEL`: the longest front part that is a job is the job, since names of jobs may hold colons. When none is, the
/// whole text is the job and its refusal says so.
fn split_label(name: &str, known: impl Fn(&str) -> bool) -> (&str, Option<&str>) {
    let mut end = name.len();
    loop {
        if known(&name[..end]) {
            return (&name[..end], name.get(end + 1..));
        }
        match name[..end].rfind(':') {
            Some(colon) => end = colon,
            None => return (name, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_known_job_is_the_job() {
        let known = |job: &str| ["unit", "odd:job"].contains(&job);
        assert_eq!(split_label("unit", known), ("unit", None));
        assert_eq!(split_label("unit:docker", known), ("unit", Some("docker")));
        assert_eq!(split_label("odd:job", known), ("odd:job", None));
        assert_eq!(split_label("odd:job:a:b", known), ("odd:job", Some("a:b")));
        assert_eq!(split_label("nope:x", known), ("nope:x", None));
    }
}
