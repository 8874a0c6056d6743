//! Why a build ended, or will.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::step::UNKNOWN_CODE;
use crate::model::{Cause, MemoryUse, Millis, StopMark};

#[derive(Serialize, Deserialize)]
pub(super) struct StopRow {
    at: u64,
    cause: CauseRow,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum CauseRow {
    Finished,
    Exit {
        step: String,
        code: i32,
    },
    Signal {
        step: String,
        signal: i32,
    },
    CannotStart {
        step: String,
        #[serde(default = "unknown_code")]
        code: i32,
        detail: String,
    },
    Memory {
        step: String,
        #[serde(default)]
        limit: Option<u64>,
        #[serde(default)]
        peak: Option<u64>,
    },
    Processes {
        step: String,
        code: i32,
    },
    Output {
        step: String,
    },
    Disk {
        used: u64,
        limit: u64,
    },
    Timeout {
        limit_millis: u64,
    },
    Inactivity {
        limit_millis: u64,
    },
    Stopped {
        by: String,
    },
    Publisher {
        name: String,
        detail: String,
    },
    Definition {
        detail: String,
    },
    Infrastructure {
        detail: String,
    },
}

fn unknown_code() -> i32 {
    UNKNOWN_CODE
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
            Cause::CannotStart { step, code, detail } => CauseRow::CannotStart { step, code, detail },
            Cause::Memory { step, memory } => {
                CauseRow::Memory { step, limit: memory.limit, peak: memory.peak }
            }
            Cause::Processes { step, code } => CauseRow::Processes { step, code },
            Cause::Output { step } => CauseRow::Output { step },
            Cause::Disk { used, limit } => CauseRow::Disk { used, limit },
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
            CauseRow::CannotStart { step, code, detail } => Cause::CannotStart { step, code, detail },
            CauseRow::Memory { step, limit, peak } => {
                Cause::Memory { step, memory: MemoryUse { limit, peak } }
            }
            CauseRow::Processes { step, code } => Cause::Processes { step, code },
            CauseRow::Output { step } => Cause::Output { step },
            CauseRow::Disk { used, limit } => Cause::Disk { used, limit },
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
