//! The function names that our own jobs offer (decision 9).

use crate::catalog::Catalog;
use crate::gearman::server::LocalNames;
use crate::model::JobName;
use crate::route::Place;
use crate::zuul::wire::{build_function, build_label_function, set_description_function, stop_function};

/// What builds of a name need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs<'a> {
    /// A node of that expression.
    Node(&'a str),
    /// Nothing of ours: they run on that master.
    Master(&'a str),
}

/// `build:JOB` for each job that is ours, with `build:JOB:LABEL` for each of those that run on nodes and each atom that our nodes answer to; `stop:` and
/// `set_description:` of our manager name when there is any.
///
/// `group` tells the group of the jobs that need that, for [`LocalNames::rooms`]. Jobs on masters are offered without labels.
pub fn local_names(
    catalog: &Catalog,
    atoms: &[String],
    manager: &str,
    group: &mut dyn FnMut(Needs<'_>) -> u32,
    places: &[(JobName, Place)],
) -> LocalNames {
    let mut names = LocalNames::default();
    let mut add = |name: String, needs: Needs<'_>| {
        names.bounded.push(name.into_bytes());
        names.rooms.group_of.push(group(needs));
    };
    for (job, place) in places {
        if let Place::Master(master) = place {
            add(build_function(job.as_str()), Needs::Master(master));
            continue;
        }
        let node = catalog.job(job.as_str()).map_or("", |entry| entry.recipe.node.as_str());
        add(build_function(job.as_str()), Needs::Node(node));
        for atom in atoms {
            add(build_label_function(job.as_str(), atom), Needs::Node(atom));
        }
    }
    names.immediate =
        vec![stop_function(manager).into_bytes(), set_description_function(manager).into_bytes()];
    names
}
