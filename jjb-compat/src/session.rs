//! What all parts of one reading share: the source, the options, the files seen, the warnings so far.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use rustc_hash::FxHashMap;

use crate::jinja::Templates;
use crate::options::Options;
use crate::place::{FileId, FileRegister, Place};
use crate::problem::{Problem, Result};
use crate::source::{Kind, Source};
use crate::tags::Home;

/// A text file as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) text: Arc<str>,
    pub(crate) file: FileId,
}

/// One reading.
pub(crate) struct Session<'a> {
    pub(crate) source: &'a dyn Source,
    pub(crate) options: &'a Options,
    pub(crate) files: FileRegister,
    pub(crate) templates: Templates,
    warnings: Mutex<Vec<Problem>>,
    texts: Mutex<FxHashMap<PathBuf, Text>>,
    /// With `confine`: the only folders and files that may be read.
    roots: Vec<PathBuf>,
}

/// A lock whose holder panicked still holds good data here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl<'a> Session<'a> {
    pub(crate) fn new(source: &'a dyn Source, paths: &[PathBuf], options: &'a Options) -> Session<'a> {
        let mut roots: Vec<PathBuf> = Vec::new();
        if options.confine {
            let parts = paths.iter().chain(options.include_path.iter());
            roots.extend(parts.map(|path| source.real_path(path)));
        }
        Session {
            source,
            options,
            files: FileRegister::default(),
            templates: Templates::default(),
            warnings: Mutex::default(),
            texts: Mutex::default(),
            roots,
        }
    }

    /// Notes a warning.
    pub(crate) fn warn(&self, problem: Problem) {
        lock(&self.warnings).push(problem);
    }

    /// Takes the warnings so far.
    pub(crate) fn take_warnings(&self) -> Vec<Problem> {
        std::mem::take(&mut lock(&self.warnings))
    }

    /// Reads a text file once; later calls give the same text.
    pub(crate) fn text(&self, path: &Path, asked: Place) -> Result<Text> {
        if let Some(text) = lock(&self.texts).get(path) {
            return Ok(text.clone());
        }
        let text = self.read(path, asked)?;
        lock(&self.texts).insert(path.to_path_buf(), text.clone());
        Ok(text)
    }

    fn read(&self, path: &Path, asked: Place) -> Result<Text> {
        self.check_confined(path, asked)?;
        let limit = self.options.limits.file_bytes;
        let bytes = match self.source.read(path, limit) {
            Ok(bytes) => bytes,
            Err(error) => return unreadable(path, asked, &error).fail(),
        };
        if bytes.len() > limit {
            return Problem::error(
                "file-too-large",
                asked,
                format!("the file {} is larger than {limit} bytes", path.display()),
            )
            .fail();
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
                return Problem::error(
                    "not-utf-8",
                    asked,
                    format!("the file {} is not UTF-8", path.display()),
                )
                .because(format!("byte {at} (line {line}) begins no character"))
                .cure("save the file as UTF-8")
                .fail();
            }
        };
        let text: Arc<str> = plain_line_ends(text).into();
        let file = self.files.add(path, Arc::clone(&text));
        Ok(Text { text, file })
    }

    fn check_confined(&self, path: &Path, asked: Place) -> Result<()> {
        if !self.options.confine {
            return Ok(());
        }
        let real = self.source.real_path(path);
        if self.roots.iter().any(|root| real.starts_with(root)) {
            return Ok(());
        }
        Problem::error("outside-tree", asked, format!("the file {} lies outside the tree", path.display()))
            .because("this tree may only read its own files and those of the include path")
            .cure("move the file into the tree, or add its folder to the include path")
            .fail()
    }

    /// The file of a name, sought in the folders of a tag (rule jjb-J31).
    pub(crate) fn find(&self, home: &Home, name: &str) -> Option<PathBuf> {
        home.folders
            .iter()
            .map(|folder| self.expand_user(folder.join(name)))
            .find(|path| self.source.kind(path) == Some(Kind::File))
    }

    /// Reads the file of a name, or says where it was sought.
    pub(crate) fn include(&self, home: &Home, name: &str, asked: Place) -> Result<Text> {
        if let Some(path) = self.find(home, name) {
            return self.text(&path, asked);
        }
        let sought: Vec<String> = home.folders.iter().map(|folder| folder.display().to_string()).collect();
        Problem::error("include-missing", asked, format!("the file '{name}' does not exist"))
            .because(format!("it was sought in: {}", sought.join(", ")))
            .cure("correct the name, or add the file's folder to the include path")
            .fail()
    }

    /// Where the tags of a file look: the include path, the file's own folder, the working directory (rule jjb-J31).
    pub(crate) fn home_of(&self, path: &Path) -> Home {
        let mut folders: Vec<PathBuf> = self.options.include_path.clone();
        if folders.is_empty() {
            folders.push(PathBuf::from("."));
        }
        folders.push(path.parent().map(Path::to_path_buf).unwrap_or_default());
        folders.push(PathBuf::from("."));
        Home::new(folders)
    }

    fn expand_user(&self, path: PathBuf) -> PathBuf {
        let mut parts = path.components();
        if parts.next() == Some(Component::Normal("~".as_ref()))
            && let Some(home) = self.source.home()
        {
            return home.join(parts.as_path());
        }
        path
    }
}

fn unreadable(path: &Path, asked: Place, error: &io::Error) -> Problem {
    Problem::error("unreadable", asked, format!("the file {} cannot be read: {error}", path.display()))
        .cure("check the path and the permissions")
}

/// `CR LF` and `CR` are line ends (rule jjb-J13).
fn plain_line_ends(text: String) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text }
}
