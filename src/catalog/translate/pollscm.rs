//! Trigger `pollscm`: `cron` (required), or of old the text itself; `ignore-post-commit-hooks` (false). Causeway watches no repository:
//! the job starts at each of the times, whether or not its branch has moved. That is a build more now and then, never one less, and
//! it is said.

use std::borrow::Cow;

use jjb_compat::{Component, Value};

use super::options::{Options, text};
use super::scope::Scope;
use super::timed;
use crate::catalog::finding::Weight;
use crate::model::Problem;

pub(super) fn translate(scope: &Scope<'_>, component: &Component, job: &str) -> Option<String> {
    let arguments = &component.arguments;
    let written: Cow<'_, str> = match arguments.value {
        Value::Map(_) => {
            let mut options = Options::of(scope, component);
            let cron = options.need("cron");
            options.without_effect("ignore-post-commit-hooks", "nobody tells Causeway of commits");
            options.close();
            cron?.into()
        }
        _ => text(arguments),
    };
    let problem = Problem::note("starts-unasked", "the job starts at each of its times")
        .because("Causeway does not look whether the branch has moved")
        .cure("write rarer times with 'timed', or let Zuul start the job");
    scope.find(Weight::Difference, component, component.place, problem);
    timed::times(scope, component, &written, job)
}
