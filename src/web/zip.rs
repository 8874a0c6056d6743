//! Archives of kept files: stored as they are, since sizes and checksums are known before the first byte is sent.

/// One file in an archive.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// Its name in the archive.
    pub name: String,
    /// Its size; never beyond 4 GiB (pools-D72 allows half of it).
    pub size: u32,
    /// Its checksum.
    pub crc32: u32,
    /// When it was changed, in seconds since 1970.
    pub changed_at: u32,
}

/// Where offsets do not fit any more, and are written a second time with 64 bits.
const WIDE: u32 = u32::MAX;
/// Names are UTF-8.
const UTF8: u16 = 1 << 11;
/// 1980-01-01: what has no better date. The time stands in an extra field.
const NO_DATE: u16 = 0x21;

/// Writes the heads of an archive; the files' own bytes come between them.
#[derive(Debug, Default)]
pub(super) struct Archive {
    written: u64,
    directory: Vec<u8>,
    members: u64,
}

impl Archive {
    /// The head of the next file; exactly its `size` bytes have to follow.
    pub(super) fn member(&mut self, member: &Member) -> Vec<u8> {
        let mut head = b"PK\x03\x04".to_vec();
        put16(&mut head, 20);
        fields(&mut head, member);
        put16(&mut head, 9);
        head.extend_from_slice(member.name.as_bytes());
        time(&mut head, member);
        self.list(member);
        self.written += head.len() as u64 + u64::from(member.size);
        head
    }

    fn list(&mut self, member: &Member) {
        let out = &mut self.directory;
        out.extend_from_slice(b"PK\x01\x02");
        // Made on a system with Unix's modes.
        put16(out, 3 << 8 | 45);
        put16(out, 45);
        fields(out, member);
        put16(out, 9 + 12);
        // No comment, first volume, no attributes of the old kind.
        out.extend_from_slice(&[0; 6]);
        put32(out, 0o100_644 << 16);
        let narrow = u32::try_from(self.written).ok().filter(|offset| *offset != WIDE);
        put32(out, narrow.unwrap_or(WIDE));
        out.extend_from_slice(member.name.as_bytes());
        time(out, member);
        // Always there, so that the length of an entry does not depend on where its file lies.
        match narrow {
            None => {
                put16(out, 1);
                put16(out, 8);
                put64(out, self.written);
            }
            // A field that nobody knows is skipped.
            Some(_) => {
                put16(out, 0x4357);
                put16(out, 8);
                put64(out, 0);
            }
        }
        self.members += 1;
    }

    /// The end of the archive.
    pub(super) fn end(self) -> Vec<u8> {
        let (start, length) = (self.written, self.directory.len() as u64);
        let mut out = self.directory;
        let wide = start + length;
        out.extend_from_slice(b"PK\x06\x06");
        put64(&mut out, 44);
        put16(&mut out, 3 << 8 | 45);
        put16(&mut out, 45);
        out.extend_from_slice(&[0; 8]);
        put64(&mut out, self.members);
        put64(&mut out, self.members);
        put64(&mut out, length);
        put64(&mut out, start);
        out.extend_from_slice(b"PK\x06\x07");
        put32(&mut out, 0);
        put64(&mut out, wide);
        put32(&mut out, 1);
        out.extend_from_slice(b"PK\x05\x06");
        out.extend_from_slice(&[0; 4]);
        let count = u16::try_from(self.members).unwrap_or(u16::MAX);
        put16(&mut out, count);
        put16(&mut out, count);
        put32(&mut out, u32::try_from(length).unwrap_or(WIDE));
        put32(&mut out, u32::try_from(start).unwrap_or(WIDE));
        put16(&mut out, 0);
        out
    }
}

/// From the flags to the length of the name.
fn fields(out: &mut Vec<u8>, member: &Member) {
    put16(out, UTF8);
    put16(out, 0);
    put16(out, 0);
    put16(out, NO_DATE);
    put32(out, member.crc32);
    put32(out, member.size);
    put32(out, member.size);
    put16(out, u16::try_from(member.name.len()).unwrap_or(u16::MAX));
}

fn time(out: &mut Vec<u8>, member: &Member) {
    put16(out, 0x5455);
    put16(out, 5);
    out.push(1);
    put32(out, member.changed_at);
}

fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_read_by_other_programs() {
        let mut archive = Archive::default();
        let mut bytes = Vec::new();
        // The checksum of "hello\n", by any program that makes one.
        let member =
            Member { name: "archive/ä/x".into(), size: 6, crc32: 0x363a_3020, changed_at: 1_700_000_000 };
        bytes.extend(archive.member(&member));
        bytes.extend_from_slice(b"hello\n");
        bytes.extend(archive.member(&Member {
            name: "archive/empty".into(),
            size: 0,
            crc32: 0,
            changed_at: 0,
        }));
        bytes.extend(archive.end());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        let script = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
            print(z.namelist(), z.read('archive/ä/x'))";
        let output = std::process::Command::new("python3")
            .args(["-c", script])
            .arg(file.path())
            .env("PYTHONUTF8", "1")
            .output();
        let output = output.expect("python3, which the tests need anyway");
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            said,
            "['archive/ä/x', 'archive/empty'] b'hello\\n'\n",
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
