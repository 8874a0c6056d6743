//! The Gearman protocol: the job server that Zuul, Jenkins masters and every other Gearman peer connect to, and a small client.
//!
//! - [`packet`], [`codec`], [`admin`] and [`limits`] are the wire: pure, no I/O.
//! - [`server`] is the job server. Start reading at [`server::queue`], a state machine with packets in and packets out.
//! - [`client`] speaks the other side of the wire: `demo` and tests use it.
//!
//! This module does not know what a build is. Rules are those of the Zuul and Gearman contract (`zuul-B-1` and so on).

pub mod admin;
pub mod client;
pub mod codec;
pub mod deframe;
pub mod limits;
pub mod packet;
pub mod server;
