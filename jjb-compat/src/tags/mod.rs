//! Tags that are kept in the tree until something expands the text around them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use rustc_hash::FxHashMap;

use crate::node::Node;
use crate::place::FileId;
use crate::session::Text;
use crate::yaml::Scope;

/// A tag whose result depends on variables.
#[derive(Debug)]
pub struct Tag {
    /// Which tag, and what it holds.
    pub kind: TagKind,
    /// Where files that it names are looked for.
    pub(crate) home: Arc<Home>,
}

/// What a kept tag will do.
#[derive(Clone, Debug)]
pub enum TagKind {
    /// `!j2:` or `!include-jinja2:`: a template that gives text.
    Jinja(Arc<str>),
    /// `!j2-yaml:`: a template that gives YAML.
    JinjaYaml(Arc<str>),
    /// An include tag whose path has variables, or (unified) any include tag.
    Include(Include, Arc<str>),
    /// A list of files, joined by line breaks; some of them depend on variables.
    Collection(Vec<Node>),
}

/// The include tags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Include {
    /// `!include:`, YAML.
    Yaml,
    /// `!include-raw:` and `!include-raw-expand:`.
    Raw,
    /// `!include-raw-escape:` and `!include-raw-verbatim:`.
    Escape,
    /// `!include-jinja2:`.
    Jinja,
}

impl Include {
    /// The tag's own text.
    pub fn name(self) -> &'static str {
        match self {
            Include::Yaml => "!include:",
            Include::Raw => "!include-raw:",
            Include::Escape => "!include-raw-escape:",
            Include::Jinja => "!include-jinja2:",
        }
    }
}

/// What the tags of one file share.
#[derive(Debug, Default)]
pub(crate) struct Home {
    /// The folders in which their files are looked for, in order (rule jjb-J31).
    pub(crate) folders: Vec<PathBuf>,
    /// Unified: the anchors of the file, which later includes see (rule jjb-J25).
    scope: Mutex<Scope>,
    /// Unified: YAML files that were included already.
    included: Mutex<FxHashMap<FileId, (Arc<str>, Node)>>,
}

impl Home {
    pub(crate) fn new(folders: Vec<PathBuf>) -> Home {
        Home { folders, ..Home::default() }
    }

    /// The anchors, for a text that is read in this file's scope; a file without anchors gives a fresh scope.
    pub(crate) fn lend_scope(&self) -> Scope {
        lock(&self.scope).clone()
    }

    /// Takes anchors in. Those of a text in a fresh scope are forgotten.
    pub(crate) fn give_back(&self, scope: Scope) {
        let mut own = lock(&self.scope);
        if !own.anchors.is_empty() {
            *own = scope;
        }
    }

    /// The anchors of the file itself, once it is read.
    pub(crate) fn set_scope(&self, scope: &Scope) {
        if !scope.anchors.is_empty() {
            *lock(&self.scope) = scope.clone();
        }
    }

    pub(crate) fn included(&self, text: &Text) -> Option<Node> {
        let included = lock(&self.included);
        let (read, node) = included.get(&text.file)?;
        Arc::ptr_eq(read, &text.text).then(|| node.clone())
    }

    pub(crate) fn keep_included(&self, text: &Text, node: &Node) {
        lock(&self.included).insert(text.file, (Arc::clone(&text.text), node.clone()));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Tag {
    /// How a message or a text shows it.
    pub(crate) fn shown(&self) -> String {
        match &self.kind {
            TagKind::Jinja(_) => "<Jinja2 template>".into(),
            TagKind::JinjaYaml(_) => "<Jinja2 template for YAML>".into(),
            TagKind::Include(include, path) => format!("{} {path}", include.name()),
            TagKind::Collection(_) => "<list of files>".into(),
        }
    }
}
