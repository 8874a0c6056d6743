//! Which files a list of paths means (rules jjb-J10 to jjb-J12).

use std::path::{Path, PathBuf};

use rustc_hash::FxHashSet;

use crate::glob;
use crate::place::Place;
use crate::problem::{Problem, Result};
use crate::session::Session;
use crate::source::{Entry, Kind};

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
            Some(Kind::File) => candidates.push(Candidate { path: path.clone(), real: None }),
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
    for Candidate { path, real } in candidates {
        if seen.insert(real.unwrap_or_else(|| source.real_path(&path))) {
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

/// A file, and where it really stands if that is known.
struct Candidate {
    path: PathBuf,
    real: Option<PathBuf>,
}

fn list(session: &Session, folder: &Path) -> Result<Vec<Entry>> {
    match session.source.entries(folder) {
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
fn yaml_files(session: &Session, folder: &Path) -> Result<Vec<Candidate>> {
    let real_folder = session.source.real_path(folder);
    let is_yaml = |entry: &Entry| entry.name.ends_with(".yml") || entry.name.ends_with(".yaml");
    let candidate = |entry: Entry| {
        let path = folder.join(&entry.name);
        if entry.own_file {
            return Some(Candidate { path, real: Some(real_folder.join(&entry.name)) });
        }
        let file = session.source.kind(&path) != Some(Kind::Folder);
        file.then_some(Candidate { path, real: None })
    };
    Ok(list(session, folder)?.into_iter().filter(is_yaml).filter_map(candidate).collect())
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
        for Entry { name, own_file } in list(session, &folder)? {
            let path = folder.join(&name);
            if !own_file
                && session.source.kind(&path) == Some(Kind::Folder)
                && !excluded(session, &path, &name)
            {
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
