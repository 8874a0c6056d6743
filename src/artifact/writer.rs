//! One collection under way.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::time::Instant;

use super::checksum::Checksums;
use super::index::{self, Artifact};
use super::limits::{Limit, Limits};
use super::name::{self, NameRefused};
use super::storage::{blocking, remove};
use crate::model::Millis;

/// A file that was not kept. Others of the collection may be, unless a limit on all of them was reached.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// A name that is not used.
    #[error("'{path}' is not kept: {reason}")]
    Name {
        /// The path, made readable.
        path: String,
        /// Why.
        reason: NameRefused,
    },
    /// A limit (pools-D72).
    #[error("not everything is kept: {0}")]
    Limit(Limit),
    /// The disk.
    #[error("the artifact storage cannot be written")]
    Storage(#[source] io::Error),
}

impl ArtifactError {
    /// Whether no further file will be kept either.
    pub fn ends_collection(&self) -> bool {
        match self {
            ArtifactError::Limit(Limit::Files(_) | Limit::Bytes(_) | Limit::Time(_)) => true,
            ArtifactError::Storage(error) => {
                matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            ArtifactError::Limit(Limit::FileBytes(_)) | ArtifactError::Name { .. } => false,
        }
    }
}

/// Takes the files of one build. Nothing is seen before [`ArtifactWriter::commit`]; dropped, nothing ever is.
#[derive(Debug)]
pub struct ArtifactWriter {
    aside: PathBuf,
    place: PathBuf,
    limits: Limits,
    deadline: Instant,
    bytes: u64,
    kept: Vec<Artifact>,
}

/// One file under way; dropped before its end it is not kept.
pub struct ArtifactFile<'a> {
    writer: &'a mut ArtifactWriter,
    path: String,
    place: PathBuf,
    modified_at: Millis,
    /// Absent while a piece is being written.
    open: Option<(File, Checksums)>,
    size: u64,
    finished: bool,
}

impl ArtifactWriter {
    pub(super) fn new(aside: PathBuf, place: PathBuf, limits: Limits) -> ArtifactWriter {
        let deadline = Instant::now() + limits.time;
        ArtifactWriter { aside, place, limits, deadline, bytes: 0, kept: Vec::new() }
    }

    /// Begins with what is kept in that place already. A second name each: nothing is copied.
    pub(super) fn take_over(&mut self, place: &Path, kept: Vec<Artifact>) -> io::Result<()> {
        for artifact in &kept {
            let [from, to] = [place, &self.aside].map(|root| root.join("files").join(&artifact.path));
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::hard_link(from, to)?;
            self.bytes += artifact.size;
        }
        self.kept = kept;
        Ok(())
    }

    /// Begins a file. `size` is what the node said; only what really comes counts in the end.
    ///
    /// # Errors
    /// See [`ArtifactError`].
    pub async fn begin(
        &mut self,
        path: &[u8],
        size: u64,
        modified_at: Millis,
    ) -> Result<ArtifactFile<'_>, ArtifactError> {
        let path = name::checked(path).map_err(|reason| ArtifactError::Name {
            path: String::from_utf8_lossy(path).escape_debug().to_string(),
            reason,
        })?;
        if self.kept.len() as u64 >= self.limits.files {
            return Err(ArtifactError::Limit(Limit::Files(self.limits.files)));
        }
        self.check(size)?;
        let place = self.aside.join("files").join(path);
        let target = place.clone();
        let file = blocking(move || {
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            OpenOptions::new().write(true).create_new(true).open(&target)
        });
        let open = Some((file.await.map_err(ArtifactError::Storage)?, Checksums::default()));
        let path = path.to_owned();
        Ok(ArtifactFile { writer: self, path, place, modified_at, open, size: 0, finished: false })
    }

    /// Whether a file of `size` bytes may be kept.
    fn check(&self, size: u64) -> Result<(), ArtifactError> {
        let limit = if Instant::now() >= self.deadline {
            Limit::Time(self.limits.time)
        } else if size > self.limits.file_bytes {
            Limit::FileBytes(self.limits.file_bytes)
        } else if self.bytes.saturating_add(size) > self.limits.bytes {
            Limit::Bytes(self.limits.bytes)
        } else {
            return Ok(());
        };
        Err(ArtifactError::Limit(limit))
    }

    /// Puts what was kept in its place, in one step, and returns it.
    ///
    /// # Errors
    /// What the file system says; then nothing is in place.
    pub async fn commit(self) -> Result<Vec<Artifact>, ArtifactError> {
        let work = move || {
            index::write(&self.aside, &self.kept)?;
            if let Some(parent) = self.place.parent() {
                fs::create_dir_all(parent)?;
            }
            remove(&self.place)?;
            fs::rename(&self.aside, &self.place)?;
            Ok(self.kept)
        };
        blocking(work).await.map_err(ArtifactError::Storage)
    }
}

impl ArtifactFile<'_> {
    /// Appends a piece.
    ///
    /// # Errors
    /// See [`ArtifactError`]; after one the file is not kept.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), ArtifactError> {
        let size = self.size.saturating_add(bytes.len() as u64);
        self.writer.check(size)?;
        let Some((mut file, mut sums)) = self.open.take() else {
            return Err(ArtifactError::Storage(io::Error::other("an earlier piece could not be written")));
        };
        let written = blocking(move || {
            file.write_all(&bytes)?;
            sums.update(&bytes);
            Ok((file, sums))
        });
        self.open = Some(written.await.map_err(ArtifactError::Storage)?);
        self.size = size;
        Ok(())
    }

    /// The file is whole.
    ///
    /// # Errors
    /// When an earlier piece could not be written.
    pub async fn finish(mut self) -> Result<(), ArtifactError> {
        let Some((_, sums)) = self.open.take() else {
            return Err(ArtifactError::Storage(io::Error::other("an earlier piece could not be written")));
        };
        let (sha256, crc32) = sums.finish();
        self.finished = true;
        self.writer.bytes += self.size;
        self.writer.kept.push(Artifact {
            path: std::mem::take(&mut self.path),
            size: self.size,
            modified_at: self.modified_at,
            sha256,
            crc32,
        });
        Ok(())
    }
}

impl Drop for ArtifactFile<'_> {
    fn drop(&mut self) {
        if !self.finished {
            // Half a file is none; whatever remains goes with the collection or is not in its index.
            let _ = fs::remove_file(&self.place);
        }
    }
}
