//! The file side of a console that is being written. Everything here blocks; it is called where that is allowed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tracing::warn;

use super::gaps::{Gap, Gaps, marker};
use super::times;
use crate::model::Millis;

/// What an append did.
pub(super) struct Appended {
    /// Where the taken bytes begin in the console.
    pub(super) offset: u64,
    /// How many of them were written.
    pub(super) written: usize,
}

/// Appends to one console's files.
pub(super) struct Writer {
    directory: PathBuf,
    console: File,
    times: File,
    length: u64,
    last_time: Millis,
    gaps: Gaps,
    /// Bytes that could not be written and for which no line stands in the console yet.
    pending: u64,
}

impl Writer {
    /// Opens the console in `directory`, made if it is not there, at its present end or at `keep` if that comes first.
    pub(super) fn open(directory: &Path, keep: Option<u64>) -> io::Result<Writer> {
        fs::create_dir_all(directory)?;
        let open = |name| OpenOptions::new().create(true).append(true).read(true).open(directory.join(name));
        let console: File = open("console")?;
        let stored = console.metadata()?.len();
        let kept = keep.map_or(stored, |keep| stored.min(keep));
        let (gaps, length) = Gaps::read(&directory.join("gaps"), kept)?;
        if length < stored {
            console.set_len(length)?;
        }
        let times: File = open("times")?;
        let whole = times.metadata()?.len() / times::ENTRY * times::ENTRY;
        times.set_len(whole)?;
        Ok(Writer {
            directory: directory.to_owned(),
            console,
            times,
            length,
            last_time: Millis(0),
            gaps,
            pending: 0,
        })
    }

    /// A second handle for readers.
    pub(super) fn reading(&self) -> io::Result<File> {
        self.console.try_clone()
    }

    /// How many bytes are stored.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Appends; what does not fit on the disk is dropped and counted, and once there is room again a line says so (pools-D46).
    pub(super) fn append(&mut self, bytes: &Bytes, now: Millis) -> Appended {
        if self.pending > 0 && self.note_gap().is_err() {
            self.pending += bytes.len() as u64;
            return Appended { offset: self.length, written: 0 };
        }
        let offset = self.length;
        let (written, error) = self.write(bytes);
        if let Some(error) = error {
            warn!(directory = %self.directory.display(), %error, "log data is being dropped");
            self.pending += (bytes.len() - written) as u64;
        }
        self.note_time(offset, now);
        Appended { offset, written }
    }

    /// Puts a line of ours among a step's output; it does not count as a part of it. Best effort: without room there is none.
    pub(super) fn note(&mut self, line: &Bytes, now: Millis) -> Appended {
        let missing = self.pending > 0 && self.note_gap().is_err();
        let put = if missing || self.gaps.are_full() { None } else { self.put_line(line, 0).ok() };
        match put {
            Some(offset) => {
                self.note_time(offset, now);
                Appended { offset, written: line.len() }
            }
            None => Appended { offset: self.length, written: 0 },
        }
    }

    /// Writes the line for bytes that are missing at the end; best effort.
    pub(super) fn finish(&mut self) {
        if self.pending > 0 {
            // Without room for the line the console is simply shorter: the warning above stands in the server's log.
            let _ = self.note_gap();
        }
    }

    /// Brings what was written to the disk itself.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.console.sync_data()
    }

    /// Of what was appended since the console was `from` long, how many bytes were taken, dropped ones included.
    pub(super) fn taken(&self, from: u64) -> u64 {
        self.gaps.taken(from, self.length) + self.pending
    }

    fn write(&mut self, bytes: &[u8]) -> (usize, Option<io::Error>) {
        let mut written = 0;
        let mut error = None;
        while written < bytes.len() && error.is_none() {
            match self.console.write(&bytes[written..]) {
                Ok(0) => error = Some(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(interrupted) if interrupted.kind() == io::ErrorKind::Interrupted => {}
                Err(other) => error = Some(other),
            }
        }
        self.length += written as u64;
        (written, error)
    }

    /// First the entry, then the line: an entry without its whole line is cut off at the next opening, and the missing bytes
    /// then count as not taken.
    fn note_gap(&mut self) -> io::Result<()> {
        let line = marker(self.pending);
        self.put_line(&line, self.pending)?;
        self.pending = 0;
        Ok(())
    }

    /// Puts a line of ours among a step's output, of which `dropped` bytes are missing there.
    fn put_line(&mut self, line: &[u8], dropped: u64) -> io::Result<u64> {
        let gap = Gap { offset: self.length, marker: line.len() as u64, dropped };
        self.gaps.announce(&self.directory.join("gaps"), gap)?;
        if let (_, Some(error)) = self.write(line) {
            self.console.set_len(gap.offset)?;
            self.length = gap.offset;
            return Err(error);
        }
        self.gaps.confirm(gap);
        Ok(gap.offset)
    }

    fn note_time(&mut self, offset: u64, now: Millis) {
        if now.0 < self.last_time.0.saturating_add(times::STEP_MILLIS) || self.length == offset {
            return;
        }
        // A lost entry makes a time less exact and nothing else.
        if let Ok(length) = self.times.metadata().map(|data| data.len())
            && self.times.write_all(&times::entry(offset, now)).is_err()
        {
            let _ = self.times.set_len(length / times::ENTRY * times::ENTRY);
        }
        self.last_time = now;
    }
}
