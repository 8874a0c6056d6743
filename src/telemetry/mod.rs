//! How the process tells what it does: log lines and metrics.
//!
//! Owns the tracing set-up ([`logging`]), the agreed names of fields ([`fields`]) and the metric registry ([`metrics`]). A
//! registry is made once and handed down, each part gets its own types; there is no global one. Never: deciding anything,
//! listening on a port, a label whose values have no bound (a job's name, a build's id).

pub mod fields;
pub mod logging;
pub mod metrics;

pub use metrics::Metrics;

/// The innermost reason of an error, for people: `Connection refused` instead of three layers of "error sending request".
pub fn innermost<'e>(error: &'e (dyn std::error::Error + 'static)) -> &'e (dyn std::error::Error + 'static) {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner
}
