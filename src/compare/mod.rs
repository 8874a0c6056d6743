//! The comparison of a build on a master with its shadow on a node: a verdict with reasons.
//!
//! Owns [`judge`], a pure function of what both sides left behind, and the rules by which a log is made comparable (`normal`). Never:
//! a build, a store, a master; whoever calls brings both sides. Start with [`Seen`], then [`judge`].

mod artifacts;
mod logs;
mod normal;
#[cfg(test)]
mod pairs;
mod seen;
mod tests_told;
mod verdict;

pub use normal::Names;
pub use seen::{ArtifactSeen, Seen, TestsSeen};
pub use verdict::{Difference, Part, Verdict, judge};
