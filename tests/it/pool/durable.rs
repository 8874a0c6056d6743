//! The pool on the real store: rows outlive the process, and a lease from stock costs one commit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway::model::Precedence;
use causeway::pool::{Lease, Pool, Want};
use causeway::provider::fake::{FakeProvider, Script};
use causeway::store::Store;
use causeway::store::sqlite::SqliteStore;
use causeway::sys::{Clock, SharedClock, SystemClock};
use tokio_util::sync::CancellationToken;

use super::bench::{config, label, record, start};

struct Process {
    pool: Pool,
    store: Arc<SqliteStore>,
    shutdown: CancellationToken,
}

async fn process(
    state: &std::path::Path,
    fake: &FakeProvider,
    min_ready: u32,
    clock: &SharedClock,
) -> Process {
    let store = Arc::new(SqliteStore::open(state, clock).await.unwrap());
    let shutdown = CancellationToken::new();
    let config = config(vec![label("small", min_ready)], 200);
    let pool = start(&config, fake, &store, clock, &shutdown).await;
    Process { pool, store, shutdown }
}

impl Process {
    /// Ends the pool and gives the state directory free.
    async fn end(self) {
        self.shutdown.cancel();
        let alone = || async {
            if Arc::strong_count(&self.store) == 1 {
                Ok(())
            } else {
                Err("the pool does not let go of its store".into())
            }
        };
        crate::support::until(Duration::from_secs(30), alone).await;
        Arc::into_inner(self.store).unwrap().close().await;
    }

    async fn ready(&self, count: u32) {
        crate::support::until(Duration::from_secs(60), || async {
            let status = self.pool.status();
            let ready = status.labels.first().is_some_and(|label| label.ready >= count);
            if ready { Ok(()) } else { Err(format!("{status:#?}")) }
        })
        .await;
    }

    async fn lease(&self, clock: &dyn Clock) -> Lease {
        let build = record(clock);
        let id = build.id;
        self.store.accept_build(build, 1).await.unwrap();
        let want =
            Want { build: id, expression: "small".to_owned(), priority: Precedence::Normal, beyond: false };
        self.pool.request(want).await.unwrap().lease().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pools_p9_rows_outlive_the_process() {
    let state = tempfile::tempdir().unwrap();
    let clock: SharedClock = Arc::new(SystemClock);
    let fake = FakeProvider::new("fake", Script::default());
    let first = process(state.path(), &fake, 3, &clock).await;
    first.ready(3).await;
    let (kept, released) = (first.lease(clock.as_ref()).await, first.lease(clock.as_ref()).await);
    let (id, build, node) = (kept.id(), kept.build(), kept.node());
    released.release().await;
    first.ready(3).await;
    drop(kept);
    first.end().await;
    fake.drop_streams();

    let second = process(state.path(), &fake, 3, &clock).await;
    let again = second.pool.resume(build, id).await.unwrap();
    assert_eq!(again.node(), node);
    again.keeper().await.unwrap().ping().await.unwrap();
    second.ready(3).await;
    assert_eq!(fake.calls().creates, 5, "nothing was made anew");
    again.release().await;
    second.pool.clear().await;
    assert_eq!(fake.nodes(), []);
    assert_eq!(second.store.nodes().await.unwrap(), []);
    assert_eq!(second.store.leases().await.unwrap(), []);
    second.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn perf_n1_a_lease_from_stock_costs_about_one_commit() {
    let state = tempfile::tempdir().unwrap();
    let clock: SharedClock = Arc::new(SystemClock);
    let fake = FakeProvider::new("fake", Script::default());
    let process = process(state.path(), &fake, 40, &clock).await;
    process.ready(40).await;
    let mut leases = Vec::new();
    let mut bare = Vec::new();
    for _ in 0..20 {
        let build = record(clock.as_ref());
        let id = build.id;
        let began = Instant::now();
        process.store.accept_build(build, 1).await.unwrap();
        bare.push(began.elapsed());
        let want =
            Want { build: id, expression: "small".to_owned(), priority: Precedence::Normal, beyond: false };
        let began = Instant::now();
        let lease = process.pool.request(want).await.unwrap().lease().await.unwrap();
        leases.push(began.elapsed());
        lease.release().await;
    }
    bare.sort();
    leases.sort();
    // A commit with full synchronisation is the peer in the same run. The goal is eight of them with an HTTP exchange each; the
    // best of both, as others run beside this.
    let goal = bare[0] * 8 + Duration::from_millis(2);
    assert!(leases[0] < goal, "best lease {:?}, best commit {:?}", leases[0], bare[0]);
    process.end().await;
}
