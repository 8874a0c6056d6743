//! Our words and states: names, ids, builds, nodes, results.
//!
//! Pure: no I/O, no clock, no serialised form (the store and the faces have their own). Everything that core modules say
//! to one another is said in these types. Start with [`BuildRequest`] and [`BuildRecord`].

mod address;
mod base_url;
mod build;
mod cause;
mod comparison;
mod event;
mod id;
mod lease;
mod name;
mod node;
mod parameter;
mod problem;
mod result;
mod route;
mod signal;

pub use address::Addresses;
pub(crate) use address::escape_all_but;
pub use base_url::{BaseUrl, NotABase};
pub use build::{
    BuildNumber, BuildRecord, BuildRequest, BuildState, Origin, Parent, Precedence, StepEnd, StepRecord,
    StepState, StopMark, ZuulChange,
};
pub use cause::{Cause, MemoryUse};
pub use comparison::{Comparison, VerdictWord};
pub use event::{Event, Subject};
pub use id::{BuildId, LeaseId, NodeId, ParseIdError};
pub use lease::LeaseState;
pub use name::{JobName, NameError};
pub use node::NodeState;
pub use parameter::{Parameter, ParameterValue, Parameters};
pub use problem::{Frame, Position, Problem, Severity};
pub use result::{Outcome, ResultWord};
pub use route::{MasterLog, MasterRun, MasterStep, Route, Selector, Setting, Side, Stage, Turn, TurnKind};

/// Wall-clock time in milliseconds since 1970 (UTC). Deadlines that must survive a restart are kept in this form (pools-P5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u64);

impl Millis {
    /// The time that lies `later` after this one.
    pub fn plus(self, later: std::time::Duration) -> Millis {
        Millis(self.0.saturating_add(later.as_millis().try_into().unwrap_or(u64::MAX)))
    }

    /// How long `self` lies after `earlier`; zero when it does not.
    pub fn since(self, earlier: Millis) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}
