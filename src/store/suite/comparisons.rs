//! Comparisons of shadow builds.

use std::future::Future;

use crate::model::{BuildId, Comparison, Millis, VerdictWord};
use crate::store::{ComparisonFilter, Store};

pub(super) async fn run<S: Store, F: Future<Output = S>>(new: &impl Fn() -> F) {
    the_first_verdict_stays_and_lists_are_newest_first(&new().await).await;
}

fn comparison(millis: u64, job: &str, verdict: VerdictWord) -> Comparison {
    Comparison {
        id: BuildId::new(millis, 1),
        job: job.parse().unwrap(),
        number: millis,
        shadow: Some((BuildId::new(millis, 2), millis + 1)),
        at: Millis(9),
        verdict,
        why: vec!["log: \"a\" there".to_owned(), "result".to_owned()],
        left_out: vec!["mail".to_owned()],
    }
}

async fn the_first_verdict_stays_and_lists_are_newest_first(store: &dyn Store) {
    let first = comparison(1, "a", VerdictWord::Differs);
    store.save_comparison(first.clone()).await.unwrap();
    store.save_comparison(comparison(1, "a", VerdictWord::Same)).await.unwrap();
    let none = Comparison { shadow: None, ..comparison(2, "b", VerdictWord::NotComparable) };
    store.save_comparison(none.clone()).await.unwrap();
    store.save_comparison(comparison(3, "a", VerdictWord::Flaky)).await.unwrap();
    assert_eq!(store.comparison(first.id).await.unwrap(), Some(first.clone()));
    let listed = async |filter| {
        let all = store.comparisons(filter).await.unwrap();
        all.iter().map(|one| one.number).collect::<Vec<_>>()
    };
    assert_eq!(listed(ComparisonFilter { limit: 9, ..ComparisonFilter::default() }).await, [3, 2, 1]);
    let of_a =
        ComparisonFilter { job: Some("a".parse().unwrap()), before: Some(BuildId::new(3, 1)), limit: 9 };
    assert_eq!(store.comparisons(of_a).await.unwrap(), [first]);
    let of_b = ComparisonFilter { job: Some("b".parse().unwrap()), before: None, limit: 9 };
    assert_eq!(store.comparisons(of_b).await.unwrap(), [none]);
}
