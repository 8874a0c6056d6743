//! What providers do wrong at a launch, in stock and in use.

use std::time::Duration;

use causeway::model::NodeState;
use causeway::pool::LeaseFailure;
use causeway::provider::fake::{Fault, Script};

use super::bench::{Bench, config, label};

/// A bench whose creates go wrong in this order; later ones go well.
async fn with_faults(faults: &[Fault]) -> Bench {
    let faults = (1..).zip(faults.iter().copied()).collect();
    Bench::new(config(vec![label("small", 0)], 10), Script { faults, ..Script::default() }).await
}

#[tokio::test(start_paused = true)]
async fn pools_p26_p53_lost_answers_are_looked_up_and_nothing_is_made_twice() {
    for fault in [Fault::LoseAnswer, Fault::LoseRequest, Fault::Late(2)] {
        let bench = with_faults(&[fault]).await;
        let lease = bench.lease("small").await.unwrap();
        assert_eq!(bench.fake.nodes(), [lease.node()], "{fault:?}");
        lease.release().await;
        bench.until_empty().await;
    }
}

#[tokio::test(start_paused = true)]
async fn pools_p26_failures_that_pass_cost_the_lease_only_time() {
    for fault in [Fault::Transient, Fault::NeverBoot, Fault::WrongNode, Fault::EndAtStart, Fault::Quota] {
        let bench = with_faults(&[fault, fault]).await;
        let mut ticket = bench.request("small").await;
        let lease = ticket.lease().await.unwrap();
        lease.keeper().await.unwrap().ping().await.unwrap();
        assert_eq!(bench.fake.calls().creates, 3, "{fault:?}");
        lease.release().await;
        bench.until_empty().await;
    }
}

#[tokio::test(start_paused = true)]
async fn pools_p26_a_refusal_for_good_is_a_matter_of_the_definition() {
    let script = Script { image: Some("pull access denied".to_owned()), ..Script::default() };
    let bench = Bench::new(config(vec![label("small", 2)], 10), script).await;
    let failure = bench.lease("small").await.unwrap_err();
    let text = "no node can be made: label small: pull access denied";
    assert_eq!(failure, LeaseFailure::Definition(text.to_owned()));
    bench
        .until("it is shown", |status| status.labels[0].trouble.as_deref() == Some("pull access denied"))
        .await;
    assert_eq!(bench.fake.calls().creates, 0);
    bench.fake.script(|script| script.image = None);
    // Five minutes later one node is tried, and then the stock comes up.
    bench.until_ready(2).await;
    bench.lease("small").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn pools_p27_a_broken_image_makes_no_endless_stream_of_nodes() {
    for fault in [Fault::Transient, Fault::EndAtStart, Fault::NeverBoot] {
        let script = Script { always: Some(fault), ..Script::default() };
        let bench = Bench::new(config(vec![label("small", 5)], 10), script).await;
        let ticket = bench.request("small").await;
        tokio::time::sleep(Duration::from_secs(3600)).await;
        let creates = bench.fake.calls().creates;
        assert!((10..60).contains(&creates), "{fault:?}: {creates} creates in an hour");
        assert!(ticket.reason().borrow().contains("failed"), "{}", ticket.reason().borrow().as_str());
        bench.fake.script(|script| script.always = None);
        bench.until("the stock comes up", |status| status.labels[0].ready == 5).await;
    }
}

#[tokio::test(start_paused = true)]
async fn pools_p27_nodes_that_end_while_in_stock_are_not_replaced_without_end() {
    let bench = Bench::small(1, 10).await;
    for _ in 0..600 {
        for node in bench.fake.nodes() {
            bench.fake.end(node, "code 1");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let creates = bench.fake.calls().creates;
    assert!((5..30).contains(&creates), "{creates} creates in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn pools_p39_a_full_provider_is_not_asked_again_and_again() {
    let script = Script { room: Some(3), ..Script::default() };
    let bench = Bench::new(config(vec![label("small", 0)], 10), script).await;
    let mut held = Vec::new();
    let mut tickets = Vec::new();
    for _ in 0..10 {
        tickets.push(bench.request("small").await);
    }
    for mut ticket in tickets.drain(..3) {
        held.push(ticket.lease().await.unwrap());
    }
    tokio::time::sleep(Duration::from_secs(600)).await;
    let refused = bench.fake.calls().creates - 3;
    assert!((7..30).contains(&refused), "{refused} refused creates in ten minutes");
    let reason = tickets[0].reason().borrow().clone();
    assert!(reason.contains("no room") || reason.contains("tried"), "{reason}");
    let began = tokio::time::Instant::now();
    for lease in held {
        lease.release().await;
    }
    tickets[0].lease().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1), "room wakes the queue at once");
}

#[tokio::test(start_paused = true)]
async fn pools_p52_a_delete_that_fails_is_tried_until_the_node_is_gone() {
    let bench = Bench::small(0, 10).await;
    let lease = bench.lease("small").await.unwrap();
    bench.fake.script(|script| script.stuck_deletes = 12);
    lease.release().await;
    bench.until_empty().await;
    assert_eq!(bench.fake.calls().destroys, 13);
}

#[tokio::test(start_paused = true)]
async fn pools_11_2_a_lease_outlives_its_engine_for_a_while() {
    let bench = Bench::small(0, 10).await;
    let lease = bench.lease("small").await.unwrap();
    let before = lease.keeper().await.unwrap();
    bench.fake.script(|script| script.down = true);
    bench.fake.drop_streams();
    before.closed().await;
    let again = tokio::spawn({
        let lease = lease.clone();
        async move { lease.keeper().await }
    });
    tokio::time::sleep(Duration::from_secs(100)).await;
    bench.fake.script(|script| script.down = false);
    again.await.unwrap().unwrap().ping().await.unwrap();
    bench.fake.script(|script| script.down = true);
    bench.fake.drop_streams();
    lease.keeper().await.unwrap().closed().await;
    let began = tokio::time::Instant::now();
    let failure = lease.keeper().await.unwrap_err();
    assert!(matches!(failure, LeaseFailure::Infrastructure(_)), "{failure}");
    assert!((110..130).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    bench.fake.script(|script| script.down = false);
    lease.release().await;
    bench.until_empty().await;
}

#[tokio::test(start_paused = true)]
async fn pools_p58_a_node_that_vanishes_in_use_is_told_to_its_holder() {
    let bench = Bench::small(0, 10).await;
    let asked = bench.lease("small").await.unwrap();
    let told = bench.lease("small").await.unwrap();
    bench.fake.vanish(told.node());
    bench.fake.end(asked.node(), "code 137");
    let reason = told.lost().await;
    assert_eq!(reason, "the provider does not have it any more");
    let failure = asked.keeper().await.unwrap_err();
    assert_eq!(failure, LeaseFailure::NodeLost("it ended by itself: code 137".to_owned()));
    assert!(matches!(told.keeper().await, Err(LeaseFailure::NodeLost(_))));
    bench
        .until("both are lost", |status| {
            status.nodes.iter().filter(|node| node.state == NodeState::Lost).count() == 2
        })
        .await;
    assert_eq!(bench.fake.nodes(), [asked.node()], "what a lost node left stays until the release");
    told.release().await;
    asked.release().await;
    bench.until_empty().await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_vanishes_from_the_stock_is_replaced() {
    let bench = Bench::small(2, 10).await;
    bench.until_ready(2).await;
    let gone = bench.fake.nodes()[0];
    bench.fake.vanish(gone);
    bench.until("it is noticed", |status| status.nodes.iter().all(|node| node.id != gone)).await;
    bench.until_ready(2).await;
    bench.fake.drop_streams();
    let lease = bench.lease("small").await.unwrap();
    lease.keeper().await.unwrap().ping().await.unwrap();
}
