//! Steps on the wire: what to run, how it ended.

use std::fmt;
use std::time::Duration;

use super::field::{Malformed, Reader, Writer};

/// A step's number on its node. The caller gives it; a node runs each number at most once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u32);

impl fmt::Display for StepId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// A step to start. The caller has decided everything; the keeper adds nothing but the node's own environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepSpec {
    /// Its number.
    pub step: StepId,
    /// The program and its arguments. A name without `/` is searched in `PATH`.
    pub argv: Vec<String>,
    /// A script: written to a file outside the workspace whose path becomes the last argument (jjb-T12).
    pub script: Option<Vec<u8>>,
    /// Variables on top of the node's own environment, which is the image's and the label's (pools-D5, jjb-T20); a later value of a
    /// name wins.
    pub env: Vec<(String, String)>,
    /// Where it runs: an absolute path, made if it is missing.
    pub cwd: String,
    /// The longest it may run.
    pub absolute: Option<Duration>,
    /// The longest it may be silent.
    pub inactivity: Option<Duration>,
    /// Between TERM and KILL when one of these limits ends it.
    pub grace: Duration,
    /// How much output is kept, in bytes (pools-D44).
    pub log_limit: u64,
    /// Whether more output than that ends the step.
    pub end_at_log_limit: bool,
}

/// How the step's own process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It never ran: the interpreter is missing (127), may not be run (126), or the system refused.
    NotStarted {
        /// 127, 126, or 125 for anything else.
        code: i32,
        /// The system's words, with the path.
        text: String,
    },
}

/// Who ended a step. The first reason counts (pools-D63).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBy {
    /// The step itself, or the kernel.
    Itself,
    /// A `Stop`.
    Stop,
    /// Its absolute limit.
    AbsoluteLimit,
    /// Its limit for silence.
    InactivityLimit,
    /// More output than allowed, where that ends it.
    LogLimit,
}

/// The end of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepEnd {
    /// How its process ended.
    pub exit: Exit,
    /// Who ended it.
    pub by: EndedBy,
    /// Processes that the kernel ended for memory in this node while the step ran (pools-D60).
    pub memory_kills: u64,
    /// Processes that the kernel refused to this node while the step ran, since there were as many as there may be.
    pub processes_refused: u64,
    /// The node's memory limit in bytes, if it has one.
    pub memory_limit: Option<u64>,
    /// The most memory that the node ever used, in bytes, where the kernel tells.
    pub memory_peak: Option<u64>,
    /// The log's length in bytes; nothing is added afterwards.
    pub log_length: u64,
    /// Bytes of output that were not kept (pools-D44, D46).
    pub log_dropped: u64,
    /// When it started, in milliseconds since 1970 by the node's clock.
    pub started_at: u64,
    /// When it ended, by the same clock.
    pub ended_at: u64,
}

/// What a keeper knows of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepState {
    /// It was never started on this node.
    Unknown,
    /// It runs.
    Running {
        /// Its log's length so far.
        log_length: u64,
        /// When it started, in milliseconds since 1970 by the node's clock.
        started_at: u64,
    },
    /// It has ended.
    Ended(StepEnd),
}

impl StepSpec {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        out.u32(self.step.0);
        out.u32(u32::try_from(self.argv.len()).unwrap_or(u32::MAX));
        for word in &self.argv {
            out.text(word);
        }
        out.option(self.script.as_deref(), |out, script| out.bytes(script));
        out.u32(u32::try_from(self.env.len()).unwrap_or(u32::MAX));
        for (name, value) in &self.env {
            out.text(name);
            out.text(value);
        }
        out.text(&self.cwd);
        out.option(self.absolute, Writer::duration);
        out.option(self.inactivity, Writer::duration);
        out.duration(self.grace);
        out.u64(self.log_limit);
        out.u8(u8::from(self.end_at_log_limit));
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<StepSpec, Malformed> {
        let step = StepId(from.u32("step")?);
        let argv = (0..from.count(4, "argv")?).map(|_| from.text("argv")).collect::<Result<_, _>>()?;
        let script = from.option("script", |from| from.bytes("script").map(<[u8]>::to_vec))?;
        let env = (0..from.count(8, "env")?)
            .map(|_| Ok((from.text("env name")?, from.text("env value")?)))
            .collect::<Result<_, _>>()?;
        Ok(StepSpec {
            step,
            argv,
            script,
            env,
            cwd: from.text("cwd")?,
            absolute: from.option("absolute", |from| from.duration("absolute"))?,
            inactivity: from.option("inactivity", |from| from.duration("inactivity"))?,
            grace: from.duration("grace")?,
            log_limit: from.u64("log limit")?,
            end_at_log_limit: from.u8("end at log limit")? != 0,
        })
    }
}

impl StepEnd {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        match &self.exit {
            Exit::Code(code) => {
                out.u8(0);
                out.u32(code.cast_unsigned());
            }
            Exit::Signal(signal) => {
                out.u8(1);
                out.u32(signal.cast_unsigned());
            }
            Exit::NotStarted { code, text } => {
                out.u8(2);
                out.u32(code.cast_unsigned());
                out.text(text);
            }
        }
        out.u8(self.by as u8);
        out.u64(self.memory_kills);
        out.option(self.memory_limit, Writer::u64);
        out.option(self.memory_peak, Writer::u64);
        for number in [self.log_length, self.log_dropped, self.started_at, self.ended_at] {
            out.u64(number);
        }
        out.u64(self.processes_refused);
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<StepEnd, Malformed> {
        let kind = from.u8("exit")?;
        let number = from.u32("exit")?.cast_signed();
        let exit = match kind {
            0 => Exit::Code(number),
            1 => Exit::Signal(number),
            2 => Exit::NotStarted { code: number, text: from.text("exit text")? },
            _ => return Err(Malformed("exit")),
        };
        let by = match from.u8("ended by")? {
            0 => EndedBy::Itself,
            1 => EndedBy::Stop,
            2 => EndedBy::AbsoluteLimit,
            3 => EndedBy::InactivityLimit,
            4 => EndedBy::LogLimit,
            _ => return Err(Malformed("ended by")),
        };
        Ok(StepEnd {
            exit,
            by,
            memory_kills: from.u64("memory kills")?,
            memory_limit: from.option("memory limit", |from| from.u64("memory limit"))?,
            memory_peak: from.option("memory peak", |from| from.u64("memory peak"))?,
            log_length: from.u64("log length")?,
            log_dropped: from.u64("log dropped")?,
            started_at: from.u64("started")?,
            ended_at: from.u64("ended")?,
            // A keeper from before does not count them; the end of a step is the end of its message.
            processes_refused: if from.is_empty() { 0 } else { from.u64("processes refused")? },
        })
    }
}

impl StepState {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        match self {
            StepState::Unknown => out.u8(0),
            StepState::Running { log_length, started_at } => {
                out.u8(1);
                out.u64(*log_length);
                out.u64(*started_at);
            }
            StepState::Ended(end) => {
                out.u8(2);
                end.write(out);
            }
        }
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<StepState, Malformed> {
        match from.u8("step state")? {
            0 => Ok(StepState::Unknown),
            1 => Ok(StepState::Running {
                log_length: from.u64("log length")?,
                started_at: from.u64("started")?,
            }),
            2 => StepEnd::read(from).map(StepState::Ended),
            _ => Err(Malformed("step state")),
        }
    }
}
