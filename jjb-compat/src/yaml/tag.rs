//! Job Builder's own tags while a file is read (contract section 4).

use std::sync::Arc;

use super::construct::Constructor;
use super::{Content, Raw, special};
use crate::format::path_has_fields;
use crate::node::{Node, Value};
use crate::options::Dialect;
use crate::problem::{Problem, Result, Within};
use crate::tags::{Include, Tag, TagKind};

/// The tags by their text in a file.
enum Own {
    Jinja,
    JinjaYaml,
    Join,
    Include(Include),
}

impl Constructor<'_, '_, '_> {
    pub(super) fn own_tag(&mut self, raw: &Arc<Raw>, tag: &str) -> Result<Node> {
        let unified = self.loader.session.options.dialect == Dialect::Unified;
        let own = match tag {
            "!j2:" => Own::Jinja,
            "!j2-yaml:" => Own::JinjaYaml,
            "!join:" => Own::Join,
            "!include:" => Own::Include(Include::Yaml),
            "!include-raw:" => Own::Include(Include::Raw),
            "!include-raw-escape:" => Own::Include(Include::Escape),
            "!include-jinja2:" => Own::Include(Include::Jinja),
            "!include-raw-expand:" if unified => Own::Include(Include::Raw),
            "!include-raw-verbatim:" if unified => Own::Include(Include::Escape),
            "!include" => self.deprecated(raw, tag, Include::Yaml),
            "!include-raw" => self.deprecated(raw, tag, Include::Raw),
            "!include-raw-escape" => self.deprecated(raw, tag, Include::Escape),
            _ if tag.contains("python/") => {
                return special::python(tag.trim_start_matches('!'), raw.place);
            }
            _ => return special::unknown(tag, raw.place),
        };
        match own {
            Own::Jinja => self.template(raw, TagKind::Jinja),
            Own::JinjaYaml => self.template(raw, TagKind::JinjaYaml),
            Own::Join if unified => self.join_values(raw),
            Own::Join => self.join_texts(raw),
            Own::Include(include) if unified => self.keep_include(raw, include),
            Own::Include(include) => self.include_now(raw, include),
        }
    }

    fn deprecated(&self, raw: &Raw, tag: &str, include: Include) -> Own {
        self.loader.session.warn(
            Problem::warning("deprecated-tag", raw.place, format!("the tag '{tag}' is deprecated"))
                .cure(format!("write '{tag}:' with a colon")),
        );
        Own::Include(include)
    }

    pub(super) fn kept(&self, raw: &Raw, kind: TagKind) -> Node {
        let tag = Tag { kind, home: Arc::clone(&self.loader.home) };
        Node::new(Value::Tag(Arc::new(tag)), raw.place)
    }

    fn template(&self, raw: &Arc<Raw>, kind: fn(Arc<str>) -> TagKind) -> Result<Node> {
        match &raw.content {
            Content::Scalar { text, .. } => Ok(self.kept(raw, kind(Arc::clone(text)))),
            _ => Problem::error("bad-tag", raw.place, "a Jinja2 tag takes text").fail(),
        }
    }

    /// Unified: any include is kept, with its path or list of paths.
    fn keep_include(&mut self, raw: &Arc<Raw>, include: Include) -> Result<Node> {
        match &raw.content {
            Content::Scalar { text, .. } => Ok(self.kept(raw, TagKind::Include(include, Arc::clone(text)))),
            Content::Seq(items) => {
                let mut parts = Vec::with_capacity(items.len());
                for item in items {
                    let node = self.node(item)?;
                    let Some(path) = node.as_str() else {
                        return Problem::error("bad-tag", item.place, "a list of files takes texts").fail();
                    };
                    parts.push(self.kept(item, TagKind::Include(include, path.into())));
                }
                Ok(self.kept(raw, TagKind::Collection(parts)))
            }
            Content::Map(_) => needs_path(raw),
        }
    }

    /// Classic: the file is read with the element, unless its path has variables (rules jjb-J30 to jjb-J33).
    fn include_now(&mut self, raw: &Arc<Raw>, include: Include) -> Result<Node> {
        match &raw.content {
            Content::Scalar { text, .. } => self.include_one(raw, include, text),
            Content::Seq(items) => self.include_list(raw, include, items),
            Content::Map(_) => needs_path(raw),
        }
    }

    fn include_one(&mut self, raw: &Arc<Raw>, include: Include, path: &Arc<str>) -> Result<Node> {
        if path_has_fields(path, raw.place)? {
            let include = match include {
                Include::Escape => {
                    self.loader.session.warn(
                        Problem::warning(
                            "lazy-escape",
                            raw.place,
                            "'!include-raw-escape:' with a variable path acts as '!include-raw:'",
                        )
                        .because("what such a tag inserts is not expanded, so nothing needs escaping"),
                    );
                    Include::Raw
                }
                other => other,
            };
            return Ok(self.kept(raw, TagKind::Include(include, Arc::clone(path))));
        }
        let session = self.loader.session;
        let text = session.include(&self.loader.home, path, raw.place)?;
        match include {
            Include::Raw => Ok(Node::str(text.text, raw.place)),
            Include::Escape => Ok(Node::str(escape(&text.text), raw.place)),
            Include::Jinja => Ok(self.kept(raw, TagKind::Jinja(text.text))),
            Include::Yaml => self.loader.include(&text.text, text.file, raw.place),
        }
    }

    fn include_list(&mut self, raw: &Arc<Raw>, include: Include, items: &[Arc<Raw>]) -> Result<Node> {
        let mut parts = Vec::with_capacity(items.len());
        for item in items {
            let Content::Scalar { text, .. } = &item.content else {
                return Problem::error("bad-tag", item.place, "a list of files takes texts").fail();
            };
            parts.push(self.include_one(item, include, text)?);
        }
        if parts.iter().any(|part| matches!(part.value, Value::Tag(_))) {
            if include == Include::Escape {
                return Problem::error(
                    "lazy-escape",
                    raw.place,
                    "'!include-raw-escape:' with a list cannot have a variable path",
                )
                .fail();
            }
            return Ok(self.kept(raw, TagKind::Collection(parts)));
        }
        join(&parts, "\n", raw).within(|| "in this list of files".into(), raw.place)
    }

    /// Classic: items as they are written, whatever their type.
    fn join_texts(&mut self, raw: &Arc<Raw>) -> Result<Node> {
        let Content::Seq(parts) = &raw.content else {
            return bad_join(raw);
        };
        let [delimiter, list, ..] = parts.as_slice() else {
            return bad_join(raw);
        };
        let (Content::Scalar { text: delimiter, .. }, Content::Seq(items)) =
            (&delimiter.content, &list.content)
        else {
            return bad_join(raw);
        };
        let mut texts: Vec<&str> = Vec::with_capacity(items.len());
        for item in items {
            match &item.content {
                Content::Scalar { text, .. } => texts.push(text),
                _ => return bad_join(item),
            }
        }
        Ok(Node::str(texts.join(delimiter), raw.place))
    }

    /// Unified: items must be texts.
    fn join_values(&mut self, raw: &Arc<Raw>) -> Result<Node> {
        let Content::Seq(parts) = &raw.content else {
            return bad_join(raw);
        };
        let [delimiter, list] = parts.as_slice() else {
            return bad_join(raw);
        };
        let delimiter = self.node(delimiter)?;
        let list = self.node(list)?;
        match (delimiter.as_str(), list.as_seq()) {
            (Some(delimiter), Some(items)) => join(items, delimiter, raw),
            _ => bad_join(raw),
        }
    }
}

fn join(items: &[Node], delimiter: &str, raw: &Raw) -> Result<Node> {
    let mut out = String::new();
    for (index, item) in items.iter().enumerate() {
        let Some(text) = item.as_str() else {
            return Problem::error(
                "bad-join",
                item.place,
                format!("only texts can be joined, and this is {}", item.kind()),
            )
            .cure("write it in quotes")
            .fail();
        };
        if index > 0 {
            out.push_str(delimiter);
        }
        out.push_str(text);
    }
    Ok(Node::str(out, raw.place))
}

fn bad_join<T>(raw: &Raw) -> Result<T> {
    Problem::error("bad-join", raw.place, "'!join:' takes a list of a delimiter and a list of texts")
        .cure("write it as !join: [',', [one, two]]")
        .fail()
}

fn needs_path<T>(raw: &Raw) -> Result<T> {
    Problem::error("bad-tag", raw.place, "an include tag takes a file name or a list of them").fail()
}

/// Doubles every brace (contract section 4).
fn escape(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}
