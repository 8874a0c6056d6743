//! When which part of a console was written (pools-D48): an index beside the bytes, never in them.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::model::Millis;

/// One entry in the file: offset and time, two little-endian numbers.
pub(super) const ENTRY: u64 = 16;
/// Entries are no closer than this: people read seconds, and six hours of steady output stay below 1.5 MiB of index.
pub(super) const STEP_MILLIS: u64 = 250;
/// So many entries at most are read for one part of a console.
const MOST_ENTRIES: u64 = 65_536;

/// The bytes of an entry.
pub(super) fn entry(offset: u64, at: Millis) -> [u8; ENTRY as usize] {
    let mut bytes = [0; ENTRY as usize];
    bytes[..8].copy_from_slice(&offset.to_le_bytes());
    bytes[8..].copy_from_slice(&at.0.to_le_bytes());
    bytes
}

/// The times of a part of a console.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineTimes(Vec<(u64, Millis)>);

impl LineTimes {
    /// When the byte at `offset` was written, to a quarter of a second; `None` for what lies before the part that was read.
    pub fn at(&self, offset: u64) -> Option<Millis> {
        let behind = self.0.partition_point(|(start, _)| *start <= offset);
        self.0.get(behind.checked_sub(1)?).map(|(_, at)| *at)
    }

    /// Reads the entries that matter for the bytes from `from` up to `to`. A missing file has none.
    pub(super) fn read(path: &Path, from: u64, to: u64) -> io::Result<LineTimes> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(LineTimes::default()),
            Err(error) => return Err(error),
        };
        let count = file.metadata()?.len() / ENTRY;
        let first = Self::position(&file, count, from)?.saturating_sub(1);
        let last = Self::position(&file, count, to)?.min(first.saturating_add(MOST_ENTRIES));
        let mut bytes = vec![0; usize::try_from((last - first) * ENTRY).unwrap_or(0)];
        file.read_exact_at(&mut bytes, first * ENTRY)?;
        Ok(LineTimes(bytes.chunks_exact(ENTRY as usize).map(Self::parse).collect()))
    }

    fn parse(entry: &[u8]) -> (u64, Millis) {
        let number = |at: usize| u64::from_le_bytes(entry[at..at + 8].try_into().unwrap_or_default());
        (number(0), Millis(number(8)))
    }

    /// How many entries begin at or before `offset`.
    fn position(file: &File, count: u64, offset: u64) -> io::Result<u64> {
        let (mut low, mut high) = (0, count);
        let mut bytes = [0; ENTRY as usize];
        while low < high {
            let middle = low + (high - low) / 2;
            file.read_exact_at(&mut bytes, middle * ENTRY)?;
            if Self::parse(&bytes).0 <= offset { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_d48_a_time_is_found_for_every_offset() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("times");
        assert_eq!(LineTimes::read(&path, 0, 100).unwrap().at(5), None);
        let mut bytes: Vec<u8> =
            (0..1_000u64).flat_map(|place| entry(place * 10, Millis(5_000 + place))).collect();
        bytes.extend_from_slice(b"cut");
        std::fs::write(&path, bytes).unwrap();
        for offset in [0, 9, 10, 4_321, 9_990, 1 << 40] {
            let expected = Millis(5_000 + (offset / 10).min(999));
            assert_eq!(LineTimes::read(&path, offset, offset + 1).unwrap().at(offset), Some(expected));
            assert_eq!(LineTimes::read(&path, 0, 1 << 50).unwrap().at(offset), Some(expected));
        }
        let part = LineTimes::read(&path, 500, 600).unwrap();
        assert_eq!(part.0.len(), 12 - 1);
        assert_eq!(part.at(100), None);
    }
}
