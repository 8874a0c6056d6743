//! `causeway serve`.

use std::net::SocketAddr;

use clap::Args;
use serde_json::json;

use super::Global;
use super::failure::{Failure, Kind};
use super::output::Output;
use crate::app;
use crate::config::{Config, Overrides};

/// Flags win over the configuration file.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where the Gearman server listens (port 0: any free one)
    #[arg(long, value_name = "ADDR")]
    gearman: Option<SocketAddr>,
    /// Where pages and the API are served (port 0: any free one)
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
}

impl Serve {
    /// Serves until it is told to stop.
    pub(super) fn run(&self, global: &Global, output: &Output) -> Result<(), Failure> {
        let overrides = Overrides { gearman: self.gearman, http: self.http, state: global.state.clone() };
        let config = match &global.config {
            Some(path) => Config::load(path, &overrides),
            None => Config::without_file(&overrides),
        };
        let config = config.map_err(|problems| Failure::new(Kind::Usage, problems.to_string()))?;
        let runtime = tokio::runtime::Runtime::new()
            .map_err(|error| Failure::new(Kind::Failed, format!("the runtime cannot be started: {error}")))?;
        runtime.block_on(serve(config, overrides, output))
    }
}

async fn serve(config: Config, overrides: Overrides, output: &Output) -> Result<(), Failure> {
    let running =
        app::start(config, overrides).await.map_err(|error| Failure::failed(&error).hint(error.cure()))?;
    if output.is_json() {
        output.json_line(&json!({
            "ready": true,
            "gearman": running.gearman.to_string(),
            "http": running.url,
            "pid": std::process::id(),
        }));
    } else {
        output.note(&format!("Gearman on {}, pages on {}", running.gearman, running.url));
    }
    running
        .until_stopped()
        .await
        .map_err(|error| Failure::new(Kind::Failed, format!("signals cannot be listened for: {error}")))
}
