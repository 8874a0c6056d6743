//! The program: the keeper on a node, or one command of the command line.

fn main() {}
