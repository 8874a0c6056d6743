//! How much a build may leave behind (pools-D72).

use std::time::Duration;

/// Limits of one collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Files.
    pub files: u64,
    /// Bytes in all.
    pub bytes: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Time for the whole collection.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { files: 50_000, bytes: 5 << 30, file_bytes: 2 << 30, time: Duration::from_secs(300) }
    }
}

/// A limit that was reached. What was kept before stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// Too many files.
    #[error("more than {0} files")]
    Files(u64),
    /// Too many bytes in all.
    #[error("more than {0} bytes in all")]
    Bytes(u64),
    /// One file is too large; others may still be kept.
    #[error("a file of more than {0} bytes")]
    FileBytes(u64),
    /// Too slow.
    #[error("collecting took longer than {} s", .0.as_secs())]
    Time(Duration),
}
