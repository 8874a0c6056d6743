//! Wrapper `timeout`. Options: `timeout` (3 minutes), `type` (`absolute`), `fail`, `abort` (both false: abort), `timeout-var`;
//! those of other types: `elastic-percentage`, `elastic-number-builds`, `elastic-default-timeout` (3), `deadline-time`,
//! `deadline-tolerance`; `write-description`, `abort-and-restart`, `max-restarts`.

use jjb_compat::Component;

use super::options::Options;
use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::{TimeLimit, TimeLimitAction, TimeLimitKind};
use crate::model::Problem;

/// The default, in minutes.
const DEFAULT: &str = "3";

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Option<TimeLimit> {
    let mut options = Options::of(scope, component);
    let kind = options.text_or("type", "absolute");
    let minutes = options.text_or("timeout", DEFAULT);
    let elastic = options.text_or("elastic-default-timeout", DEFAULT);
    let (kind, amount) = match kind.as_str() {
        "absolute" => (TimeLimitKind::Absolute, Some(minutes)),
        "no-activity" => (TimeLimitKind::NoActivity, seconds(&options, &minutes)),
        "likely-stuck" => {
            learned(&options, "likely-stuck");
            (TimeLimitKind::Absolute, Some(minutes))
        }
        "elastic" => {
            learned(&options, "elastic");
            (TimeLimitKind::Absolute, Some(elastic))
        }
        "deadline" => {
            let problem = Problem::error("option-not-carried", "a deadline by the clock is not carried yet");
            options.find(Weight::Stays, "type", problem.cure("use 'type: absolute'"));
            (TimeLimitKind::Absolute, None)
        }
        other => {
            let problem = Problem::error(
                "unknown-word",
                format!("'{}' is no type of time limit", other.escape_debug()),
            )
            .cure("write absolute, no-activity, likely-stuck, elastic or deadline");
            options.find(Weight::Error, "type", problem);
            (TimeLimitKind::Absolute, None)
        }
    };
    // With both, Jenkins does the first in its list, and that is `fail` (jjb-T30).
    let fail = options.flag("fail", false);
    let _ = options.flag("abort", false);
    let action = if fail { TimeLimitAction::Fail } else { TimeLimitAction::Abort };
    let variable = options.text("timeout-var");
    for key in
        ["elastic-percentage", "elastic-number-builds", "deadline-time", "deadline-tolerance", "max-restarts"]
    {
        // They belong to the types above, which have said what there is to say.
        let _ = options.node(key);
    }
    options
        .without_effect("write-description", "the build's page says by itself that the time limit ended it");
    options.not_carried("abort-and-restart", "false");
    options.close();
    amount.map(|amount| TimeLimit { kind, amount, action, variable })
}

/// Job Builder writes seconds for this type, and takes a number only.
fn seconds(options: &Options<'_>, minutes: &str) -> Option<String> {
    let seconds = minutes.trim().parse::<u32>().ok().and_then(|minutes| minutes.checked_mul(60));
    if seconds.is_none() {
        let message = format!("'{}' is no whole number of minutes", minutes.escape_debug());
        options.find(
            Weight::Error,
            "timeout",
            Problem::error("wrong-type", message).cure("write digits only"),
        );
    }
    seconds.map(|seconds| seconds.to_string())
}

/// Limits that Jenkins learns from former builds.
fn learned(options: &Options<'_>, kind: &str) {
    let problem =
        Problem::note("limit-not-learned", format!("the limit of type '{kind}' is a fixed one here"))
            .because("it is not learned from former builds");
    options.find(Weight::Difference, "type", problem);
}
