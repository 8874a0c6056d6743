//! Records for tests of this module.

use crate::model::{BuildId, BuildRecord, BuildRequest, BuildState, Millis, Origin, Parameters, Precedence};

/// A request of a job by a Gearman client.
pub(crate) fn request(job: &str) -> BuildRequest {
    BuildRequest {
        job: job.parse().unwrap(),
        label: None,
        parameters: Parameters::default(),
        precedence: Precedence::Normal,
        origin: Origin::Gearman { unique: "f00".into() },
    }
}

/// Its record, just accepted.
pub(crate) fn record(job: &str) -> BuildRecord {
    BuildRecord {
        id: BuildId::new(1, 2),
        number: 1,
        request: request(job),
        state: BuildState::Accepted,
        recipe: "".into(),
        accepted_at: Millis(1),
        started_at: None,
        ended_at: None,
        lease: None,
        steps: Vec::new(),
        stop: None,
        description: String::new(),
        version: 0,
    }
}
