//! From paths to an outcome.

mod difference;
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

pub(crate) use state::State;

/// Reads a tree on a thread with a deep stack, and keeps in the state what a later reading can use.
pub(crate) fn run(state: &mut State, source: &dyn Source, paths: &[PathBuf], options: &Options) -> Outcome {
    let done = thread::scope(|scope| {
        let reader = thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, || state.read(Request { source, paths, options }));
        reader.map(|reader| reader.join())
    });
    match done {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => broken("the reader failed on this tree, which is a fault of the reader"),
        Err(_) => broken("no thread could be started"),
    }
}

fn broken(message: &str) -> Outcome {
    let problem = Problem::error("internal", crate::place::Place::NOWHERE, message);
    Outcome { problems: vec![problem], ..Outcome::default() }
}
