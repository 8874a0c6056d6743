//! Waiting for a condition, with a limit, never for a time.

use std::future::Future;
use std::time::{Duration, Instant};

/// How often a condition is looked at again.
const AGAIN: Duration = Duration::from_millis(20);

/// Looks at a condition until it holds. `Err` says what was seen instead; the last one is reported when the limit is
/// over.
#[track_caller]
pub fn within<T>(limit: Duration, mut condition: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + limit;
    loop {
        match condition() {
            Ok(value) => return value,
            Err(status) if Instant::now() >= end => panic!("not within {limit:?}; at last: {status}"),
            Err(_) => std::thread::park_timeout(AGAIN),
        }
    }
}

/// The same for a condition that is itself awaited.
pub async fn until<T, F, C>(limit: Duration, mut condition: C) -> T
where
    C: FnMut() -> F,
    F: Future<Output = Result<T, String>>,
{
    let end = Instant::now() + limit;
    let mut again = tokio::time::interval(AGAIN);
    loop {
        again.tick().await;
        match condition().await {
            Ok(value) => return value,
            Err(status) if Instant::now() >= end => panic!("not within {limit:?}; at last: {status}"),
            Err(_) => {}
        }
    }
}
