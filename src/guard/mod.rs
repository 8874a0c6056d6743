//! The guard: what a build may ask of the engine that its node runs on (design A8, pools-D57).
//!
//! A job that calls `docker run` in a shell step finds a socket in its node. The keeper tunnels each connection to Causeway, where a
//! provider's [`Door`] speaks the Engine API; what may pass is decided here. Pure: a request becomes a [`Call`] or a [`Refusal`], a body
//! becomes a new one that is built from what is known, key by key. What is not known is refused, never passed on and never dropped in
//! silence. Never: I/O, HTTP types, an engine's client. Start with [`Call::decide`], then [`create()`].

mod answer;
mod call;
mod create;
mod exec;
mod grant;
mod host_config;
mod mounts;
mod query;
mod refusal;
mod value;

use async_trait::async_trait;
use tokio::io::DuplexStream;

pub use answer::reduced_info;
pub use call::{Asked, Body, Call, ContainerCall, ExecCall};
pub use create::{Creation, create};
pub use exec::{exec_create, exec_start, starts_detached};
pub use grant::{Grant, GuardRules, MARK_PREFIX};
pub use mounts::Bind;
pub use query::Query;
pub use refusal::Refusal;

/// The socket's path, relative to the node's directory.
pub const SOCKET: &str = "docker.sock";

/// Where the guard says what it refused, so that the build's log names the rule.
pub trait Refusals: Send + Sync {
    /// A request was refused.
    fn refused(&self, refusal: &Refusal);
}

/// A provider's side of the guard for one lease: serves connections that came out of the node.
#[async_trait]
pub trait Door: Send + Sync {
    /// Serves one connection to its end. Dropping the future ends it.
    async fn serve(&self, connection: DuplexStream);
}
