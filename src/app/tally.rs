//! The Gearman thread's counters, copied into the metrics once a second (design A15).

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::gearman::server::{Server, Stats};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::mirror;

/// Often enough for a scrape; the thread answers from plain integers.
const EVERY: Duration = Duration::from_secs(1);

/// Copies until `shutdown` or the server's end.
pub(super) async fn run(server: Server, metrics: Metrics, shutdown: CancellationToken) {
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = tick.tick() => {}
        }
        let Ok(stats) = server.stats().await else { return };
        copy(&stats, &metrics);
    }
}

fn copy(stats: &Stats, metrics: &Metrics) {
    let gearman = &metrics.gearman;
    let whole = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    gearman.connections.set(whole(stats.connections));
    gearman.functions.set(whole(stats.names));
    gearman.jobs_queued.set(whole(stats.queued.iter().sum()));
    gearman.jobs_running.set(whole(stats.running));
    mirror(&gearman.connections_refused, stats.connections_refused);
    mirror(&gearman.jobs_submitted, stats.submitted);
    mirror(&gearman.jobs_merged, stats.merged);
    mirror(&gearman.jobs_ended, stats.ended);
    mirror(&gearman.jobs_lost, stats.background_lost);
    mirror(&gearman.packets_in, stats.frames_in);
    mirror(&gearman.bytes_in, stats.bytes_in);
    mirror(&gearman.bytes_out, stats.bytes_out);
}
