//! One build of a job at a time, where the job says so (`concurrent: false`; jjb section 23): a queue of one, in order of arrival.

use std::sync::Arc;

use dashmap::DashMap;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::model::JobName;

/// The turn of a build; the next one of the job comes when it is dropped.
pub(super) type Turn = OwnedMutexGuard<()>;

/// The turns of all jobs.
#[derive(Default)]
pub(super) struct Turns {
    /// tokio's mutex wakes those who wait in the order in which they came.
    jobs: DashMap<JobName, Arc<Mutex<()>>>,
}

impl Turns {
    /// Waits for the job's turn.
    pub async fn wait(&self, job: &JobName) -> Turn {
        let job = self.job(job);
        job.lock_owned().await
    }

    /// Takes the turn if nobody has it: for a build that was running when the former process ended.
    pub fn take(&self, job: &JobName) -> Option<Turn> {
        self.job(job).try_lock_owned().ok()
    }

    fn job(&self, job: &JobName) -> Arc<Mutex<()>> {
        Arc::clone(&self.jobs.entry(job.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jjb_23_one_at_a_time_and_jobs_apart() {
        let turns = Turns::default();
        let (unit, lint): (JobName, JobName) = ("unit".parse().unwrap(), "lint".parse().unwrap());
        let first = turns.wait(&unit).await;
        assert!(turns.take(&unit).is_none());
        assert!(turns.take(&lint).is_some());
        drop(first);
        assert!(turns.take(&unit).is_some());
    }
}
