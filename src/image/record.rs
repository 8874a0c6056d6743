//! What a build's images are remembered by (docker-M40).

use serde::{Deserialize, Serialize};

/// Images of one build are remembered up to this number; a job that makes more has the first ones forgotten.
pub const RECORDS_MAX: usize = 200;

/// One image that a build pulled or made, under one name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageRecord {
    /// The component of the job: `docker-build-publish`.
    pub component: String,
    /// Where that was written: `jobs.yaml:12`.
    pub place: String,
    /// `pulled`, `built`, `tagged` or `pushed`.
    pub what: String,
    /// The reference as it was used; empty for an image without a name.
    pub reference: String,
    /// The engine's id.
    pub id: String,
    /// The digest in its registry; empty when it was in none.
    pub digest: String,
    /// The images that it was made from, with their digests.
    pub bases: Vec<String>,
    /// Files that were sent to the engine.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The credential's id; empty when none was used.
    pub credential: String,
}

impl ImageRecord {
    /// Whether both are the same thing, done again after a restart.
    pub fn same(&self, other: &ImageRecord) -> bool {
        let key = |record: &ImageRecord| {
            (record.component.clone(), record.place.clone(), record.what.clone(), record.reference.clone())
        };
        key(self) == key(other)
    }
}
