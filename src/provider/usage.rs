//! What a node's directory takes of the disk (pools-D35). The tree is the build's: no link is followed and no mount crossed.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, openat, statat};

/// Deeper directories are not counted: each level under way holds a descriptor.
const DEPTH: usize = 64;

/// Entries that one look counts at most. Whoever makes more of them has bytes enough in them to be found by.
const ENTRIES: u64 = 5_000_000;

/// The system counts blocks of this size, whatever the file system's own is.
const BLOCK: u64 = 512;

/// The bytes that a directory and all below it take. What goes while it is looked at is not counted.
///
/// # Errors
/// When the directory itself cannot be opened.
pub(super) fn of(directory: &Path) -> io::Result<u64> {
    let top = openat(CWD, directory, flags(), Mode::empty())?;
    let device = fstat(&top)?.st_dev;
    let mut counted = Counted { device, entries: 0, blocks: 0 };
    counted.add(&top, 0);
    Ok(counted.blocks * BLOCK)
}

fn flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

struct Counted {
    device: u64,
    entries: u64,
    blocks: u64,
}

impl Counted {
    fn add(&mut self, directory: &OwnedFd, depth: usize) {
        let Ok(entries) = Dir::read_from(directory) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") || self.entries >= ENTRIES {
                continue;
            }
            let Ok(found) = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            if found.st_dev != self.device {
                continue;
            }
            self.entries += 1;
            // A file with several names counts a part for each.
            self.blocks += u64::try_from(found.st_blocks).unwrap_or(0) / found.st_nlink.max(1);
            if FileType::from_raw_mode(found.st_mode) == FileType::Directory
                && depth < DEPTH
                && let Ok(child) = openat(directory.as_fd(), name, flags(), Mode::empty())
            {
                self.add(&child, depth + 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_d35_what_a_tree_takes_is_counted_once_and_no_link_is_followed() {
        let big = tempfile::tempdir().unwrap();
        std::fs::write(big.path().join("big"), vec![1; 4 << 20]).unwrap();
        let place = tempfile::tempdir().unwrap();
        let deep = place.path().join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(deep.join("one"), vec![1; 1 << 20]).unwrap();
        std::fs::hard_link(deep.join("one"), place.path().join("two")).unwrap();
        std::os::unix::fs::symlink(big.path(), place.path().join("link")).unwrap();
        // It takes nothing, however long it says that it is.
        std::fs::File::create(place.path().join("hole")).unwrap().set_len(1 << 40).unwrap();
        let bytes = of(place.path()).unwrap();
        assert!((1 << 20..(1 << 20) + (64 << 10)).contains(&bytes), "{bytes}");
        assert!(of(&place.path().join("none")).is_err());
    }
}
