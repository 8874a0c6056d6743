//! The list of a build's artifacts, kept beside them.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::Millis;

/// The file with the list; the artifacts themselves are below `files/`.
const FILE: &str = "index.json";

/// One artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its path relative to the workspace, with `/` between the parts.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last changed on its node.
    pub modified_at: Millis,
    /// Its fingerprint (SHA-256 in hexadecimal digits).
    pub sha256: String,
    /// The checksum that archives carry.
    pub crc32: u32,
}

impl Artifact {
    /// The last part of its path.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

#[derive(Serialize, Deserialize)]
struct Row {
    path: String,
    size: u64,
    modified_at: u64,
    sha256: String,
    crc32: u32,
}

/// Writes the list into `directory`.
pub(super) fn write(directory: &Path, artifacts: &[Artifact]) -> io::Result<()> {
    let rows: Vec<Row> = artifacts
        .iter()
        .map(|artifact| Row {
            path: artifact.path.clone(),
            size: artifact.size,
            modified_at: artifact.modified_at.0,
            sha256: artifact.sha256.clone(),
            crc32: artifact.crc32,
        })
        .collect();
    fs::write(directory.join(FILE), serde_json::to_vec(&rows).map_err(io::Error::other)?)
}

/// Reads the list in `directory`; none there means no artifacts.
pub(super) fn read(directory: &Path) -> io::Result<Vec<Artifact>> {
    let bytes = match fs::read(directory.join(FILE)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let rows: Vec<Row> = serde_json::from_slice(&bytes)?;
    let artifact = |row: Row| Artifact {
        path: row.path,
        size: row.size,
        modified_at: Millis(row.modified_at),
        sha256: row.sha256,
        crc32: row.crc32,
    };
    Ok(rows.into_iter().map(artifact).collect())
}
