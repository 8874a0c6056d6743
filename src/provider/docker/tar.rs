//! Heads of a tar archive, as an engine reads them: ustar, and a pax head before what does not fit.

/// The blocks of a tar.
pub(super) const BLOCK: usize = 512;
/// What a name of the plain form holds.
const NAME_MAX: usize = 100;
/// Eleven octal digits.
const SIZE_MAX: u64 = 0o77_777_777_777;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    File { size: u64 },
    Directory,
    Link { target: &'a [u8] },
}

/// The head of one entry; a file's content follows, filled up by [`padding`]. Owner and group are 0, as an engine makes them anyway.
pub(super) fn head(name: &[u8], kind: Kind<'_>, mode: u32, modified: u64) -> Vec<u8> {
    let (size, link, letter) = match kind {
        Kind::File { size } => (size, &b""[..], b'0'),
        Kind::Directory => (0, &b""[..], b'5'),
        Kind::Link { target } => (0, target, b'2'),
    };
    let mut out = Vec::new();
    let mut records = Vec::new();
    for (key, value, fits) in [
        ("path", name, name.len() <= NAME_MAX && name.is_ascii()),
        ("linkpath", link, link.len() <= NAME_MAX && link.is_ascii()),
    ] {
        if !fits {
            record(&mut records, key, value);
        }
    }
    if size > SIZE_MAX {
        record(&mut records, "size", size.to_string().as_bytes());
    }
    if !records.is_empty() {
        out.extend(block(b"pax", records.len() as u64, b"", b'x', 0o644, 0));
        out.extend(&records);
        out.resize(out.len() + padding(records.len() as u64), 0);
    }
    out.extend(block(name, size.min(SIZE_MAX), link, letter, mode, modified));
    out
}

/// How many zeros follow a content of that size.
pub(super) fn padding(size: u64) -> usize {
    let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
    (BLOCK - over) % BLOCK
}

/// The end of an archive.
pub(super) fn end() -> Vec<u8> {
    vec![0; 2 * BLOCK]
}

/// `LENGTH KEY=VALUE`, where the length counts itself.
fn record(out: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length += 1;
    }
    out.extend_from_slice(format!("{length} {key}=").as_bytes());
    out.extend_from_slice(value);
    out.push(b'\n');
}

fn block(name: &[u8], size: u64, link: &[u8], letter: u8, mode: u32, modified: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8], most: usize| {
        let bytes = &bytes[..bytes.len().min(most)];
        block[at..at + bytes.len()].copy_from_slice(bytes);
    };
    put(0, name, NAME_MAX);
    put(100, format!("{:07o}", mode & 0o7777).as_bytes(), 8);
    put(108, b"0000000", 8);
    put(116, b"0000000", 8);
    put(124, format!("{size:011o}").as_bytes(), 12);
    put(136, format!("{:011o}", modified.min(SIZE_MAX)).as_bytes(), 12);
    put(148, b"        ", 8);
    put(156, &[letter], 1);
    put(157, link, NAME_MAX);
    put(257, b"ustar\x0000", 8);
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_has_a_head_of_its_own() {
        assert_eq!(head(b"a", Kind::Directory, 0o755, 1).len(), BLOCK);
        let long = [b'x'; 300];
        let head = head(&long, Kind::File { size: 5 }, 0o644, 1);
        assert_eq!(head.len(), 3 * BLOCK);
        assert!(head[BLOCK..].starts_with(b"310 path=xxx"));
        assert_eq!((padding(0), padding(1), padding(512)), (0, 511, 0));
    }
}
