//! From paths to an outcome.

use std::path::PathBuf;

use crate::files;
use crate::options::Options;
use crate::outcome::Outcome;
use crate::session::Session;
use crate::source::Source;

/// Reads a tree.
pub(crate) fn run(source: &dyn Source, paths: &[PathBuf], options: &Options) -> Outcome {
    let session = Session::new(source, paths, options);
    let mut outcome = Outcome::default();
    if let Err(problem) = files::expand(&session, paths) {
        outcome.problems.push(*problem);
    }
    outcome.files = session.files.snapshot();
    outcome
}
