//! A revision of a git checkout as a source of files. Nothing is checked out: the list of files comes from `git ls-tree`,
//! what is in them from one `git cat-file --batch`.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use jjb_compat::{Kind, Source};

use super::trouble;
use crate::cli::failure::Failure;

/// Links that are followed one after another; more is a circle.
const LINKS: usize = 16;

/// A file or link of the revision.
#[derive(Debug)]
struct Blob {
    id: String,
    link: bool,
}

/// All files of one revision. Paths are those of the working directory, as if the revision were checked out there.
pub(super) struct Revision {
    /// The checkout's folder, without links.
    top: PathBuf,
    /// The working directory, without links: relative paths count on it.
    here: PathBuf,
    /// By path below `top`.
    files: BTreeMap<PathBuf, Blob>,
    contents: Mutex<Contents>,
}

/// The running `git cat-file`.
struct Contents {
    child: Child,
    ask: ChildStdin,
    answer: BufReader<ChildStdout>,
}

impl Drop for Contents {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What git answers, or trouble in its words.
fn git(folder: &Path, arguments: &[&str]) -> Result<Vec<u8>, Failure> {
    let done = Command::new("git").arg("-C").arg(folder).args(arguments).stdin(Stdio::null()).output();
    let done = done.map_err(not_there)?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let said = said.trim().trim_start_matches("fatal: ").to_owned();
    Err(trouble(format!("git {} failed: {said}", arguments[0])))
}

fn not_there(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => trouble("git is not installed, and revisions are read with it".to_owned())
            .hint("install git, or compare two folders: causeway jobs diff OLD NEW"),
        _ => trouble(format!("git cannot be started: {error}")),
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned()
}

impl Revision {
    /// A revision of the checkout that holds a path.
    pub(super) fn open(path: &Path, revision: &str) -> Result<Revision, Failure> {
        // The path itself may be gone from the disk by now.
        let here = std::fs::canonicalize(".")
            .map_err(|error| trouble(format!("the working directory cannot be found: {error}")))?;
        let wanted = plain(&here.join(path));
        let folder = wanted.ancestors().find(|folder| folder.is_dir()).unwrap_or(&here).to_owned();
        let top = git(&folder, &["rev-parse", "--show-toplevel"]).map_err(|failure| {
            failure.hint("--rev needs a git checkout; without one, compare two folders")
        })?;
        let top = PathBuf::from(text(top));
        let commit = format!("{revision}^{{commit}}");
        let commit = git(&top, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])
            .map_err(|_| {
                trouble(format!("there is no revision '{revision}' in {}", top.display()))
                    .hint("`git log` and `git branch --all` show what there is")
            })
            .map(text)?;
        let listing = git(&top, &["ls-tree", "-r", "-z", "--full-tree", &commit])?;
        let contents = Contents::start(&top)?;
        Ok(Revision { here, files: files(&listing), contents: Mutex::new(contents), top })
    }

    /// The path below the top of the checkout, links followed; `None` when it lies elsewhere.
    fn inside(&self, path: &Path) -> Option<PathBuf> {
        let whole = plain(&self.here.join(path));
        let mut inside = whole.strip_prefix(&self.top).ok()?.to_owned();
        for _ in 0..LINKS {
            let Some((link, blob)) = self.first_link(&inside) else {
                return Some(inside);
            };
            let target = String::from_utf8(self.fetch(&blob.id, usize::MAX).ok()?).ok()?;
            let rest = inside.strip_prefix(&link).ok()?.to_owned();
            let target = self.top.join(link.parent()?).join(target).join(rest);
            inside = plain(&target).strip_prefix(&self.top).ok()?.to_owned();
        }
        None
    }

    /// The first part of a path that is a link.
    fn first_link(&self, path: &Path) -> Option<(PathBuf, &Blob)> {
        let mut parts: Vec<&Path> = path.ancestors().filter(|part| !part.as_os_str().is_empty()).collect();
        parts.reverse();
        let found = parts.into_iter().find_map(|part| self.files.get_key_value(part));
        found.filter(|(_, blob)| blob.link).map(|(part, blob)| (part.clone(), blob))
    }

    fn fetch(&self, id: &str, limit: usize) -> io::Result<Vec<u8>> {
        let mut contents = self.contents.lock().map_err(|_| io::Error::other("git was lost"))?;
        contents.fetch(id, limit)
    }
}

/// `MODE TYPE ID<tab>PATH`, each ended by a zero byte.
fn files(listing: &[u8]) -> BTreeMap<PathBuf, Blob> {
    let entries = listing.split(|byte| *byte == 0).filter_map(|entry| std::str::from_utf8(entry).ok());
    let blobs = entries.filter_map(|entry| {
        let (head, path) = entry.split_once('\t')?;
        let mut words = head.split(' ');
        let (mode, kind, id) = (words.next()?, words.next()?, words.next()?);
        let blob = Blob { id: id.to_owned(), link: mode == "120000" };
        (kind == "blob").then(|| (PathBuf::from(path), blob))
    });
    blobs.collect()
}

impl Contents {
    fn start(top: &Path) -> Result<Contents, Failure> {
        let mut child = Command::new("git")
            .arg("-C")
            .arg(top)
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(not_there)?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(ask), Some(answer)) => Ok(Contents { child, ask, answer: BufReader::new(answer) }),
            _ => Err(trouble("git cannot be asked".to_owned())),
        }
    }

    /// One file: `ID TYPE SIZE`, a line end, its bytes, a line end.
    fn fetch(&mut self, id: &str, limit: usize) -> io::Result<Vec<u8>> {
        writeln!(self.ask, "{id}")?;
        self.ask.flush()?;
        let mut head = String::new();
        self.answer.read_line(&mut head)?;
        let size = head.trim_end().rsplit(' ').next().and_then(|size| size.parse::<u64>().ok());
        let size = size.ok_or_else(|| io::Error::other(format!("git says: {}", head.trim_end())))?;
        let mut bytes = Vec::new();
        let kept = size.min((limit as u64).saturating_add(1));
        self.answer.by_ref().take(kept).read_to_end(&mut bytes)?;
        // The rest of a file that is too long, and the line end.
        io::copy(&mut self.answer.by_ref().take(size - kept + 1), &mut io::sink())?;
        Ok(bytes)
    }
}

impl Source for Revision {
    fn kind(&self, path: &Path) -> Option<Kind> {
        let inside = self.inside(path)?;
        if self.files.contains_key(&inside) {
            return Some(Kind::File);
        }
        let next = self.files.range(inside.clone()..).map(|(file, _)| file).next();
        next.is_some_and(|file| file.starts_with(&inside)).then_some(Kind::Folder)
    }

    fn read(&self, path: &Path, limit: usize) -> io::Result<Vec<u8>> {
        let blob = self.inside(path).and_then(|inside| self.files.get(&inside));
        let blob = blob.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "not in that revision"))?;
        self.fetch(&blob.id, limit)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let Some(inside) = self.inside(folder) else {
            return Err(io::Error::new(io::ErrorKind::NotFound, "not in that revision"));
        };
        let below = self.files.range(inside.clone()..).map(|(file, _)| file);
        let mut names: Vec<String> = below
            .take_while(|file| file.starts_with(&inside))
            .filter_map(|file| file.strip_prefix(&inside).ok()?.components().next())
            .map(|name| name.as_os_str().to_string_lossy().into_owned())
            .collect();
        names.dedup();
        Ok(names)
    }

    fn real_path(&self, path: &Path) -> PathBuf {
        self.inside(path).map_or_else(|| plain(&self.here.join(path)), |inside| self.top.join(inside))
    }
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}
