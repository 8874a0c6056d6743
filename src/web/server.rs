//! Sockets: accepts, bounds and ends HTTP connections.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::telemetry::metrics::HttpMetrics;

/// Open connections; a thousand readers of live consoles fit beside everything else (perf-L2). More wait in the kernel's backlog.
const CONNECTIONS_MAX: usize = 4096;
/// All headers of a request; larger ones are refused.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Headers must have come by then; also how long a connection may idle between requests.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);
/// After a failed accept (no file descriptors left), before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown`, then lets answers that have begun come to their end. Returns when all connections are closed; the caller
/// bounds that wait.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    metrics: HttpMetrics,
    shutdown: CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let tasks = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let Some((stream, permit)) = accepted else { continue };
        let (router, metrics, shutdown) = (router.clone(), metrics.clone(), shutdown.clone());
        tasks.spawn(async move {
            metrics.connections.inc();
            connection(stream, router, shutdown).await;
            metrics.connections.dec();
            drop(permit);
        });
    }
    tasks.close();
    tasks.wait().await;
}

/// A permit first: past the limit the kernel's backlog holds the rest.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Only a hint: a socket that refuses it works too.
            let _ = stream.set_nodelay(true);
            Some((stream, permit))
        }
        Err(error) => {
            warn!(%error, "an HTTP connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn connection(stream: TcpStream, router: Router, shutdown: CancellationToken) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN).max_buf_size(HEADER_BYTES_MAX);
    let serving = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = shutdown.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "an HTTP connection ended early");
    }
}
