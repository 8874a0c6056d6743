//! Which builds a job gives up (`build-discarder`, `logrotate`; jjb section 22).

use std::collections::HashSet;
use std::time::Duration;

use crate::catalog::recipe::Retention;
use crate::model::{BuildId, BuildRecord, Millis, ResultWord};

/// What matters of a build for how long it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptBuild {
    /// Its id.
    pub id: BuildId,
    /// When it was accepted.
    pub accepted_at: Millis,
    /// Whether it has ended; one that has not is never given up.
    pub ended: bool,
    /// Its result, once there is one.
    pub result: Option<ResultWord>,
}

impl From<&BuildRecord> for KeptBuild {
    fn from(record: &BuildRecord) -> KeptBuild {
        let outcome = record.state.outcome();
        KeptBuild {
            id: record.id,
            accepted_at: record.accepted_at,
            ended: outcome.is_some(),
            result: outcome.and_then(|outcome| outcome.result),
        }
    }
}

/// What is to be given up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GivenUp {
    /// Builds with all that belongs to them: log, artifacts, record.
    pub builds: Vec<BuildId>,
    /// Builds of which only the artifacts go.
    pub artifacts: Vec<BuildId>,
}

/// What one job gives up at `now`, `builds` being all its builds in any order. The first limit that is reached counts. The last
/// successful build stays, and the last one that was at least unstable: links to them must work.
pub fn given_up(retention: &Retention, builds: &[KeptBuild], now: Millis) -> GivenUp {
    let mut newest_first = builds.to_vec();
    newest_first.sort_unstable_by_key(|build| std::cmp::Reverse(build.id));
    let spared = spared(&newest_first);
    let over = |days: Option<u32>, count: Option<u32>| -> HashSet<BuildId> {
        newest_first
            .iter()
            .zip(0u64..)
            .filter(|(build, place)| {
                let old = days.is_some_and(|days| now.since(build.accepted_at) > in_days(days));
                let many = count.is_some_and(|count| *place >= u64::from(count));
                build.ended && (old || many) && !spared.contains(&build.id)
            })
            .map(|(build, _)| build.id)
            .collect()
    };
    let builds = over(retention.days, retention.builds);
    let artifacts = over(retention.artifact_days, retention.artifact_builds);
    let sorted = |ids: Vec<BuildId>| {
        let mut ids = ids;
        ids.sort_unstable();
        ids
    };
    GivenUp {
        artifacts: sorted(artifacts.difference(&builds).copied().collect()),
        builds: sorted(builds.into_iter().collect()),
    }
}

fn in_days(days: u32) -> Duration {
    Duration::from_secs(u64::from(days) * 24 * 60 * 60)
}

fn spared(newest_first: &[KeptBuild]) -> Vec<BuildId> {
    let last = |worst: ResultWord| {
        newest_first.iter().find(|build| build.ended && build.result.is_some_and(|result| result <= worst))
    };
    [last(ResultWord::Success), last(ResultWord::Unstable)]
        .into_iter()
        .flatten()
        .map(|build| build.id)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 60 * 60 * 1_000;

    /// Builds of day 1, 2, … with these results; `None` has not ended.
    fn builds(results: &[Option<ResultWord>]) -> Vec<KeptBuild> {
        let build = |(day, result): (u64, &Option<ResultWord>)| KeptBuild {
            id: BuildId::new(day * DAY, 0),
            accepted_at: Millis(day * DAY),
            ended: result.is_some(),
            result: *result,
        };
        (1..).zip(results).map(build).collect()
    }

    fn days(ids: &[BuildId]) -> Vec<u64> {
        (1..20).filter(|day| ids.contains(&BuildId::new(day * DAY, 0))).collect()
    }

    use ResultWord::{Failure, Success, Unstable};

    #[test]
    fn nothing_goes_without_a_limit() {
        let all = builds(&[Some(Failure); 5]);
        assert_eq!(given_up(&Retention::default(), &all, Millis(100 * DAY)), GivenUp::default());
    }

    #[test]
    fn jjb_build_discarder_the_first_limit_reached_counts() {
        let all = builds(&[Some(Failure); 10]);
        let by_number = Retention { builds: Some(4), ..Retention::default() };
        assert_eq!(days(&given_up(&by_number, &all, Millis(10 * DAY)).builds), [1, 2, 3, 4, 5, 6]);
        let by_days = Retention { days: Some(3), ..Retention::default() };
        assert_eq!(days(&given_up(&by_days, &all, Millis(10 * DAY)).builds), [1, 2, 3, 4, 5, 6]);
        assert_eq!(days(&given_up(&by_days, &all, Millis(10 * DAY + 1)).builds), [1, 2, 3, 4, 5, 6, 7]);
        let both = Retention { days: Some(30), builds: Some(8), ..Retention::default() };
        assert_eq!(days(&given_up(&both, &all, Millis(10 * DAY)).builds), [1, 2]);
    }

    #[test]
    fn the_last_good_ones_and_the_living_stay() {
        let all = builds(&[None, Some(Success), Some(Success), Some(Unstable), Some(Failure), None]);
        let none = Retention { builds: Some(0), ..Retention::default() };
        assert_eq!(days(&given_up(&none, &all, Millis(0)).builds), [2, 5]);
    }

    #[test]
    fn artifacts_go_before_their_builds() {
        let all = builds(&[Some(Failure); 6]);
        let retention = Retention { builds: Some(4), artifact_builds: Some(2), ..Retention::default() };
        let given_up = given_up(&retention, &all, Millis(6 * DAY));
        assert_eq!((days(&given_up.builds), days(&given_up.artifacts)), (vec![1, 2], vec![3, 4]));
    }
}
