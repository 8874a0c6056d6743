//! The status file: how a step ended, in lines of `name value`. It outlives the container (decision 18), so people read it too.

use super::step::{EndedBy, Exit, StepEnd};

/// A status file that does not say how the step ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the status file has no usable '{field}'")]
pub struct StatusError {
    /// What is missing or wrong.
    pub field: &'static str,
}

/// The file's text.
pub fn write_status(end: &StepEnd) -> String {
    let exit = match &end.exit {
        Exit::Code(code) => format!("exit {code}"),
        Exit::Signal(signal) => format!("signal {signal}"),
        Exit::NotStarted { code, text } => {
            format!("not-started {code} {}", text.replace(['\n', '\r'], " "))
        }
    };
    let by = match end.by {
        EndedBy::Itself => "itself",
        EndedBy::Stop => "stop",
        EndedBy::AbsoluteLimit => "absolute-limit",
        EndedBy::InactivityLimit => "inactivity-limit",
        EndedBy::LogLimit => "log-limit",
    };
    let mut text = format!(
        "{exit}\nby {by}\nlog-length {}\nlog-dropped {}\nstarted-at {}\nended-at {}\nmemory-kills {}\nprocesses-refused {}\n",
        end.log_length,
        end.log_dropped,
        end.started_at,
        end.ended_at,
        end.memory_kills,
        end.processes_refused
    );
    for (name, value) in [("memory-limit", end.memory_limit), ("memory-peak", end.memory_peak)] {
        if let Some(value) = value {
            text.push_str(&format!("{name} {value}\n"));
        }
    }
    text
}

/// Reads a status file. Lines of unknown names are of a later version and are passed over.
pub fn parse_status(text: &str) -> Result<StepEnd, StatusError> {
    let field = |name: &str| {
        text.lines()
            .filter_map(|line| line.split_once(' '))
            .find_map(|(found, value)| (found == name).then_some(value))
    };
    let number = |name: &'static str| {
        field(name).and_then(|value| value.parse().ok()).ok_or(StatusError { field: name })
    };
    let optional = |name: &str| field(name).and_then(|value| value.parse().ok());
    let wrong = StatusError { field: "exit" };
    let exit = if let Some(code) = field("exit") {
        Exit::Code(code.parse().map_err(|_| wrong)?)
    } else if let Some(signal) = field("signal") {
        Exit::Signal(signal.parse().map_err(|_| wrong)?)
    } else {
        let (code, text) =
            field("not-started").and_then(|value| value.split_once(' ')).ok_or(wrong.clone())?;
        // A file that a node's job has written may hold what ours never does.
        Exit::NotStarted { code: code.parse().map_err(|_| wrong)?, text: text.replace('\r', " ") }
    };
    Ok(StepEnd {
        exit,
        by: match field("by") {
            Some("itself") => EndedBy::Itself,
            Some("stop") => EndedBy::Stop,
            Some("absolute-limit") => EndedBy::AbsoluteLimit,
            Some("inactivity-limit") => EndedBy::InactivityLimit,
            Some("log-limit") => EndedBy::LogLimit,
            _ => return Err(StatusError { field: "by" }),
        },
        memory_kills: number("memory-kills")?,
        // A keeper from before does not count them.
        processes_refused: optional("processes-refused").unwrap_or(0),
        memory_limit: optional("memory-limit"),
        memory_peak: optional("memory-peak"),
        log_length: number("log-length")?,
        log_dropped: number("log-dropped")?,
        started_at: number("started-at")?,
        ended_at: number("ended-at")?,
    })
}
