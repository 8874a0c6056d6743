//! From paths to an outcome.

mod difference;
mod each;
mod load;
mod spread;
mod state;
mod work;

use std::path::PathBuf;
use std::thread;

use crate::options::Options;
use crate::outcome::Outcome;
use crate::problem::Problem;
use crate::source::Source;
use spread::STACK;
use state::Request;

pub(crate) use each::Each;
pub(crate) use state::State;

/// Reads a tree, and keeps in the state what a later reading can use.
pub(crate) fn run(state: &mut State, source: &dyn Source, paths: &[PathBuf], options: &Options) -> Outcome {
    on_deep_stack(|| state.read(Request { source, paths, options })).unwrap_or_else(broken)
}

/// Reads a tree and hands each job over.
pub(crate) fn run_each<W, T: Send>(
    source: &dyn Source,
    paths: &[PathBuf],
    options: &Options,
    each: &Each<'_, W, T>,
) -> (Outcome, Vec<T>) {
    on_deep_stack(|| each::read(Request { source, paths, options }, each))
        .unwrap_or_else(|message| (broken(message), Vec::new()))
}

/// Nesting is bounded, but deeper than what a stack usually holds.
fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, &'static str> {
    let done = thread::scope(|scope| {
        let reader = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        reader.map(|reader| reader.join())
    });
    match done {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err("the reader failed on this tree, which is a fault of the reader"),
        Err(_) => Err("no thread could be started"),
    }
}

fn broken(message: &str) -> Outcome {
    let problem = Problem::error("internal", crate::place::Place::NOWHERE, message);
    Outcome { problems: vec![problem], ..Outcome::default() }
}
