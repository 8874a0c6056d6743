//! Raw nodes to values. One loader stands for one file of the command line with what it includes.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::resolve::{Kind, resolve};
use super::{Content, Origin, Raw, Scope, YAML_TAG, compose, scalar};
use crate::node::{Map, Node, Value};
use crate::place::{FileId, Place};
use crate::problem::{Problem, Result, Within};
use crate::session::{INCLUDES, Session};
use crate::tags::Home;

/// Reads YAML texts in one scope of anchors.
pub(crate) struct Loader<'s, 'a> {
    pub(crate) session: &'s Session<'a>,
    pub(crate) scope: Scope,
    pub(crate) home: Arc<Home>,
    pub(crate) include_depth: usize,
}

/// Makes the values of one text. Aliases inside one text give one object, also through merges.
pub(super) struct Constructor<'l, 's, 'a> {
    pub(super) loader: &'l mut Loader<'s, 'a>,
    made: FxHashMap<u32, Node>,
    merged: usize,
}

impl<'s, 'a> Loader<'s, 'a> {
    pub(crate) fn new(session: &'s Session<'a>, home: Arc<Home>, scope: Scope) -> Loader<'s, 'a> {
        Loader { session, scope, home, include_depth: 0 }
    }

    /// Reads the text of a file; an empty one gives nothing.
    pub(crate) fn load(&mut self, text: &str, file: FileId) -> Result<Option<Node>> {
        self.load_from(text, Origin::File(file))
    }

    /// Reads a text that a template has given; all of it stands at one place.
    pub(crate) fn load_at(&mut self, text: &str, place: Place) -> Result<Option<Node>> {
        self.load_from(text, Origin::Fixed(place))
    }

    fn load_from(&mut self, text: &str, origin: Origin) -> Result<Option<Node>> {
        if self.include_depth > INCLUDES {
            return Problem::error(
                "include-loop",
                match origin {
                    Origin::File(file) => Place::whole(file),
                    Origin::Fixed(place) => place,
                },
                format!("files include each other more than {INCLUDES} levels deep"),
            )
            .cure("remove the circle")
            .fail();
        }
        let depth = self.session.options.limits.depth;
        let Some(raw) = compose(text, origin, &mut self.scope, depth)? else {
            return Ok(None);
        };
        let mut constructor = Constructor { loader: self, made: FxHashMap::default(), merged: 0 };
        constructor.node(&raw).map(Some)
    }

    /// Reads an included file as YAML: with its own objects, in the scope of this file.
    pub(super) fn include(&mut self, text: &str, file: FileId, asked: Place) -> Result<Node> {
        self.include_depth += 1;
        let node = self.load(text, file).within(|| "included here".into(), asked);
        self.include_depth -= 1;
        Ok(node?.unwrap_or_else(|| Node::null(asked)))
    }
}

impl Constructor<'_, '_, '_> {
    pub(super) fn node(&mut self, raw: &Arc<Raw>) -> Result<Node> {
        if !raw.shared {
            return self.fresh(raw);
        }
        if let Some(node) = self.made.get(&raw.id) {
            return Ok(node.clone());
        }
        let node = self.fresh(raw)?;
        self.made.insert(raw.id, node.clone());
        Ok(node)
    }

    fn fresh(&mut self, raw: &Arc<Raw>) -> Result<Node> {
        let place = raw.place;
        match &raw.tag {
            None => match &raw.content {
                Content::Scalar { text, plain: false } => Ok(Node::str(Arc::clone(text), place)),
                Content::Scalar { text, plain: true } => plain(text, place),
                Content::Seq(items) => self.seq(items, place),
                Content::Map(entries) => self.map(entries, place),
            },
            Some(tag) => match tag.strip_prefix(YAML_TAG) {
                Some(name) => self.yaml_tag(raw, name),
                None => self.own_tag(raw, tag),
            },
        }
    }

    pub(super) fn seq(&mut self, items: &[Arc<Raw>], place: Place) -> Result<Node> {
        let items: Result<Vec<Node>> = items.iter().map(|item| self.node(item)).collect();
        Ok(Node::seq(items?, place))
    }

    pub(super) fn map(&mut self, entries: &[(Arc<Raw>, Arc<Raw>)], place: Place) -> Result<Node> {
        let flat;
        let entries = if entries.iter().any(|(key, _)| is_merge(key)) {
            flat = self.flatten(entries)?;
            &flat
        } else {
            entries
        };
        let mut map = Map::with_capacity(entries.len());
        for (key, value) in entries {
            let key = self.key(key)?;
            let value = self.node(value)?;
            map.insert(key, value);
        }
        map.settle();
        Ok(Node::map(map, place))
    }

    pub(super) fn key(&mut self, raw: &Arc<Raw>) -> Result<Node> {
        if let Content::Scalar { text, plain: true } = &raw.content
            && raw.tag.is_none()
            && **text == *"="
        {
            return Ok(Node::str("=", raw.place));
        }
        let key = self.node(raw)?;
        match key.value {
            Value::Seq(_) | Value::Map(_) | Value::Set(_) => {
                Problem::error("bad-key", raw.place, format!("{} cannot be a key", key.kind()))
                    .cure("use text as key; quote it when it begins with '{', '[' or '*'")
                    .fail()
            }
            _ => Ok(key),
        }
    }

    /// Puts merged entries before the own ones (rule jjb-J24).
    fn flatten(&mut self, entries: &[(Arc<Raw>, Arc<Raw>)]) -> Result<Vec<(Arc<Raw>, Arc<Raw>)>> {
        let mut merged = Vec::new();
        let mut own = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            if !is_merge(key) {
                own.push((Arc::clone(key), Arc::clone(value)));
                continue;
            }
            match &value.content {
                Content::Map(inner) => merged.extend(self.flatten(inner)?),
                Content::Seq(list) => {
                    for item in list.iter().rev() {
                        match &item.content {
                            Content::Map(inner) => merged.extend(self.flatten(inner)?),
                            _ => return bad_merge(item.place),
                        }
                    }
                }
                Content::Scalar { .. } => return bad_merge(value.place),
            }
        }
        self.merged += merged.len();
        if self.merged > self.loader.session.options.limits.steps {
            let place = entries.first().map_or(Place::NOWHERE, |(key, _)| key.place);
            return Problem::error("too-large", place, "the merge keys multiply without bound").fail();
        }
        merged.append(&mut own);
        Ok(merged)
    }
}

/// True for a plain `<<` and for any key tagged `!!merge`, also an empty one.
fn is_merge(key: &Raw) -> bool {
    match (&key.tag, &key.content) {
        (None, Content::Scalar { text, plain: true }) => &**text == "<<",
        (Some(tag), Content::Scalar { .. }) => tag.strip_prefix(YAML_TAG) == Some("merge"),
        _ => false,
    }
}

fn bad_merge<T>(place: Place) -> Result<T> {
    Problem::error("bad-merge", place, "a merge key takes a mapping or a list of mappings")
        .cure("name an anchor of a mapping, as in '<<: *defaults'")
        .fail()
}

/// A plain scalar without a tag.
fn plain(text: &Arc<str>, place: Place) -> Result<Node> {
    let value = match resolve(text) {
        Kind::Str => Some(Value::Str(Arc::clone(text))),
        Kind::Null => Some(Value::Null),
        Kind::Bool => scalar::boolean(text),
        Kind::Int => scalar::integer(text),
        Kind::Float => scalar::float(text),
        Kind::Timestamp => scalar::timestamp(text),
        Kind::Merge | Kind::Value => {
            return Problem::error("bad-scalar", place, format!("a plain '{text}' has no meaning here"))
                .cure(format!("write '{text}' in quotes"))
                .fail();
        }
    };
    match value {
        Some(value) => Ok(Node::new(value, place)),
        None => super::special::bad_value(text, "number or date", place),
    }
}
