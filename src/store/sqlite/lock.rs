//! One owner per state directory (pools-P2).

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::OpenError;
use crate::model::Millis;

/// The file whose lock means ownership. It stays behind; only the lock counts, and that ends with the process.
const FILE: &str = "lock";
/// Longer content is not ours.
const LONGEST: u64 = 256;

/// Ownership of a state directory, given up when this value or the process ends.
#[derive(Debug)]
pub(super) struct StateLock {
    _file: File,
}

impl StateLock {
    /// Takes the directory, made for its owner's eyes only if it is not there.
    pub(super) fn acquire(directory: &Path, now: Millis) -> Result<StateLock, OpenError> {
        let unusable = |source| OpenError::Directory { directory: directory.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(unusable)?;
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(directory.join(FILE))
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = owner(&mut file);
                return Err(OpenError::Owned { directory: directory.to_owned(), owner });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        // The names are for people; on a full disk the lock still holds.
        let _ = note(&mut file, now);
        Ok(StateLock { _file: file })
    }
}

fn note(file: &mut File, now: Millis) -> io::Result<()> {
    let started = jiff::Timestamp::from_millisecond(i64::try_from(now.0).unwrap_or(i64::MAX))
        .map(|time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
        .unwrap_or_default();
    file.set_len(0)?;
    file.write_all(format!("process {}, started {started}\n", std::process::id()).as_bytes())
}

fn owner(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(LONGEST).read_to_string(&mut text);
    match (read, text.trim()) {
        (Ok(_), text) if text.starts_with("process ") => text.to_owned(),
        _ => "another process, which has not written its name".to_owned(),
    }
}
