//! Labels that change while nodes and leases are there (pools-P7, P8, P50a).

use causeway::model::NodeState;
use causeway::pool::{LabelSet, LeaseFailure};

use super::bench::{Bench, config, label, limits};

fn set(definitions: Vec<causeway::pool::label::LabelDefinition>) -> LabelSet {
    LabelSet { definitions, map: Vec::new() }
}

#[tokio::test(start_paused = true)]
async fn pools_p8_stock_of_an_old_recipe_is_replaced_one_by_one() {
    let bench = Bench::small(3, 10).await;
    bench.until_ready(3).await;
    let old = bench.fake.nodes();
    let mut changed = label("small", 3);
    changed.image = Some("debian:13".to_owned());
    bench.pool.reload(set(vec![changed]), vec![limits(10)]).await;
    let mut fewest = usize::MAX;
    bench
        .until("all are replaced", |status| {
            let nodes = bench.fake.nodes();
            let _ = status;
            nodes.len() == 3 && nodes.iter().all(|node| !old.contains(node))
        })
        .await;
    bench.until_ready(3).await;
    fewest = fewest.min(bench.count(NodeState::Ready));
    assert_eq!(fewest, 3);
    let lease = bench.lease("small").await.unwrap();
    assert_eq!(lease.image().unwrap().reference, "debian:13");
}

#[tokio::test(start_paused = true)]
async fn pools_p7_p50a_a_label_that_goes_takes_its_stock_but_no_lease() {
    let bench = Bench::new(config(vec![label("small", 2), label("other", 0)], 3), Default::default()).await;
    bench.until_ready(2).await;
    let lease = bench.lease("small").await.unwrap();
    bench.until("full", |status| status.nodes.len() == 3).await;
    let second = bench.lease("small").await.unwrap();
    let third = bench.lease("small").await.unwrap();
    let mut waiting = bench.request("small").await;
    bench.pool.reload(set(vec![label("other", 0)]), vec![limits(3)]).await;
    let failure = waiting.lease().await.unwrap_err();
    assert!(matches!(failure, LeaseFailure::Definition(_)), "{failure}");
    for lease in [lease, second, third] {
        lease.keeper().await.unwrap().ping().await.unwrap();
        assert_eq!(lease.label().name, "small");
        lease.release().await;
    }
    bench.until_empty().await;
}

#[tokio::test(start_paused = true)]
async fn pools_p50a_a_provider_that_goes_is_emptied() {
    let bench = Bench::small(2, 10).await;
    bench.until_ready(2).await;
    let lease = bench.lease("small").await.unwrap();
    bench.pool.reload(set(vec![label("small", 2)]), vec![]).await;
    bench.until("only the leased one is left", |status| status.nodes.len() == 1).await;
    assert!(bench.status().providers[0].draining);
    let ticket = bench.request("small").await;
    let mut reason = ticket.reason();
    let told = reason.wait_for(|reason| reason.contains("out of service")).await;
    assert!(told.is_ok());
    drop(told);
    drop(ticket);
    lease.release().await;
    bench.until_empty().await;
}
