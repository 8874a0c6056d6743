//! All consoles of a state directory, and the one that is being written.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use dashmap::DashMap;
use tokio::sync::Mutex;

use super::live::{Live, SharedLive};
use super::reader::{ConsoleReader, blocking};
use super::ticker::Ticker;
use super::writer::{Appended, Writer};
use crate::model::{BuildId, Millis};
use crate::sys::SharedClock;
use crate::telemetry::metrics::ConsoleMetrics;

/// The consoles below one directory. One process writes them; ours is the only one (pools-P2). Cheap to clone.
#[derive(Clone)]
pub struct Consoles {
    shared: Arc<Shared>,
}

struct Shared {
    directory: PathBuf,
    clock: SharedClock,
    growing: DashMap<BuildId, Console>,
    ticker: Ticker,
    metrics: OnceLock<ConsoleMetrics>,
}

/// A console that is being written. Cheap to clone; clones write to the same end.
#[derive(Clone)]
pub struct Console {
    id: BuildId,
    directory: PathBuf,
    live: SharedLive,
    writer: Arc<Mutex<Writer>>,
    consoles: std::sync::Weak<Shared>,
    clock: SharedClock,
}

impl Consoles {
    /// The consoles below `directory`, which is made if it is not there. Has to be called on a runtime.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn open(directory: impl Into<PathBuf>, clock: SharedClock) -> io::Result<Consoles> {
        let directory = directory.into();
        fs::create_dir_all(&directory)?;
        let shared = Shared {
            directory,
            clock,
            growing: DashMap::new(),
            ticker: Ticker::start(),
            metrics: OnceLock::new(),
        };
        Ok(Consoles { shared: Arc::new(shared) })
    }

    /// Counts what is appended from now on; only the first call counts.
    pub fn measure(&self, metrics: ConsoleMetrics) {
        let _ = self.shared.metrics.set(metrics);
    }

    /// The directory of one build's files: grouped by the random end of the id, so that no directory gets long.
    fn directory(&self, id: BuildId) -> PathBuf {
        let text = id.as_str();
        self.shared.directory.join(&text[text.len() - 2..]).join(text)
    }

    /// The console of a build to append to: made, or opened again at its end. While it is open every caller gets the same one.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn writer(&self, id: BuildId) -> io::Result<Console> {
        self.open_writer(id, None).await
    }

    /// As [`Consoles::writer`], but what lies beyond the first `keep` bytes is cut off before it is opened: after a restart, what
    /// was written behind the last moment that is recorded, so that it does not stand twice.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn writer_cut(&self, id: BuildId, keep: u64) -> io::Result<Console> {
        self.open_writer(id, Some(keep)).await
    }

    async fn open_writer(&self, id: BuildId, keep: Option<u64>) -> io::Result<Console> {
        if let Some(console) = self.shared.growing.get(&id) {
            return Ok(console.clone());
        }
        let directory = self.directory(id);
        let path = directory.clone();
        let (writer, file) = blocking(move || {
            let writer = Writer::open(&path, keep)?;
            let file = writer.reading()?;
            Ok((writer, file))
        })
        .await?;
        let console = Console {
            id,
            directory,
            live: Arc::new(Live::new(file, writer.length())),
            writer: Arc::new(Mutex::new(writer)),
            consoles: Arc::downgrade(&self.shared),
            clock: self.shared.clock.clone(),
        };
        // Two callers at once: the first entry stays, and the second writer never wrote.
        Ok(self.shared.growing.entry(id).or_insert(console).clone())
    }

    /// A reader of a build's console; `None` when there is none.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn reader(&self, id: BuildId) -> io::Result<Option<ConsoleReader>> {
        if let Some(console) = self.shared.growing.get(&id) {
            return Ok(Some(console.reader()));
        }
        let directory = self.directory(id);
        blocking(move || match File::open(directory.join("console")) {
            Ok(file) => {
                let length = file.metadata()?.len();
                Ok(Some(ConsoleReader::stored(file, length, directory)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// Removes a build's console with all that belongs to it. One that is not there is removed already.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn remove(&self, id: BuildId) -> io::Result<()> {
        if let Some((_, console)) = self.shared.growing.remove(&id) {
            console.live.finish(console.live.length());
        }
        let directory = self.directory(id);
        blocking(move || match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => {
                // The group's directory goes with its last console; it is made again when needed.
                let _ = fs::remove_dir(directory.parent().unwrap_or(Path::new("")));
                Ok(())
            }
        })
        .await
    }
}

impl Console {
    /// How many bytes are stored.
    pub fn length(&self) -> u64 {
        self.live.length()
    }

    /// Appends and returns the new length. Bytes that cannot be written (a full disk) are dropped, counted, and named by a line
    /// in the console when there is room again: never an error, never a wait (pools-D46). Once begun it is done even when the
    /// caller goes away; appends keep their order.
    ///
    /// # Errors
    /// Only when the runtime is ending.
    pub async fn append(&self, bytes: Bytes) -> io::Result<u64> {
        self.append_all(vec![bytes]).await
    }

    /// The same for several pieces that follow one another: one turn on a thread that may block for all of them (perf-L1).
    ///
    /// # Errors
    /// Only when the runtime is ending.
    pub async fn append_all(&self, pieces: Vec<Bytes>) -> io::Result<u64> {
        if pieces.iter().all(Bytes::is_empty) {
            return Ok(self.length());
        }
        self.write(pieces, Writer::append).await
    }

    /// Puts a line of ours among a step's output: it is not taken for a part of it ([`Console::taken`]). Without room it is left out.
    ///
    /// # Errors
    /// Only when the runtime is ending.
    pub async fn note(&self, line: Bytes) -> io::Result<u64> {
        self.write(vec![line], Writer::note).await
    }

    async fn write(
        &self,
        pieces: Vec<Bytes>,
        how: fn(&mut Writer, &Bytes, Millis) -> Appended,
    ) -> io::Result<u64> {
        let mut writer = self.writer.clone().lock_owned().await;
        let (live, consoles, now) = (self.live.clone(), self.consoles.clone(), self.clock.now());
        blocking(move || {
            for bytes in pieces.iter().filter(|bytes| !bytes.is_empty()) {
                let appended = how(&mut writer, bytes, now);
                let later = live.appended(&appended, bytes, writer.length());
                let Some(consoles) = consoles.upgrade() else { continue };
                if later {
                    consoles.ticker.later(Arc::clone(&live));
                }
                if let Some(metrics) = consoles.metrics.get() {
                    metrics.bytes.inc_by(count(appended.written));
                    metrics.dropped_bytes.inc_by(count(bytes.len().saturating_sub(appended.written)));
                }
            }
            Ok(writer.length())
        })
        .await
    }

    /// Of what was appended since the console was `from` long, how many bytes were taken: those that a full disk made us drop
    /// count, the lines that say so do not. This is the offset in a step's own log from which to follow it, when its output
    /// began at `from`.
    pub async fn taken(&self, from: u64) -> u64 {
        self.writer.lock().await.taken(from)
    }

    /// Brings what was appended to the disk itself. Called before a build's end is recorded, so that no recorded end points at
    /// a log that a power cut shortened.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn sync(&self) -> io::Result<()> {
        let writer = self.writer.clone().lock_owned().await;
        blocking(move || writer.sync()).await
    }

    /// Nothing more comes: readers are told. Appends that are under way are awaited by their callers first.
    pub fn finish(&self) {
        if let Ok(mut writer) = self.writer.try_lock() {
            writer.finish();
            self.live.finish(writer.length());
        } else {
            self.live.finish(self.live.length());
        }
        if let Some(consoles) = self.consoles.upgrade() {
            consoles.growing.remove_if(&self.id, |_, console| Arc::ptr_eq(&console.live, &self.live));
        }
    }

    /// A reader of this console.
    pub fn reader(&self) -> ConsoleReader {
        ConsoleReader::growing(self.live.clone(), self.directory.clone())
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
