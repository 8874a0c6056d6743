//! What all parts of one reading share: the source, the options, the files seen, the warnings so far.

use std::cell::{Cell, RefCell};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustc_hash::FxHashSet;

use crate::components::Pool;
use crate::jinja::Templates;
use crate::node::Node;
use crate::options::Options;
use crate::place::{FileId, FileRegister, Place};
use crate::problem::{Problem, Result};
use crate::source::{Kind, Source};
use crate::tags::Home;
use crate::texts::Texts;
use crate::trace::{Kept, Key, Trace, element_key, path_key};

/// Files that include each other.
pub(crate) const INCLUDES: usize = 40;

/// A text file as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) text: Arc<str>,
    pub(crate) file: FileId,
}

/// What all workers of a reading share, and what is kept from one reading to the next.
#[derive(Default)]
pub(crate) struct Common {
    /// Jobs and views that were made.
    pub(crate) made: AtomicUsize,
    /// Something depends on the order in which the work is done.
    pub(crate) ordered: AtomicBool,
    pub(crate) files: FileRegister,
    pub(crate) templates: Templates,
    pub(crate) texts: Texts,
    pub(crate) pool: Pool,
}

/// A worker's view of a reading.
pub(crate) struct Session<'a> {
    pub(crate) source: &'a dyn Source,
    pub(crate) options: &'a Options,
    pub(crate) files: &'a FileRegister,
    pub(crate) templates: &'a Templates,
    texts: &'a Texts,
    pub(crate) pool: &'a Pool,
    made: &'a AtomicUsize,
    ordered: &'a AtomicBool,
    trace: RefCell<Trace>,
    /// Tags that are being expanded, each inside the one before.
    depth: Cell<usize>,
    /// Words that come again and again.
    words: RefCell<FxHashSet<Arc<str>>>,
    /// What is made goes at once: nobody asks later what it was made from, and what it could share.
    fleeting: bool,
    /// With `confine`: the only folders and files that may be read.
    roots: Vec<PathBuf>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        common: &'a Common,
        source: &'a dyn Source,
        paths: &[PathBuf],
        options: &'a Options,
    ) -> Session<'a> {
        let mut roots: Vec<PathBuf> = Vec::new();
        if options.confine {
            let parts = paths.iter().chain(options.include_path.iter());
            roots.extend(parts.map(|path| source.real_path(path)));
        }
        Session {
            source,
            options,
            files: &common.files,
            templates: &common.templates,
            texts: &common.texts,
            pool: &common.pool,
            made: &common.made,
            ordered: &common.ordered,
            trace: RefCell::default(),
            depth: Cell::default(),
            words: RefCell::default(),
            fleeting: false,
            roots,
        }
    }

    /// Expands a tag. A file that includes itself, and a template that gives itself again, have no end.
    pub(crate) fn inside_tag<T>(&self, place: Place, expand: impl FnOnce() -> Result<T>) -> Result<T> {
        let depth = self.depth.get();
        if depth >= INCLUDES {
            let message = format!("files include each other more than {INCLUDES} levels deep");
            return Problem::error("include-loop", place, message).cure("break the circle").fail();
        }
        self.depth.set(depth + 1);
        let done = expand();
        self.depth.set(depth);
        done
    }

    /// Whether nothing is kept.
    pub(crate) fn is_fleeting(&self) -> bool {
        self.fleeting
    }

    /// Of a reading that keeps nothing.
    pub(crate) fn fleeting(self) -> Session<'a> {
        Session { fleeting: true, ..self }
    }

    /// A word, held once.
    pub(crate) fn word(&self, text: &str) -> Arc<str> {
        let words = &mut *self.words.borrow_mut();
        if let Some(word) = words.get(text) {
            return Arc::clone(word);
        }
        let word: Arc<str> = text.into();
        words.insert(Arc::clone(&word));
        word
    }

    /// Notes a warning.
    pub(crate) fn warn(&self, problem: Problem) {
        self.trace.borrow_mut().warn(problem);
    }

    /// Counts a job or view; gives their number.
    pub(crate) fn count_made(&self) -> usize {
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        if number > self.options.limits.jobs {
            self.order_matters();
        }
        number
    }

    /// What is done now gives another result when other work is done before it: nothing may run beside it or be kept.
    pub(crate) fn order_matters(&self) {
        self.ordered.store(true, Ordering::Relaxed);
    }

    /// Notes that an element is looked up.
    pub(crate) fn uses_element(&self, kind: &str, name: &Node) {
        if !self.fleeting {
            self.uses(element_key(kind, name));
        }
    }

    /// Notes that what has this key is looked up.
    pub(crate) fn uses(&self, key: Key) {
        self.trace.borrow_mut().elements.insert(key);
    }

    fn uses_path(&self, path: &Path) {
        self.trace.borrow_mut().paths.insert(path_key(path));
    }

    /// Does a piece of work with a trace of its own. What it traces counts for the work around it too.
    pub(crate) fn traced<T>(&self, work: impl FnOnce() -> T) -> (T, Kept) {
        let outer = self.trace.take();
        let done = work();
        let kept = self.trace.replace(outer).keep(self.pool);
        self.trace.borrow_mut().add(&kept);
        (done, kept)
    }

    /// Counts what was traced when a result that is used again was made.
    pub(crate) fn traced_before(&self, kept: &Kept) {
        self.trace.borrow_mut().add(kept);
    }

    /// Takes the trace so far.
    pub(crate) fn take_trace(&self) -> Trace {
        self.trace.take()
    }

    /// What a path is; the answer is part of what a later reading compares.
    fn kind(&self, path: &Path) -> Option<Kind> {
        self.uses_path(path);
        self.texts.kind(self.source, path)
    }

    /// Reads a text file once; later calls give the same text.
    pub(crate) fn text(&self, path: &Path, asked: Place) -> Result<Text> {
        self.uses_path(path);
        self.check_confined(path, asked)?;
        if let Some(text) = self.texts.text(path) {
            return Ok(text);
        }
        let stamp = if self.fleeting { None } else { self.source.stamp(path) };
        match self.read(path, asked) {
            Ok(text) => Ok(self.texts.put(path, text, stamp, |text| self.files.set(path, text))),
            Err(problem) => {
                self.texts.failed(path);
                Err(problem)
            }
        }
    }

    fn read(&self, path: &Path, asked: Place) -> Result<Arc<str>> {
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
        Ok(plain_line_ends(text).into())
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
            .find(|path| self.kind(path) == Some(Kind::File))
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
pub(crate) fn plain_line_ends(text: String) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text }
}
