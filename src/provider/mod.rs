//! Drivers: what makes nodes, each behind `pool::provider::Provider`. Only `app` names them (design section 3).
//!
//! They never wait for a state and never decide: they look, make and take away what they are told. What those of this machine
//! share is a node's directory.

mod directory;
pub mod docker;
pub mod fake;
pub mod process;
mod usage;
