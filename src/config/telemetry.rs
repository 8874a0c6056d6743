//! `telemetry`: what is logged.

use super::section::Section;

/// The checked section.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TelemetryConfig {
    /// Which log lines: a level, or `module=level` pairs; empty: the default.
    pub log: String,
    /// One JSON object a line.
    pub json: bool,
}

pub(super) fn read(mut section: Section<'_>) -> TelemetryConfig {
    let config = TelemetryConfig { log: section.or("log", String::new()), json: section.or("json", false) };
    section.close();
    config
}
