//! Lines of ours among a step's output (also those for what a full disk made us drop), kept apart for whoever counts a step's
//! bytes.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// A place where bytes are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap {
    /// Where the line that says so begins in the console.
    pub(super) offset: u64,
    /// How long that line is.
    pub(super) marker: u64,
    /// How many bytes are missing.
    pub(super) dropped: u64,
}

/// One entry in the file: three little-endian numbers.
const ENTRY: usize = 24;
/// More gaps than this are not kept: a disk that is full again and again would otherwise fill itself with them.
const MOST_GAPS: usize = 4_096;

/// The line that stands in the console for `dropped` bytes.
pub(super) fn marker(dropped: u64) -> Vec<u8> {
    format!("\n[causeway] {dropped} bytes of this log are missing: they could not be written to disk\n")
        .into_bytes()
}

/// The gaps of one console.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    known: Vec<Gap>,
}

impl Gaps {
    /// Reads the file beside a console of `length` bytes. An entry whose line is not whole in the console was not finished;
    /// the second value is then the length to which the console is to be cut.
    pub(super) fn read(path: &Path, length: u64) -> io::Result<(Gaps, u64)> {
        let mut bytes = Vec::new();
        match File::open(path) {
            Ok(file) => file.take((ENTRY * MOST_GAPS) as u64).read_to_end(&mut bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Gaps::default(), length)),
            Err(error) => return Err(error),
        };
        let mut gaps = Gaps::default();
        let mut length = length;
        for entry in bytes.chunks_exact(ENTRY) {
            let number = |at: usize| {
                let bytes = entry[at..at + 8].try_into().unwrap_or_default();
                u64::from_le_bytes(bytes)
            };
            let gap = Gap { offset: number(0), marker: number(8), dropped: number(16) };
            if gap.offset.saturating_add(gap.marker) > length {
                length = length.min(gap.offset);
                break;
            }
            gaps.known.push(gap);
        }
        Ok((gaps, length))
    }

    /// Whether no further one would be kept.
    pub(super) fn are_full(&self) -> bool {
        self.known.len() >= MOST_GAPS
    }

    /// Announces a gap in the file; its line is written to the console next.
    pub(super) fn announce(&self, path: &Path, gap: Gap) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        file.set_len((self.known.len() * ENTRY) as u64)?;
        io::Seek::seek(&mut file, io::SeekFrom::End(0))?;
        let mut entry = [0; ENTRY];
        entry[..8].copy_from_slice(&gap.offset.to_le_bytes());
        entry[8..16].copy_from_slice(&gap.marker.to_le_bytes());
        entry[16..].copy_from_slice(&gap.dropped.to_le_bytes());
        file.write_all(&entry)
    }

    /// The announced gap's line is written.
    pub(super) fn confirm(&mut self, gap: Gap) {
        if self.known.len() < MOST_GAPS {
            self.known.push(gap);
        }
    }

    /// Of the bytes from `from` to `length`, how many were taken: lines of ours not counted, missing bytes counted.
    pub(super) fn taken(&self, from: u64, length: u64) -> u64 {
        let behind = self.known.iter().filter(|gap| gap.offset >= from);
        let (markers, dropped) =
            behind.fold((0, 0), |(markers, dropped), gap| (markers + gap.marker, dropped + gap.dropped));
        length.saturating_sub(from).saturating_sub(markers) + dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_read_back_and_an_unfinished_one_is_cut_off() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gaps");
        let mut gaps = Gaps::default();
        let first = Gap { offset: 100, marker: 10, dropped: 1_000 };
        gaps.announce(&path, Gap { offset: 100, marker: 9, dropped: 5 }).unwrap();
        gaps.announce(&path, first).unwrap();
        gaps.confirm(first);
        gaps.announce(&path, Gap { offset: 200, marker: 10, dropped: 7 }).unwrap();

        let (read, length) = Gaps::read(&path, 205).unwrap();
        assert_eq!((read.known.as_slice(), length), (&[first][..], 200));
        assert_eq!(read.taken(0, 200), 200 - 10 + 1_000);
        assert_eq!(read.taken(110, 200), 90);
        assert_eq!(read.taken(300, 200), 0);
    }
}
