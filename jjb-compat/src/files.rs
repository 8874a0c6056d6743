//! Which files a list of paths means (rules jjb-J10 to jjb-J12).

use std::path::{Path, PathBuf};

use rustc_hash::FxHashSet;

use crate::glob;
use crate::place::Place;
use crate::problem::{Problem, Result};
use crate::session::Session;
use crate::source::Kind;

/// Folders in one recursion: more are taken for a circle or a mistake.
const FOLDER_LIMIT: usize = 100_000;

/// The files to read, in order, each once.
pub(crate) fn expand(session: &Session, paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let source = session.source;
    let mut candidates = Vec::new();
    for path in paths {
        match source.kind(path) {
            Some(Kind::Folder) if session.options.recursive => {
                for folder in folders(session, path)? {
                    candidates.extend(yaml_files(session, &folder)?);
                }
            }
            Some(Kind::Folder) => candidates.extend(yaml_files(session, path)?),
            Some(Kind::File) => candidates.push(path.clone()),
            None => {
                return Problem::error(
                    "no-such-path",
                    Place::NOWHERE,
                    format!("there is no file or folder {}", path.display()),
                )
                .cure("correct the path")
                .fail();
            }
        }
    }
    let mut seen = FxHashSet::default();
    let mut files = Vec::with_capacity(candidates.len());
    for path in candidates {
        if seen.insert(source.real_path(&path)) {
            files.push(path);
            continue;
        }
        session.warn(Problem::warning(
            "file-twice",
            Place::NOWHERE,
            format!("the file {} is named twice and read once", path.display()),
        ));
    }
    Ok(files)
}

fn list(session: &Session, folder: &Path) -> Result<Vec<String>> {
    match session.source.list(folder) {
        Ok(mut names) => {
            names.sort_unstable();
            Ok(names)
        }
        Err(error) => Problem::error(
            "unreadable",
            Place::NOWHERE,
            format!("the folder {} cannot be listed: {error}", folder.display()),
        )
        .fail(),
    }
}

/// `*.yml` and `*.yaml`, sorted by bytes.
fn yaml_files(session: &Session, folder: &Path) -> Result<Vec<PathBuf>> {
    let names = list(session, folder)?;
    let yaml = names.into_iter().filter(|name| name.ends_with(".yml") || name.ends_with(".yaml"));
    Ok(yaml
        .map(|name| folder.join(name))
        .filter(|path| session.source.kind(path) != Some(Kind::Folder))
        .collect())
}

/// A folder and those below it: each visit adds the folder's own children, parents first (rule jjb-J11).
fn folders(session: &Session, root: &Path) -> Result<Vec<PathBuf>> {
    let mut out = vec![root.to_path_buf()];
    let mut seen = FxHashSet::default();
    // Folders still to visit, the next one last.
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        if !seen.insert(session.source.real_path(&folder)) {
            continue;
        }
        let mut children = Vec::new();
        for name in list(session, &folder)? {
            let path = folder.join(&name);
            if session.source.kind(&path) == Some(Kind::Folder) && !excluded(session, &path, &name) {
                children.push(path);
            }
        }
        out.extend(children.iter().cloned());
        if out.len() > FOLDER_LIMIT {
            return Problem::error(
                "too-large",
                Place::NOWHERE,
                format!("more than {FOLDER_LIMIT} folders below {}", root.display()),
            )
            .fail();
        }
        open.extend(children.into_iter().rev());
    }
    Ok(out)
}

fn excluded(session: &Session, path: &Path, name: &str) -> bool {
    let patterns = &session.options.exclude;
    if patterns.is_empty() {
        return name.starts_with('.');
    }
    patterns.iter().any(|pattern| {
        if pattern.starts_with('/') {
            glob::matches(pattern, &session.source.real_path(path).to_string_lossy())
        } else if pattern.contains('/') {
            let shown = path.to_string_lossy();
            glob::matches(pattern, shown.strip_prefix("./").unwrap_or(&shown))
        } else {
            glob::matches(pattern, name)
        }
    })
}
