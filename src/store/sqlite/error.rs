//! What went wrong, in the store's words.

use std::io;
use std::path::PathBuf;

use crate::store::StoreError;

/// A store that could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process owns the state directory (pools-P2).
    #[error(
        "the state directory {} belongs to {owner}: stop that process, or give this one another directory",
        directory.display()
    )]
    Owned {
        /// The directory.
        directory: PathBuf,
        /// The owner: its process id and when it started.
        owner: String,
    },
    /// The directory cannot be made or written.
    #[error("the state directory {} cannot be used", directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A later version wrote it.
    #[error(
        "{} was written by a later version of Causeway (its form is {found}, this version knows up to {known}): \
         start the later version, or give this one another directory",
        file.display()
    )]
    Newer {
        /// The store's file.
        file: PathBuf,
        /// The number of its form.
        found: i64,
        /// The last form that this version knows.
        known: i64,
    },
    /// The database itself cannot be read or written.
    #[error("the store cannot be opened: {0}")]
    Store(#[source] StoreError),
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> OpenError {
        OpenError::Store(error)
    }
}

/// SQLite's primary result codes; the extended ones have more above the lowest byte.
mod code {
    pub(super) const IO: i64 = 10;
    pub(super) const CORRUPT: i64 = 11;
    pub(super) const FULL: i64 = 13;
    pub(super) const NOT_A_DATABASE: i64 = 26;
    /// `SQLITE_IOERR_SHMSIZE`: the index of the write-ahead log cannot grow, which only a full disk does.
    pub(super) const SHARED_MEMORY_SIZE: i64 = IO | (19 << 8);
}

/// What an error of the database means for whoever called.
pub(super) fn said(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(database) => {
            let code: i64 = database.code().and_then(|code| code.parse().ok()).unwrap_or(0);
            let text = database.message().to_owned();
            match code & 0xff {
                code::FULL => StoreError::Full(text),
                code::IO if code == code::SHARED_MEMORY_SIZE => StoreError::Full(text),
                code::CORRUPT | code::NOT_A_DATABASE => StoreError::Corrupt(text),
                _ => StoreError::Unavailable(format!("{text} (code {code})")),
            }
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => StoreError::Corrupt(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}
