//! Opening what lies beneath a directory without ever leaving it: no link is followed, no `..` taken (pools-D71).

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use rustix::fs::{Mode, OFlags, openat};

/// The parts of a path that stays beneath where it starts; anything else is refused.
pub(super) fn parts(path: &Path) -> io::Result<Vec<&OsStr>> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) if !part.as_bytes().contains(&0) => parts.push(part),
            Component::CurDir => {}
            Component::Normal(_) | Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("{} leads out of the node's directory", path.display()),
                ));
            }
        }
    }
    Ok(parts)
}

/// Opens a directory beneath `root`; a link anywhere in the path is refused.
///
/// # Errors
/// As the system says: not found, not a directory (also for a link), not permitted.
pub fn open_directory(root: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let mut current = root.try_clone_to_owned()?;
    for part in parts(path)? {
        current = open_child_directory(current.as_fd(), part)?;
    }
    Ok(current)
}

/// Opens the directory of that name in another.
pub(super) fn open_child_directory(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(parent, name, flags, Mode::empty())?)
}

/// Opens a plain file beneath `root` for reading. Anything that is no plain file is refused, and opening it never waits.
///
/// # Errors
/// As [`open_directory`]; `InvalidInput` for what is no plain file.
pub fn open_beneath(root: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let parts = parts(path)?;
    let Some((name, parents)) = parts.split_last() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let parent = open_directory(root, &parents.iter().collect::<std::path::PathBuf>())?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(&parent, *name, flags, Mode::empty())?;
    let mode = rustix::fs::fstat(&file)?.st_mode;
    if rustix::fs::FileType::from_raw_mode(mode) != rustix::fs::FileType::RegularFile {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} is no plain file", path.display()),
        ));
    }
    Ok(file)
}
