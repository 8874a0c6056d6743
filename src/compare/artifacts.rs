//! Artifacts: names, then sizes and digests.

use std::collections::BTreeMap;

use super::seen::ArtifactSeen;
use super::verdict::{Difference, Part};

/// Files that are named.
const NAMED_MAX: usize = 20;

pub(super) fn compare(master: &[ArtifactSeen], ours: &[ArtifactSeen]) -> Vec<Difference> {
    let by_path = |seen: &[ArtifactSeen]| -> BTreeMap<String, ArtifactSeen> {
        seen.iter().map(|file| (file.path.clone(), file.clone())).collect()
    };
    let (left, right) = (by_path(master), by_path(ours));
    let paths = left.keys().chain(right.keys().filter(|path| !left.contains_key(*path)));
    let one = |path: &String| {
        let (master, ours) = match (left.get(path), right.get(path)) {
            (Some(_), None) => ("there".to_owned(), "not there".to_owned()),
            (None, Some(_)) => ("not there".to_owned(), "there".to_owned()),
            (Some(master), Some(ours)) => contents(master, ours)?,
            (None, None) => return None,
        };
        Some(Difference { part: Part::Artifacts, place: path.clone(), master, ours })
    };
    paths.filter_map(one).take(NAMED_MAX).collect()
}

/// What differs between two files of one name; what is not known on both sides says nothing.
fn contents(master: &ArtifactSeen, ours: &ArtifactSeen) -> Option<(String, String)> {
    if let (Some(left), Some(right)) = (master.size, ours.size)
        && left != right
    {
        return Some((format!("{left} bytes"), format!("{right} bytes")));
    }
    match (&master.digest, &ours.digest) {
        (Some(left), Some(right)) if left != right => Some((left.clone(), right.clone())),
        _ => None,
    }
}
