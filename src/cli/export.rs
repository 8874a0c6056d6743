//! `causeway jobs export`: a reading of a tree as files, for comparing it with the original's (jjb-J130).

use std::path::PathBuf;

use clap::Args;
use jjb_compat::{Options, Outcome, oracle, read};
use serde_json::json;

use super::failure::{Failure, Kind};
use super::output::Output;
use super::reading::{Reading, disk};

/// Write `summary.json`, `index.json` and `jobs/NAME/job.json` of a tree, its macros and templates expanded
#[derive(Debug, Args)]
pub(super) struct Export {
    /// Files and folders of Job Builder YAML
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Where to write; made if it is not there
    #[arg(long, value_name = "OUT")]
    out: PathBuf,
    #[command(flatten)]
    reading: Reading,
    /// Leave out a job with an error and go on; without it nothing is exported then
    #[arg(long)]
    keep_going: bool,
}

impl Export {
    /// Reads, writes, and says how many jobs that are.
    pub(super) fn run(&self, output: &Output) -> Result<(), Failure> {
        let options = self.reading.options(self.keep_going)?;
        let outcome = read(&disk(), &self.folders, &options);
        self.write(&outcome, &options)?;
        for problem in &outcome.problems {
            output.note(&problem.render(&outcome.files));
        }
        let errors = outcome.problems.iter().filter(|problem| problem.is_error()).count();
        let jobs = outcome.jobs.len();
        if output.is_json() {
            output.json_line(&json!({ "jobs": jobs, "views": outcome.views.len(), "errors": errors }));
        } else {
            output.line(&format!("{jobs} jobs in {}", self.out.display()));
        }
        match errors {
            0 => Ok(()),
            _ => Err(Failure::new(Kind::Failed, format!("{errors} of the problems above are errors"))),
        }
    }

    fn write(&self, outcome: &Outcome, options: &Options) -> Result<(), Failure> {
        for (path, text) in oracle::export(outcome, options) {
            let target = self.out.join(path);
            let written = target.parent().map_or(Ok(()), std::fs::create_dir_all);
            written.and_then(|()| std::fs::write(&target, text)).map_err(|error| {
                Failure::new(Kind::Failed, format!("{} cannot be written: {error}", target.display()))
                    .hint("name another folder with --out")
            })?;
        }
        Ok(())
    }
}
