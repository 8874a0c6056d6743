//! Labels, nodes, leases: a stock of ready nodes, one build per node.
//!
//! A pure planner looks at labels, rows and providers and returns a plan; the reconciler executes it, on a timer and when woken
//! (design A5). Nothing outside the reconciler creates or deletes anything on an engine (decision 20). Start with [`provider`].

pub mod label;
pub mod provider;
