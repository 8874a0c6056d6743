//! Which changes run in the pool while a job is at the stage `canary`.

use sha2::{Digest, Sha256};

use super::rule::Asked;

/// What was drawn for a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drawn {
    pub in_pool: bool,
    /// For the reason.
    pub words: String,
}

/// Draws by job, change and patch set, so that a recheck meets the same side, and a greater share keeps every change that was in
/// the smaller one. A build that is for no change and no reference has nothing to draw by, and stays on the master.
pub(super) fn draw(asked: &Asked, share: u8) -> Drawn {
    let change = &asked.change;
    let (what, key) = match (change.change.as_str(), change.reference.as_str()) {
        ("", "") => {
            let words = "the build names no change, so the master".to_owned();
            return Drawn { in_pool: false, words };
        }
        ("", reference) => (reference.to_owned(), [reference, &change.new_revision]),
        (number, _) => (format!("change {number},{}", change.patch_set), [number, &change.patch_set]),
    };
    let mut hash = Sha256::new();
    for part in [asked.job.as_str(), &change.project, key[0], key[1]] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let drawn = u16::from_le_bytes([digest[0], digest[1]]) % 100;
    let in_pool = drawn < u16::from(share);
    let side = if in_pool { "the pool" } else { "the master" };
    Drawn { in_pool, words: format!("{what} drew {drawn} of 100, so {side}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ZuulChange;

    fn asked(job: &str, change: u32, reference: &str) -> Asked {
        let change = ZuulChange {
            project: "ops/puppet".to_owned(),
            change: change.to_string(),
            patch_set: "1".to_owned(),
            reference: reference.to_owned(),
            ..ZuulChange::default()
        };
        Asked { change, ..Asked::of_job(job.parse().unwrap()) }
    }

    #[test]
    fn a_recheck_meets_the_same_side_though_zuul_merged_again() {
        for change in 0..200 {
            let (first, again) = (asked("unit", change, "refs/zuul/a"), asked("unit", change, "refs/zuul/b"));
            assert_eq!(draw(&first, 30), draw(&again, 30));
        }
    }

    #[test]
    fn a_share_is_about_that_many_and_a_greater_one_keeps_the_smaller() {
        let taken = |share| -> Vec<u32> {
            (0..2_000).filter(|change| draw(&asked("unit", *change, ""), share).in_pool).collect()
        };
        let (tenth, half) = (taken(10), taken(50));
        assert!((140..260).contains(&tenth.len()), "{}", tenth.len());
        assert!((900..1_100).contains(&half.len()), "{}", half.len());
        assert!(tenth.iter().all(|change| half.contains(change)));
        assert_eq!((taken(0).len(), taken(100).len()), (0, 2_000));
    }

    #[test]
    fn a_build_for_nothing_stays_on_the_master() {
        let nothing = Asked::of_job("unit".parse().unwrap());
        assert!(!draw(&nothing, 100).in_pool);
        let pushed = ZuulChange { reference: "refs/heads/main".to_owned(), ..ZuulChange::default() };
        assert!(draw(&Asked { change: pushed, ..nothing }, 100).in_pool);
    }
}
