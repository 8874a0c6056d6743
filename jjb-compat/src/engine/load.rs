//! Files to elements.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::expand::Elements;
use crate::files;
use crate::node::Node;
use crate::place::{FileId, Place};
use crate::problem::{Problem, Result};
use crate::session::Session;
use crate::tags::Home;
use crate::yaml::{Loader, Scope};

/// All elements of a tree, or everything that is wrong with its files.
pub(super) fn elements(session: &Session, paths: &[PathBuf]) -> std::result::Result<Elements, Vec<Problem>> {
    let files = files::expand(session, paths).map_err(|problem| vec![*problem])?;
    let mut elements = Elements::default();
    let mut problems = Vec::new();
    let mut scope = Scope::default();
    for path in &files {
        let kept = if session.options.retain_anchors { std::mem::take(&mut scope) } else { Scope::default() };
        let mut loader = Loader::new(session, Arc::new(home(session, path)), kept);
        match document(&mut loader, path) {
            Ok(Some((root, file))) => add(session, &mut elements, &root, file, &mut problems),
            Ok(None) => {}
            Err(problem) => problems.push(*problem),
        }
        scope = loader.scope;
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

/// The items of a file (rule jjb-J14).
fn add(session: &Session, elements: &mut Elements, root: &Node, file: FileId, problems: &mut Vec<Problem>) {
    if !root.truth() {
        return;
    }
    let Some(items) = root.as_seq() else {
        problems.push(
            Problem::error(
                "not-a-list",
                Place { file, ..root.place },
                format!("the top of a file is a list, and this is {}", root.kind()),
            )
            .cure("begin each element with '- ', as in '- job:'"),
        );
        return;
    };
    for item in items {
        if let Err(problem) = elements.add_classic_item(session, item) {
            problems.push(*problem);
            if !session.options.collect {
                return;
            }
        }
    }
}

/// Where the tags of a file look: the include path, the file's own folder, the working directory (rule jjb-J31).
fn home(session: &Session, path: &Path) -> Home {
    let mut folders: Vec<PathBuf> = session.options.include_path.clone();
    if folders.is_empty() {
        folders.push(PathBuf::from("."));
    }
    folders.push(path.parent().map(Path::to_path_buf).unwrap_or_default());
    folders.push(PathBuf::from("."));
    Home { folders }
}
