//! A process that dies, and the next one (pools 5, P9).

use std::time::Duration;

use causeway::model::{BuildState, Cause, NodeState, Outcome};
use causeway::pool::LeaseFailure;
use causeway::provider::fake::Script;
use causeway::store::Store;
use tokio::time::{Instant, sleep};

use super::bench::{Bench, config, label};

fn slow() -> Script {
    Script {
        prepare: Duration::from_millis(100),
        create: Duration::from_millis(400),
        start: Duration::from_millis(300),
        boot: Duration::from_millis(200),
        ..Script::default()
    }
}

#[tokio::test(start_paused = true)]
async fn pools_q7_launches_caught_half_way_go_on_and_every_request_keeps_its_place() {
    // Moments that lie in each part of a launch.
    for moment in [50, 300, 600, 900, 950] {
        let mut bench = Bench::new(config(vec![label("small", 0)], 50), slow()).await;
        let mut builds = Vec::new();
        for _ in 0..40 {
            let build = bench.stored_build().await.id;
            drop_later(bench.request_for(build, "small").await);
            builds.push(build);
        }
        sleep(Duration::from_millis(moment)).await;
        bench.restart().await;
        let began = Instant::now();
        let mut leases = Vec::new();
        for build in builds {
            leases.push(bench.request_for(build, "small").await);
        }
        for ticket in &mut leases {
            let lease = ticket.lease().await.unwrap();
            lease.keeper().await.unwrap().ping().await.unwrap();
            lease.release().await;
        }
        assert!(began.elapsed() < Duration::from_secs(3), "{moment}: {:?}", began.elapsed());
        let calls = bench.fake.calls();
        assert!(calls.peak <= 40, "{moment}: {} objects for 40 leases", calls.peak);
        bench.until_empty().await;
    }
}

/// Tickets of a process that dies are not dropped one by one: they die with it.
fn drop_later(ticket: causeway::pool::Ticket) {
    std::mem::forget(ticket);
}

#[tokio::test(start_paused = true)]
async fn pools_p9_a_lease_in_use_is_kept_for_its_build() {
    let mut bench = Bench::small(0, 10).await;
    let mut record = bench.stored_build().await;
    let lease = bench.request_for(record.id, "small").await.lease().await.unwrap();
    let (id, node) = (lease.id(), lease.node());
    bench.restart().await;
    drop(lease);
    sleep(Duration::from_secs(600)).await;
    let again = bench.pool.resume(record.id, id).await.unwrap();
    assert_eq!(again.node(), node);
    again.keeper().await.unwrap().ping().await.unwrap();
    let other = bench.stored_build().await;
    let refused = bench.pool.resume(other.id, id).await.unwrap_err();
    assert!(matches!(refused, LeaseFailure::NodeLost(_)), "a lease belongs to one build");
    drop(again);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(bench.fake.nodes(), [node], "still running as far as the store knows");
    record.state = BuildState::Ended(Outcome { result: None, cause: Cause::Finished });
    bench.store.end_build(record, None).await.unwrap();
    bench.until_empty().await;
}

#[tokio::test(start_paused = true)]
async fn pools_p9_a_lease_whose_build_has_ended_meanwhile_goes() {
    let mut bench = Bench::small(0, 10).await;
    let mut record = bench.stored_build().await;
    let lease = bench.request_for(record.id, "small").await.lease().await.unwrap();
    record.state = BuildState::Ended(Outcome { result: None, cause: Cause::Finished });
    bench.store.end_build(record, None).await.unwrap();
    bench.restart().await;
    drop(lease);
    bench.until_empty().await;
}

#[tokio::test(start_paused = true)]
async fn pools_p9_stock_is_kept_and_deletes_go_on() {
    let mut bench = Bench::small(3, 10).await;
    bench.until_ready(3).await;
    let before = bench.fake.nodes();
    let lease = bench.lease("small").await.unwrap();
    bench.until_ready(3).await;
    bench.fake.script(|script| script.stuck_deletes = 5);
    lease.release().await;
    bench.restart().await;
    bench.until_ready(3).await;
    bench.until("the delete is done", |status| status.nodes.len() == 3).await;
    let after = bench.fake.nodes();
    assert_eq!(after.iter().filter(|node| before.contains(node)).count(), 2, "{before:?} {after:?}");
    assert_eq!(bench.fake.calls().creates, 4, "nothing was made anew");
    let lease = bench.lease("small").await.unwrap();
    lease.keeper().await.unwrap().ping().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn pools_p9_stock_that_ended_while_no_process_ran_is_replaced() {
    let mut bench = Bench::small(2, 10).await;
    bench.until_ready(2).await;
    let ended = bench.fake.nodes();
    for node in &ended {
        bench.fake.end(*node, "the host was restarted");
    }
    bench.restart().await;
    bench
        .until("new ones are there", |status| {
            let ready = |node: &&causeway::pool::NodeStatus| {
                node.state == NodeState::Ready && !ended.contains(&node.id)
            };
            status.nodes.iter().filter(ready).count() == 2
        })
        .await;
    bench.until_ready(2).await;
    assert_eq!(bench.fake.nodes().len(), 2);
}
