//! The function names that our own jobs offer (decision 9).

use crate::catalog::Catalog;
use crate::gearman::server::LocalNames;
use crate::zuul::wire::{build_function, build_label_function, set_description_function, stop_function};

/// `build:JOB` and `build:JOB:LABEL` for each job that we own and each atom that our nodes answer to; `stop:` and
/// `set_description:` of our manager name when there is any.
pub fn local_names(catalog: &Catalog, atoms: &[String], manager: &str) -> LocalNames {
    let mut names = LocalNames::default();
    for job in catalog.owned() {
        names.bounded.push(build_function(job.as_str()).into_bytes());
        names.bounded.extend(atoms.iter().map(|atom| build_label_function(job.as_str(), atom).into_bytes()));
    }
    names.immediate =
        vec![stop_function(manager).into_bytes(), set_description_function(manager).into_bytes()];
    names
}
