//! What a keeper leaves in its node's directory and can be read without it (decision 18): for a node whose container has ended.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use super::node::open_beneath;
use super::wire::{EndedBy, Exit, LOG, STATUS, STEPS, StepEnd, StepId, parse_status};
use crate::model;

/// A signal by which the kernel ends a process for memory.
const SIGKILL: i32 = 9;

/// A status file has a dozen short lines.
const MAX_STATUS: u64 = 16 * 1024;

/// How a step ended, as its status file says; `None` when it never ended, or not whole.
///
/// # Errors
/// The file is there and cannot be read, or is no plain file: the directory was the build's, so no link in it is followed.
pub fn left_over_end(directory: &Path, step: StepId) -> io::Result<Option<StepEnd>> {
    let Some(file) = open(directory, step, STATUS)? else {
        return Ok(None);
    };
    let mut text = String::new();
    file.take(MAX_STATUS).read_to_string(&mut text)?;
    Ok(parse_status(&text).ok())
}

/// Opens a step's log; `None` when it has none.
///
/// # Errors
/// As [`left_over_end`].
pub fn left_over_log(directory: &Path, step: StepId) -> io::Result<Option<File>> {
    open(directory, step, LOG)
}

fn open(directory: &Path, step: StepId, name: &str) -> io::Result<Option<File>> {
    let path: PathBuf = [STEPS, &step.to_string(), name].iter().collect();
    match File::open(directory).and_then(|root| open_beneath(root.as_fd(), &path)) {
        Ok(file) => Ok(Some(file.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl From<&StepEnd> for model::StepEnd {
    /// The end in the core's words. A KILL that nobody of ours sent, while the kernel ended something for memory, was for memory (pools-D60);
    /// 137 is what a shell reports for a child that ended so.
    fn from(end: &StepEnd) -> model::StepEnd {
        match end.by {
            EndedBy::Stop => return model::StepEnd::Stopped,
            EndedBy::AbsoluteLimit => return model::StepEnd::Timeout,
            EndedBy::InactivityLimit => return model::StepEnd::Inactivity,
            EndedBy::LogLimit => return model::StepEnd::Output,
            EndedBy::Itself => {}
        }
        let for_memory = end.memory_kills > 0;
        match &end.exit {
            Exit::Signal(SIGKILL) | Exit::Code(137) if for_memory => {
                model::StepEnd::Memory(model::MemoryUse { limit: end.memory_limit, peak: end.memory_peak })
            }
            Exit::Code(code) if *code != 0 && end.processes_refused > 0 => model::StepEnd::Processes(*code),
            Exit::Code(code) => model::StepEnd::Exit(*code),
            Exit::Signal(signal) => model::StepEnd::Signal(*signal),
            Exit::NotStarted { code, text } => {
                model::StepEnd::CannotStart { code: *code, detail: text.clone() }
            }
        }
    }
}
