//! What the keeper and Causeway say to one another: frames, requests, replies, channels.
//!
//! Pure: bytes in, values out. Both sides share it, so that one executable is both ends; it carries a version all the same, since a
//! node may outlive an upgrade. Every length is checked against a limit before anything is allocated for it. Start with
//! [`Request`] for what can be asked, then [`frame`] for how it looks on the wire.
//!
//! A connection begins with one `Hello` from each side. Then Causeway sends requests, each with a number that the reply repeats, in
//! any number at once. What is long (a log, a file, a tunnelled socket) travels on a *channel*: numbered by the
//! side that opens it (Causeway odd, the keeper even), with a window of [`WINDOW`] bytes in each direction that the receiver
//! opens again by `Credit`; one that the keeper opens is closed to the keeper until the first credit. So a reader that stalls holds up nothing but its own channel.

mod field;
pub mod frame;
mod listing;
mod message;
mod status;
mod step;

pub use field::Malformed;
pub use listing::{Entry, EntryKind, ListingDecoder};
pub use message::{ChannelEnd, FileOp, FromNode, Refusal, RefusalCode, Reply, Request, ToNode};
pub use status::{StatusError, parse_status, write_status};
pub use step::{EndedBy, Exit, StepEnd, StepId, StepSpec, StepState};

/// The version of the protocol that this program speaks.
pub const VERSION: u16 = 1;

/// How many bytes one side may send on a channel before the other has to give credit: enough for four full data frames under
/// way, little enough that a thousand idle channels cost nothing.
pub const WINDOW: u32 = 256 * 1024;

/// The largest piece of data in one frame (perf-L1).
pub const MAX_DATA: usize = 64 * 1024;

/// Where the node's name is kept, relative to its directory: read back at every `Hello` (pools-P35).
pub const NODE_FILE: &str = "node";

/// The keeper's socket, relative to the node's directory.
pub const SOCKET: &str = "keeper.sock";

/// The build's workspace, relative to the node's directory.
pub const WORKSPACE: &str = "workspace";

/// Where the steps have their directories, relative to the node's directory.
pub const STEPS: &str = "steps";

/// A step's log in its directory.
pub const LOG: &str = "log";

/// A step's end in its directory: written aside and renamed, so it is whole or absent (pools-D61).
pub const STATUS: &str = "status";

#[cfg(test)]
mod tests;
