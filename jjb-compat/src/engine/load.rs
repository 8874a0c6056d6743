//! Files to elements.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use crate::expand::Elements;
use crate::expand::elements::{not_an_element, two_keys};
use crate::expand::unified::{self, Deep, Mode, Roots};
use crate::node::{Map, Node, Value};
use crate::place::{FileId, Place};
use crate::problem::{Problem, Result};
use crate::session::Session;
use crate::trace::Kept;
use crate::yaml::{Loader, Scope};

/// Takes the items of files in.
pub(super) trait Take {
    /// One item of the list at the top of a file (rule jjb-J14).
    fn item(&mut self, session: &Session, item: &Node) -> Result<()>;

    /// False when a top that is not even a list counts as empty.
    fn top_must_be_a_list(root: &Node) -> bool;
}

impl Parsed {
    /// What the file holds.
    pub(super) fn root(&self) -> Option<&Node> {
        Some(&self.document.as_ref().ok()?.as_ref()?.0)
    }
}

impl Take for Elements {
    fn item(&mut self, session: &Session, item: &Node) -> Result<()> {
        self.add_classic_item(session, item)
    }

    fn top_must_be_a_list(root: &Node) -> bool {
        root.truth()
    }
}

impl Take for Roots {
    fn item(&mut self, session: &Session, item: &Node) -> Result<()> {
        let Some(map) = item.as_map() else {
            return not_an_element(item).fail();
        };
        let (kind, body) = match map.first() {
            Some(entry) if map.len() == 1 => entry,
            Some(_) => return two_keys(item, map).fail(),
            None => return not_an_element(item).fail(),
        };
        if kind.as_str().is_some_and(|kind| kind.starts_with('_')) {
            return Ok(());
        }
        if !matches!(body.value, Value::Tag(_)) {
            return self.add(session, kind, body, item.place);
        }
        let none = Map::new();
        let steps = Cell::new(session.options.limits.steps);
        let params = unified::params(session, &none, session.options.allow_empty_variables);
        let body = Deep { session, params, mode: Mode::Tags, steps: &steps }.node(body)?;
        self.add(session, kind, &body, item.place)
    }

    fn top_must_be_a_list(root: &Node) -> bool {
        !root.is_null()
    }
}

/// A file of the list as it was read.
pub(super) struct Parsed {
    document: std::result::Result<Option<(Node, FileId)>, Problem>,
    pub(super) trace: Kept,
}

/// Reads one file by itself; its anchors begin with `scope` and are what is given back.
pub(super) fn parse(session: &Session, path: &Path, scope: Scope) -> (Parsed, Scope) {
    let ((document, scope), trace) = session.traced(|| {
        let mut loader = Loader::new(session, Arc::new(session.home_of(path)), scope);
        let document = document(&mut loader, path).map_err(|problem| *problem);
        loader.home.set_scope(&loader.scope);
        (document, loader.scope)
    });
    (Parsed { document, trace }, scope)
}

/// The elements of the files, or everything that is wrong with these.
pub(super) fn elements<'p, T: Take + Default>(
    session: &Session,
    files: impl Iterator<Item = &'p Parsed>,
) -> std::result::Result<T, Vec<Problem>> {
    let mut elements = T::default();
    let mut problems = Vec::new();
    for parsed in files {
        match &parsed.document {
            Ok(Some((root, file))) => add(session, &mut elements, root, *file, &mut problems),
            Ok(None) => {}
            Err(problem) => problems.push(problem.clone()),
        }
        if !problems.is_empty() && !session.options.collect {
            break;
        }
    }
    if problems.is_empty() { Ok(elements) } else { Err(problems) }
}

fn document(loader: &mut Loader, path: &Path) -> Result<Option<(Node, FileId)>> {
    let text = loader.session.text(path, Place::NOWHERE)?;
    Ok(loader.load(&text.text, text.file)?.map(|root| (root, text.file)))
}

fn add<T: Take>(session: &Session, elements: &mut T, root: &Node, file: FileId, problems: &mut Vec<Problem>) {
    let Some(items) = root.as_seq() else {
        if T::top_must_be_a_list(root) {
            let message = format!("the top of a file is a list, and this is {}", root.kind());
            problems.push(
                Problem::error("not-a-list", Place { file, ..root.place }, message)
                    .cure("begin each element with '- ', as in '- job:'"),
            );
        }
        return;
    };
    for item in items {
        if let Err(problem) = elements.item(session, item) {
            problems.push(*problem);
            if !session.options.collect {
                return;
            }
        }
    }
}
