//! Records for tests of this module.

use crate::model::{BuildId, BuildRecord, BuildRequest, Millis, Origin, Parameters, Precedence};

/// A request of a job by a Gearman client.
pub(crate) fn request(job: &str) -> BuildRequest {
    BuildRequest {
        route: None,
        job: job.parse().unwrap(),
        label: None,
        parameters: Parameters::default(),
        precedence: Precedence::Normal,
        origin: Origin::Gearman { unique: "f00".into() },
    }
}

/// Its record, just accepted.
pub(crate) fn record(job: &str) -> BuildRecord {
    BuildRecord { number: 1, ..BuildRecord::accepted(BuildId::new(1, 2), request(job), "".into(), Millis(1)) }
}
