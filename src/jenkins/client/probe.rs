//! Everything that is needed of a master before a job of it may be moved, looked at without changing anything.

use super::{Master, MasterError};
use crate::jenkins::wire::{JobFacts, Refusal};
use crate::model::JobName;

/// Jobs whose right to build is tried: one that answers is enough.
const TRIED_AT_MOST: usize = 20;

/// What was found out about a master. What could not be asked is `None`.
#[derive(Debug, Clone, Default)]
pub struct Probe {
    /// Its version.
    pub version: Option<String>,
    /// Its present start (changes when it is restarted).
    pub session: Option<String>,
    /// Who it takes us for.
    pub user: Option<String>,
    /// How many jobs the user sees.
    pub jobs: Option<usize>,
    /// Its clock, as it says it (an HTTP date).
    pub date: Option<String>,
    /// What stands in the way, worst first.
    pub findings: Vec<Finding>,
}

impl Probe {
    /// Whether nothing stands in the way.
    pub fn is_usable(&self) -> bool {
        self.findings.iter().all(|finding| !finding.is_error)
    }

    fn stop(mut self, code: &'static str, message: impl Into<String>, cure: &str) -> Probe {
        self.error(code, message, cure);
        self
    }

    fn error(&mut self, code: &'static str, message: impl Into<String>, cure: &str) {
        self.findings.push(Finding { code, message: message.into(), cure: cure.to_owned(), is_error: true });
    }

    fn note(&mut self, code: &'static str, message: impl Into<String>, cure: &str) {
        self.findings.push(Finding { code, message: message.into(), cure: cure.to_owned(), is_error: false });
    }
}

/// One thing that a person should know or do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A word for programs.
    pub code: &'static str,
    /// What is so.
    pub message: String,
    /// What to do.
    pub cure: String,
    /// Builds cannot be run there as it is.
    pub is_error: bool,
}

/// Looks at a master: reachable, version, login, jobs seen, the right to build, quiet mode, crumbs (jenkins-rest 7.1).
pub async fn probe(master: &Master) -> Probe {
    let mut probe = Probe::default();
    let root = match master.root().await {
        Ok(root) => root,
        Err(error) => return unusable(probe, &error),
    };
    probe.version = Some(root.version);
    probe.session = root.session;
    probe.date = root.date;
    if root.quieting_down {
        probe.note(
            "quiet",
            "the master is about to shut down: it takes triggers and starts nothing",
            "wait, or cancel its quiet mode",
        );
    }
    match master.identity().await {
        Ok(identity) if identity.anonymous => {
            probe.error(
                "anonymous",
                "the master takes us for anonymous",
                "set 'user' and 'token' of the master",
            );
        }
        Ok(identity) => probe.user = Some(identity.name),
        Err(error) => return unusable(probe, &error),
    }
    match master.jobs().await {
        Ok(jobs) => {
            probe.jobs = Some(jobs.len());
            look_at_jobs(master, &jobs, &mut probe).await;
        }
        Err(error) => return unusable(probe, &error),
    }
    probe.findings.sort_by_key(|finding| !finding.is_error);
    probe
}

async fn look_at_jobs(master: &Master, jobs: &[JobName], probe: &mut Probe) {
    if jobs.is_empty() {
        probe.error("no-jobs", "the user sees no job", "give the user Job/Read");
        return;
    }
    let mut names: Vec<&str> = jobs.iter().map(JobName::base).collect();
    names.sort_unstable();
    let mut doubled: Vec<&str> = names.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0]).collect();
    doubled.dedup();
    if !doubled.is_empty() {
        // jenkins-rest 12: jobs in folders are registered by their short names.
        let message = format!("jobs in several folders have one short name: {}", some(&doubled));
        probe.note(
            "doubled-name",
            message,
            "the Gearman plugin cannot tell them apart: run them by REST, by their full names",
        );
    }
    match right_to_build(master, jobs).await {
        Some(Ok(())) => {}
        Some(Err(Refusal::NotAllowed { permission })) => {
            let message = format!("the user lacks the right {permission}");
            probe.error("no-right", message, "give the user Job/Build and Job/Cancel");
        }
        Some(Err(refusal)) => {
            probe.error("no-right", refusal.to_string(), "give the user Job/Build and Job/Cancel")
        }
        None => probe.note(
            "right-not-tried",
            "no job defines parameters, so the right to build could not be tried without starting a build",
            "see that the user has Job/Build and Job/Cancel",
        ),
    }
}

/// Tries the right to build without starting anything: a trigger without a form is refused by a job that has parameters, but
/// only after the right was looked at (jenkins-rest 3.1). `None`: no such job was found.
async fn right_to_build(master: &Master, jobs: &[JobName]) -> Option<Result<(), Refusal>> {
    for job in jobs.iter().take(TRIED_AT_MOST) {
        let facts: Option<JobFacts> = master.job(job).await.ok();
        if !facts
            .is_some_and(|facts| facts.buildable && facts.parameters.is_some_and(|list| !list.is_empty()))
        {
            continue;
        }
        return match master.trigger_without_form(job).await {
            Err(MasterError::Refused(Refusal::Malformed { .. })) => Some(Ok(())),
            Err(MasterError::Refused(refusal)) => Some(Err(refusal)),
            Ok(()) | Err(_) => None,
        };
    }
    None
}

/// A few names of many.
fn some(names: &[&str]) -> String {
    let shown = names.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 5 { format!("{shown} and {} more", names.len() - 5) } else { shown }
}

/// A master that cannot be used at all, and what to do about it.
fn unusable(probe: Probe, error: &MasterError) -> Probe {
    let (code, cure) = match error {
        MasterError::Unreachable(_) => {
            ("unreachable", "see that the master runs and that 'url' is its address as seen from here")
        }
        MasterError::Lost(_) => {
            ("no-answer", "see that the master is well, or give it more time with 'timeout'")
        }
        MasterError::Large => ("too-large", "see what answers at this address"),
        MasterError::Refused(Refusal::WrongLogin) => (
            "wrong-login",
            "make an API token for the user on its page of the master, and put it where 'token' points",
        ),
        MasterError::Refused(Refusal::LoginNeeded) => {
            ("login-needed", "set 'user' and 'token' of the master")
        }
        MasterError::Refused(Refusal::NotAllowed { .. }) => {
            ("no-right", "give the user Overall/Read and Job/Read")
        }
        MasterError::Refused(Refusal::Starting) => ("starting", "wait until it has started"),
        MasterError::Refused(Refusal::NotFound) => {
            ("not-found", "see that 'url' has the master's path prefix, such as /jenkins/")
        }
        MasterError::Refused(_) => {
            ("not-jenkins", "see that 'url' is the address of a Jenkins master, with its path prefix")
        }
    };
    probe.stop(code, error.to_string(), cure)
}
