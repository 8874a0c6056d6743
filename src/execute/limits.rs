//! How long steps may take (jjb-T2, pools-D64).

use std::time::Duration;

use indexmap::IndexMap;

use super::expand::expand;
use crate::catalog::recipe::{Recipe, TimeLimitAction, TimeLimitKind};
use crate::model::Millis;

/// The shortest time limit of a step (Jenkins' own floor for its timeout wrapper is three minutes; short ones are for tests).
const LIMIT_MIN: Duration = Duration::from_secs(1);

/// The limits that a step runs under, for the words of its end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Limits {
    /// The whole time limit of the build, as the job says it.
    pub absolute: Option<Duration>,
    /// The limit for silence.
    pub inactivity: Option<Duration>,
    /// What a passed limit makes of the build.
    pub action: Option<TimeLimitAction>,
}

/// The time that several steps have together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// Their limits.
    pub limits: Limits,
    /// When it is over.
    until: Option<Millis>,
    /// What each step gets all the same.
    least: Duration,
}

impl Span {
    /// The time of builders that began then.
    pub fn new(limits: Limits, since: Millis) -> Span {
        Span { limits, until: limits.absolute.map(|limit| after(since, limit)), least: LIMIT_MIN }
    }

    /// The time of publishers that began then: whatever was used up, each step gets `least`, so that cleaning up is tried.
    pub fn with_least(limit: Duration, since: Millis, least: Duration) -> Span {
        let limits = Limits { absolute: Some(limit), ..Limits::default() };
        Span { limits, until: Some(after(since, limit)), least }
    }

    /// What is left for the next step.
    pub fn left(&self, now: Millis) -> Option<Duration> {
        Some(self.until?.since(now).max(self.least))
    }

    /// Whether no further step is to be begun.
    pub fn over(&self, now: Millis) -> bool {
        self.least == LIMIT_MIN && self.until.is_some_and(|until| now >= until)
    }
}

fn after(since: Millis, limit: Duration) -> Millis {
    Millis(since.0.saturating_add(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)))
}

/// The limits in force: the job's own, in minutes (seconds for silence), else the server's. An amount that is no number after
/// its variables are replaced is no limit of the job's.
pub(super) fn limits(recipe: &Recipe, variables: &IndexMap<String, String>, fallback: Duration) -> Limits {
    let Some(limit) = &recipe.timeout else {
        return Limits { absolute: Some(fallback), ..Limits::default() };
    };
    let text = expand(&limit.amount, |name| variables.get(name).map(String::as_str));
    let amount: Option<f64> =
        text.trim().parse().ok().filter(|amount: &f64| amount.is_finite() && *amount > 0.0);
    let seconds = |factor: f64| amount.and_then(|amount| Duration::try_from_secs_f64(amount * factor).ok());
    match limit.kind {
        TimeLimitKind::Absolute => Limits {
            absolute: Some(seconds(60.0).unwrap_or(fallback)),
            inactivity: None,
            action: Some(limit.action),
        },
        TimeLimitKind::NoActivity => {
            Limits { absolute: Some(fallback), inactivity: seconds(1.0), action: Some(limit.action) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::recipe::TimeLimit;

    fn with_limit(kind: TimeLimitKind, amount: &str) -> Limits {
        let timeout =
            TimeLimit { kind, amount: amount.into(), action: TimeLimitAction::Fail, variable: None };
        let recipe = Recipe { timeout: Some(timeout), ..Recipe::default() };
        let variables = IndexMap::from([("BUILD_TIMEOUT".to_owned(), "30".to_owned())]);
        limits(&recipe, &variables, Duration::from_secs(9))
    }

    #[test]
    fn jjb_t26_a_limit_may_be_a_variable() {
        let limits = with_limit(TimeLimitKind::Absolute, "${BUILD_TIMEOUT}");
        assert_eq!(limits.absolute, Some(Duration::from_secs(1800)));
        assert_eq!(with_limit(TimeLimitKind::Absolute, "${NOPE}").absolute, Some(Duration::from_secs(9)));
    }

    #[test]
    fn silence_counts_in_seconds() {
        let limits = with_limit(TimeLimitKind::NoActivity, "180");
        assert_eq!(limits.inactivity, Some(Duration::from_secs(180)));
        assert_eq!(limits.absolute, Some(Duration::from_secs(9)));
    }

    #[test]
    fn jjb_t2_all_builders_share_one_limit() {
        let limits = Limits { absolute: Some(Duration::from_secs(60)), ..Limits::default() };
        let span = Span::new(limits, Millis(1_000));
        assert_eq!(span.left(Millis(41_000)), Some(Duration::from_secs(20)));
        assert!(!span.over(Millis(60_999)) && span.over(Millis(61_000)));
        assert_eq!(Span::new(Limits::default(), Millis(0)).left(Millis(9)), None);
        let post = Span::with_least(Duration::from_secs(60), Millis(0), Duration::from_secs(5));
        assert_eq!(post.left(Millis(90_000)), Some(Duration::from_secs(5)));
        assert!(!post.over(Millis(90_000)));
    }
}
