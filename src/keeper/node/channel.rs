//! Channels on the node: a log that is followed, or a pair of descriptors that bytes are pumped between.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::process::Signal;

use super::files;
use super::processes::signal;
use super::step::Step;
use crate::keeper::wire::{ChannelEnd, FromNode, MAX_DATA, Refusal, RefusalCode, StepEnd, StepId, WINDOW};

/// How much of what a failed child says is kept.
const ERROR_TEXT: usize = 4096;

pub(super) enum Channel {
    Follow(Follow),
    Pump(Box<Pump>),
}

/// A log on its way.
pub(super) struct Follow {
    pub step: StepId,
    pub file: OwnedFd,
    pub offset: u64,
    pub room: u32,
}

/// Bytes on their way between Causeway and a child or a socket.
pub(super) struct Pump {
    /// Where bytes for Causeway come from; absent after its end.
    pub input: Option<OwnedFd>,
    /// Where bytes from Causeway go; absent after its end.
    pub output: Option<OwnedFd>,
    pub child: Option<Child>,
    pub room: u32,
    /// The listener that it came from, for a connection out of the node.
    pub listener: Option<u32>,
    /// Whether Causeway has ever given credit for it.
    pub touched: bool,
    pending: Vec<u8>,
    eof: bool,
    consumed: u32,
}

/// A child of the keeper's own.
pub(super) struct Child {
    pub pid: i32,
    errors: OwnedFd,
    /// Its exit code, once reaped; a signal has none.
    pub code: Option<Option<i32>>,
}

impl Follow {
    /// Whether [`Follow::feed`] would send something.
    pub fn can_send(&self, step: &Step) -> bool {
        if step.log_length() > self.offset { self.room > 0 } else { matches!(step, Step::Ended(_)) }
    }

    /// Appends at most one frame. The end comes when the step has ended and all was sent.
    pub fn feed(
        &mut self,
        number: u32,
        step: &Step,
        scratch: &mut [u8],
        out: &mut Vec<u8>,
    ) -> Option<ChannelEnd> {
        let left = step.log_length().saturating_sub(self.offset);
        if left == 0 {
            return match step {
                Step::Running(_) => None,
                Step::Ended(end) => Some(ChannelEnd::Step(StepEnd::clone(end))),
            };
        }
        let count = usize::try_from(left.min(u64::from(self.room))).unwrap_or(MAX_DATA).min(MAX_DATA);
        if count == 0 {
            return None;
        }
        match rustix::io::pread(&self.file, &mut scratch[..count], self.offset) {
            Ok(0) => Some(ChannelEnd::Failed(Refusal::new(
                RefusalCode::System,
                "the log was cut short by somebody else",
            ))),
            Ok(read) => {
                self.offset += read as u64;
                self.room -= u32::try_from(read).unwrap_or(u32::MAX);
                FromNode::Data { channel: number, bytes: &scratch[..read] }.write(out);
                None
            }
            Err(Errno::INTR) => None,
            Err(error) => Some(ChannelEnd::Failed(Refusal::new(
                RefusalCode::System,
                format!("cannot read the log: {}", io::Error::from(error)),
            ))),
        }
    }
}

impl Pump {
    /// Starts a child that works on files.
    pub fn child(words: Vec<OsString>) -> io::Result<Pump> {
        let mut child = Command::new("/proc/self/exe")
            .arg0("causeway")
            .args([super::WORD, files::WORD])
            .args(words)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pid = i32::try_from(child.id()).map_err(|_| io::ErrorKind::InvalidData)?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        Pump::new(stdout.into(), stdin.into(), Some(Child { pid, errors: stderr.into(), code: None }))
    }

    /// Pumps a connection to a listener. Nothing is read of it before Causeway gives credit: until then another of Causeway's
    /// connections can take it over whole.
    pub fn socket(stream: UnixStream, listener: u32) -> io::Result<Pump> {
        let input = stream.try_clone()?;
        let mut pump = Pump::new(input.into(), stream.into(), None)?;
        pump.room = 0;
        pump.listener = Some(listener);
        Ok(pump)
    }

    /// Gives room to send.
    pub fn credit(&mut self, bytes: u32) {
        self.room = self.room.saturating_add(bytes).min(WINDOW);
        self.touched = true;
    }

    fn new(input: OwnedFd, output: OwnedFd, child: Option<Child>) -> io::Result<Pump> {
        for descriptor in [&input, &output] {
            rustix::io::ioctl_fionbio(descriptor, true)?;
        }
        if let Some(child) = &child {
            rustix::io::ioctl_fionbio(&child.errors, true)?;
        }
        Ok(Pump {
            input: Some(input),
            output: Some(output),
            child,
            room: WINDOW,
            listener: None,
            touched: false,
            pending: Vec::new(),
            eof: false,
            consumed: 0,
        })
    }

    /// Whether something waits to be written.
    pub fn wants_to_write(&self) -> bool {
        self.output.is_some() && !self.pending.is_empty()
    }

    /// Whether it waits for its child to be reaped.
    pub fn waits_for_child(&self) -> bool {
        self.input.is_none() && self.child.as_ref().is_some_and(|child| child.code.is_none())
    }

    /// Reads for Causeway, at most one frame.
    pub fn read(&mut self, number: u32, scratch: &mut [u8], out: &mut Vec<u8>) {
        let Some(input) = &self.input else { return };
        let most = usize::try_from(self.room).unwrap_or(MAX_DATA).min(MAX_DATA);
        if most == 0 {
            return;
        }
        match rustix::io::read(input, &mut scratch[..most]) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            Ok(0) | Err(_) => {
                self.input = None;
                FromNode::Eof { channel: number }.write(out);
            }
            Ok(count) => {
                self.room -= u32::try_from(count).unwrap_or(u32::MAX);
                FromNode::Data { channel: number, bytes: &scratch[..count] }.write(out);
            }
        }
    }

    /// Bytes from Causeway. `false`: more than the window allows.
    pub fn receive(&mut self, bytes: &[u8]) -> bool {
        if self.pending.len() + self.consumed as usize + bytes.len() > WINDOW as usize {
            return false;
        }
        if self.output.is_some() {
            self.pending.extend_from_slice(bytes);
        } else {
            self.consumed += u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        }
        true
    }

    /// No more bytes from Causeway.
    pub fn received_all(&mut self) {
        self.eof = true;
    }

    /// Writes what waits; credit for it goes back in halves of the window.
    pub fn write(&mut self, number: u32, out: &mut Vec<u8>) {
        if let Some(output) = &self.output
            && !self.pending.is_empty()
        {
            let written = match rustix::io::write(output, &self.pending) {
                Ok(written) => written,
                Err(Errno::AGAIN | Errno::INTR) => 0,
                Err(_) => {
                    // Nobody reads there any more: what comes is thrown away.
                    self.output = None;
                    self.pending.len()
                }
            };
            self.pending.drain(..written);
            if self.pending.is_empty() {
                self.pending = Vec::new();
            }
            self.consumed += u32::try_from(written).unwrap_or(u32::MAX);
        }
        if self.consumed >= WINDOW / 2 {
            FromNode::Credit { channel: number, bytes: std::mem::take(&mut self.consumed) }.write(out);
        }
        if self.eof
            && self.pending.is_empty()
            && let Some(output) = self.output.take()
            && self.child.is_none()
        {
            // Half of a socket: the other half still reads.
            let _ = rustix::net::shutdown(output.as_fd(), rustix::net::Shutdown::Write);
        }
    }

    /// Its end, if it is over.
    pub fn end(&self) -> Option<ChannelEnd> {
        if self.input.is_some() {
            return None;
        }
        let Some(child) = &self.child else {
            return self.output.is_none().then_some(ChannelEnd::Done);
        };
        Some(match files::refusal_of(child.code?) {
            None => ChannelEnd::Done,
            Some(code) => ChannelEnd::Failed(Refusal::new(code, child.error_text())),
        })
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        if let Some(child) = &self.child
            && child.code.is_none()
        {
            signal(child.pid, Signal::KILL);
        }
    }
}

impl Child {
    fn error_text(&self) -> String {
        let mut text = [0; ERROR_TEXT];
        let length = rustix::io::read(&self.errors, &mut text).unwrap_or(0);
        String::from_utf8_lossy(&text[..length]).into_owned()
    }
}
