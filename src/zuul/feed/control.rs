//! `stop:` and `set_description:` of our manager name (zuul 6.5, 6.6). They work on builds that have ended, too.

use std::sync::Arc;

use super::Feed;
use super::assignment::Assignment;
use crate::build::{BuildError, StopAnswer};
use crate::gearman::server::Command;
use crate::model::{BuildRecord, Cause};
use crate::zuul::wire::{BuildTarget, parse_description, parse_target};

impl Feed {
    /// Running: taken, COMPLETE. Ended or being stopped: FAIL. Unknown: EXCEPTION (zuul 6.5).
    pub(super) async fn stop(self: Arc<Self>, assignment: Assignment) {
        let handle = assignment.handle;
        let command = match self.target(parse_target(&assignment.data)).await {
            Err(text) => Command::Exception { handle, data: text.into() },
            Ok(record) => match self.builds.stop(record.id, Cause::Stopped { by: "Zuul".into() }).await {
                Ok(StopAnswer::Taken) => Command::Complete { handle, data: Vec::new().into() },
                Ok(StopAnswer::Already | StopAnswer::Ended) => Command::Fail { handle },
                Err(problem) => Command::Exception { handle, data: problem.to_string().into_bytes().into() },
            },
        };
        self.send(command).await;
    }

    /// Any known build: COMPLETE with a sentence. Unknown: EXCEPTION (zuul 6.6).
    pub(super) async fn set_description(self: Arc<Self>, assignment: Assignment) {
        let handle = assignment.handle;
        let described = match parse_description(&assignment.data) {
            None => self.target(None).await.map(|_| String::new()),
            Some(wanted) => self.describe(wanted.target, wanted.text).await,
        };
        self.send(match described {
            Ok(text) => Command::Complete { handle, data: text.into_bytes().into() },
            Err(text) => Command::Exception { handle, data: text.into() },
        })
        .await;
    }

    async fn describe(&self, target: BuildTarget, text: String) -> Result<String, Vec<u8>> {
        let number = target.number;
        let record = self.target(Some(target)).await?;
        let described: Result<(), BuildError> = self.builds.describe(record.id, text.clone()).await;
        described.map_err(|problem| problem.to_string().into_bytes())?;
        self.masters.describe(&record, &text).await;
        Ok(format!("Description for build {number} was updated to {text}"))
    }

    async fn target(&self, target: Option<BuildTarget>) -> Result<Arc<BuildRecord>, Vec<u8>> {
        let Some(target) = target else {
            return Err(b"the arguments are no object with a name and a number".to_vec());
        };
        match self.builds.find_by_number(&target.job, target.number).await {
            Ok(Some(record)) => Ok(record),
            Ok(None) => Err(format!("no build {} of {} is known", target.number, target.job).into_bytes()),
            Err(problem) => Err(problem.to_string().into_bytes()),
        }
    }
}
