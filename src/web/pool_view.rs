//! The pool as pages show it.

use super::time::Moment;
use crate::model::{Millis, NodeState};
use crate::pool::{LabelStatus, PoolStatus, ProviderStatus};

/// So many nodes of a label are drawn; the rest is a number.
const SQUARES_MAX: u32 = 40;

/// The pool at one moment.
#[derive(Default)]
pub(super) struct PoolView {
    pub ready: u32,
    pub leased: u32,
    pub labels: Vec<LabelView>,
    pub providers: Vec<ProviderView>,
    pub waiting: Vec<LeaseView>,
    pub nodes: Vec<NodeView>,
}

/// One label with its stock.
pub(super) struct LabelView {
    pub name: String,
    pub provider: String,
    pub wanted: u32,
    pub ready: u32,
    pub launching: u32,
    pub leased: u32,
    pub trouble: Option<String>,
}

/// One provider.
pub(super) struct ProviderView {
    pub name: String,
    pub tone: &'static str,
    pub word: &'static str,
    pub summary: String,
    pub nodes: u32,
    pub max_nodes: u32,
    pub leaked: u32,
    pub unmanaged: u32,
}

/// One lease that waits.
pub(super) struct LeaseView {
    pub build: String,
    pub expression: String,
    pub reason: String,
    pub queued: Moment,
}

/// One node.
pub(super) struct NodeView {
    pub id: String,
    pub tone: &'static str,
    pub state: &'static str,
    pub label: String,
    pub provider: String,
    pub since: Moment,
    pub build: Option<String>,
    pub detail: String,
}

impl LabelView {
    /// A square for each node, and for each that is missing in stock.
    pub(super) fn squares(&self) -> Vec<&'static str> {
        let missing = self.wanted.saturating_sub(self.ready + self.launching);
        [("leased", self.leased), ("ready", self.ready), ("launching", self.launching), ("missing", missing)]
            .into_iter()
            .flat_map(|(kind, count)| std::iter::repeat_n(kind, count.min(SQUARES_MAX) as usize))
            .take(SQUARES_MAX as usize)
            .collect()
    }

    /// How many nodes are not drawn.
    pub(super) fn more(&self) -> u32 {
        (self.leased + self.ready + self.launching).saturating_sub(SQUARES_MAX)
    }
}

impl From<&LabelStatus> for LabelView {
    fn from(label: &LabelStatus) -> LabelView {
        LabelView {
            name: label.name.clone(),
            provider: label.provider.clone(),
            wanted: label.wanted,
            ready: label.ready,
            launching: label.launching,
            leased: label.leased,
            trouble: label.trouble.clone(),
        }
    }
}

impl From<&ProviderStatus> for ProviderView {
    fn from(provider: &ProviderStatus) -> ProviderView {
        let (tone, word) = match (provider.healthy, provider.draining) {
            (_, true) => ("warn", "draining"),
            (Some(true), false) => ("good", "up"),
            (Some(false), false) => ("bad", "down"),
            (None, false) => ("calm", "not asked yet"),
        };
        let summary = match &provider.alert {
            Some(alert) => format!("{} · {alert}", provider.summary),
            None => provider.summary.clone(),
        };
        ProviderView {
            name: provider.name.clone(),
            tone,
            word,
            summary,
            nodes: provider.nodes,
            max_nodes: provider.max_nodes,
            leaked: provider.leaked,
            unmanaged: provider.unmanaged,
        }
    }
}

fn node_tone(state: NodeState) -> &'static str {
    match state {
        NodeState::Ready => "good",
        NodeState::Leased => "busy",
        NodeState::Requested | NodeState::Creating | NodeState::Booting | NodeState::Checking => "warn",
        NodeState::Failed | NodeState::Lost => "bad",
        NodeState::Deleting | NodeState::Deleted => "calm",
    }
}

impl PoolView {
    /// The pool's status, seen from `now`.
    pub(super) fn new(status: &PoolStatus, now: Millis) -> PoolView {
        let nodes = status.nodes.iter().map(|node| NodeView {
            id: node.id.to_string(),
            tone: node_tone(node.state),
            state: node.state.as_str(),
            label: node.label.clone(),
            provider: node.provider.clone(),
            since: Moment::new(node.since, now),
            build: node.lease.map(|(_, build)| build.to_string()),
            detail: node.detail.clone(),
        });
        let waiting = status.waiting.iter().map(|lease| LeaseView {
            build: lease.build.to_string(),
            expression: if lease.expression.is_empty() {
                "any label".into()
            } else {
                lease.expression.clone()
            },
            reason: lease.reason.clone(),
            queued: Moment::new(lease.queued_at, now),
        });
        PoolView {
            ready: status.labels.iter().map(|label| label.ready).sum(),
            leased: status.labels.iter().map(|label| label.leased).sum(),
            labels: status.labels.iter().map(LabelView::from).collect(),
            providers: status.providers.iter().map(ProviderView::from).collect(),
            waiting: waiting.collect(),
            nodes: nodes.collect(),
        }
    }
}
