//! From paths to an outcome.

mod load;

use std::path::PathBuf;
use std::thread;

use crate::components;
use crate::expand::classic::{Classic, Expanded, STYLE};
use crate::expand::{Elements, Made, zuul};
use crate::options::{Dialect, Options};
use crate::outcome::{Job, Outcome, View};
use crate::problem::{Problem, Within};
use crate::session::Session;
use crate::source::Source;

/// Stack of the threads that walk trees: nesting is bounded, and so is what this holds.
const STACK: usize = 256 << 20;

/// Reads a tree on a thread with a deep stack.
pub(crate) fn run(source: &dyn Source, paths: &[PathBuf], options: &Options) -> Outcome {
    let done = thread::scope(|scope| {
        let reader =
            thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || read(source, paths, options));
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

fn read(source: &dyn Source, paths: &[PathBuf], options: &Options) -> Outcome {
    let session = Session::new(source, paths, options);
    let mut outcome = Outcome::default();
    match load::elements(&session, paths) {
        Ok(elements) => {
            outcome.elements = elements.counts();
            expand(&session, elements, &mut outcome);
        }
        Err(problems) => outcome.problems.extend(problems),
    }
    let mut problems = session.take_warnings();
    problems.append(&mut outcome.problems);
    problems.sort_by_key(|problem| problem.place);
    outcome.problems = problems;
    outcome.files = session.files.snapshot();
    outcome
}

fn expand(session: &Session, elements: Elements, outcome: &mut Outcome) {
    match session.options.dialect {
        Dialect::Classic => classic(session, elements, outcome),
        Dialect::Unified => {
            outcome.problems.push(Problem::error(
                "not-yet",
                crate::place::Place::NOWHERE,
                "the unified dialect is not read yet",
            ));
        }
    }
}

fn classic(session: &Session, mut elements: Elements, outcome: &mut Outcome) {
    if let Err(problem) = zuul::apply(&mut elements) {
        outcome.problems.push(*problem);
        return;
    }
    let Expanded { jobs, views, problems } = Classic::new(session, &elements).expand();
    let stop = !problems.is_empty() && !session.options.collect;
    outcome.problems.extend(problems);
    if stop {
        return;
    }
    let dispatcher = components::classic::Dispatcher::new(session, &elements);
    for made in jobs {
        let name = made.name(STYLE);
        match dispatcher.job(&made.definition).within(|| format!("in job '{name}'"), made.origin.place) {
            Ok(components) => {
                let definition = crate::node::Node::map(made.definition, made.origin.place);
                outcome.jobs.push(Job { name, definition, components, origin: made.origin });
            }
            Err(problem) => {
                outcome.problems.push(*problem);
                if !session.options.collect {
                    return;
                }
            }
        }
    }
    outcome.views.extend(views.into_iter().map(view));
}

fn view(made: Made) -> View {
    let name = made.name(STYLE);
    let definition = crate::node::Node::map(made.definition, made.origin.place);
    View { name, definition, origin: made.origin }
}
