//! Where a piece of text stands: file, line and column.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use rustc_hash::FxHashMap;

/// One file of a reading, as an index into [`Files`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FileId(pub u32);

impl FileId {
    /// Text that no file holds, for example the parameters which a `zuul` trigger adds.
    pub const NONE: FileId = FileId(u32::MAX);
}

/// A point in a file. Lines and columns count from 1; columns count characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// Line, from 1; 0 when the whole file is meant.
    pub line: u32,
    /// Column in characters, from 1; 0 when the whole line is meant.
    pub column: u32,
}

impl Place {
    /// The place of what stands in no file.
    pub const NOWHERE: Place = Place { file: FileId::NONE, line: 0, column: 0 };

    /// The start of a file.
    pub fn whole(file: FileId) -> Place {
        Place { file, line: 0, column: 0 }
    }

    /// False for text that stands in no file.
    pub fn is_somewhere(&self) -> bool {
        self.file != FileId::NONE
    }
}

/// A file that was read: its path as the user would write it, and its text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path under which it was read.
    pub path: PathBuf,
    /// The text after decoding and with plain line ends.
    pub text: Arc<str>,
}

/// All files that a reading has used. A workspace keeps the number of a file over its life.
#[derive(Clone, Default, Debug)]
pub struct Files {
    list: Vec<Option<SourceFile>>,
}

impl Files {
    /// The file of an id.
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.list.get(id.0 as usize)?.as_ref()
    }

    /// The path of a file.
    pub fn path(&self, id: FileId) -> Option<&Path> {
        self.get(id).map(|file| file.path.as_path())
    }

    /// The text of a line (from 1), without its end.
    pub fn line(&self, place: Place) -> Option<&str> {
        let index = (place.line as usize).checked_sub(1)?;
        self.get(place.file)?.text.split('\n').nth(index)
    }

    /// All files with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.list.iter().enumerate().filter_map(|(index, file)| Some((FileId(index as u32), file.as_ref()?)))
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// True when no file was read.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// `FILE:LINE:COLUMN`, with the parts that are known.
    pub fn show(&self, place: Place) -> String {
        let mut out = match self.path(place.file) {
            Some(path) => path.display().to_string(),
            None => return String::from("(built in)"),
        };
        if place.line > 0 {
            out.push_str(&format!(":{}", place.line));
            if place.column > 0 {
                out.push_str(&format!(":{}", place.column));
            }
        }
        out
    }
}

/// The register of files; several threads add to it, and a workspace keeps it.
#[derive(Default)]
pub(crate) struct FileRegister {
    inner: Mutex<Register>,
    /// How many files there are, for those who only want to know whether there are more.
    count: AtomicUsize,
}

#[derive(Default)]
struct Register {
    files: Files,
    numbers: FxHashMap<PathBuf, FileId>,
}

impl FileRegister {
    fn lock(&self) -> MutexGuard<'_, Register> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Adds a file, or puts another text for it.
    pub(crate) fn set(&self, path: &Path, text: Arc<str>) -> FileId {
        let register = &mut *self.lock();
        let file = SourceFile { path: path.to_path_buf(), text };
        if let Some(&number) = register.numbers.get(path) {
            register.files.list[number.0 as usize] = Some(file);
            return number;
        }
        let number = FileId(register.files.list.len() as u32);
        register.files.list.push(Some(file));
        self.count.store(register.files.list.len(), Ordering::Release);
        register.numbers.insert(path.to_path_buf(), number);
        number
    }

    /// Brings a copy up to date, where no file ever gets another text.
    pub(crate) fn follow(&self, copy: &mut Files) {
        if self.count.load(Ordering::Acquire) == copy.list.len() {
            return;
        }
        let register = self.lock();
        copy.list.extend_from_slice(&register.files.list[copy.list.len()..]);
    }

    /// The files that were used.
    pub(crate) fn snapshot(&self, used: impl Fn(&Path) -> bool) -> Files {
        let keep = |file: &Option<SourceFile>| file.as_ref().filter(|file| used(&file.path)).cloned();
        Files { list: self.lock().files.list.iter().map(keep).collect() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}
