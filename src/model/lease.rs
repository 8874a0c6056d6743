//! The states of a lease.

/// Where a lease stands (pools 4.1). `expired` is missing: it is the end of holders outside the process, and there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaseState {
    /// Waits for a node.
    Queued,
    /// A node is reserved for it.
    Allocating,
    /// The node was checked and is its own; its holder is to take it.
    Granted,
    /// Its holder has it. A build takes its node at once.
    Active,
    /// Given back; its node is being let go.
    Releasing,
    /// Over, after it was used.
    Released,
    /// Over before it was used: nobody wanted it any more.
    Cancelled,
    /// Over before it was used: nobody could serve it.
    Failed,
}

impl LeaseState {
    /// Every state, in the order of a lease's life.
    pub const ALL: [LeaseState; 8] = [
        LeaseState::Queued,
        LeaseState::Allocating,
        LeaseState::Granted,
        LeaseState::Active,
        LeaseState::Releasing,
        LeaseState::Released,
        LeaseState::Cancelled,
        LeaseState::Failed,
    ];

    /// The word used in the store, in listings and in events.
    pub fn as_str(self) -> &'static str {
        match self {
            LeaseState::Queued => "queued",
            LeaseState::Allocating => "allocating",
            LeaseState::Granted => "granted",
            LeaseState::Active => "active",
            LeaseState::Releasing => "releasing",
            LeaseState::Released => "released",
            LeaseState::Cancelled => "cancelled",
            LeaseState::Failed => "failed",
        }
    }

    /// The state's word read back.
    pub fn from_text(text: &str) -> Option<LeaseState> {
        LeaseState::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether nothing comes after it.
    pub fn is_over(self) -> bool {
        matches!(self, LeaseState::Released | LeaseState::Cancelled | LeaseState::Failed)
    }

    /// Whether a lease may come from this state into the other (pools 4.1).
    pub fn may_become(self, to: LeaseState) -> bool {
        use LeaseState::{Active, Allocating, Cancelled, Failed, Granted, Queued, Released, Releasing};
        match (self, to) {
            (Queued, Allocating)
            | (Allocating, Granted)
            | (Granted, Active)
            | (Active, Releasing)
            | (Releasing, Released)
            | (Allocating | Granted, Queued) => true,
            (from, Cancelled | Failed) => matches!(from, Queued | Allocating | Granted),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_4_1_no_state_is_skipped_and_an_end_is_final() {
        use LeaseState::{Active, Allocating, Cancelled, Failed, Granted, Queued, Released, Releasing};
        let way = [Queued, Allocating, Granted, Active, Releasing, Released];
        for pair in way.windows(2) {
            assert!(pair[0].may_become(pair[1]), "{pair:?}");
        }
        for pair in way.windows(3) {
            assert!(!pair[0].may_become(pair[2]), "{pair:?} skips a state");
        }
        for state in LeaseState::ALL {
            assert_eq!(LeaseState::from_text(state.as_str()), Some(state));
            assert!(LeaseState::ALL.iter().all(|to| !state.is_over() || !state.may_become(*to)), "{state:?}");
        }
        assert!(Queued.may_become(Cancelled) && Granted.may_become(Failed));
        assert!(!Active.may_become(Cancelled) && !Active.may_become(Failed), "what was used is given back");
    }
}
