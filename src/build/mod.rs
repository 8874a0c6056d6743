//! A build's life: who may ask for one, what may happen to it, and how everybody else hears of it.
//!
//! [`Builds`] is the one writer of every build (design A4): executors and faces send it [`BuildEvent`]s. An event is applied by
//! a pure function, stored, and only then shown (pools-P1). Never: running anything, talking to a node, packets or pages.
//! Start reading with [`BuildEvent`], then `transition`.

mod dispatcher;
mod event;
mod refusal;
#[cfg(test)]
pub(crate) mod testing;
mod transition;

pub use dispatcher::{Accepted, BuildError, Builds, Counts, StopAnswer};
pub use event::BuildEvent;
pub use refusal::Refusal;
pub use transition::Illegal;
