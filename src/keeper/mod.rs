//! The keeper: the one thing that runs on every node (design A6, A7).
//!
//! `wire` is what both sides say, [`node`] the program on the node, the rest Causeway's side: a [`Keeper`] is a connection to one
//! node, over whatever stream its provider opened. The connection is only a view. Steps run on, keep their log and write their
//! end without it; whoever comes back with a new stream follows the log from the byte where the old one stopped, so that no byte
//! is lost or doubled.
//!
//! Knows no builds, no providers, no recipes. `node` imports nothing of ours but `wire`. Start with [`Keeper::connect`].

mod channel;
mod connection;
mod error;
mod files;
mod follow;
mod handle;
mod leftover;
pub mod node;
mod outbox;
mod tunnel;
pub mod wire;

pub use error::KeeperError;
pub use files::{FileReader, FileWriter, Listing};
pub use follow::{LogEvent, LogStream};
pub use handle::Keeper;
pub use leftover::{left_over_end, left_over_log};
pub use node::{WORD, end_all_marked, is_started_as_keeper, open_beneath, open_directory, remove_tree};
pub use tunnel::Tunnels;
pub use wire::{EndedBy, Entry, EntryKind, Exit, RefusalCode, StepEnd, StepId, StepSpec, StepState};
