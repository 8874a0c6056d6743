//! A step on the node: its directory, its process, its output, its end.

use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, WaitStatus, pidfd_open};

use super::ending::Ending;
use super::exec;
use super::log::Log;
use super::memory::{Memory, refused};
use crate::keeper::wire::{
    EndedBy, Exit, LOG, STATUS, STEPS, StepEnd, StepId, StepSpec, StepState, parse_status, write_status,
};

/// The step's script in its directory; removed with the step's end (jjb-T12).
const SCRIPT: &str = "script";

/// After a small piece of output the pipe is left alone for so long: a step that writes line by line then costs one turn of the
/// loop a millisecond, not one a line (perf-L1).
const GATHER: Duration = Duration::from_millis(1);

/// A piece that is not small: the pipe may fill within [`GATHER`], and nobody shall wait.
const LARGE: usize = 16 * 1024;

/// A step that was started, or could not be.
pub(super) enum Step {
    Running(Box<Running>),
    Ended(StepEnd),
}

/// A step whose process runs.
pub(super) struct Running {
    pub pid: i32,
    /// Readable when the process has ended; absent on kernels before 5.3.
    pub ended: Option<OwnedFd>,
    /// What it writes; absent when every writer has closed it.
    pub output: Option<OwnedFd>,
    pub log: Log,
    pub ending: Option<Ending>,
    /// How its own process ended, once it has.
    pub exit: Option<Exit>,
    control: PathBuf,
    started: Instant,
    started_at: u64,
    last_output: Instant,
    /// Not to be read before.
    read_after: Option<Instant>,
    absolute: Option<Duration>,
    inactivity: Option<Duration>,
    grace: Duration,
    end_at_log_limit: bool,
    memory: Memory,
    /// Processes refused before it.
    refused: u64,
}

/// A step's directory, relative to the node's.
pub(super) fn control_directory(step: StepId) -> PathBuf {
    Path::new(STEPS).join(step.to_string())
}

/// What an earlier keeper on this node wrote about a step.
pub(super) fn recorded_end(step: StepId) -> Option<StepEnd> {
    let text = fs::read_to_string(control_directory(step).join(STATUS)).ok()?;
    parse_status(&text).ok()
}

impl Step {
    /// Starts a step. An error means that not even its directory could be made; any other failure is the step's end.
    pub fn start(spec: StepSpec) -> io::Result<Step> {
        let control = std::env::current_dir()?.join(control_directory(spec.step));
        fs::create_dir_all(STEPS)?;
        fs::create_dir(&control)?;
        let log = Log::create(&control.join(LOG), spec.log_limit)?;
        let started_at = now_millis();
        let (memory, before) = (Memory::read(), refused());
        match spawn(&spec, &control) {
            Ok((pid, output)) => Ok(Step::Running(Box::new(Running {
                pid,
                ended: Pid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()),
                output: Some(output),
                log,
                ending: None,
                exit: None,
                control,
                started: Instant::now(),
                started_at,
                last_output: Instant::now(),
                read_after: None,
                absolute: spec.absolute,
                inactivity: spec.inactivity,
                grace: spec.grace,
                end_at_log_limit: spec.end_at_log_limit,
                memory,
                refused: before,
            }))),
            Err(error) => Ok(Step::Ended(not_started(error, &control, log, started_at))),
        }
    }

    /// Its state as the wire says it.
    pub fn state(&self) -> StepState {
        match self {
            Step::Running(running) => {
                StepState::Running { log_length: running.log.length(), started_at: running.started_at }
            }
            Step::Ended(end) => StepState::Ended(end.clone()),
        }
    }

    /// How long its log is by now.
    pub fn log_length(&self) -> u64 {
        match self {
            Step::Running(running) => running.log.length(),
            Step::Ended(end) => end.log_length,
        }
    }
}

impl Running {
    /// Takes what the step has written by now into the log. Returns whether there was anything.
    pub fn take_output(&mut self, scratch: &mut [u8]) -> bool {
        let Some(output) = &self.output else {
            return false;
        };
        match rustix::io::read(output, &mut *scratch) {
            Ok(0) => {
                self.output = None;
                false
            }
            Ok(count) => {
                self.log.write(&scratch[..count]);
                let now = Instant::now();
                self.last_output = now;
                self.read_after = (count < LARGE).then(|| now + GATHER);
                true
            }
            Err(Errno::AGAIN | Errno::INTR) => false,
            Err(_) => {
                self.output = None;
                false
            }
        }
    }

    /// The pipe to read from, if it is time.
    pub fn readable_output(&self, now: Instant) -> Option<&OwnedFd> {
        self.output.as_ref().filter(|_| self.read_after.is_none_or(|at| now >= at))
    }

    /// The process has been reaped.
    pub fn reaped(&mut self, status: WaitStatus) {
        self.exit = Some(match status.exit_status() {
            Some(code) => self.failure_to_start(code).unwrap_or(Exit::Code(code)),
            None => Exit::Signal(status.terminating_signal().unwrap_or(0)),
        });
    }

    /// The limit that the step is over now, if any.
    pub fn passed_limit(&self, now: Instant) -> Option<EndedBy> {
        if self.absolute_deadline().is_some_and(|at| now >= at) {
            Some(EndedBy::AbsoluteLimit)
        } else if self.inactivity_deadline().is_some_and(|at| now >= at) {
            Some(EndedBy::InactivityLimit)
        } else if self.end_at_log_limit && self.log.over_limit() {
            Some(EndedBy::LogLimit)
        } else {
            None
        }
    }

    /// When to look at the limits and the pipe again.
    pub fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let read_after = self.output.as_ref().and(self.read_after);
        [self.absolute_deadline(), self.inactivity_deadline(), read_after.filter(|at| *at > now)]
            .into_iter()
            .flatten()
            .min()
    }

    /// Begins to end it, or hastens an end under way. Who came first stays the reason (pools-D63).
    pub fn end(&mut self, by: EndedBy, grace: Option<Duration>) {
        let kill_at = Instant::now() + grace.unwrap_or(self.grace);
        match &mut self.ending {
            Some(ending) => ending.hasten(kill_at),
            None => self.ending = Some(Ending::new(by, kill_at)),
        }
    }

    /// Writes the step's end. What was in the pipe when the process ended belongs to the log; what others who inherited the pipe write later does
    /// not (pools-D11, D45). Returns the pipe if somebody may still write to it.
    pub fn finish(mut self, scratch: &mut [u8]) -> (StepEnd, Option<OwnedFd>) {
        let mut waiting =
            self.output.as_ref().and_then(|output| rustix::io::ioctl_fionread(output).ok()).unwrap_or(0);
        while waiting > 0 {
            let before = self.log.length();
            if !self.take_output(scratch) {
                break;
            }
            let taken = (self.log.length() - before).max(scratch.len() as u64);
            waiting = waiting.saturating_sub(taken);
        }
        let log_dropped = self.log.finish();
        let memory = Memory::read();
        let end = StepEnd {
            exit: self.exit.take().unwrap_or(Exit::Signal(9)),
            by: self.ending.as_ref().map_or(EndedBy::Itself, |ending| ending.by),
            memory_kills: memory.kills.saturating_sub(self.memory.kills),
            processes_refused: refused().saturating_sub(self.refused),
            memory_limit: memory.limit,
            memory_peak: memory.peak,
            log_length: self.log.length(),
            log_dropped,
            started_at: self.started_at,
            ended_at: now_millis(),
        };
        record(&self.control, &end);
        (end, self.output)
    }

    fn absolute_deadline(&self) -> Option<Instant> {
        self.started.checked_add(self.absolute?)
    }

    fn inactivity_deadline(&self) -> Option<Instant> {
        self.last_output.checked_add(self.inactivity?)
    }

    /// The words of the one who should have become the step, if it did not.
    fn failure_to_start(&self, code: i32) -> Option<Exit> {
        let text = fs::read_to_string(self.control.join(exec::FAILED)).ok()?;
        let (written, text) = text.split_once(' ')?;
        (written.parse() == Ok(code)).then(|| Exit::NotStarted { code, text: text.to_owned() })
    }
}

/// Starts the process that becomes the step, with a pipe for all that it writes (jjb-T12: one stream).
fn spawn(spec: &StepSpec, control: &Path) -> io::Result<(i32, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&read, true)?;
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0("causeway")
        .args([super::WORD, exec::WORD])
        .arg(control)
        .arg(&spec.cwd)
        .args(&spec.argv)
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(write.try_clone()?)
        .stderr(write);
    if let Some(script) = &spec.script {
        let path = control.join(SCRIPT);
        fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(&path)?.write_all(script)?;
        command.arg(path);
    }
    let child = command.spawn()?;
    let pid = i32::try_from(child.id()).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok((pid, read))
}

fn not_started(error: io::Error, control: &Path, mut log: Log, started_at: u64) -> StepEnd {
    let text = format!("cannot start the step: {error}");
    log.write(format!("causeway keeper: {text}\n").as_bytes());
    let end = StepEnd {
        exit: Exit::NotStarted { code: 125, text },
        by: EndedBy::Itself,
        memory_kills: 0,
        processes_refused: 0,
        memory_limit: None,
        memory_peak: None,
        log_dropped: log.finish(),
        log_length: log.length(),
        started_at,
        ended_at: now_millis(),
    };
    record(control, &end);
    end
}

/// Writes the status file, whole or not at all, and removes what is not needed any more. On a full disk the end is known to the
/// keeper alone.
fn record(control: &Path, end: &StepEnd) {
    let aside = control.join("status.new");
    let _ = fs::write(&aside, write_status(end)).and_then(|()| fs::rename(&aside, control.join(STATUS)));
    for name in [SCRIPT, exec::FAILED] {
        let _ = fs::remove_file(control.join(name));
    }
}

/// A pipe that nobody is interested in any more: what comes is thrown away, so that its writers go on (jjb-T14). Returns whether it
/// is to be kept.
pub(super) fn discard(output: &OwnedFd, scratch: &mut [u8]) -> bool {
    match rustix::io::read(output.as_fd(), scratch) {
        Ok(count) => count > 0,
        Err(error) => matches!(error, Errno::AGAIN | Errno::INTR),
    }
}

fn now_millis() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
