//! What a keeper leaves in its node's directory and can be read without it (decision 18): for a node whose container has ended.

use std::io;
use std::path::{Path, PathBuf};

use super::wire::{Exit, LOG, STATUS, STEPS, StepEnd, StepId, parse_status};
use crate::model;

/// A signal by which the kernel ends a process for memory.
const SIGKILL: i32 = 9;

/// How a step ended, as its status file says; `None` when it never ended, or not whole.
///
/// # Errors
/// The file is there and cannot be read.
pub fn left_over_end(directory: &Path, step: StepId) -> io::Result<Option<StepEnd>> {
    match std::fs::read_to_string(step_file(directory, step, STATUS)) {
        Ok(text) => Ok(parse_status(&text).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a step's log lies.
pub fn left_over_log(directory: &Path, step: StepId) -> PathBuf {
    step_file(directory, step, LOG)
}

fn step_file(directory: &Path, step: StepId, name: &str) -> PathBuf {
    directory.join(STEPS).join(step.to_string()).join(name)
}

impl From<&StepEnd> for model::StepEnd {
    /// The end in the core's words. A KILL that nobody of ours sent, while the kernel ended something for memory, was for memory (pools-D60);
    /// 137 is what a shell reports for a child that ended so.
    fn from(end: &StepEnd) -> model::StepEnd {
        use super::wire::EndedBy;
        match end.by {
            EndedBy::Stop => return model::StepEnd::Stopped,
            EndedBy::AbsoluteLimit => return model::StepEnd::Timeout,
            EndedBy::InactivityLimit => return model::StepEnd::Inactivity,
            EndedBy::Itself | EndedBy::LogLimit => {}
        }
        let for_memory = end.memory_kills > 0;
        match &end.exit {
            Exit::Signal(SIGKILL) | Exit::Code(137) if for_memory => model::StepEnd::Memory,
            Exit::Code(code) => model::StepEnd::Exit(*code),
            Exit::Signal(signal) => model::StepEnd::Signal(*signal),
            Exit::NotStarted { text, .. } => model::StepEnd::CannotStart(text.clone()),
        }
    }
}
