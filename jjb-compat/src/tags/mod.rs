//! Tags that are kept in the tree until something expands the text around them.

use std::path::PathBuf;
use std::sync::Arc;

use crate::node::Node;

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

/// The folders in which the files of a tag are looked for, in order (rule jjb-J31).
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) folders: Vec<PathBuf>,
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
