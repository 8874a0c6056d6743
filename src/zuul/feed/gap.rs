//! A build of an external worker that Zuul cancelled between assignment and first data: now its number is known, so it is stopped on its
//! master for Zuul (zuul 8.3).

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use tracing::{info, warn};

use super::Feed;
use crate::gearman::packet::Level;
use crate::gearman::server::Command;
use crate::zuul::wire::stop_function;

#[derive(Deserialize)]
struct FirstData {
    name: Option<String>,
    number: serde_json::Value,
    manager: String,
}

impl Feed {
    /// Submits `stop:MANAGER` as Zuul would have.
    pub(super) async fn stop_in_the_gap(self: Arc<Self>, function: Bytes, data: Bytes) {
        let function = String::from_utf8_lossy(&function).into_owned();
        let Ok(first) = serde_json::from_slice::<FirstData>(&data) else {
            warn!(gearman.function = %function, "a cancelled build's first data names no manager and number; it cannot be stopped");
            return;
        };
        let name = first.name.unwrap_or_else(|| function.trim_start_matches("build:").to_owned());
        info!(job.name = %name, gearman.manager = %first.manager, "stopping a build that Zuul cancelled before it was announced");
        let arguments = serde_json::json!({ "name": name, "number": first.number }).to_string();
        self.send(Command::Submit {
            function: stop_function(&first.manager).into_bytes().into(),
            unique: format!("gap-{}-{}", name, first.number).into_bytes().into(),
            data: arguments.into_bytes().into(),
            level: Level::High,
        })
        .await;
    }
}
