//! What a Jenkins master says over REST: pure functions between an answer's bytes and our words.
//!
//! Owns paths and their encoding, the meaning of statuses, and the fields that are relied on (jenkins-rest 1 to 5, 7). Never:
//! I/O, a decision about a build. A text that masters translate (`why`, error pages) is shown to people and never compared
//! (jenkins-rest 10).

mod build;
mod job;
mod listing;
mod log;
mod queue;
mod reply;
mod root;

pub use build::{BuildFacts, Phase, Verdict};
pub use job::{JobFacts, ParameterDefinition, jobs, listing};
pub use listing::{Place, RecentBuild, RunningBuild, WaitingItem};
pub use log::LogPart;
pub use queue::{QueueId, QueueItem, QueueState, cancelled, queued};
pub use reply::{Refusal, Reply};
pub use root::{Crumb, Identity, RootFacts};
