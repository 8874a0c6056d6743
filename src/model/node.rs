//! The states of a node (pools 4.2).

/// What is true of a node. Each state is stored before its effect can be seen (pools-P1, P6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NodeState {
    /// A row exists; no provider call was ever made.
    Requested,
    /// The create call may or may not have reached the provider.
    Creating,
    /// The provider's object exists; waiting for the keeper to answer.
    Booting,
    /// The keeper answered; node id and ready conditions are being checked.
    Checking,
    /// In stock; may be taken.
    Ready,
    /// Belongs to exactly one lease.
    Leased,
    /// Could not be made; being cleared away.
    Failed,
    /// The delete intent is saved; not given up before the provider confirms.
    Deleting,
    /// The provider says that it does not exist any more.
    Lost,
    /// Confirmed gone; the row is kept for those who ask (pools 4.2: 24 hours).
    Deleted,
}

impl NodeState {
    /// Every state, in the order of a node's life.
    pub const ALL: [NodeState; 10] = [
        NodeState::Requested,
        NodeState::Creating,
        NodeState::Booting,
        NodeState::Checking,
        NodeState::Ready,
        NodeState::Leased,
        NodeState::Failed,
        NodeState::Deleting,
        NodeState::Lost,
        NodeState::Deleted,
    ];

    /// The word used in the store, in listings and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            NodeState::Requested => "requested",
            NodeState::Creating => "creating",
            NodeState::Booting => "booting",
            NodeState::Checking => "checking",
            NodeState::Ready => "ready",
            NodeState::Leased => "leased",
            NodeState::Failed => "failed",
            NodeState::Deleting => "deleting",
            NodeState::Lost => "lost",
            NodeState::Deleted => "deleted",
        }
    }

    /// The state's word read back.
    pub fn from_text(text: &str) -> Option<NodeState> {
        NodeState::ALL.into_iter().find(|state| state.as_str() == text)
    }
}
