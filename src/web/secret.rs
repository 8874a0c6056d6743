//! Which parameters of a build are not shown: those that its job declares as passwords (jjb-T25).

use crate::catalog::recipe::{Compiled, ParameterKind};
use crate::model::BuildRecord;

/// A build's secret parameters.
pub(super) enum Secrets {
    /// These names.
    Names(Vec<String>),
    /// The recipe was written by another version: rather hide too much.
    All,
}

impl Secrets {
    /// Looks into the recipe that the build runs by.
    pub(super) fn of(record: &BuildRecord) -> Secrets {
        match Compiled::from_text(&record.recipe) {
            Ok(Compiled::Runs(recipe)) => Secrets::Names(
                recipe
                    .parameters
                    .into_iter()
                    .filter(|parameter| matches!(parameter.kind, ParameterKind::Password))
                    .map(|parameter| parameter.name)
                    .collect(),
            ),
            Ok(Compiled::Refused(_)) => Secrets::Names(Vec::new()),
            Err(_) => Secrets::All,
        }
    }

    /// Whether this parameter's value is hidden; the environment has it in upper case too (jjb-T22).
    pub(super) fn hides(&self, name: &str) -> bool {
        match self {
            Secrets::Names(names) => names.iter().any(|secret| secret.eq_ignore_ascii_case(name)),
            Secrets::All => true,
        }
    }
}
