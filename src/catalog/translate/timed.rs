//! Trigger `timed`: starts by the clock. Its only option is the text itself: Jenkins' lines of five fields, aliases, `H`, and a first
//! line `TZ=…`; without it the server's time zone counts.

use jiff::tz::TimeZone;
use jjb_compat::Component;

use super::options::text;
use super::scope::Scope;
use crate::catalog::cron::Cron;
use crate::catalog::finding::Weight;
use crate::model::Problem;

pub(super) fn translate(scope: &Scope<'_>, component: &Component, job: &str) -> Option<String> {
    times(scope, component, &text(&component.arguments), job)
}

/// Times that a trigger has written, when they can be read.
pub(super) fn times(scope: &Scope<'_>, component: &Component, written: &str, job: &str) -> Option<String> {
    let find = |weight, problem| scope.find(weight, component, component.arguments.place, problem);
    let cron = match Cron::read(written, job) {
        Ok(cron) => cron,
        Err(error) => {
            let problem = Problem::error("times-unread", format!("the times cannot be read: {error}"));
            find(Weight::Stays, problem.cure("write 'MINUTE HOUR DAY MONTH WEEKDAY', as Jenkins reads it"));
            return None;
        }
    };
    if let Some(zone) = cron.zone.as_deref().filter(|zone| TimeZone::get(zone).is_err()) {
        let problem = Problem::error("times-unread", format!("'{}' is no time zone", zone.escape_debug()));
        find(
            Weight::Stays,
            problem.because("the server has no rules for it").cure("write one like Europe/Berlin"),
        );
        return None;
    }
    let why = if cron.hashed {
        "'H' and words like '@daily' stand for a value made of the job's name, another one than in Jenkins"
    } else {
        "without 'TZ=' the time zone of this server counts"
    };
    let problem = Problem::note("timed-here", "Causeway's clock starts the job").because(why);
    find(Weight::Difference, problem.cure("disable the job on Jenkins, or both start it"));
    Some(written.to_owned())
}
