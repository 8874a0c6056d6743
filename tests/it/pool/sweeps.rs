//! Objects without rows, rows without objects (pools-P54 to P58).

use std::time::Duration;

use causeway::model::NodeId;
use causeway::provider::fake::Script;
use tokio::time::sleep;

use super::bench::{Bench, config, label};

fn planted(number: u64) -> NodeId {
    NodeId::new(1, number)
}

#[tokio::test(start_paused = true)]
async fn pools_p54_an_object_without_a_row_goes_after_two_sweeps() {
    let bench = Bench::small(1, 10).await;
    bench.until_ready(1).await;
    let stock = bench.fake.nodes();
    bench.fake.plant(planted(1));
    bench.until("it is seen", |status| status.providers[0].leaked == 1).await;
    assert!(bench.fake.nodes().contains(&planted(1)), "seen once only");
    let young = NodeId::new(bench.clock.now().0, 2);
    bench.fake.plant(young);
    bench.until("the old one goes", |_| !bench.fake.nodes().contains(&planted(1))).await;
    sleep(Duration::from_secs(65)).await;
    assert!(bench.fake.nodes().contains(&young), "seen twice, but too young");
    bench.until("it goes when it is old", |_| !bench.fake.nodes().contains(&young)).await;
    bench.until("nothing is left", |status| status.providers[0].leaked == 0).await;
    assert_eq!(bench.fake.nodes(), stock);
}

#[tokio::test(start_paused = true)]
async fn pools_p55_an_incomplete_listing_takes_nothing_away() {
    let bench = Bench::small(1, 10).await;
    bench.until_ready(1).await;
    let lease = bench.lease("small").await.unwrap();
    bench.until_ready(1).await;
    bench.fake.script(|script| script.incomplete = true);
    bench.fake.plant(planted(1));
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(bench.fake.nodes().len(), 3);
    assert!(bench.fake.calls().lists > 50);
    lease.keeper().await.unwrap().ping().await.unwrap();
    bench.fake.script(|script| script.incomplete = false);
    bench.until("the leak is seen", |status| status.providers[0].leaked == 1).await;
    bench.until("and removed", |status| status.providers[0].leaked == 0).await;
    assert_eq!(bench.fake.nodes().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn pools_p57_a_lost_store_takes_nothing_away_before_somebody_confirms_it() {
    let bench = Bench::new(config(vec![label("small", 0)], 50), Script::default()).await;
    for number in 0..30 {
        bench.fake.plant(planted(number));
    }
    bench.until("an alert", |status| status.providers[0].alert.is_some()).await;
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(bench.fake.nodes().len(), 30);
    bench.pool.purge_leaks().await;
    bench.until("they are gone", |status| status.providers[0].leaked == 0).await;
    assert_eq!(bench.fake.nodes(), []);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_down_is_shown_as_such() {
    let bench = Bench::small(0, 10).await;
    bench.until("it was checked", |status| status.providers_checked()).await;
    assert_eq!(bench.status().providers[0].healthy, Some(true));
    bench.fake.script(|script| script.down = true);
    bench.until("it is seen", |status| status.providers[0].healthy == Some(false)).await;
    assert_eq!(bench.status().providers[0].summary, "the fake provider is down");
}
