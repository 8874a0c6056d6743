//! The program: the keeper on a node, or one command of the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    causeway::cli::main()
}
