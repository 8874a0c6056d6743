//! From paths to an outcome.

mod load;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use crate::components;
use crate::expand::classic::{Classic, STYLE};
use crate::expand::unified::{Roots, Unified};
use crate::expand::{Elements, Expanded, Made, zuul};
use crate::node::{Map, Node, Style};
use crate::options::{Dialect, Options};
use crate::outcome::{Component, Job, Outcome, View};
use crate::problem::{Problem, Result, Within};
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
    let loaded = match options.dialect {
        Dialect::Classic => {
            load::elements(&session, paths).map(|elements| classic(&session, elements, &mut outcome))
        }
        Dialect::Unified => {
            load::elements(&session, paths).map(|roots| unified(&session, &roots, &mut outcome))
        }
    };
    if let Err(problems) = loaded {
        outcome.problems.extend(problems);
    }
    let mut problems = session.take_warnings();
    problems.append(&mut outcome.problems);
    problems.sort_by_key(|problem| problem.place);
    outcome.problems = problems;
    outcome.files = session.files.snapshot();
    outcome
}

fn classic(session: &Session, mut elements: Elements, outcome: &mut Outcome) {
    outcome.elements = elements.counts();
    if let Err(problem) = zuul::apply(&mut elements) {
        outcome.problems.push(*problem);
        return;
    }
    let expanded = Classic::new(session, &elements).expand();
    let dispatcher = components::classic::Dispatcher::new(session, &elements);
    finish(session, expanded, STYLE, |definition| dispatcher.job(definition), outcome);
}

fn unified(session: &Session, roots: &Roots, outcome: &mut Outcome) {
    outcome.elements = roots.counts();
    let expanded = Unified::new(session, roots).expand();
    let dispatcher = components::unified::Dispatcher::new(session, roots);
    finish(session, expanded, Style::Plain, |definition| dispatcher.job(definition), outcome);
}

/// Components of the expanded jobs; each job that has a problem is left out.
fn finish(
    session: &Session,
    expanded: Expanded,
    style: Style,
    components: impl Fn(&Map) -> Result<Arc<[Component]>>,
    outcome: &mut Outcome,
) {
    let stop = !expanded.problems.is_empty() && !session.options.collect;
    outcome.problems.extend(expanded.problems);
    if stop {
        return;
    }
    for made in expanded.jobs {
        let name = made.name(style);
        match components(&made.definition).within(|| format!("in job '{name}'"), made.origin.place) {
            Ok(components) => {
                let definition = Node::map(made.definition, made.origin.place);
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
    outcome.views.extend(expanded.views.into_iter().map(|made| view(made, style)));
}

fn view(made: Made, style: Style) -> View {
    let name = made.name(style);
    let definition = Node::map(made.definition, made.origin.place);
    View { name, definition, origin: made.origin }
}
