//! What the tests of the face share.

use crate::model::{BuildId, BuildRecord, BuildRequest, BuildState, Millis, Origin, Parameters, Precedence};

/// A build that was just accepted.
pub(super) fn record() -> BuildRecord {
    BuildRecord {
        id: BuildId::new(1_795_256_881_569, 7),
        number: 7,
        request: BuildRequest {
            job: "unit".parse().unwrap(),
            label: None,
            parameters: Parameters::default(),
            origin: Origin::Gearman { unique: "f00".into() },
            precedence: Precedence::Normal,
        },
        state: BuildState::Accepted,
        recipe: "".into(),
        accepted_at: Millis(1_795_256_881_569),
        started_at: None,
        ended_at: None,
        lease: None,
        steps: Vec::new(),
        stop: None,
        description: String::new(),
        version: 0,
    }
}
