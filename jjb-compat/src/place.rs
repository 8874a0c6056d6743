//! Where a piece of text stands: file, line and column.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

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

/// All files that one reading has touched, in the order in which they were first seen.
#[derive(Clone, Default, Debug)]
pub struct Files {
    list: Vec<SourceFile>,
}

impl Files {
    /// The file of an id.
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.list.get(id.0 as usize)
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
        self.list.iter().enumerate().map(|(index, file)| (FileId(index as u32), file))
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// True when no file was read.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
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

    fn add(&mut self, file: SourceFile) -> FileId {
        let id = FileId(self.list.len() as u32);
        self.list.push(file);
        id
    }
}

/// The register of files while a reading runs; several threads add to it.
#[derive(Default)]
pub(crate) struct FileRegister {
    files: RwLock<Files>,
}

impl FileRegister {
    /// Adds a file.
    pub(crate) fn add(&self, path: &Path, text: Arc<str>) -> FileId {
        let file = SourceFile { path: path.to_path_buf(), text };
        match self.files.write() {
            Ok(mut files) => files.add(file),
            Err(poisoned) => poisoned.into_inner().add(file),
        }
    }

    /// A copy of what is known so far.
    pub(crate) fn snapshot(&self) -> Files {
        match self.files.read() {
            Ok(files) => files.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}
