//! Expanding a value with variables: texts, lists, mappings and their keys, tags (contract section 5), as the classic
//! dialect does it. What does not change is shared with the original.

use std::cell::Cell;
use std::sync::Arc;

use crate::format::{Params, format_plain, format_text, has_braces, path_has_fields};
use crate::node::{Map, Node, Value};
use crate::place::Place;
use crate::problem::{Problem, Result, Within};
use crate::session::Session;
use crate::tags::{Include, Tag, TagKind};
use crate::yaml::{Loader, Scope};

/// Expands values with one set of variables.
pub(crate) struct Deep<'d, 's> {
    pub(crate) session: &'d Session<'s>,
    pub(crate) params: Params<'d>,
    /// Values that may still be made for this job.
    pub(crate) steps: &'d Cell<usize>,
}

impl Deep<'_, '_> {
    pub(crate) fn node(&self, node: &Node) -> Result<Node> {
        Ok(self.changed(node)?.unwrap_or_else(|| node.clone()))
    }

    /// The value after expansion; `None` when nothing in it changes.
    fn changed(&self, node: &Node) -> Result<Option<Node>> {
        match &node.value {
            Value::Str(text) if !has_braces(text) => self.params.check_names().map(|()| None),
            Value::Str(text) => {
                let out = format_text(text, node.place, &self.params)?;
                match &out.value {
                    Value::Tag(tag) => self.inserted_tag(tag, out.place).map(Some),
                    _ => Ok(Some(out)),
                }
            }
            Value::Seq(items) => self.seq(node, items),
            Value::Map(map) => Ok(self.entries(map, node.place)?.map(|map| Node::map(map, node.place))),
            Value::Tag(tag) => self.tag(tag, node.place).map(Some),
            _ => Ok(None),
        }
    }

    fn spend(&self, count: usize, place: Place) -> Result<()> {
        match self.steps.get().checked_sub(count) {
            Some(rest) => {
                self.steps.set(rest);
                Ok(())
            }
            None => too_large(place).fail(),
        }
    }

    fn seq(&self, node: &Node, items: &Arc<Vec<Node>>) -> Result<Option<Node>> {
        self.spend(items.len() + 1, node.place)?;
        let mut changed: Option<Vec<Node>> = None;
        for (index, item) in items.iter().enumerate() {
            match (&mut changed, self.changed(item)?) {
                (Some(list), out) => list.push(out.unwrap_or_else(|| item.clone())),
                (None, None) => {}
                (None, Some(out)) => {
                    let mut list = Vec::with_capacity(items.len());
                    list.extend_from_slice(&items[..index]);
                    list.push(out);
                    changed = Some(list);
                }
            }
        }
        Ok(changed.map(|list| Node::seq(list, node.place)))
    }

    /// The mapping after expansion; `None` when nothing in it changes.
    pub(crate) fn entries(&self, map: &Map, place: Place) -> Result<Option<Map>> {
        self.spend(map.len() + 1, place)?;
        if map.is_constant() {
            return self.params.check_names().map(|()| None);
        }
        let mut changed: Option<Map> = None;
        for (index, (key, value)) in map.iter().enumerate() {
            let (new_key, out) = (self.key(key)?, self.changed(value)?);
            if changed.is_none() && (new_key.is_some() || out.is_some()) {
                let mut entries = Map::with_capacity(map.len());
                map.iter().take(index).for_each(|(key, value)| entries.insert(key.clone(), value.clone()));
                changed = Some(entries);
            }
            if let Some(entries) = &mut changed {
                entries.insert(new_key.unwrap_or_else(|| key.clone()), out.unwrap_or_else(|| value.clone()));
            }
        }
        Ok(changed)
    }

    fn key(&self, key: &Node) -> Result<Option<Node>> {
        let out = self.changed(key)?;
        match &out.as_ref().unwrap_or(key).value {
            Value::Seq(_) | Value::Map(_) | Value::Set(_) => {
                let kind = out.as_ref().unwrap_or(key).kind();
                Problem::error("bad-key", key.place, format!("this key becomes {kind}"))
                    .cure("use a variable that holds text")
                    .fail()
            }
            _ => Ok(out),
        }
    }

    /// A tag that a variable brought in as a whole (rule jjb-J105): a template is rendered here.
    fn inserted_tag(&self, tag: &Tag, place: Place) -> Result<Node> {
        match &tag.kind {
            TagKind::Jinja(_) | TagKind::JinjaYaml(_) => self.tag(tag, place),
            TagKind::Include(include, path) => unresolved(*include, path, place).fail(),
            TagKind::Collection(_) => Ok(Node::new(
                Value::Tag(Arc::new(Tag { kind: tag.kind.clone(), home: Arc::clone(&tag.home) })),
                place,
            )),
        }
    }

    fn tag(&self, tag: &Tag, place: Place) -> Result<Node> {
        self.session.inside_tag(place, || self.expanded_tag(tag, place))
    }

    fn expanded_tag(&self, tag: &Tag, place: Place) -> Result<Node> {
        self.spend(1, place)?;
        match &tag.kind {
            TagKind::Jinja(text) => Ok(Node::str(self.render(tag, text, place)?, place)),
            TagKind::JinjaYaml(text) => {
                let rendered = self.render(tag, text, place)?;
                let node = self.load_rendered(tag, &rendered, place)?;
                self.node(&node).within(|| "in the YAML that this template gives".into(), place)
            }
            TagKind::Include(include, path) => self.include(tag, *include, path, place),
            TagKind::Collection(parts) => {
                let mut texts = Vec::with_capacity(parts.len());
                for part in parts {
                    texts.push(self.collected(part)?);
                }
                Ok(Node::str(texts.join("\n"), place))
            }
        }
    }

    fn render(&self, tag: &Tag, text: &Arc<str>, place: Place) -> Result<Arc<str>> {
        let out = self.session.templates.render(self.session, text, &tag.home, place, &self.params)?;
        if out.len() > self.params.text_limit {
            return too_large(place).fail();
        }
        Ok(out)
    }

    fn load_rendered(&self, tag: &Tag, text: &str, place: Place) -> Result<Node> {
        let mut loader = Loader::new(self.session, Arc::clone(&tag.home), Scope::default());
        let node =
            loader.load_at(text, place).within(|| "in the YAML that this template gives".into(), place)?;
        Ok(node.unwrap_or_else(|| Node::null(place)))
    }

    /// A path with variables: what the file holds is inserted without expansion (rule jjb-J32).
    fn include(&self, tag: &Tag, include: Include, path: &str, place: Place) -> Result<Node> {
        let strict = Params { allow_empty: false, ..copy(&self.params) };
        let path = format_plain(path, place, &strict)?;
        if path_has_fields(&path, place)? {
            return unresolved(include, &path, place).fail();
        }
        let text = self.session.include(&tag.home, &path, place)?;
        match include {
            Include::Raw | Include::Escape => Ok(Node::str(text.text, place)),
            Include::Yaml => {
                let mut loader = Loader::new(self.session, Arc::clone(&tag.home), Scope::default());
                let node = loader.load(&text.text, text.file).within(|| "included here".into(), place)?;
                Ok(node.unwrap_or_else(|| Node::null(place)))
            }
            Include::Jinja => Ok(Node::str(self.render(tag, &text.text, place)?, place)),
        }
    }

    /// One part of a list of files: Python's plain formatting, no whole-string fields.
    fn collected(&self, part: &Node) -> Result<String> {
        let Value::Tag(tag) = &part.value else {
            let strict = Params { allow_empty: false, ..copy(&self.params) };
            return format_plain(&part.text(self.params.style), part.place, &strict);
        };
        let out = match &tag.kind {
            TagKind::Include(Include::Jinja, path) => {
                return unresolved(Include::Jinja, path, part.place).fail();
            }
            _ => self.tag(tag, part.place)?,
        };
        match out.as_str() {
            Some(text) => Ok(text.to_string()),
            None => Problem::error(
                "bad-join",
                part.place,
                format!("only texts can be joined, and this is {}", out.kind()),
            )
            .fail(),
        }
    }
}

/// The same variables.
fn copy<'p>(params: &Params<'p>) -> Params<'p> {
    Params {
        map: params.map,
        over: params.over,
        allow_empty: params.allow_empty,
        style: params.style,
        text_limit: params.text_limit,
        undefined: false,
        pool: params.pool,
    }
}

fn unresolved(include: Include, path: &str, place: Place) -> Problem {
    Problem::error("unresolved-include", place, format!("the path of '{} {path}' still has variables where it is used", include.name()))
        .because("an include tag with a variable path is resolved once, where its text stands, not through another variable")
        .cure("use the tag directly where the text is needed")
}

pub(super) fn too_large(place: Place) -> Problem {
    Problem::error("too-large", place, "the expansion of this job grows without bound")
        .because("lists that hold each other by aliases or variables multiply")
        .cure("break the repetition up")
}
