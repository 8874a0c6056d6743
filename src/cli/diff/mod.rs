//! `causeway jobs diff`: which jobs differ between two trees, or between two revisions of one, and how.

mod change;
mod revision;
mod show;
mod sides;

use std::path::{Path, PathBuf};

use clap::Args;
use jjb_compat::{Options, Outcome, Source, read};

use super::failure::{Failure, Kind};
use super::output::Output;
use super::reading::{Reading, disk};
use revision::Revision;
use sides::compare;

/// Say which jobs differ between two trees or revisions, and how
///
/// Jobs are compared after expansion: macros and templates are replaced by what they stand for, so a change of one
/// macro shows in every job that uses it.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 the jobs are the same, 1 they differ, 2 trouble.

  causeway jobs diff jjb.old jjb.new         two folders or files
  causeway jobs diff --rev v1..v2 jjb        a folder of a git checkout at two revisions
  causeway jobs diff --rev HEAD jjb          the same folder: a revision, and what is on the disk now")]
pub(super) struct Diff {
    /// OLD and NEW; with --rev, the files and folders to read at each revision (default: the working directory)
    #[arg(value_name = "TREE")]
    trees: Vec<PathBuf>,
    /// Two revisions of the git checkout, or one to compare the disk with
    #[arg(long, value_name = "A..B")]
    rev: Option<String>,
    #[command(flatten)]
    reading: Reading,
    /// Only names: one line a job
    #[arg(long)]
    brief: bool,
    /// Leave out jobs with an error and compare the others; without it an error is trouble
    #[arg(long)]
    keep_going: bool,
}

/// One side of the comparison.
struct Side {
    /// What people call it.
    title: String,
    source: Box<dyn Source>,
    paths: Vec<PathBuf>,
}

impl Diff {
    /// Reads both sides, compares them, prints. A difference is exit code 1, as with diff(1).
    pub(super) fn run(&self, output: &Output) -> Result<(), Failure> {
        let options = self.reading.options(true)?;
        let [old, new] = self.sides()?;
        let before = self.read(&old, &options, output)?;
        let after = self.read(&new, &options, output)?;
        let found = compare(&before, &after);
        if output.is_json() {
            output.json_pretty(&show::json(&found, [&old.title, &new.title]));
        } else if self.brief {
            show::brief(&found, output);
        } else {
            show::text(&found, output);
        }
        if found.same() { Ok(()) } else { Err(Failure::silent("the jobs differ")) }
    }

    fn sides(&self) -> Result<[Side; 2], Failure> {
        let Some(range) = &self.rev else {
            return self.two_trees();
        };
        let paths = if self.trees.is_empty() { vec![PathBuf::from(".")] } else { self.trees.clone() };
        if range.contains("...") {
            return Err(trouble(format!("'{range}' is no pair of revisions"))
                .hint("write two revisions with two dots between them, for example --rev main..HEAD"));
        }
        let (old, new) = match range.split_once("..") {
            Some((old, new)) => (old, Some(new)),
            None => (range.as_str(), None),
        };
        let at = |revision: &str| -> Result<Side, Failure> {
            let revision = if revision.is_empty() { "HEAD" } else { revision };
            let source = Revision::open(&paths[0], revision)?;
            for path in &paths {
                if source.kind(path).is_none() {
                    return Err(trouble(format!("there is no {} in revision {revision}", path.display())));
                }
            }
            Ok(Side { title: revision.to_owned(), source: Box::new(source), paths: paths.clone() })
        };
        let new = match new {
            Some(new) => at(new)?,
            None => on_disk(&paths, "the disk")?,
        };
        Ok([at(old)?, new])
    }

    fn two_trees(&self) -> Result<[Side; 2], Failure> {
        let [old, new] = self.trees.as_slice() else {
            return Err(trouble("two trees are needed".to_owned())
                .hint("name the old and the new one, or two revisions with --rev A..B"));
        };
        let side = |path: &PathBuf| on_disk(std::slice::from_ref(path), &path.display().to_string());
        Ok([side(old)?, side(new)?])
    }

    fn read(&self, side: &Side, options: &Options, output: &Output) -> Result<Outcome, Failure> {
        let outcome = read(&*side.source, &side.paths, options);
        let mut errors = 0;
        for problem in outcome.problems.iter().filter(|problem| problem.is_error()) {
            output.note(&problem.render(&outcome.files));
            errors += 1;
        }
        if errors == 0 || self.keep_going {
            return Ok(outcome);
        }
        let those =
            if errors == 1 { "the error above".to_owned() } else { format!("the {errors} errors above") };
        Err(trouble(format!("{} cannot be read whole: {those}", side.title))
            .hint("--keep-going leaves the jobs with an error out and compares the others"))
    }
}

/// Trouble is exit code 2, so that it cannot be taken for a difference.
fn trouble(message: String) -> Failure {
    Failure::new(Kind::Usage, message)
}

fn on_disk(paths: &[PathBuf], title: &str) -> Result<Side, Failure> {
    for path in paths {
        if let Err(error) = std::fs::metadata(path) {
            return Err(trouble(format!("{} cannot be read: {error}", Path::display(path)))
                .hint("name folders or files of Job Builder YAML"));
        }
    }
    Ok(Side { title: title.to_owned(), source: Box::new(disk()), paths: paths.to_vec() })
}
