//! The function names that our own jobs offer (decision 9).

use crate::catalog::Catalog;
use crate::gearman::server::LocalNames;
use crate::zuul::wire::{build_function, build_label_function, set_description_function, stop_function};

/// `build:JOB` and `build:JOB:LABEL` for each job that we own and each atom that our nodes answer to; `stop:` and
/// `set_description:` of our manager name when there is any.
///
/// `group` tells the group of the jobs that need a node of an expression, for [`LocalNames::rooms`].
pub fn local_names(
    catalog: &Catalog,
    atoms: &[String],
    manager: &str,
    group: &mut dyn FnMut(&str) -> u32,
) -> LocalNames {
    let mut names = LocalNames::default();
    let mut add = |name: String, expression: &str| {
        names.bounded.push(name.into_bytes());
        names.rooms.group_of.push(group(expression));
    };
    for job in catalog.owned() {
        let node = catalog.job(job.as_str()).map_or("", |entry| entry.recipe.node.as_str());
        add(build_function(job.as_str()), node);
        for atom in atoms {
            add(build_label_function(job.as_str(), atom), atom);
        }
    }
    names.immediate =
        vec![stop_function(manager).into_bytes(), set_description_function(manager).into_bytes()];
    names
}
