//! The program on the node (design A7): process 1 of a container, or a session leader on a host.
//!
//! It starts steps, keeps their output and their end in files, ends them when told or when their time is up, and shows all of
//! that to whoever connects. One thread, one `poll` loop, no runtime, no network; it imports nothing of ours but the wire. What
//! takes long (files) it leaves to children of its own, so that it always answers.
//!
//! Invariants. A step never waits for a reader: its output goes through a pipe into a file, whatever streams do. A step's
//! status file is there whole or not at all, and nothing is added to its log afterwards. Time limits are kept here, so they
//! hold without a connection. Every process of the node is a descendant of the keeper (as process 1, or as subreaper), so ending
//! "all" means all.
//!
//! Start with [`run`].

mod beneath;
mod channel;
mod connection;
mod ending;
mod exec;
mod files;
mod join;
mod listen;
mod log;
mod memory;
mod processes;
mod remove;
mod requests;
mod run;
mod step;
mod sweep;
mod turn;

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

pub use beneath::{open_beneath, open_directory};
pub use processes::{Process, end_all_marked, is_started_as_keeper, running};
pub use remove::{remove_beneath, remove_tree};

/// The word that makes the program a keeper.
pub const WORD: &str = "keeper";

/// Runs the keeper when the command line (without the program's name) asks for it; `None`: it does not. To be called before
/// anything else exists.
pub fn dispatch(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter();
    if arguments.next()? != WORD {
        return None;
    }
    let rest: Vec<OsString> = arguments.collect();
    let words: Vec<Option<&str>> = rest.iter().map(|word| word.to_str()).collect();
    Some(match (words.as_slice(), rest.as_slice()) {
        ([Some("run"), _], [_, directory]) => report(run::run(Path::new(directory))),
        // In a helper's container: a node's directory, of which only the top is left for its owner to remove.
        ([Some("erase"), _], [_, directory]) => report(remove::empty(Path::new(directory))),
        ([Some("join"), _], [_, directory]) => report(join::join(Path::new(directory))),
        ([Some(exec::WORD), ..], [_, control, cwd, argv @ ..]) => {
            ExitCode::from(exec::exec(Path::new(control), Path::new(cwd), argv))
        }
        ([Some(files::WORD), ..], [_, words @ ..]) => ExitCode::from(files::run(words)),
        _ => {
            complain("usage: causeway keeper run DIR | causeway keeper join DIR");
            ExitCode::from(2)
        }
    })
}

fn report(result: std::io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// One line to standard error: the only way a keeper has to speak before it has a connection.
fn complain(text: &str) {
    // With standard error gone there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "causeway keeper: {text}");
}
