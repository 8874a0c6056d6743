//! Removing what a build left behind: files of any owner, hostile names, deep trees; no link is followed and no mount crossed
//! (pools-D4).

use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, chmodat, fstat, openat, renameat, unlinkat};
use rustix::io::Errno;

use super::beneath::{open_child_directory, open_directory, parts};

/// How deep one walk goes; a deeper directory is moved to the top and removed from there, so that a tree of any depth needs few
/// descriptors.
const DEPTH: usize = 32;

/// Removes a directory with all below it, or a file. What is not there is removed already.
///
/// # Errors
/// What could not be removed, with the system's reason.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match openat(CWD, parent, flags, Mode::empty()) {
        Ok(parent) => remove_name(parent.as_fd(), name),
        Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The same for a path beneath an open directory.
///
/// # Errors
/// As [`remove_tree`]; a path that leads out is refused.
pub fn remove_beneath(root: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let parts = parts(path)?;
    let (name, parents) = parts.split_last().ok_or(io::ErrorKind::InvalidInput)?;
    match open_directory(root, &parents.iter().collect::<std::path::PathBuf>()) {
        Ok(parent) => remove_name(parent.as_fd(), name),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes everything below a directory.
pub(super) fn empty(path: &Path) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = openat(CWD, path, flags, Mode::empty())?;
    let device = fstat(&directory)?.st_dev;
    Emptying { top: directory.as_fd(), device, moved: 0 }.empty()
}

/// Removes one name in an open directory.
pub(super) fn remove_name(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    let name = CString::new(name.as_bytes()).map_err(|_| io::ErrorKind::InvalidInput)?;
    match unlinkat(parent, &name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // A directory; POSIX lets a system say PERM for it.
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    remove_directory(parent, &name)
}

fn remove_directory(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    match unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::NOTEMPTY | Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let directory = open_to_empty(parent, name)?;
    let device = fstat(&directory)?.st_dev;
    if device != fstat(parent)?.st_dev {
        return Err(io::Error::other(format!("{} is a mount of its own", name.to_string_lossy())));
    }
    Emptying { top: directory.as_fd(), device, moved: 0 }.empty()?;
    Ok(unlinkat(parent, name, AtFlags::REMOVEDIR)?)
}

/// Opens a directory that is to be emptied; one whose owner (we) may not enter it is opened up first.
fn open_to_empty(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<OwnedFd> {
    let name = OsStr::from_bytes(name.to_bytes());
    match open_child_directory(parent, name) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            // Between the look and this a link can take its place: opening afterwards still refuses a link.
            chmodat(parent, name, Mode::RWXU, AtFlags::empty())?;
            open_child_directory(parent, name)
        }
        other => other,
    }
}

struct Emptying<'a> {
    top: BorrowedFd<'a>,
    device: u64,
    moved: u64,
}

impl Emptying<'_> {
    fn empty(&mut self) -> io::Result<()> {
        // Deep directories come to the top while it is read: read it again until nothing came.
        loop {
            let moved = self.moved;
            self.empty_one(self.top, 0)?;
            if self.moved == moved {
                return Ok(());
            }
        }
    }

    fn empty_one(&mut self, directory: BorrowedFd<'_>, depth: usize) -> io::Result<()> {
        let mut first_error = None;
        for entry in Dir::read_from(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if let Err(error) = self.remove(directory, name, depth) {
                // The rest is removed all the same.
                first_error.get_or_insert(io::Error::new(
                    error.kind(),
                    format!("{}: {error}", name.to_string_lossy()),
                ));
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    fn remove(&mut self, parent: BorrowedFd<'_>, name: &CStr, depth: usize) -> io::Result<()> {
        match unlinkat(parent, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(Errno::ACCESS) => {
                // Our own directory without permission to write.
                rustix::fs::fchmod(parent, Mode::RWXU)?;
                if unlinkat(parent, name, AtFlags::empty()).is_ok() {
                    return Ok(());
                }
            }
            Err(error) => return Err(error.into()),
        }
        match unlinkat(parent, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::NOTEMPTY | Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        if depth >= DEPTH {
            self.moved += 1;
            let place = format!(".causeway-removing-{}", self.moved);
            return Ok(renameat(parent, name, self.top, place)?);
        }
        let directory = open_to_empty(parent, name)?;
        if fstat(&directory)?.st_dev != self.device {
            return Err(io::Error::other("a mount of its own"));
        }
        self.empty_one(directory.as_fd(), depth + 1)?;
        Ok(unlinkat(parent, name, AtFlags::REMOVEDIR)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn pools_d4_links_are_removed_and_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "x").unwrap();
        let tree = dir.path().join("tree");
        fs::create_dir_all(tree.join("a/b")).unwrap();
        symlink(&outside, tree.join("a/link")).unwrap();
        fs::write(tree.join("a/\n -rf *"), "x").unwrap();
        fs::set_permissions(tree.join("a/b"), fs::Permissions::from_mode(0o000)).unwrap();
        remove_tree(&tree).unwrap();
        assert!(!tree.exists());
        assert!(outside.join("kept").exists());
        remove_tree(&tree).unwrap();
    }

    #[test]
    fn pools_d4_a_tree_of_any_depth_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        fs::create_dir(&tree).unwrap();
        // Deeper than a path may be long, so it is made from within.
        let mut current = openat(CWD, &tree, OFlags::DIRECTORY, Mode::empty()).unwrap();
        for _ in 0..3000 {
            rustix::fs::mkdirat(&current, "deep", Mode::RWXU).unwrap();
            current = open_child_directory(current.as_fd(), OsStr::new("deep")).unwrap();
        }
        remove_tree(&tree).unwrap();
        assert!(!tree.exists());
    }

    #[test]
    fn pools_d71_a_path_that_leads_out_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("in")).unwrap();
        fs::write(dir.path().join("kept"), "x").unwrap();
        symlink("..", dir.path().join("in/up")).unwrap();
        let root = openat(CWD, dir.path().join("in"), OFlags::DIRECTORY, Mode::empty()).unwrap();
        for path in ["../kept", "up/kept", "/etc/passwd", ""] {
            assert!(remove_beneath(root.as_fd(), Path::new(path)).is_err(), "{path}");
        }
        assert!(dir.path().join("kept").exists());
    }
}
