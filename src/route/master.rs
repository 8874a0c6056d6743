//! What a master is asked for, in the words of its wire.

use async_trait::async_trait;

use crate::jenkins::wire::{
    BuildFacts, JobFacts, LogPart, QueueId, QueueItem, RecentBuild, Refusal, RunningBuild, WaitingItem,
};
use crate::model::{BuildNumber, JobName};

/// A master that could not be asked, or did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum MasterError {
    /// No connection: nothing was carried out.
    #[error("the master cannot be reached: {0}")]
    Unreachable(String),
    /// The connection broke or was silent too long after the request had been sent: whether it was carried out is not known.
    #[error("the master's answer was lost: {0}")]
    Lost(String),
    /// The answer is larger than 64 MiB.
    #[error("the master's answer is larger than 64 MiB")]
    Large,
    /// The master answered, and refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// A Jenkins master. Every question may fail with a [`MasterError`]; none is asked twice by the implementation.
#[async_trait]
pub trait Master: Send + Sync + 'static {
    /// The start of the master that answers; changes when it is restarted.
    async fn session(&self) -> Result<Option<String>, MasterError>;
    /// What a job says of itself.
    async fn job(&self, job: &JobName) -> Result<JobFacts, MasterError>;
    /// Triggers a build; see [`MasterError::Lost`]. `None`: taken, and the item is to be looked for.
    async fn trigger(
        &self,
        job: &JobName,
        parameters: Option<&[(String, String)]>,
    ) -> Result<Option<QueueId>, MasterError>;
    /// All items that wait, with why.
    async fn queue(&self) -> Result<Vec<WaitingItem>, MasterError>;
    /// All items that wait, with jobs and parameters.
    async fn queue_with_parameters(&self) -> Result<Vec<WaitingItem>, MasterError>;
    /// One item.
    async fn queue_item(&self, id: QueueId) -> Result<QueueItem, MasterError>;
    /// A job's newest builds.
    async fn recent(&self, job: &JobName) -> Result<Vec<RecentBuild>, MasterError>;
    /// All builds that run.
    async fn running(&self) -> Result<Vec<RunningBuild>, MasterError>;
    /// One build.
    async fn build(&self, job: &JobName, number: BuildNumber) -> Result<BuildFacts, MasterError>;
    /// A build's log from a position on.
    async fn log(&self, job: &JobName, number: BuildNumber, start: u64) -> Result<LogPart, MasterError>;
    /// Cancels an item; `false`: it just became a build.
    async fn cancel(&self, id: QueueId) -> Result<bool, MasterError>;
    /// Stops a build; one that is over stays as it is.
    async fn stop(&self, job: &JobName, number: BuildNumber) -> Result<(), MasterError>;
    /// Sets a build's description.
    async fn describe(&self, job: &JobName, number: BuildNumber, text: &str) -> Result<(), MasterError>;
    /// The address of a build's page.
    fn url(&self, job: &JobName, number: BuildNumber) -> String;
}
