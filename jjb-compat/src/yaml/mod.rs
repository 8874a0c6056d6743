//! YAML as PyYAML reads it (contract section 3): libyaml's events with positions, composed to raw nodes with shared
//! anchors, constructed to values by the rules of YAML 1.1.

mod compose;
mod construct;
mod resolve;
mod scalar;
mod special;
mod stamp;
mod tag;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::place::Place;

pub(crate) use compose::{Origin, compose};
pub(crate) use construct::Loader;

/// A node as it stands in the file, before its type is known.
#[derive(Debug)]
pub(crate) struct Raw {
    /// Unique in a scope.
    pub(crate) id: u32,
    /// True inside anchored nodes: such a node may be reached twice and must then be one object (rule jjb-J25).
    pub(crate) shared: bool,
    /// The tag as written, resolved to its long form.
    pub(crate) tag: Option<Box<str>>,
    pub(crate) content: Content,
    pub(crate) place: Place,
}

/// What a raw node holds.
#[derive(Debug)]
pub(crate) enum Content {
    /// Text; `plain` when its type follows from the text.
    Scalar { text: Arc<str>, plain: bool },
    /// Items.
    Seq(Vec<Arc<Raw>>),
    /// Keys and values, in order, with repeats.
    Map(Vec<(Arc<Raw>, Arc<Raw>)>),
}

/// The anchors of a file and of the files that it includes (rule jjb-J25).
#[derive(Clone, Default, Debug)]
pub(crate) struct Scope {
    pub(crate) anchors: FxHashMap<String, Arc<Raw>>,
    pub(crate) next_id: u32,
}

/// Tags of YAML itself in their long form begin so.
pub(crate) const YAML_TAG: &str = "tag:yaml.org,2002:";
