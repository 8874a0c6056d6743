//! Why a build ended, or will.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Cause, Millis, StopMark};

#[derive(Serialize, Deserialize)]
pub(super) struct StopRow {
    at: u64,
    cause: CauseRow,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum CauseRow {
    Finished,
    Exit { step: String, code: i32 },
    Signal { step: String, signal: i32 },
    CannotStart { step: String, detail: String },
    Memory { step: String },
    Timeout { limit_millis: u64 },
    Inactivity { limit_millis: u64 },
    Stopped { by: String },
    Publisher { name: String, detail: String },
    Definition { detail: String },
    Infrastructure { detail: String },
}

fn in_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl From<&Cause> for CauseRow {
    fn from(cause: &Cause) -> CauseRow {
        match cause.clone() {
            Cause::Finished => CauseRow::Finished,
            Cause::Exit { step, code } => CauseRow::Exit { step, code },
            Cause::Signal { step, signal } => CauseRow::Signal { step, signal },
            Cause::CannotStart { step, detail } => CauseRow::CannotStart { step, detail },
            Cause::Memory { step } => CauseRow::Memory { step },
            Cause::Timeout { limit } => CauseRow::Timeout { limit_millis: in_millis(limit) },
            Cause::Inactivity { limit } => CauseRow::Inactivity { limit_millis: in_millis(limit) },
            Cause::Stopped { by } => CauseRow::Stopped { by },
            Cause::Publisher { name, detail } => CauseRow::Publisher { name, detail },
            Cause::Definition { detail } => CauseRow::Definition { detail },
            Cause::Infrastructure { detail } => CauseRow::Infrastructure { detail },
        }
    }
}

impl CauseRow {
    pub(super) fn into_cause(self) -> Cause {
        match self {
            CauseRow::Finished => Cause::Finished,
            CauseRow::Exit { step, code } => Cause::Exit { step, code },
            CauseRow::Signal { step, signal } => Cause::Signal { step, signal },
            CauseRow::CannotStart { step, detail } => Cause::CannotStart { step, detail },
            CauseRow::Memory { step } => Cause::Memory { step },
            CauseRow::Timeout { limit_millis } => {
                Cause::Timeout { limit: Duration::from_millis(limit_millis) }
            }
            CauseRow::Inactivity { limit_millis } => {
                Cause::Inactivity { limit: Duration::from_millis(limit_millis) }
            }
            CauseRow::Stopped { by } => Cause::Stopped { by },
            CauseRow::Publisher { name, detail } => Cause::Publisher { name, detail },
            CauseRow::Definition { detail } => Cause::Definition { detail },
            CauseRow::Infrastructure { detail } => Cause::Infrastructure { detail },
        }
    }
}

impl From<&StopMark> for StopRow {
    fn from(mark: &StopMark) -> StopRow {
        StopRow { at: mark.at.0, cause: CauseRow::from(&mark.cause) }
    }
}

impl StopRow {
    pub(super) fn into_mark(self) -> StopMark {
        StopMark { at: Millis(self.at), cause: self.cause.into_cause() }
    }
}
