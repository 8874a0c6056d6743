//! Which side a job's builds run on, and the run of those that stay on a Jenkins master.
//!
//! Owns the routing decision, a pure function that names its reason (design A10), and the way of one build on a master (jenkins-rest
//! 7): [`MasterStep`](crate::model::MasterStep) by step, each stored before its effect, so that a crash at any point neither
//! triggers twice nor loses a line. Never: HTTP (that is [`Master`]'s implementation), Zuul, nodes. Start with [`Routes::decide`],
//! then `run`.

mod asking;
mod book;
mod check;
mod decide;
mod following;
mod listing;
mod log;
mod master;
mod masters;
mod queued;
mod router;
mod rule;
mod run;
mod search;
mod shadow;
mod share;
mod watch;
mod wish;

pub use book::{Book, Renew};
pub use decide::{Place, Routes};
pub use listing::Listing;
pub use master::{Master, MasterError};
pub use masters::{Masters, RunContext, Sides, run_on_masters, split};
pub use router::{Planned, Router};
pub use rule::{Able, Asked, Rule, Source};
pub use shadow::{ShadowContext, ShadowSettings, shadow};
pub use watch::{WatchSettings, Watched};
pub use wish::{Meant, RouteError, Turned, Who, Wish};
