//! The steps of a build.

use serde::{Deserialize, Serialize};

use crate::model::{MemoryUse, Millis, StepEnd, StepRecord, StepState};

/// Of a step that could not start: anything but a program that is missing or may not be run.
pub(super) const UNKNOWN_CODE: i32 = 125;

#[derive(Serialize, Deserialize)]
pub(super) struct StepRow {
    index: u32,
    title: String,
    console_start: u64,
    started_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<EndRow>,
}

#[derive(Serialize, Deserialize)]
struct EndRow {
    how: HowRow,
    console_end: u64,
    at: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum HowRow {
    Exit(i32),
    Signal(i32),
    Memory,
    MemoryOf {
        limit: Option<u64>,
        peak: Option<u64>,
    },
    Processes(i32),
    Output,
    Timeout,
    Inactivity,
    Stopped,
    /// As it was kept before codes were.
    CannotStart(String),
    NotStarted {
        code: i32,
        detail: String,
    },
}

impl From<&StepRecord> for StepRow {
    fn from(record: &StepRecord) -> StepRow {
        let end = match &record.state {
            StepState::Started => None,
            StepState::Ended { end, console_end, at } => {
                let how = match end {
                    StepEnd::Exit(code) => HowRow::Exit(*code),
                    StepEnd::Signal(signal) => HowRow::Signal(*signal),
                    StepEnd::Memory(memory) => HowRow::MemoryOf { limit: memory.limit, peak: memory.peak },
                    StepEnd::Processes(code) => HowRow::Processes(*code),
                    StepEnd::Output => HowRow::Output,
                    StepEnd::Timeout => HowRow::Timeout,
                    StepEnd::Inactivity => HowRow::Inactivity,
                    StepEnd::Stopped => HowRow::Stopped,
                    StepEnd::CannotStart { code, detail } => {
                        HowRow::NotStarted { code: *code, detail: detail.clone() }
                    }
                };
                Some(EndRow { how, console_end: *console_end, at: at.0 })
            }
        };
        StepRow {
            index: record.index,
            title: record.title.clone(),
            console_start: record.console_start,
            started_at: record.started_at.0,
            end,
        }
    }
}

impl StepRow {
    pub(super) fn into_record(self) -> StepRecord {
        let state = self.end.map_or(StepState::Started, |row| {
            let end = match row.how {
                HowRow::Exit(code) => StepEnd::Exit(code),
                HowRow::Signal(signal) => StepEnd::Signal(signal),
                HowRow::Memory => StepEnd::Memory(MemoryUse::default()),
                HowRow::MemoryOf { limit, peak } => StepEnd::Memory(MemoryUse { limit, peak }),
                HowRow::Processes(code) => StepEnd::Processes(code),
                HowRow::Output => StepEnd::Output,
                HowRow::Timeout => StepEnd::Timeout,
                HowRow::Inactivity => StepEnd::Inactivity,
                HowRow::Stopped => StepEnd::Stopped,
                HowRow::CannotStart(detail) => StepEnd::CannotStart { code: UNKNOWN_CODE, detail },
                HowRow::NotStarted { code, detail } => StepEnd::CannotStart { code, detail },
            };
            StepState::Ended { end, console_end: row.console_end, at: Millis(row.at) }
        });
        StepRecord {
            index: self.index,
            title: self.title,
            console_start: self.console_start,
            started_at: Millis(self.started_at),
            state,
        }
    }
}
