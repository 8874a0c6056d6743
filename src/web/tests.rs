//! What the tests of the face share.

use crate::model::{BuildId, BuildRecord, BuildRequest, Millis, Origin, Parameters, Precedence};

/// A build that was just accepted.
pub(super) fn record() -> BuildRecord {
    BuildRecord {
        number: 7,
        ..BuildRecord::accepted(
            BuildId::new(1_795_256_881_569, 7),
            BuildRequest {
                route: None,
                job: "unit".parse().unwrap(),
                label: None,
                parameters: Parameters::default(),
                origin: Origin::Gearman { unique: "f00".into() },
                precedence: Precedence::Normal,
            },
            "".into(),
            Millis(1_795_256_881_569),
        )
    }
}
