//! What is known of paths: texts of files, and that something is not there. Kept from one reading to the next.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::place::FileId;
use crate::session::{Text, plain_line_ends};
use crate::source::{Kind, Source, Stamp};
use crate::trace::{Key, path_key};

/// What is known of a path.
#[derive(Clone, Debug)]
enum Known {
    Text(Text, Option<Stamp>),
    /// Only what it is; `None` when there is nothing.
    Kind(Option<Kind>),
    /// It could not be read.
    Failed,
}

/// All that is known of paths.
#[derive(Default)]
pub(crate) struct Texts {
    known: Mutex<FxHashMap<PathBuf, Known>>,
}

impl Texts {
    fn lock(&self) -> MutexGuard<'_, FxHashMap<PathBuf, Known>> {
        // A lock whose holder panicked still holds good data here.
        self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// What a path is.
    pub(crate) fn kind(&self, source: &dyn Source, path: &Path) -> Option<Kind> {
        match self.lock().get(path) {
            Some(Known::Text(..) | Known::Failed) => return Some(Kind::File),
            Some(Known::Kind(kind)) => return *kind,
            None => {}
        }
        let kind = source.kind(path);
        self.lock().entry(path.to_path_buf()).or_insert(Known::Kind(kind));
        kind
    }

    /// The text of a path that was read.
    pub(crate) fn text(&self, path: &Path) -> Option<Text> {
        match self.lock().get(path) {
            Some(Known::Text(text, _)) => Some(text.clone()),
            _ => None,
        }
    }

    /// Keeps a text, with the stamp that its file had before it was read. Another worker may have been faster; then its text
    /// counts.
    pub(crate) fn put(
        &self,
        path: &Path,
        text: Arc<str>,
        stamp: Option<Stamp>,
        number: impl FnOnce(Arc<str>) -> FileId,
    ) -> Text {
        let mut known = self.lock();
        if let Some(Known::Text(text, _)) = known.get(path) {
            return text.clone();
        }
        let file = number(Arc::clone(&text));
        let text = Text { text, file };
        known.insert(path.to_path_buf(), Known::Text(text.clone(), stamp));
        text
    }

    /// A file that could not be read is tried again by the next reading.
    pub(crate) fn failed(&self, path: &Path) {
        self.lock().insert(path.to_path_buf(), Known::Failed);
    }

    /// Looks at all paths again and forgets those that have changed.
    pub(crate) fn look_again(&self, source: &dyn Source, limit: usize) -> FxHashSet<Key> {
        let mut changed = FxHashSet::default();
        self.lock().retain(|path, known| {
            let same = match known {
                Known::Text(text, stamp) => {
                    let now = source.stamp(path);
                    let same = (now.is_some() && now == *stamp) || is_text(source, path, limit, &text.text);
                    *stamp = now;
                    same
                }
                Known::Kind(kind) => source.kind(path) == *kind,
                Known::Failed => false,
            };
            if !same {
                changed.insert(path_key(path));
            }
            same
        });
        changed
    }
}

fn is_text(source: &dyn Source, path: &Path, limit: usize, text: &str) -> bool {
    let bytes = source.read(path, limit).ok().filter(|bytes| bytes.len() <= limit);
    match bytes {
        Some(bytes) if bytes == text.as_bytes() => true,
        // Other line ends are the same text.
        Some(bytes) => String::from_utf8(bytes).is_ok_and(|read| plain_line_ends(read) == text),
        None => false,
    }
}
