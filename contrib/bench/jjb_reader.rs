//! The reader of Job Builder YAML alone, for the benchmarks: `read DIALECT DIR` reads a tree once, `reload DIALECT DIR FILE ROUNDS`
//! opens it and reads it again after each of so many changes of a file. One JSON line.

use std::error::Error;
use std::io::Write;
use std::time::Instant;

use jjb_compat::{FileSystem, Options, Workspace, read_each};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word =
        |index: usize| words.get(index).map(String::as_str).ok_or("read|reload DIALECT DIR [FILE ROUNDS]");
    let options = Options { dialect: word(1)?.parse()?, ..Options::default() };
    let paths = vec![word(2)?.into()];
    let mut out = std::io::stdout();
    if word(0)? == "read" {
        let (_, jobs) = read_each(&FileSystem::new(), &paths, &options, || (), |(), _, _| ());
        writeln!(out, "{{\"jobs\": {}}}", jobs.len())?;
        return Ok(());
    }
    let mut workspace = Workspace::open(FileSystem::new(), paths, options);
    let (file, rounds) = (word(3)?, word(4)?.parse::<usize>()?);
    let text = std::fs::read_to_string(file)?;
    let mut times = Vec::with_capacity(rounds);
    let mut again = 0;
    for round in 0..rounds {
        // All that stands in the file moves to other lines.
        std::fs::write(file, "#\n".repeat(round % 2 + 1) + &text)?;
        let start = Instant::now();
        let changes = workspace.refresh();
        times.push(start.elapsed().as_secs_f64() * 1000.0);
        again = changes.again.len();
    }
    std::fs::write(file, text)?;
    times.sort_by(f64::total_cmp);
    let median = times.get(rounds / 2).copied().unwrap_or_default();
    let jobs = workspace.outcome().jobs.len();
    writeln!(out, "{{\"jobs\": {jobs}, \"again\": {again}, \"median_ms\": {median:.4}}}")?;
    Ok(())
}
