//! Goals of time, with a margin that holds on a busy machine too: the best of several counts, as others run beside this.

use std::time::{Duration, Instant};

use causeway::provider::fake::Script;

use super::bench::{Bench, config, label};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn perf_n1_a_lease_from_stock_takes_milliseconds() {
    let bench = Bench::small(20, 40).await;
    bench.until_ready(20).await;
    let mut times = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        let lease = bench.lease("small").await.unwrap();
        lease.keeper().await.unwrap();
        times.push(began.elapsed());
        lease.release().await;
    }
    times.sort();
    assert!(times[0] < Duration::from_millis(10), "best of {times:?} (pools-Q2)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn perf_n2_a_burst_from_stock_shares_its_commits() {
    let bench = Bench::small(60, 120).await;
    bench.until_ready(60).await;
    let began = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..50 {
        let (pool, build) = (bench.pool.clone(), bench.build());
        let want = causeway::pool::Want {
            build,
            expression: String::new(),
            priority: Default::default(),
            beyond: false,
        };
        tasks.push(tokio::spawn(async move { pool.request(want).await.unwrap().lease().await.unwrap() }));
    }
    let mut leases = Vec::new();
    for task in tasks {
        leases.push(task.await.unwrap());
    }
    assert!(began.elapsed() < Duration::from_millis(500), "last of 50 after {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn perf_n3_300_cold_leases_wait_for_the_driver_not_for_us() {
    let delay = Duration::from_millis(500);
    let script = Script { create: delay, ..Script::default() };
    let bench = Bench::new(config(vec![label("small", 0)], 300), script).await;
    let began = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..300 {
        let mut ticket = bench.request("small").await;
        tasks.push(tokio::spawn(async move { ticket.lease().await.unwrap() }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let ours = began.elapsed().saturating_sub(delay);
    assert!(ours < Duration::from_secs(3), "last {ours:?} after the driver's delay");
    assert_eq!(bench.fake.calls().peak, 300);
}
