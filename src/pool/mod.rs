//! Labels, nodes, leases: a stock of ready nodes, one build per node.
//!
//! A pure planner looks at labels, rows and providers and returns a plan; the reconciler executes it, on a timer and when woken
//! (design A5). Nothing outside the reconciler creates or deletes anything on an engine (decision 20). Start with [`Pool`]:
//! a build hands in a [`Want`], waits with a [`Ticket`] and works on a [`Lease`]. Drivers implement [`provider::Provider`].

mod config;
mod expression;
mod handle;
pub mod label;
#[allow(dead_code, reason = "read by the reconciler, which follows")]
mod labels;
mod lease;
#[allow(dead_code, reason = "read by the reconciler, which follows")]
mod message;
#[allow(dead_code, reason = "called by the reconciler, which follows")]
mod planner;
pub mod provider;

#[allow(dead_code, reason = "its loop follows")]
mod reconciler;
mod status;
#[cfg(test)]
mod testing;

pub use config::{LabelSet, PoolConfig, PoolTiming, ProviderLimits};
pub use expression::ExpressionError;
pub use handle::{Pool, PoolError};
pub use labels::LabelError;
pub use lease::{Lease, LeaseFailure, Priority, Ticket, Want};
pub use status::{LabelStatus, NodeStatus, PoolStatus, ProviderStatus, WaitingStatus};
