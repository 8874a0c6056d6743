//! A step's log: an append-only file with a limit (pools-D44), that a full disk never makes a step's trouble (pools-D46).

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How much of the end is kept when there is more output than the limit.
const TAIL: u64 = 1024 * 1024;

/// The log of a running step.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    path: PathBuf,
    limit: u64,
    length: u64,
    tail: Option<Tail>,
    lost_to_disk: u64,
}

/// The last bytes of what did not fit, in a file that is written round and round, so that a flood costs no memory.
#[derive(Debug)]
struct Tail {
    file: File,
    path: PathBuf,
    size: u64,
    total: u64,
}

impl Log {
    /// A new, empty log. One that exists is refused: a step runs once.
    pub fn create(path: &Path, limit: u64) -> io::Result<Log> {
        let file = OpenOptions::new().append(true).create_new(true).mode(0o644).open(path)?;
        Ok(Log { file, path: path.to_owned(), limit, length: 0, tail: None, lost_to_disk: 0 })
    }

    /// How long the file is.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whether output had to be set aside already.
    pub fn over_limit(&self) -> bool {
        self.tail.as_ref().is_some_and(Tail::has_dropped)
    }

    /// Takes output. Never fails: what the disk does not take is counted.
    pub fn write(&mut self, bytes: &[u8]) {
        let tail_size = TAIL.min(self.limit / 2);
        let room = (self.limit - tail_size).saturating_sub(self.length);
        let (head, rest) = if self.tail.is_some() {
            (&[][..], bytes)
        } else {
            bytes.split_at(usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len()))
        };
        self.append(head);
        if rest.is_empty() {
            return;
        }
        if self.tail.is_none() {
            self.tail = Tail::create(&self.path.with_extension("tail"), tail_size).ok();
        }
        match &mut self.tail {
            Some(tail) => self.lost_to_disk += tail.write(rest),
            None => self.lost_to_disk += rest.len() as u64,
        }
    }

    /// Adds what was set aside, with a line that says how much is missing. Returns how many bytes are. Nothing is added afterwards.
    pub fn finish(&mut self) -> u64 {
        let tail = self.tail.take();
        let dropped = self.lost_to_disk + tail.as_ref().map_or(0, Tail::dropped);
        if dropped > 0 {
            let line = format!(
                "\n[causeway] {dropped} bytes of output are missing here: more than the limit of {} bytes, or no room on the disk\n",
                self.limit
            );
            self.append(line.as_bytes());
        }
        if let Some(tail) = tail {
            tail.replay(|piece| self.append(piece));
        }
        dropped
    }

    fn append(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.file.write(bytes) {
                Ok(written) => {
                    self.length += written as u64;
                    bytes = &bytes[written..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.lost_to_disk += bytes.len() as u64;
                    return;
                }
            }
        }
    }
}

impl Tail {
    fn create(path: &Path, size: u64) -> io::Result<Tail> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Tail { file, path: path.to_owned(), size, total: 0 })
    }

    /// Returns how many bytes the disk did not take.
    fn write(&mut self, mut bytes: &[u8]) -> u64 {
        while !bytes.is_empty() && self.size > 0 {
            let at = self.total % self.size;
            let count = usize::try_from(self.size - at).unwrap_or(usize::MAX).min(bytes.len());
            if self.file.write_all_at(&bytes[..count], at).is_err() {
                break;
            }
            self.total += count as u64;
            bytes = &bytes[count..];
        }
        bytes.len() as u64
    }

    fn has_dropped(&self) -> bool {
        self.dropped() > 0
    }

    fn dropped(&self) -> u64 {
        self.total.saturating_sub(self.size)
    }

    fn replay(self, mut write: impl FnMut(&[u8])) {
        let kept = self.total.min(self.size);
        let mut done = 0;
        let mut piece = vec![0; 64 * 1024];
        while done < kept {
            let at = (self.total - kept + done) % self.size;
            let count = (self.size - at).min(kept - done).min(piece.len() as u64);
            let piece = &mut piece[..usize::try_from(count).unwrap_or(0)];
            if self.file.read_exact_at(piece, at).is_err() {
                break;
            }
            write(piece);
            done += count;
        }
        // What is left of it goes with the node's directory.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_of(limit: u64, pieces: &[&[u8]]) -> (Vec<u8>, u64) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut log = Log::create(&path, limit).unwrap();
        for piece in pieces {
            log.write(piece);
        }
        let dropped = log.finish();
        let text = std::fs::read(&path).unwrap();
        assert_eq!(log.length(), text.len() as u64);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        (text, dropped)
    }

    #[test]
    fn pools_d44_up_to_the_limit_every_byte_is_kept() {
        let (text, dropped) = log_of(20, &[b"0123456789", b"abcdefghij"]);
        assert_eq!((text.as_slice(), dropped), (&b"0123456789abcdefghij"[..], 0));
    }

    #[test]
    fn pools_d44_beyond_the_limit_the_beginning_and_the_end_are_kept() {
        let (text, dropped) = log_of(20, &[b"0123456789abcdefg", b"hijklmnopqrstuvwxyz"]);
        assert_eq!(dropped, 16);
        assert!(text.starts_with(b"0123456789\n[causeway] 16 bytes"));
        assert!(text.ends_with(b"\nqrstuvwxyz"), "{}", text.escape_ascii());
    }

    #[test]
    fn a_limit_of_nothing_keeps_nothing() {
        let (text, dropped) = log_of(0, &[b"0123456789"]);
        assert_eq!(dropped, 10);
        assert!(text.starts_with(b"\n[causeway] 10 bytes"));
    }
}
