//! Labels, nodes, leases: a stock of ready nodes, one build per node.
//!
//! A pure planner looks at labels, rows and providers and returns a plan; the reconciler executes it, on a timer and when woken
//! (design A5). Nothing outside the reconciler creates or deletes anything on an engine (decision 20). Start with [`Pool`]:
//! a build hands in a [`Want`], waits with a [`Ticket`] and works on a [`Lease`]. Drivers implement [`provider::Provider`].

mod config;
mod expression;
mod handle;
pub mod label;

mod labels;
mod lease;

mod message;

mod planner;
pub mod provider;

mod reconciler;
mod status;
#[cfg(test)]
mod testing;

pub use crate::model::Precedence as Priority;
pub use config::{LabelSet, PoolConfig, PoolTiming, ProviderLimits};
pub use expression::ExpressionError;
pub use handle::{Pool, PoolError};
pub use labels::{LabelError, serving};
pub use lease::{Lease, LeaseFailure, Ticket, Want};
pub use status::{LabelStatus, NodeStatus, PoolStatus, ProviderStatus, WaitingStatus};
#[cfg(test)]
pub use testing::label as test_label;
