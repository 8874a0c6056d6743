//! The program: the keeper on a node, or one command of the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else exists: a keeper needs no runtime, no log and no configuration (design A7).
    match causeway::keeper::node::dispatch(std::env::args_os().skip(1)) {
        Some(code) => code,
        None => causeway::cli::main(),
    }
}
