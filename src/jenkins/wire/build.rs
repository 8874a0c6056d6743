//! A build on a master, and when it is over (jenkins-rest 4.1, 4.2).

use serde::Deserialize;

use super::{Refusal, Reply};

/// A build's result in Jenkins' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// Went well.
    Success,
    /// Went, with tests that failed.
    Unstable,
    /// Failed.
    Failure,
    /// Was not built.
    NotBuilt,
    /// Was stopped.
    Aborted,
}

/// How far a build is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It runs. A result may be there already and can still get worse.
    Running,
    /// The result is final; the log may lack its last lines.
    Closing(Verdict),
    /// The result is final and nothing is written any more.
    Over(Verdict),
}

/// What a build says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildFacts {
    /// How far it is.
    pub phase: Phase,
    /// When it began, in milliseconds since 1970 by the master's clock.
    pub began_ms: u64,
    /// How long it took in milliseconds; 0 while it runs.
    pub took_ms: u64,
    /// How long the master thinks it takes, where it has an idea.
    pub estimated_ms: Option<u64>,
    /// The node; `None` for pipelines, empty for the built-in one.
    pub built_on: Option<String>,
    /// The queue item that it came from: finds a build whose item is gone (jenkins-rest 3.3).
    pub queue_id: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    building: bool,
    in_progress: Option<bool>,
    result: Option<Verdict>,
    #[serde(default)]
    timestamp: u64,
    #[serde(default)]
    duration: u64,
    estimated_duration: Option<i64>,
    built_on: Option<String>,
    queue_id: Option<u64>,
}

impl BuildFacts {
    /// What to ask below the build's path.
    pub const PATH: &str =
        "api/json?tree=building,inProgress,result,duration,estimatedDuration,timestamp,builtOn,queueId";

    /// Reads the answer. A 404 for a build that was known, from a master with another session, means that the build was lost
    /// (jenkins-rest 4.5).
    ///
    /// # Errors
    /// When the master refuses, or something else than Jenkins answers.
    pub fn read(reply: &Reply) -> Result<BuildFacts, Refusal> {
        let raw: Raw = reply.json()?;
        let phase = match (raw.building, raw.result, raw.in_progress) {
            (true, _, _) => Phase::Running,
            // Only newer masters say `inProgress`; for the others the log's end is the sign (jenkins-rest 4.2, 11).
            (false, Some(verdict), Some(true) | None) => Phase::Closing(verdict),
            (false, Some(verdict), Some(false)) => Phase::Over(verdict),
            (false, None, _) => {
                return Err(Refusal::NotJenkins {
                    detail: "a build that is over without a result".to_owned(),
                });
            }
        };
        Ok(BuildFacts {
            phase,
            began_ms: raw.timestamp,
            took_ms: raw.duration,
            estimated_ms: raw.estimated_duration.and_then(|millis| u64::try_from(millis).ok()),
            built_on: raw.built_on,
            queue_id: raw.queue_id,
        })
    }
}
