//! Expanding a value in the unified dialect: tags are expanded where they stand, with the variables in force there.

use std::cell::Cell;
use std::sync::Arc;

use super::super::deep::too_large;
use crate::format::{Params, format_text};
use crate::node::{Map, Node, Value};
use crate::place::Place;
use crate::problem::{Problem, Result, Within};
use crate::session::Session;
use crate::tags::{Home, Include, Tag, TagKind};
use crate::yaml::Loader;

/// What is expanded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Texts and tags.
    All,
    /// Tags only: axes, and the value of an element.
    Tags,
    /// Texts only: what a template gives directly below a macro.
    Texts,
}

/// Expands values with one set of variables.
pub(crate) struct Deep<'d, 's> {
    pub(crate) session: &'d Session<'s>,
    pub(crate) params: Params<'d>,
    pub(crate) mode: Mode,
    /// Values that may still be made for this job.
    pub(crate) steps: &'d Cell<usize>,
}

impl Deep<'_, '_> {
    pub(crate) fn node(&self, node: &Node) -> Result<Node> {
        match &node.value {
            Value::Str(_) if self.mode == Mode::Tags => Ok(node.clone()),
            Value::Str(text) => format_text(text, node.place, &self.params),
            // Release 6.5.0 dies over the lists that `!!omap` and `!!pairs` make.
            Value::Seq(items) if items.iter().any(|item| matches!(item.value, Value::Tuple(_))) => {
                cannot_expand(node).fail()
            }
            Value::Seq(items) => {
                self.spend(items.len() + 1, node.place)?;
                let items: Result<Vec<Node>> = items.iter().map(|item| self.node(item)).collect();
                Ok(Node::seq(items?, node.place))
            }
            Value::Map(map) if map.is_constant() => {
                self.spend(map.len() + 1, node.place)?;
                if self.mode != Mode::Tags {
                    self.params.check_names()?;
                }
                Ok(node.clone())
            }
            Value::Tuple(items) => {
                let items: Result<Vec<Node>> = items.iter().map(|item| self.node(item)).collect();
                Ok(Node::new(Value::Tuple(Arc::new(items?)), node.place))
            }
            Value::Map(map) => Ok(Node::map(self.entries(map, node.place)?, node.place)),
            Value::Tag(_) if self.mode == Mode::Texts => Ok(node.clone()),
            Value::Tag(tag) => self.tag(node, tag),
            Value::Timestamp(_) | Value::Binary(_) | Value::Set(_) => cannot_expand(node).fail(),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => {
                Ok(node.clone())
            }
        }
    }

    pub(crate) fn entries(&self, map: &Map, place: Place) -> Result<Map> {
        self.spend(map.len() + 1, place)?;
        let mut out = Map::with_capacity(map.len());
        for (key, value) in map.iter() {
            let new_key = self.node(key)?;
            if matches!(new_key.value, Value::Seq(_) | Value::Map(_)) {
                return Problem::error("bad-key", key.place, format!("this key becomes {}", new_key.kind()))
                    .fail();
            }
            out.insert(new_key, self.node(value)?);
        }
        Ok(out)
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

    /// A tag as it stands, also directly as the value of a macro's list.
    pub(crate) fn tag(&self, node: &Node, tag: &Tag) -> Result<Node> {
        self.session.inside_tag(node.place, || self.expanded_tag(node, tag))
    }

    fn expanded_tag(&self, node: &Node, tag: &Tag) -> Result<Node> {
        let place = node.place;
        self.spend(1, place)?;
        match &tag.kind {
            TagKind::Jinja(text) => Ok(Node::str(self.render(&tag.home, text, place)?, place)),
            TagKind::JinjaYaml(text) => {
                let rendered = self.render(&tag.home, text, place)?;
                let within = || "in the YAML that this template gives".to_string();
                let loaded =
                    load_rendered(self.session, &tag.home, &rendered, place).within(within, place)?;
                self.node(&loaded).within(within, place)
            }
            TagKind::Include(Include::Escape, _) if self.mode == Mode::Tags => Ok(node.clone()),
            TagKind::Include(include, path) => self.include(&tag.home, *include, path, place),
            TagKind::Collection(parts) => self.collection(node, parts),
        }
    }

    fn collection(&self, node: &Node, parts: &[Node]) -> Result<Node> {
        let literal = parts.first().is_some_and(|part| {
            matches!(&part.value, Value::Tag(tag) if matches!(tag.kind, TagKind::Include(Include::Escape, _)))
        });
        if literal && self.mode == Mode::Tags {
            return Ok(node.clone());
        }
        if let [only] = parts
            && let Value::Tag(tag) = &only.value
        {
            return self.tag(only, tag);
        }
        let mut texts = Vec::with_capacity(parts.len());
        for part in parts {
            let Value::Tag(tag) = &part.value else { continue };
            let out = self.tag(part, tag)?;
            match out.as_str() {
                Some(text) => texts.push(text.to_string()),
                None => {
                    return Problem::error(
                        "bad-join",
                        part.place,
                        format!("only texts can be joined, and this is {}", out.kind()),
                    )
                    .cure("include one YAML file at a time")
                    .fail();
                }
            }
        }
        Ok(Node::str(texts.join("\n"), node.place))
    }

    fn render(&self, home: &Arc<Home>, text: &Arc<str>, place: Place) -> Result<Arc<str>> {
        let out = self.session.templates.render(self.session, text, home, place, &self.params)?;
        if out.len() > self.params.text_limit {
            return too_large(place).fail();
        }
        Ok(out)
    }

    fn include(&self, home: &Arc<Home>, include: Include, path: &Arc<str>, place: Place) -> Result<Node> {
        let path = format_text(path, place, &self.params)?;
        let Some(path) = path.as_str() else {
            return Problem::error("bad-path", place, format!("the file name becomes {}", path.kind()))
                .fail();
        };
        let within = || format!("in the included file '{path}'");
        match include {
            Include::Yaml => {
                let node = load_included(self.session, home, path, place)?;
                self.node(&node).within(within, place)
            }
            Include::Escape => Ok(Node::str(self.session.include(home, path, place)?.text, place)),
            Include::Raw => {
                let text = self.session.include(home, path, place)?;
                let at = Place { file: text.file, line: 1, column: 1 };
                let out = format_text(&text.text, at, &self.params).within(within, place)?;
                match out.as_str() {
                    Some(text) => Ok(Node::str(text, place)),
                    None => {
                        Problem::error("bad-join", place, format!("the file's text becomes {}", out.kind()))
                            .fail()
                    }
                }
            }
            Include::Jinja => {
                let text = self.session.include(home, path, place)?;
                let at = Place { file: text.file, line: 1, column: 1 };
                Ok(Node::str(self.render(home, &text.text, at).within(within, place)?, place))
            }
        }
    }
}

/// The YAML that a template gave. It sees the anchors of its file.
fn load_rendered(session: &Session, home: &Arc<Home>, text: &str, place: Place) -> Result<Node> {
    let scope = home.lend_scope();
    let anchors = scope.anchors.len();
    let mut loader = Loader::new(session, Arc::clone(home), scope);
    let node = loader.load_at(text, place);
    if loader.scope.anchors.len() != anchors {
        session.order_matters();
    }
    home.give_back(loader.scope);
    Ok(node?.unwrap_or_else(|| Node::null(place)))
}

/// A YAML file that a tag names. It is read once for each including file.
fn load_included(session: &Session, home: &Arc<Home>, name: &str, place: Place) -> Result<Node> {
    let text = session.include(home, name, place)?;
    if let Some(node) = home.included(&text) {
        return Ok(node);
    }
    let path = session.find(home, name).unwrap_or_default();
    let inner = Arc::new(session.home_of(&path));
    let scope = home.lend_scope();
    let anchors = scope.anchors.len();
    let mut loader = Loader::new(session, inner, scope);
    let node = loader.load(&text.text, text.file).within(|| "included here".into(), place);
    if loader.scope.anchors.len() != anchors {
        // What is read after this sees the new anchors.
        session.order_matters();
    }
    let inner = Arc::clone(&loader.home);
    inner.give_back(loader.scope.clone());
    home.give_back(loader.scope);
    let node = node?.unwrap_or_else(|| Node::null(place));
    home.keep_included(&text, &node);
    Ok(node)
}

fn cannot_expand(node: &Node) -> Problem {
    Problem::error("cannot-expand", node.place, format!("{} cannot be expanded", node.kind()))
        .cure("write it in quotes to make it text")
}
