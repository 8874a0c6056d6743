//! Why a build ended (pools-12.9): a sentence for people and a word for programs.

use std::fmt;
use std::time::Duration;

use super::signal::{name, of_code};

/// KILL: what the kernel sends for memory, and anybody else.
const KILL: i32 = 9;

/// What is known of memory at the end of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// The limit in bytes.
    pub limit: Option<u64>,
    /// The most that was used at once, in bytes.
    pub peak: Option<u64>,
}

/// Why a build ended as it did (pools-12.9). `Display` is the sentence that people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Ran to its end.
    Finished,
    /// A step ended with this exit code.
    Exit {
        /// The step, as shown in the console: `step 2 (shell)`.
        step: String,
        /// Its exit code.
        code: i32,
    },
    /// A step was ended by a signal that we did not send.
    Signal {
        /// The step.
        step: String,
        /// The signal's number.
        signal: i32,
    },
    /// A step's interpreter was not found or could not be run.
    CannotStart {
        /// The step.
        step: String,
        /// 127: not there; 126: not to be run; 125: anything else.
        code: i32,
        /// The system's words.
        detail: String,
    },
    /// The kernel ended the step for memory (pools-D60).
    Memory {
        /// The step.
        step: String,
        /// Limit and peak, where they are known.
        memory: MemoryUse,
    },
    /// A step failed while its node had as many processes as it may have.
    Processes {
        /// The step.
        step: String,
        /// Its exit code.
        code: i32,
    },
    /// A step wrote more than is kept of its output, where that ends it (pools-D44).
    Output {
        /// The step.
        step: String,
    },
    /// Workspace and container hold more than the label allows (pools-D35).
    Disk {
        /// What they held, in bytes.
        used: u64,
        /// What they may hold, in bytes.
        limit: u64,
    },
    /// The absolute time limit.
    Timeout {
        /// The limit that was passed.
        limit: Duration,
    },
    /// No output for too long.
    Inactivity {
        /// The limit that was passed.
        limit: Duration,
    },
    /// Stopped on request.
    Stopped {
        /// Who asked: `zuul`, `lost client`, or a user.
        by: String,
    },
    /// A publisher failed or set the result.
    Publisher {
        /// The publisher's name in JJB.
        name: String,
        /// What happened.
        detail: String,
    },
    /// The job cannot run as it is defined: a word, never a retry (decision 8).
    Definition {
        /// What is wrong and what to do.
        detail: String,
    },
    /// The node or the engine failed: no word, so that Zuul tries again (A13).
    Infrastructure {
        /// What failed.
        detail: String,
    },
}

impl Cause {
    /// The cause in a word for programs, as pools-12.9 has it.
    pub fn kind(&self) -> String {
        match self {
            Cause::Finished => "finished".to_owned(),
            Cause::Exit { code, .. } => match of_code(*code) {
                Some(signal) => of_signal(signal),
                None => "exit".to_owned(),
            },
            Cause::Signal { signal, .. } => of_signal(*signal),
            Cause::CannotStart { code: 127, .. } => "command_not_found".to_owned(),
            Cause::CannotStart { code: 126, .. } => "not_executable".to_owned(),
            Cause::CannotStart { .. } => "cannot_start".to_owned(),
            Cause::Memory { .. } => "oom".to_owned(),
            Cause::Processes { .. } => "pids".to_owned(),
            Cause::Output { .. } => "log_limit".to_owned(),
            Cause::Disk { .. } => "disk_limit".to_owned(),
            Cause::Timeout { .. } => "timeout:absolute".to_owned(),
            Cause::Inactivity { .. } => "timeout:inactivity".to_owned(),
            Cause::Stopped { by } => format!("abort:{by}"),
            Cause::Publisher { .. } => "publisher".to_owned(),
            Cause::Definition { .. } => "definition".to_owned(),
            Cause::Infrastructure { .. } => "infrastructure".to_owned(),
        }
    }
}

fn of_signal(signal: i32) -> String {
    match (signal, name(signal)) {
        (KILL, _) => "killed_externally".to_owned(),
        (_, Some(name)) => format!("signal:{name}"),
        (number, None) => format!("signal:{number}"),
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Finished => write!(formatter, "ran to its end"),
            Cause::Exit { step, code } => {
                write!(formatter, "{step} ended with exit code {code}")?;
                match of_code(*code) {
                    Some(KILL) => write!(formatter, ", as after KILL: not by Causeway, nor for memory"),
                    Some(signal) => {
                        write!(formatter, ", as after {}", name(signal).unwrap_or("a signal"))
                    }
                    None => Ok(()),
                }
            }
            Cause::Signal { step, signal } => {
                let named = name(*signal).map(|name| format!(" ({name})")).unwrap_or_default();
                write!(formatter, "{step} was ended by signal {signal}{named}, not sent by Causeway")
            }
            Cause::CannotStart { step, detail, .. } => {
                write!(formatter, "{step} could not start: {detail}")
            }
            Cause::Memory { step, memory } => {
                write!(formatter, "{step} was ended by the kernel: out of memory")?;
                memory.of_limit(formatter)
            }
            Cause::Processes { step, code } => {
                write!(
                    formatter,
                    "{step} ended with exit code {code} after its node had no process left to give (the label's pids)"
                )
            }
            Cause::Output { step } => {
                write!(formatter, "{step} wrote more than is kept of a log (builds.log_limit)")
            }
            Cause::Disk { used, limit } => {
                write!(formatter, "took {} of disk, and its label has {} (disk)", Size(*used), Size(*limit))
            }
            Cause::Timeout { limit } => write!(formatter, "ran longer than its limit of {}", Seconds(*limit)),
            Cause::Inactivity { limit } => {
                write!(formatter, "wrote nothing for {}", Seconds(*limit))
            }
            Cause::Stopped { by } => write!(formatter, "stopped by {by}"),
            Cause::Publisher { name, detail } => write!(formatter, "{name}: {detail}"),
            Cause::Definition { detail } => {
                write!(formatter, "cannot run as it is defined: {detail}")
            }
            Cause::Infrastructure { detail } => {
                write!(formatter, "not the change's fault: {detail}")
            }
        }
    }
}

impl MemoryUse {
    fn of_limit(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.peak, self.limit) {
            (Some(peak), Some(limit)) => {
                write!(formatter, " (at most {} of {})", Size(peak), Size(limit))
            }
            (None, Some(limit)) => write!(formatter, " (the limit is {})", Size(limit)),
            (_, None) => Ok(()),
        }
    }
}

struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u32, &str); 3] = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
        for (shift, unit) in UNITS {
            let (whole, rest) = (self.0 >> shift, self.0 & ((1 << shift) - 1));
            if whole > 0 {
                return match (rest * 10) >> shift {
                    0 => write!(formatter, "{whole} {unit}"),
                    tenth => write!(formatter, "{whole}.{tenth} {unit}"),
                };
            }
        }
        write!(formatter, "{} bytes", self.0)
    }
}

struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match (seconds / 60, seconds % 60) {
            (0, rest) => write!(formatter, "{rest} s"),
            (minutes, 0) => write!(formatter, "{minutes} min"),
            (minutes, rest) => write!(formatter, "{minutes} min {rest} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_12_9_every_cause_has_its_word_and_its_sentence() {
        let step = || "step 1 (shell)".to_owned();
        let exit = |code| Cause::Exit { step: step(), code };
        let signal = |signal| Cause::Signal { step: step(), signal };
        let cannot = |code| Cause::CannotStart { step: step(), code, detail: "no bash".to_owned() };
        let memory = MemoryUse { limit: Some(64 << 20), peak: Some(65_011_712) };
        let by = "zuul".to_owned();
        let limit = Duration::from_secs(90);
        let table = [
            (exit(3), "exit", "ended with exit code 3"),
            (exit(137), "killed_externally", "137, as after KILL: not by Causeway, nor for memory"),
            (exit(143), "signal:TERM", "exit code 143, as after TERM"),
            (signal(9), "killed_externally", "signal 9 (KILL), not sent by Causeway"),
            (signal(11), "signal:SEGV", "signal 11 (SEGV), not sent by Causeway"),
            (signal(40), "signal:40", "signal 40, not sent by Causeway"),
            (cannot(127), "command_not_found", "could not start: no bash"),
            (cannot(126), "not_executable", "could not start: no bash"),
            (Cause::Memory { step: step(), memory }, "oom", "out of memory (at most 62 MiB of 64 MiB)"),
            (Cause::Processes { step: step(), code: 2 }, "pids", "exit code 2 after its node had no process"),
            (Cause::Output { step: step() }, "log_limit", "wrote more than is kept of a log"),
            (
                Cause::Disk { used: 3 << 29, limit: 1 << 30 },
                "disk_limit",
                "took 1.5 GiB of disk, and its label has 1 GiB",
            ),
            (Cause::Timeout { limit }, "timeout:absolute", "its limit of 1 min 30 s"),
            (Cause::Inactivity { limit }, "timeout:inactivity", "wrote nothing for 1 min 30 s"),
            (Cause::Stopped { by }, "abort:zuul", "stopped by zuul"),
        ];
        for (cause, kind, words) in table {
            assert_eq!(cause.kind(), kind);
            assert!(cause.to_string().contains(words), "{cause}");
        }
    }
}
