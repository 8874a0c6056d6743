//! A reader of one console, at its own pace.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::live::{Progress, SharedLive};
use super::times::LineTimes;

/// One call of `read` returns no more than this, whatever is asked for: the memory that one reader takes.
pub(super) const MOST_READ: usize = 1024 * 1024;

/// Reads a console by offset, while it grows and afterwards. Cheap; each has its own place and none slows the writer.
pub struct ConsoleReader {
    source: Source,
    directory: PathBuf,
}

enum Source {
    Growing { live: SharedLive, told: watch::Receiver<Progress> },
    Stored { file: Arc<File>, length: u64 },
}

impl ConsoleReader {
    pub(super) fn growing(live: SharedLive, directory: PathBuf) -> ConsoleReader {
        let told = live.subscribe();
        ConsoleReader { source: Source::Growing { live, told }, directory }
    }

    pub(super) fn stored(file: File, length: u64, directory: PathBuf) -> ConsoleReader {
        ConsoleReader { source: Source::Stored { file: Arc::new(file), length }, directory }
    }

    /// How many bytes there are.
    pub fn length(&self) -> u64 {
        match &self.source {
            Source::Growing { live, .. } => live.length(),
            Source::Stored { length, .. } => *length,
        }
    }

    /// Whether nothing more will come. Once it is true, [`Self::length`] is final: ask this first, then for the length.
    /// A console that nobody writes at present is finished.
    pub fn finished(&self) -> bool {
        match &self.source {
            Source::Growing { live, .. } => live.finished(),
            Source::Stored { .. } => true,
        }
    }

    /// Bytes from `offset` on: at least one unless `offset` is at or beyond the end, at most `max` and at most 1 MiB. May be
    /// fewer than there are: read again from where they end.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn read(&self, offset: u64, max: usize) -> io::Result<Bytes> {
        let max = max.min(MOST_READ);
        let length = self.length();
        let count = usize::try_from(length.saturating_sub(offset)).unwrap_or(MOST_READ).min(max);
        if count == 0 {
            return Ok(Bytes::new());
        }
        match &self.source {
            Source::Growing { live, .. } => {
                if let Some(bytes) = live.recent(offset, count) {
                    return Ok(bytes);
                }
                let live = live.clone();
                blocking(move || read_at(&live.file, offset, count)).await
            }
            Source::Stored { file, .. } => {
                let file = file.clone();
                blocking(move || read_at(&file, offset, count)).await
            }
        }
    }

    /// Waits until there are more than `beyond` bytes or the console is finished. Told at most each 20 ms or per 64 KiB, so
    /// that a thousand readers of a busy build cost little. May be dropped at any time.
    pub async fn changed(&mut self, beyond: u64) {
        if let Source::Growing { told, .. } = &mut self.source {
            // The sender lives in `live`, which this reader holds: waiting cannot fail.
            let _ = told.wait_for(|progress| progress.finished || progress.length > beyond).await;
        }
    }

    /// When the bytes from `from` up to `to` were written.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn times(&self, from: u64, to: u64) -> io::Result<LineTimes> {
        let path = self.directory.join("times");
        blocking(move || LineTimes::read(&path, from, to)).await
    }
}

fn read_at(file: &File, offset: u64, count: usize) -> io::Result<Bytes> {
    let mut bytes = vec![0; count];
    let mut filled = 0;
    while filled < count {
        match file.read_at(&mut bytes[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes.into())
}

/// Runs `work` where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
