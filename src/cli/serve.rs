//! `causeway serve`.

use std::net::SocketAddr;

use clap::Args;

use super::Global;
use super::failure::{Failure, Kind};
use super::output::Output;

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
    pub(super) fn run(&self, _global: &Global, _output: &Output) -> Result<(), Failure> {
        let _ = (&self.gearman, &self.http);
        Err(Failure::new(Kind::Failed, "this build of Causeway has no server yet"))
    }
}
