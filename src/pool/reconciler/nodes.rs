//! Nodes in memory, and what their tasks tell of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::effects::Effect;
use super::{RECONCILER, Reconciler};
use crate::keeper::Keeper;
use crate::model::{Event, LeaseId, NodeId, NodeState, Subject};
use crate::pool::label::LabelDefinition;
use crate::pool::message::News;
use crate::pool::planner::Why;
use crate::pool::provider::{ImageFacts, ProviderError};
use crate::store::NodeRow;
use crate::sys;
use crate::telemetry::metrics::{LaunchLabels, PoolMetrics};

/// What is kept of a failure in a row; the log line has all of it.
const DETAIL_BYTES: usize = 2000;

/// A node: its row, and what belongs to this process only.
pub(super) struct Node {
    pub(super) row: NodeRow,
    /// Where its label stands in the configuration, if it does.
    pub(super) label: Option<usize>,
    pub(super) provider: Option<usize>,
    /// What it is made from; unknown when the label went away while no process ran.
    pub(super) definition: Option<Arc<LabelDefinition>>,
    pub(super) image: Option<Arc<ImageFacts>>,
    pub(super) keeper: Option<Keeper>,
    /// The stream by which it is told to end, once it is to be taken away.
    pub(super) farewell: Option<Keeper>,
    /// Counts its streams, to tell one from the next.
    pub(super) stream: u64,
    /// Ends its launch while nothing is made, or the search for its keeper.
    pub(super) cancel: CancellationToken,
    /// Why it is lost, for its holder.
    pub(super) fate: watch::Sender<Option<String>>,
    /// Whether a call to the provider was ever made for it.
    pub(super) made: bool,
}

impl Node {
    pub(super) fn new(row: NodeRow) -> Node {
        Node {
            made: row.state != NodeState::Requested,
            row,
            label: None,
            provider: None,
            definition: None,
            image: None,
            keeper: None,
            farewell: None,
            stream: 0,
            cancel: CancellationToken::new(),
            fate: watch::Sender::new(None),
        }
    }
}

/// Whether a node may come from one state into another (pools 4.2).
pub(super) fn may_become(from: NodeState, to: NodeState) -> bool {
    use NodeState::{Booting, Checking, Creating, Deleted, Deleting, Failed, Leased, Lost, Ready, Requested};
    match (from, to) {
        (Requested, Creating)
        | (Creating, Booting)
        | (Booting, Checking)
        | (Checking, Ready)
        | (Ready, Leased)
        | (Leased, Ready)
        | (Ready | Leased, Lost)
        | (Requested | Creating | Booting | Checking | Ready, Failed) => true,
        (Deleting | Deleted, _) => false,
        (_, Deleting) => true,
        _ => false,
    }
}

impl Reconciler {
    /// A new node of a label, wanted but not begun.
    pub(super) fn add_node(&mut self, label: usize, cause: String) {
        let now = self.clock.now();
        let entry = &self.labels[label];
        let id = sys::new_node_id(self.clock.as_ref());
        let mut node = Node::new(NodeRow {
            id,
            provider: entry.definition.provider.clone(),
            label: entry.definition.name.clone(),
            recipe_hash: entry.hash.clone(),
            state: NodeState::Requested,
            since: now,
            created_at: now,
            lease: None,
            external_id: None,
            detail: String::new(),
            version: 0,
        });
        let states = (None, NodeState::Requested.as_str());
        self.events.push(Event::new(now, Subject::Node(id), states, cause, RECONCILER));
        node.label = Some(label);
        node.provider = Some(entry.provider);
        node.definition = Some(Arc::clone(&entry.definition));
        self.nodes.insert(id, node);
        self.dirty_nodes.insert(id);
        self.effects.push(Effect::Launch(id));
    }

    /// Brings a node into another state for that cause, to be stored and logged with the next commit. Says whether that is possible.
    pub(super) fn set_state(&mut self, id: NodeId, to: NodeState, cause: impl Into<String>) -> bool {
        let now = self.clock.now();
        let Some(node) = self.nodes.get_mut(&id) else { return false };
        if !may_become(node.row.state, to) {
            return false;
        }
        tracing::debug!(node.id = %id, node.label = node.row.label, from = node.row.state.as_str(), to = to.as_str(),
            "a node changes its state");
        let states = (Some(node.row.state.as_str()), to.as_str());
        self.events.push(Event::new(now, Subject::Node(id), states, cause.into(), RECONCILER));
        node.row.state = to;
        node.row.since = now;
        self.dirty_nodes.insert(id);
        true
    }

    /// Takes a node away, for the reason that `why` has.
    pub(super) fn remove(&mut self, id: NodeId, why: &str) {
        if !self.set_state(id, NodeState::Deleting, why) {
            return;
        }
        if let Some(node) = self.nodes.get_mut(&id) {
            tracing::info!(node.id = %id, node.label = node.row.label, reason = why, "a node is taken away");
            if node.row.detail.is_empty() {
                why.clone_into(&mut node.row.detail);
            }
            node.row.lease = None;
            node.farewell = node.keeper.take();
            node.cancel.cancel();
        }
        self.effects.push(Effect::Remove(id));
    }

    pub(super) fn remove_planned(&mut self, id: NodeId, why: Why) {
        self.remove(id, why.text());
    }

    /// What a task tells of its node. News of a node that has gone another way meanwhile changes nothing.
    pub(super) fn news(&mut self, id: NodeId, news: News) {
        let Some(state) = self.nodes.get(&id).map(|node| node.row.state) else {
            if let News::Advance { answer, .. } = news {
                // Its asker may be gone as well.
                let _ = answer.send(false);
            }
            return;
        };
        match news {
            News::Advance { to, external_id, answer } => {
                let goes_on = self.set_state(id, to, advance_text(to));
                if let Some(node) = self.nodes.get_mut(&id).filter(|_| goes_on) {
                    node.made = true;
                    node.row.external_id = external_id.or(node.row.external_id.take());
                }
                self.effects.push(Effect::Advanced(answer, goes_on));
            }
            News::Launched { keeper, image } => self.launched(id, keeper, image),
            News::Failed(error) => self.launch_failed(id, &error),
            News::Diagnosed(text) => {
                if !text.is_empty() {
                    tracing::warn!(node.id = %id, output = text, "the last words of a node that could not be made");
                }
                self.remove(id, "could not be made");
            }
            News::Gone => self.gone(id),
            News::Closed => {
                let node = self
                    .nodes
                    .get_mut(&id)
                    .filter(|node| node.keeper.as_ref().is_some_and(Keeper::is_closed));
                if let Some(node) = node {
                    node.keeper = None;
                    if state == NodeState::Ready {
                        self.effects.push(Effect::Connect(id));
                    }
                }
            }
            News::Silent { stream } => self.silent(id, stream),
            News::Connected(keeper) => {
                if state == NodeState::Ready {
                    self.keep(id, keeper);
                }
            }
            News::Lost(text) => self.lost(id, &text),
            // Written anew, which finds out what is stored.
            News::RowChanged => drop(self.dirty_nodes.insert(id)),
        }
    }

    fn launched(&mut self, id: NodeId, keeper: Keeper, image: Option<Arc<ImageFacts>>) {
        if !self.set_state(id, NodeState::Ready, "its keeper answered") {
            return;
        }
        let now = self.clock.now();
        if let Some(node) = self.nodes.get_mut(&id) {
            node.image = image;
            let (label, provider) = (node.label, node.provider);
            let took = now.since(node.row.created_at);
            measure_launch(self.metrics.as_deref(), &node.row, "ready", took);
            tracing::info!(node.id = %id, node.label = node.row.label, seconds = took.as_secs_f64(), "a node is ready");
            if let Some(label) = label {
                self.labels[label].health.ready();
            }
            if let Some(provider) = provider {
                self.providers[provider].quota.has_room();
            }
        }
        self.keep(id, keeper);
    }

    /// Keeps an open stream to a node's keeper, and watches it.
    fn keep(&mut self, id: NodeId, keeper: Keeper) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.keeper = Some(keeper.clone());
            node.stream += 1;
            self.effects.push(Effect::Watch(id, keeper));
        }
    }

    fn launch_failed(&mut self, id: NodeId, error: &ProviderError) {
        if !self.set_state(id, NodeState::Failed, error.to_string()) {
            return;
        }
        let (now, random) = (self.clock.now(), self.clock.random());
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let text = error.to_string();
        tracing::warn!(node.id = %id, node.label = node.row.label, provider.name = node.row.provider, %error,
            "a node could not be made");
        node.row.detail = shortened(&text);
        measure_launch(self.metrics.as_deref(), &node.row, "failed", now.since(node.row.created_at));
        let health = node.label.map(|label| &mut self.labels[label].health);
        match (error, health) {
            (ProviderError::Quota(text), _) => {
                if let Some(provider) = node.provider {
                    self.providers[provider].quota.refused(text, now, &self.timing);
                }
            }
            (ProviderError::Permanent(text), Some(health)) => health.refused(text, now, &self.timing),
            (
                ProviderError::Transient(_) | ProviderError::Ambiguous(_) | ProviderError::NotFound,
                Some(health),
            ) => health.failed(&text, now, random, &self.timing),
            (_, None) => {}
        }
        self.effects.push(Effect::Diagnose(id));
    }

    /// The node is confirmed gone and its row removed.
    fn gone(&mut self, id: NodeId) {
        self.dirty_nodes.remove(&id);
        if let Some(node) = self.nodes.remove(&id)
            && let (Some(provider), Some(_)) = (node.provider, &node.row.external_id)
        {
            self.providers[provider].quota.has_room();
        }
    }

    /// The provider says that the node is not there any more. One that is leased stays, for what it left in its directory, until its
    /// lease ends.
    pub(super) fn lost(&mut self, id: NodeId, text: &str) {
        if !self.set_state(id, NodeState::Lost, text) {
            return;
        }
        let Some(node) = self.nodes.get_mut(&id) else { return };
        tracing::warn!(node.id = %id, node.label = node.row.label, reason = text, "a node is lost");
        node.row.detail = shortened(text);
        node.keeper = None;
        node.fate.send_replace(Some(text.to_owned()));
        if node.row.lease.is_some() {
            return;
        }
        let health = node.label.map(|label| &mut self.labels[label].health);
        if let Some(health) = health {
            health.died(text, self.clock.now(), self.clock.random(), &self.timing);
        }
        self.remove(id, text);
    }

    /// The lease's node, if it still belongs to it.
    pub(super) fn node_of(&self, lease: LeaseId) -> Option<NodeId> {
        let id = self.leases.get(&lease)?.row.node?;
        let node = self.nodes.get(&id)?;
        (node.row.lease == Some(lease)).then_some(id)
    }
}

fn measure_launch(metrics: Option<&PoolMetrics>, row: &NodeRow, result: &'static str, took: Duration) {
    if let Some(metrics) = metrics {
        let labels = LaunchLabels { provider: row.provider.clone(), label: row.label.clone(), result };
        metrics.launch_seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }
}

/// Why a launch goes on.
fn advance_text(to: NodeState) -> &'static str {
    match to {
        NodeState::Creating => "its turn at the provider has come",
        NodeState::Booting => "the provider has made it",
        NodeState::Checking => "it runs; its keeper is asked",
        _ => "it goes on",
    }
}

fn shortened(text: &str) -> String {
    let end = text.floor_char_boundary(DETAIL_BYTES);
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_4_2_no_state_is_skipped_and_none_comes_back() {
        use NodeState::{
            Booting, Checking, Creating, Deleted, Deleting, Failed, Leased, Lost, Ready, Requested,
        };
        assert!(may_become(Requested, Creating) && !may_become(Requested, Booting));
        assert!(may_become(Checking, Ready) && !may_become(Booting, Ready));
        assert!(!may_become(Ready, Creating));
        for from in NodeState::ALL {
            assert_eq!(may_become(from, Deleting), !matches!(from, Deleting | Deleted));
            assert!(!may_become(Deleting, from) && !may_become(Deleted, from));
        }
        assert!(!may_become(Leased, Failed), "a node in use is lost, not failed (pools-P7)");
        assert!(!may_become(Failed, Ready) && !may_become(Lost, Leased));
    }
}
