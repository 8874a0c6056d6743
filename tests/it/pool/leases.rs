//! Asking, waiting, getting, giving back.

use std::time::Duration;

use causeway::model::{NodeState, Precedence};
use causeway::pool::{LabelError, PoolError, Want};
use causeway::provider::fake::Script;

use super::bench::{Bench, config, label};

#[tokio::test(start_paused = true)]
async fn pools_p16_a_lease_comes_from_stock_and_the_stock_is_refilled() {
    let bench = Bench::small(2, 10).await;
    bench.until_ready(2).await;
    let lease = bench.lease("small").await.unwrap();
    lease.keeper().await.unwrap().ping().await.unwrap();
    assert_eq!(lease.keeper().await.unwrap().node(), lease.node());
    assert_eq!(lease.image().unwrap().reference, "debian:12");
    assert_eq!(lease.workspace_root(), lease.directory().join("workspace"));
    bench.until_ready(2).await;
    let node = lease.node();
    lease.release().await;
    bench.until("the node is gone", |status| status.nodes.iter().all(|status| status.id != node)).await;
    assert_eq!(bench.fake.nodes().len(), 2, "one build per node");
    assert!(!bench.fake.nodes().contains(&node));
    bench.pool.clear().await;
    bench.until_empty().await;
}

#[tokio::test(start_paused = true)]
async fn pools_q4_many_cold_leases_never_pass_the_limit_and_come_in_order() {
    let script =
        Script { create: Duration::from_millis(70), boot: Duration::from_millis(30), ..Script::default() };
    let bench = Bench::new(config(vec![label("small", 0)], 50), script).await;
    let mut tickets = Vec::new();
    for _ in 0..300 {
        tickets.push(bench.request("small").await);
    }
    let (done, mut order) = tokio::sync::mpsc::channel(300);
    for (place, mut ticket) in tickets.into_iter().enumerate() {
        let done = done.clone();
        tokio::spawn(async move {
            let lease = ticket.lease().await.unwrap();
            lease.keeper().await.unwrap().ping().await.unwrap();
            let granted = tokio::time::Instant::now();
            tokio::time::sleep(Duration::from_millis(200)).await;
            lease.release().await;
            done.send((granted, place)).await.unwrap();
        });
    }
    let mut granted = Vec::new();
    for _ in 0..300 {
        granted.push(order.recv().await.unwrap());
    }
    let calls = bench.fake.calls();
    assert_eq!((calls.peak, calls.creates), (50, 300), "never more than the limit, one node a lease");
    granted.sort();
    for group in granted.chunks(50).collect::<Vec<_>>().windows(2) {
        let place = |group: &[(tokio::time::Instant, usize)]| {
            let places: Vec<usize> = group.iter().map(|(_, place)| *place).collect();
            (places.iter().min().copied().unwrap(), places.iter().max().copied().unwrap())
        };
        let ((_, last), (first, _)) = (place(group[0]), place(group[1]));
        assert!(last < first, "who came first was served first: {last} after {first}");
    }
    bench.until_empty().await;
}

#[tokio::test(start_paused = true)]
async fn pools_p18_high_before_normal_before_low() {
    let bench = Bench::small(0, 1).await;
    let first = bench.lease("small").await.unwrap();
    let mut waiting = Vec::new();
    for priority in [Precedence::Low, Precedence::Normal, Precedence::High] {
        let want = Want { build: bench.build(), expression: String::new(), priority, beyond: false };
        waiting.push((priority, bench.pool.request(want).await.unwrap()));
    }
    assert_eq!(waiting[2].1.reason().borrow().as_str(), "provider fake has all of its 1 nodes");
    first.release().await;
    for _ in 0..3 {
        let (priority, mut ticket) = waiting.pop().unwrap();
        ticket.lease().await.unwrap().release().await;
        let left: Vec<Precedence> = waiting.iter().map(|(priority, _)| *priority).collect();
        assert!(left.iter().all(|other| *other > priority), "{priority:?} before {left:?}");
    }
    bench.until_empty().await;
}

#[tokio::test(start_paused = true)]
async fn pools_p29_a_dropped_ticket_gives_its_place_up() {
    let script = Script { create: Duration::from_secs(5), ..Script::default() };
    let mut config = config(vec![label("small", 0)], 10);
    config.providers[0].launches_at_once = 2;
    let bench = Bench::new(config, script).await;
    let mut tickets = Vec::new();
    for _ in 0..6 {
        tickets.push(bench.request("small").await);
    }
    bench
        .until("two launches", |status| {
            status.nodes.iter().filter(|node| node.state == NodeState::Creating).count() == 2
        })
        .await;
    tickets.pop().unwrap().cancel().await;
    drop(tickets);
    bench.until_empty().await;
    assert_eq!(bench.fake.calls().creates, 2, "of what had not begun nothing was made");
}

#[tokio::test(start_paused = true)]
async fn pools_p29_a_grant_that_nobody_takes_goes_back_to_the_stock() {
    let bench = Bench::small(1, 10).await;
    bench.until_ready(1).await;
    let ticket = bench.request("small").await;
    bench.until("the lease is granted", |status| status.labels[0].leased == 1).await;
    drop(ticket);
    bench.until("nobody has it", |status| status.labels[0].leased == 0).await;
    bench.until_ready(1).await;
    assert_eq!(bench.fake.calls().destroys, 1, "two were there for one place in stock");
    let lease = bench.lease("small").await.unwrap();
    lease.keeper().await.unwrap().ping().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn pools_p11_what_nobody_serves_is_refused_with_the_closest_names() {
    let bench = Bench::small(0, 10).await;
    assert_eq!(bench.pool.atoms(), ["small"]);
    bench.pool.check("small && provider:fake && pool:main").unwrap();
    let error = bench.pool.check("smal").unwrap_err();
    assert_eq!(error.to_string(), "no label offers 'smal'; the closest are 'small'");
    let want = Want {
        build: bench.build(),
        expression: "small &&".to_owned(),
        priority: Precedence::Normal,
        beyond: false,
    };
    let error = bench.pool.request(want).await.unwrap_err();
    assert!(matches!(error, PoolError::Label(LabelError::Syntax(_))), "{error}");
}

#[tokio::test(start_paused = true)]
async fn pools_p1_nothing_is_made_that_is_not_stored() {
    let bench = Bench::small(0, 10).await;
    let full = causeway::store::StoreError::Full("no space".to_owned());
    bench.store.refuse_writes(Some(full));
    let pool = bench.pool.clone();
    let want =
        Want { build: bench.build(), expression: String::new(), priority: Precedence::Normal, beyond: false };
    let asked = tokio::spawn(async move { pool.request(want).await });
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.fake.calls().creates, 0);
    assert!(!asked.is_finished(), "not accepted before it is stored");
    bench.store.refuse_writes(None);
    asked.await.unwrap().unwrap().lease().await.unwrap().release().await;
    bench.until_empty().await;
}
