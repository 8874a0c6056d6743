//! The client as the core asks for it.

use async_trait::async_trait;

use super::Master;
use crate::jenkins::wire::{
    BuildFacts, JobFacts, LogPart, QueueId, QueueItem, RecentBuild, RunningBuild, WaitingItem,
};
use crate::model::{BuildNumber, JobName};
use crate::route::{self, MasterError};

#[async_trait]
impl route::Master for Master {
    async fn session(&self) -> Result<Option<String>, MasterError> {
        Ok(self.root().await?.session)
    }

    async fn job(&self, job: &JobName) -> Result<JobFacts, MasterError> {
        Master::job(self, job).await
    }

    async fn trigger(
        &self,
        job: &JobName,
        parameters: Option<&[(String, String)]>,
    ) -> Result<Option<QueueId>, MasterError> {
        Master::trigger(self, job, parameters).await
    }

    async fn queue(&self) -> Result<Vec<WaitingItem>, MasterError> {
        Master::queue(self).await
    }

    async fn queue_with_parameters(&self) -> Result<Vec<WaitingItem>, MasterError> {
        Master::queue_with_parameters(self).await
    }

    async fn queue_item(&self, id: QueueId) -> Result<QueueItem, MasterError> {
        Master::queue_item(self, id).await
    }

    async fn recent(&self, job: &JobName) -> Result<Vec<RecentBuild>, MasterError> {
        Master::recent(self, job).await
    }

    async fn running(&self) -> Result<Vec<RunningBuild>, MasterError> {
        Master::running(self).await
    }

    async fn build(&self, job: &JobName, number: BuildNumber) -> Result<BuildFacts, MasterError> {
        Master::build(self, job, number).await
    }

    async fn log(&self, job: &JobName, number: BuildNumber, start: u64) -> Result<LogPart, MasterError> {
        Master::log(self, job, number, start).await
    }

    async fn cancel(&self, id: QueueId) -> Result<bool, MasterError> {
        Master::cancel(self, id).await
    }

    async fn stop(&self, job: &JobName, number: BuildNumber) -> Result<(), MasterError> {
        Master::stop(self, job, number).await
    }

    async fn describe(&self, job: &JobName, number: BuildNumber, text: &str) -> Result<(), MasterError> {
        Master::describe(self, job, number, text).await
    }

    fn url(&self, job: &JobName, number: BuildNumber) -> String {
        self.addresses.build(job, number)
    }
}
