//! Directory listings on a channel: one entry after another, each with its length in front.

use super::field::{Malformed, Reader, Writer};

/// A kind of thing below the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A plain file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link; it is never followed (pools-D71).
    Link,
    /// A device, socket or pipe.
    Other,
}

/// One thing in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path relative to the listed directory, with `/` between the parts. Bytes: names need not be UTF-8.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Its size in bytes.
    pub size: u64,
    /// Its time of change in milliseconds since 1970.
    pub modified_at: u64,
    /// Its permission bits.
    pub mode: u32,
}

/// Kind, size, time, mode: what an entry takes without its path.
const FIXED: usize = 1 + 8 + 8 + 4;

/// The longest path that Linux lets a program name.
const MAX_PATH: usize = 4096;

impl Entry {
    /// Appends the entry.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut out = Writer(out);
        out.u32(u32::try_from(self.path.len() + FIXED).unwrap_or(u32::MAX));
        out.u8(self.kind as u8);
        out.u64(self.size);
        out.u64(self.modified_at);
        out.u32(self.mode);
        out.0.extend_from_slice(&self.path);
    }

    fn read(bytes: &[u8]) -> Result<Entry, Malformed> {
        let mut from = Reader(bytes);
        let kind = match from.u8("entry")? {
            0 => EntryKind::File,
            1 => EntryKind::Directory,
            2 => EntryKind::Link,
            3 => EntryKind::Other,
            _ => return Err(Malformed("entry")),
        };
        Ok(Entry {
            kind,
            size: from.u64("entry")?,
            modified_at: from.u64("entry")?,
            mode: from.u32("entry")?,
            path: from.rest().to_vec(),
        })
    }
}

/// Turns the pieces of a listing into entries, wherever they were cut.
#[derive(Debug, Default)]
pub struct ListingDecoder {
    bytes: Vec<u8>,
}

impl ListingDecoder {
    /// Adds a piece and appends the entries that are whole by now.
    pub fn push(&mut self, piece: &[u8], entries: &mut Vec<Entry>) -> Result<(), Malformed> {
        self.bytes.extend_from_slice(piece);
        let mut rest = self.bytes.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length =
                usize::try_from(u32::from_le_bytes(*length)).map_err(|_| Malformed("length of an entry"))?;
            if length > MAX_PATH + FIXED {
                return Err(Malformed("length of an entry"));
            }
            let Some((entry, after)) = after.split_at_checked(length) else {
                break;
            };
            entries.push(Entry::read(entry)?);
            rest = after;
        }
        let used = self.bytes.len() - rest.len();
        self.bytes.drain(..used);
        Ok(())
    }

    /// Whether the listing ended between two entries.
    pub fn is_whole(&self) -> bool {
        self.bytes.is_empty()
    }
}
