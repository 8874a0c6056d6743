//! The door to files. Nothing in this crate opens a file in another way.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;
#[cfg(unix)]
use std::time::{SystemTime, UNIX_EPOCH};

/// What stands behind a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Folder,
}

/// A name in a folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// True when it is known to be a file of its own: no folder, and no link to something else. False asks for another look.
    pub own_file: bool,
}

/// What a file looks like from outside: as long as this is the same, so is its text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// Which file it is.
    pub file: (u64, u64),
    /// Its length in bytes.
    pub length: u64,
    /// When its text was written, and when anything of it was changed, in nanoseconds.
    pub changed: (i128, i128),
}

/// Where files come from: a disk, memory, a revision of a repository.
///
/// ```
/// use std::io::{Error, ErrorKind};
/// use std::path::{Path, PathBuf};
///
/// use jjb_compat::{Kind, Options, Source, read};
///
/// /// One file, whatever it is called.
/// struct One(&'static str);
///
/// impl Source for One {
///     fn kind(&self, _: &Path) -> Option<Kind> {
///         Some(Kind::File)
///     }
///
///     fn read(&self, _: &Path, _limit: usize) -> std::io::Result<Vec<u8>> {
///         Ok(self.0.into())
///     }
///
///     fn list(&self, _: &Path) -> std::io::Result<Vec<String>> {
///         Err(Error::from(ErrorKind::NotADirectory))
///     }
///
///     fn real_path(&self, path: &Path) -> PathBuf {
///         path.to_path_buf()
///     }
/// }
///
/// let outcome = read(&One("- job: {name: only}\n"), &["any.yaml".into()], &Options::default());
/// assert_eq!(&*outcome.jobs[0].name, "only");
/// ```
pub trait Source: Sync {
    /// What a path is; `None` when there is nothing.
    fn kind(&self, path: &Path) -> Option<Kind>;

    /// The bytes of a file, at most `limit` and one more (so that the caller can see that there are too many).
    fn read(&self, path: &Path, limit: usize) -> io::Result<Vec<u8>>;

    /// The names in a folder, in any order.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// The same with what is known of each without another look.
    fn entries(&self, folder: &Path) -> io::Result<Vec<Entry>> {
        let names = self.list(folder)?.into_iter();
        Ok(names.map(|name| Entry { name, own_file: false }).collect())
    }

    /// What a file looks like from outside. `None` where that does not tell whether its text is the same as before: then the
    /// text is read and compared.
    fn stamp(&self, _path: &Path) -> Option<Stamp> {
        None
    }

    /// The path without links and dots, absolute where that makes sense. Two paths of one file have the same.
    fn real_path(&self, path: &Path) -> PathBuf;

    /// The folder that `~` stands for.
    fn home(&self) -> Option<PathBuf> {
        None
    }
}

/// How long a file must have been left alone for its stamp to count. What is written twice within one tick of the clock that the
/// disk takes its times from (up to 10 ms) has the same times.
const AT_REST: Duration = Duration::from_millis(100);

/// The disk. Relative paths count on the working directory of the process.
#[derive(Clone, Debug, Default)]
pub struct FileSystem {
    home: Option<PathBuf>,
}

impl FileSystem {
    /// The disk, without a meaning for `~`.
    pub fn new() -> FileSystem {
        FileSystem::default()
    }

    /// The disk, with the folder for `~`.
    pub fn with_home(home: PathBuf) -> FileSystem {
        FileSystem { home: Some(home) }
    }
}

impl Source for FileSystem {
    fn kind(&self, path: &Path) -> Option<Kind> {
        let meta = std::fs::metadata(or_here(path)).ok()?;
        if meta.is_dir() { Some(Kind::Folder) } else { Some(Kind::File) }
    }

    fn read(&self, path: &Path, limit: usize) -> io::Result<Vec<u8>> {
        use io::Read;
        let file = std::fs::File::open(path)?;
        let length = file.metadata().map_or(0, |meta| meta.len());
        // One byte more than there is: the end is seen without asking for more room.
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(limit).min(limit) + 1);
        file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        Ok(self.entries(folder)?.into_iter().map(|entry| entry.name).collect())
    }

    fn entries(&self, folder: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(or_here(folder))? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().into_string() {
                entries.push(Entry { name, own_file: entry.file_type().is_ok_and(|kind| kind.is_file()) });
            }
        }
        Ok(entries)
    }

    #[cfg(unix)]
    fn stamp(&self, path: &Path) -> Option<Stamp> {
        use std::os::unix::fs::MetadataExt;
        let meta = std::fs::metadata(path).ok()?;
        let time = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        let changed = (time(meta.mtime(), meta.mtime_nsec()), time(meta.ctime(), meta.ctime_nsec()));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_nanos();
        let rest = i128::try_from(now).ok()? - changed.0.max(changed.1);
        (rest > AT_REST.as_nanos() as i128).then(|| Stamp {
            file: (meta.dev(), meta.ino()),
            length: meta.len(),
            changed,
        })
    }

    fn real_path(&self, path: &Path) -> PathBuf {
        std::fs::canonicalize(or_here(path)).unwrap_or_else(|_| path.to_path_buf())
    }

    fn home(&self) -> Option<PathBuf> {
        self.home.clone()
    }
}

fn or_here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// Files in memory; paths with `/`. For tests, and for trees that come out of a repository.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Memory {
    /// No files.
    pub fn new() -> Memory {
        Memory::default()
    }

    /// Adds or replaces a file.
    pub fn add(&mut self, path: impl AsRef<Path>, text: impl Into<Vec<u8>>) -> &mut Memory {
        self.files.insert(plain(path.as_ref()), text.into());
        self
    }

    /// Takes a file away.
    pub fn remove(&mut self, path: impl AsRef<Path>) -> &mut Memory {
        self.files.remove(&plain(path.as_ref()));
        self
    }
}

impl Source for Memory {
    fn kind(&self, path: &Path) -> Option<Kind> {
        let path = plain(path);
        if self.files.contains_key(&path) {
            return Some(Kind::File);
        }
        let folder = path.as_os_str().is_empty()
            || self.files.range(path.clone()..).any(|(file, _)| file.starts_with(&path) && *file != path);
        folder.then_some(Kind::Folder)
    }

    fn read(&self, path: &Path, _limit: usize) -> io::Result<Vec<u8>> {
        self.files
            .get(&plain(path))
            .cloned()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such file"))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let folder = plain(folder);
        let mut names: Vec<String> = Vec::new();
        for file in self.files.keys() {
            let Ok(rest) = file.strip_prefix(&folder) else {
                continue;
            };
            if let Some(Component::Normal(name)) = rest.components().next() {
                names.push(name.to_string_lossy().into_owned());
            }
        }
        names.dedup();
        Ok(names)
    }

    fn real_path(&self, path: &Path) -> PathBuf {
        plain(path)
    }
}

/// The path without `.` and, as far as possible, without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}
