//! Work on files, in a child of the keeper's own: its standard output goes to the channel, its standard input comes from it, its exit
//! code and what it says on standard error are the channel's end.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, mkdirat, openat, renameat, statat};
use rustix::io::Errno;

use super::beneath::{open_beneath, open_child_directory, open_directory, parts};
use super::remove::{remove_beneath, remove_name};
use crate::keeper::wire::{Entry, EntryKind, FileOp, NODE_FILE, RefusalCode, SOCKET, STEPS};

/// The word after `keeper`.
pub(super) const WORD: &str = "files";

/// Exit codes of the child: this and the refusal's code.
const FAILED: u8 = 10;

/// The command line for an operation.
pub(super) fn words(op: FileOp) -> Vec<OsString> {
    let word = |text: &str| OsString::from(text);
    let path = |bytes: Vec<u8>| OsString::from_vec(bytes);
    match op {
        FileOp::List { path: at, max_entries } => {
            vec![word("list"), path(at), word(&max_entries.to_string())]
        }
        FileOp::Get { path: at } => vec![word("get"), path(at)],
        FileOp::Put { path: at, mode } => vec![word("put"), path(at), word(&mode.to_string())],
        FileOp::Remove { path: at } => vec![word("remove"), path(at)],
        FileOp::Wipe => vec![word("wipe")],
    }
}

/// What a child's exit code says; `None`: all went well.
pub(super) fn refusal_of(code: Option<i32>) -> Option<RefusalCode> {
    match code {
        Some(0) => None,
        Some(10) => Some(RefusalCode::NotFound),
        Some(11) => Some(RefusalCode::Invalid),
        Some(12) => Some(RefusalCode::TooMany),
        _ => Some(RefusalCode::System),
    }
}

/// Runs one operation in the working directory, which is the node's directory.
pub(super) fn run(words: &[OsString]) -> u8 {
    match operate(words) {
        Ok(()) => 0,
        Err(error) => {
            // The keeper reads this; without a reader nobody wants to know.
            let _ = write!(io::stderr(), "{error}");
            FAILED
                + match error.kind() {
                    ErrorKind::NotFound => RefusalCode::NotFound,
                    ErrorKind::InvalidInput | ErrorKind::NotADirectory => RefusalCode::Invalid,
                    ErrorKind::FileTooLarge => RefusalCode::TooMany,
                    _ if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => RefusalCode::Invalid,
                    _ => RefusalCode::System,
                } as u8
        }
    }
}

fn operate(words: &[OsString]) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = openat(CWD, ".", flags, Mode::empty())?;
    let number =
        |word: &OsStr| word.to_str().and_then(|word| word.parse::<u64>().ok()).ok_or(ErrorKind::InvalidInput);
    let name = words.first().and_then(|word| word.to_str());
    match (name, words) {
        (Some("list"), [_, path, max]) => list(&root, Path::new(path), number(max)?),
        (Some("get"), [_, path]) => get(&root, Path::new(path)),
        (Some("put"), [_, path, mode]) => put(&root, Path::new(path), number(mode)?),
        (Some("remove"), [_, path]) => remove_beneath(root.as_fd(), Path::new(path)),
        (Some("wipe"), [_]) => wipe(&root),
        _ => Err(ErrorKind::InvalidInput.into()),
    }
    .map_err(|error| named(error, words.get(1)))
}

/// The system's words say what, not where.
fn named(error: io::Error, path: Option<&OsString>) -> io::Error {
    match path {
        Some(path) if error.raw_os_error() != Some(Errno::LOOP.raw_os_error()) => {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        }
        Some(path) => {
            io::Error::new(ErrorKind::InvalidInput, format!("{}: links are not followed", path.display()))
        }
        None => error,
    }
}

fn list(root: &OwnedFd, path: &Path, max_entries: u64) -> io::Result<()> {
    let mut lister = Lister {
        out: io::BufWriter::with_capacity(32 * 1024, RawStdout),
        left: max_entries,
        record: Vec::new(),
        max_entries,
    };
    lister.directory(open_directory(root.as_fd(), path)?, &mut PathBuf::new())?;
    lister.out.flush()
}

struct Lister {
    out: io::BufWriter<RawStdout>,
    left: u64,
    record: Vec<u8>,
    max_entries: u64,
}

impl Lister {
    fn directory(&mut self, directory: OwnedFd, path: &mut PathBuf) -> io::Result<()> {
        for entry in Dir::read_from(&directory)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            path.push(name);
            // What vanishes meanwhile was not there.
            if let Ok(stat) = statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                let kind = match FileType::from_raw_mode(stat.st_mode) {
                    FileType::RegularFile => EntryKind::File,
                    FileType::Directory => EntryKind::Directory,
                    FileType::Symlink => EntryKind::Link,
                    _ => EntryKind::Other,
                };
                self.entry(&Entry {
                    path: path.as_os_str().as_bytes().to_vec(),
                    kind,
                    size: u64::try_from(stat.st_size).unwrap_or(0),
                    modified_at: u64::try_from(stat.st_mtime).unwrap_or(0) * 1000
                        + u64::from(u32::try_from(stat.st_mtime_nsec / 1_000_000).unwrap_or(0)),
                    mode: stat.st_mode & 0o7777,
                })?;
                // Deeper than a path may be long nothing can be named, so nothing is listed.
                if kind == EntryKind::Directory
                    && path.as_os_str().len() < 3800
                    && let Ok(child) = open_child_directory(directory.as_fd(), name)
                {
                    self.directory(child, path)?;
                }
            }
            path.pop();
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            io::Error::new(ErrorKind::FileTooLarge, format!("more than {} entries", self.max_entries))
        })?;
        self.record.clear();
        entry.write(&mut self.record);
        self.out.write_all(&self.record)
    }
}

fn get(root: &OwnedFd, path: &Path) -> io::Result<()> {
    let mut file = File::from(open_beneath(root.as_fd(), path)?);
    io::copy(&mut file, &mut RawStdout)?;
    Ok(())
}

fn put(root: &OwnedFd, path: &Path, mode: u64) -> io::Result<()> {
    let parts = parts(path)?;
    let (name, parents) = parts.split_last().ok_or(ErrorKind::InvalidInput)?;
    let mut parent = root.try_clone()?;
    for part in parents {
        match mkdirat(&parent, *part, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        parent = open_child_directory(parent.as_fd(), part)?;
    }
    let aside = format!(".causeway-put-{}", std::process::id());
    let result =
        put_aside(parent.as_fd(), &aside, mode).and_then(|()| Ok(renameat(&parent, &aside, &parent, *name)?));
    if result.is_err() {
        let _ = remove_name(parent.as_fd(), OsStr::new(&aside));
    }
    result
}

fn put_aside(parent: BorrowedFd<'_>, aside: &str, mode: u64) -> io::Result<()> {
    let mode = Mode::from_raw_mode(u32::try_from(mode).map_err(|_| ErrorKind::InvalidInput)?);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat(parent, aside, flags, Mode::RUSR | Mode::WUSR)?);
    let mut input = io::stdin().lock();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let count = input.read(&mut piece)?;
        if count == 0 {
            break;
        }
        file.write_all(&piece[..count])?;
    }
    // After the content: the permissions asked for may forbid writing, and no umask applies.
    Ok(rustix::fs::fchmod(&file, mode)?)
}

fn wipe(root: &OwnedFd) -> io::Result<()> {
    let mut first_error = None;
    for entry in Dir::read_from(root)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        let kept = [".", "..", NODE_FILE, SOCKET, STEPS];
        if kept.iter().any(|kept| name == *kept) {
            continue;
        }
        if let Err(error) = remove_name(root.as_fd(), name) {
            first_error.get_or_insert(error);
        }
    }
    first_error.map_or(Ok(()), Err)
}

/// Standard output without the buffer that waits for a line's end.
struct RawStdout;

impl Write for RawStdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(rustix::stdio::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
