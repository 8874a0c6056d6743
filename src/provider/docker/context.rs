//! The context of an image build: a directory of the workspace, packed as it is read (docker-M11). No link is followed, nothing outside is
//! reached, and a file that changes meanwhile cannot spoil the archive.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rustix::fs::{AtFlags, Dir, FileType, readlinkat, statat};
use rustix::io::Errno;
use tokio::sync::mpsc;

use super::tar::{Kind, end, head, padding};
use crate::image::{IGNORE_FILE, Ignored};
use crate::keeper::{open_beneath, open_directory};

/// Bytes of one context: it needs twice as much on the engine's disk.
const BYTES_MAX: u64 = 2 << 30;
/// Things in one context.
const FILES_MAX: usize = 100_000;
/// Bytes of a Dockerfile or a `.dockerignore`.
const TEXT_MAX: u64 = 1 << 20;
/// Bytes that are read at once.
const PIECE: usize = 256 * 1024;
/// Longer paths cannot be named.
const PATH_MAX: usize = 3800;
/// Directories that are named when a context is too large.
const NAMED: usize = 5;

/// A directory that will be sent, looked at and within its limits.
pub(super) struct Context {
    directory: OwnedFd,
    entries: Vec<Entry>,
    ignore_file: Option<String>,
    /// Files in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Devices, pipes and sockets, which are left out.
    pub left_out: u64,
}

struct Entry {
    path: PathBuf,
    what: What,
    mode: u32,
    modified: u64,
}

enum What {
    File(u64),
    Directory,
    Link(Vec<u8>),
}

/// A text file of the workspace.
///
/// # Errors
/// What is wrong with it, for people.
pub(super) fn text(workspaces: &Path, path: &Path) -> Result<String, String> {
    let wrong = |reason: &str| format!("'{}' {reason}", path.display());
    let root = open_root(workspaces)?;
    let file = open_beneath(root.as_fd(), path).map_err(|error| wrong(&reason(&error)))?;
    read_text(file).map_err(|error| wrong(&error))
}

fn read_text(file: OwnedFd) -> Result<String, String> {
    let mut bytes = Vec::new();
    File::from(file).take(TEXT_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > TEXT_MAX {
        return Err(format!("is longer than {TEXT_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "is no text".to_owned())
}

/// A job can put a link in the place of this directory, but not of the one above it.
fn open_root(workspaces: &Path) -> Result<OwnedFd, String> {
    let above = workspaces.parent().unwrap_or(workspaces);
    let name = Path::new(workspaces.file_name().unwrap_or_default());
    let opened = File::open(above).and_then(|above| open_directory(above.as_fd(), name));
    opened.map_err(|error| format!("the directory of the workspace {}", reason(&error)))
}

fn reason(error: &io::Error) -> String {
    const BEHIND_A_LINK: &str = "is not there, or a link is in the way: links are not followed";
    if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) {
        return BEHIND_A_LINK.to_owned();
    }
    match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::NotADirectory => BEHIND_A_LINK.to_owned(),
        io::ErrorKind::InvalidInput => "is no plain file".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

impl Context {
    /// Looks at a directory.
    ///
    /// # Errors
    /// It is not there, leads out, or is beyond the limits; for people.
    pub fn look(workspaces: &Path, path: &Path) -> Result<Context, String> {
        let root = open_root(workspaces)?;
        let wrong = |error: io::Error| format!("the context '{}' {}", path.display(), reason(&error));
        let directory = open_directory(root.as_fd(), path).map_err(wrong)?;
        let ignore_file = match open_beneath(directory.as_fd(), Path::new(IGNORE_FILE)) {
            Ok(file) => Some(read_text(file).map_err(|error| format!("{IGNORE_FILE} {error}"))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(format!("{IGNORE_FILE} {}", reason(&error))),
        };
        let ignored = ignore_file.as_deref().map(Ignored::read).unwrap_or_default();
        let mut context = Context {
            directory: directory.try_clone().map_err(wrong)?,
            entries: Vec::new(),
            ignore_file,
            files: 0,
            bytes: 0,
            left_out: 0,
        };
        let mut sizes = BTreeMap::new();
        context.walk(directory, &mut PathBuf::new(), &ignored, &mut sizes).map_err(wrong)?;
        if context.bytes > BYTES_MAX || context.entries.len() > FILES_MAX {
            return Err(context.too_large(sizes));
        }
        Ok(context)
    }

    fn too_large(&self, sizes: BTreeMap<PathBuf, u64>) -> String {
        let mut largest: Vec<(u64, PathBuf)> = sizes.into_iter().map(|(path, size)| (size, path)).collect();
        largest.sort_by(|left, right| right.cmp(left));
        let shown = |(size, path): &(u64, PathBuf)| format!("'{}' {} MiB", path.display(), size >> 20);
        let named: Vec<String> = largest.iter().take(NAMED).map(shown).collect();
        format!(
            "the context is too large: at least {} MiB in {} files, and {} MiB in {FILES_MAX} are the most; largest: {}. Leave out what is not needed by {IGNORE_FILE}",
            self.bytes >> 20,
            self.entries.len(),
            BYTES_MAX >> 20,
            named.join(", ")
        )
    }

    fn walk(
        &mut self,
        directory: OwnedFd,
        path: &mut PathBuf,
        ignored: &Ignored,
        sizes: &mut BTreeMap<PathBuf, u64>,
    ) -> io::Result<()> {
        let mut names: Vec<Vec<u8>> = Vec::new();
        for entry in Dir::read_from(&directory)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(name);
            }
        }
        // The same context is always sent in the same order.
        names.sort_unstable();
        for name in names {
            if self.bytes > BYTES_MAX || self.entries.len() > FILES_MAX {
                return Ok(());
            }
            let name = OsStr::from_bytes(&name);
            path.push(name);
            if path.as_os_str().len() <= PATH_MAX {
                self.entry(&directory, name, path, ignored, sizes)?;
            }
            path.pop();
        }
        Ok(())
    }

    fn entry(
        &mut self,
        directory: &OwnedFd,
        name: &OsStr,
        path: &mut PathBuf,
        ignored: &Ignored,
        sizes: &mut BTreeMap<PathBuf, u64>,
    ) -> io::Result<()> {
        // What vanishes meanwhile was not there.
        let Ok(stat) = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) else { return Ok(()) };
        let out = ignored.has(&path.to_string_lossy()) || path.as_os_str() == IGNORE_FILE;
        let kind = FileType::from_raw_mode(stat.st_mode);
        let what = match kind {
            FileType::RegularFile => What::File(u64::try_from(stat.st_size).unwrap_or(0)),
            FileType::Directory => What::Directory,
            FileType::Symlink => match readlinkat(directory, name, Vec::new()) {
                Ok(target) => What::Link(target.into_bytes()),
                Err(_) => return Ok(()),
            },
            _ => {
                self.left_out += u64::from(!out);
                return Ok(());
            }
        };
        if !out {
            if let What::File(size) = what {
                self.files += 1;
                self.bytes += size;
                let top = path.components().next().map(|part| PathBuf::from(part.as_os_str()));
                *sizes.entry(top.unwrap_or_default()).or_default() += size;
            }
            let modified = u64::try_from(stat.st_mtime).unwrap_or(0);
            self.entries.push(Entry { path: path.clone(), what, mode: stat.st_mode & 0o7777, modified });
        }
        if kind == FileType::Directory && !(out && ignored.is_final()) {
            match open_directory(directory.as_fd(), Path::new(name)) {
                Ok(child) => self.walk(child, path, ignored, sizes)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends it with the Dockerfile under a name of its own, which `COPY .` does not see. Ends when nobody listens any more.
    ///
    /// # Errors
    /// A file that cannot be read any more.
    pub fn send(&self, dockerfile: (&str, &str), to: &mpsc::Sender<io::Result<Bytes>>) -> io::Result<()> {
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        let put = |bytes: Vec<u8>| to.blocking_send(Ok(bytes.into())).map_err(gone);
        for entry in &self.entries {
            let mut name = entry.path.as_os_str().as_bytes().to_vec();
            match &entry.what {
                What::File(size) => {
                    put(head(&name, Kind::File { size: *size }, entry.mode, entry.modified))?;
                    self.content(&entry.path, *size, to)?;
                }
                What::Directory => {
                    name.push(b'/');
                    put(head(&name, Kind::Directory, entry.mode, entry.modified))?;
                }
                What::Link(target) => put(head(&name, Kind::Link { target }, entry.mode, entry.modified))?,
            }
        }
        let (name, content) = dockerfile;
        let ignore = format!("{}\n{name}\n{IGNORE_FILE}\n", self.ignore_file.as_deref().unwrap_or_default());
        for (name, content) in [(IGNORE_FILE, ignore.as_str()), (name, content)] {
            let size = content.len() as u64;
            let mut bytes = head(name.as_bytes(), Kind::File { size }, 0o644, 0);
            bytes.extend_from_slice(content.as_bytes());
            bytes.resize(bytes.len() + padding(size), 0);
            put(bytes)?;
        }
        put(end())
    }

    /// As many bytes as its head says: what has grown is cut, what has shrunk is filled up.
    fn content(&self, path: &Path, size: u64, to: &mpsc::Sender<io::Result<Bytes>>) -> io::Result<()> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let file = open_beneath(self.directory.as_fd(), path).map_err(named)?;
        let mut file = File::from(file).take(size);
        let mut left = size;
        while left > 0 {
            let mut piece = vec![0; PIECE.min(usize::try_from(left).unwrap_or(PIECE))];
            let count = file.read(&mut piece).map_err(named)?;
            if count > 0 {
                piece.truncate(count);
            }
            left -= piece.len() as u64;
            to.blocking_send(Ok(piece.into())).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        }
        let fill = padding(size);
        if fill > 0 {
            to.blocking_send(Ok(vec![0; fill].into()))
                .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(context: &Context) -> Vec<String> {
        context.entries.iter().map(|entry| entry.path.display().to_string()).collect()
    }

    #[test]
    fn docker_m11_links_stay_links_and_nothing_outside_is_reached() {
        let folder = tempfile::tempdir().unwrap();
        let job = folder.path().join("job");
        std::fs::create_dir_all(job.join("d/in")).unwrap();
        std::fs::write(job.join("d/in/f"), "content").unwrap();
        std::fs::write(job.join("d/x.log"), "log").unwrap();
        std::fs::write(job.join("d/.dockerignore"), "*.log\n").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", job.join("d/link")).unwrap();
        std::os::unix::fs::symlink("/etc", job.join("out")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(job.join("d/socket")).unwrap();
        let context = Context::look(folder.path(), Path::new("job/d")).unwrap();
        assert_eq!(names(&context), ["in", "in/f", "link"]);
        assert_eq!((context.files, context.bytes, context.left_out), (1, 7, 1));
        let (sender, mut receiver) = mpsc::channel(64);
        context.send(("D", "FROM a"), &sender).unwrap();
        drop(sender);
        let mut bytes = Vec::new();
        while let Some(piece) = receiver.blocking_recv() {
            bytes.extend_from_slice(&piece.unwrap());
        }
        assert_eq!(bytes.len() % 512, 0);
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("/etc/passwd") && !text.contains("root:") && text.contains("*.log\n\nD\n"));
        for wrong in ["job/out", "job/none", "job/../..", "job/d/in/f", "job/out/passwd"] {
            assert!(Context::look(folder.path(), Path::new(wrong)).is_err(), "{wrong}");
        }
        for wrong in ["job/d/link", "job/d", "job/out/passwd", "job/d/socket"] {
            assert!(text_of(folder.path(), wrong).is_err(), "{wrong}");
        }
        assert_eq!(text_of(folder.path(), "job/d/in/f").unwrap(), "content");
        // A job that has put a link in the place of all workspaces.
        let swapped = folder.path().join("swapped");
        std::os::unix::fs::symlink("/etc", &swapped).unwrap();
        assert!(text_of(&swapped, "passwd").is_err() && Context::look(&swapped, Path::new("")).is_err());
    }

    fn text_of(root: &Path, path: &str) -> Result<String, String> {
        text(root, Path::new(path))
    }
}
