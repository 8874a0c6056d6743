//! The start: what a former process left (pools 5, P9), and labels that change (pools-P8, P50a).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::effects::Effect;
use super::health::LabelHealth;
use super::leases::Lease;
use super::nodes::Node;
use super::{Label, RECONCILER, Reconciler, slots};
use crate::model::{BuildId, LeaseId, LeaseState, NodeId, NodeState};
use crate::pool::config::ProviderLimits;
use crate::pool::lease::LeaseFailure;
use crate::store::StoreError;

impl Reconciler {
    /// Takes up every row: launches go on, deletes go on, stock is connected, leases wait for their builds.
    pub(super) async fn load(&mut self) -> Result<(), StoreError> {
        let nodes = self.store.nodes().await?;
        let leases = self.store.leases().await?;
        let builds = self.store.unfinished_builds().await?;
        let urgency: HashMap<BuildId, _> =
            builds.into_iter().map(|build| (build.id, build.request.precedence)).collect();
        for row in nodes {
            self.nodes.insert(row.id, Node::new(row));
        }
        for row in leases {
            let mut lease = Lease::new(row);
            lease.priority = urgency.get(&lease.row.build).copied().unwrap_or_default();
            self.by_build.insert(lease.row.build, lease.row.id);
            self.leases.insert(lease.row.id, lease);
        }
        self.place_nodes();
        let ids: Vec<NodeId> = self.nodes.keys().copied().collect();
        for id in ids {
            self.take_up(id);
        }
        let over = |lease: &&Lease| !urgency.contains_key(&lease.row.build);
        let over: Vec<LeaseId> = self.leases.values().filter(over).map(|lease| lease.row.id).collect();
        for id in over {
            self.end(id, "its build has ended", RECONCILER);
        }
        // A commit of ours ends in one of the two; a build whose lease is in another asks for a new one.
        let passing = |lease: &&Lease| !matches!(lease.row.state, LeaseState::Queued | LeaseState::Active);
        let half_way: Vec<LeaseId> = self.leases.values().filter(passing).map(|lease| lease.row.id).collect();
        for id in half_way {
            self.end(id, "it was left half-way", RECONCILER);
        }
        self.match_leases();
        tracing::info!(nodes = self.nodes.len(), leases = self.leases.len(), "the pool has its rows");
        Ok(())
    }

    /// The table of pools 5, one row.
    pub(super) fn take_up(&mut self, id: NodeId) {
        let Some(node) = self.nodes.get(&id) else { return };
        if node.provider.is_none() {
            tracing::warn!(node.id = %id, provider.name = node.row.provider,
                "a node's provider is not configured; the node is left as it is");
            return;
        }
        let held = node
            .row
            .lease
            .is_some_and(|lease| self.leases.get(&lease).is_some_and(|lease| lease.row.node == Some(id)));
        match node.row.state {
            NodeState::Requested | NodeState::Creating | NodeState::Booting | NodeState::Checking => {
                match node.definition {
                    Some(_) => self.effects.push(Effect::Launch(id)),
                    None => self.remove(id, "its label is not configured any more"),
                }
            }
            NodeState::Ready => self.effects.push(Effect::Connect(id)),
            NodeState::Leased | NodeState::Lost if held => {
                if node.row.state == NodeState::Lost {
                    node.fate.send_replace(Some(node.row.detail.clone()));
                }
            }
            NodeState::Leased | NodeState::Lost | NodeState::Failed => self.remove(id, "left over"),
            NodeState::Deleting => self.effects.push(Effect::Remove(id)),
            // Not among the living.
            NodeState::Deleted => {}
        }
    }

    /// Takes the labels that the handle has; how each fares is kept as long as its recipe is the same.
    pub(super) fn take_labels(&mut self) {
        let table = self.offered.load_full();
        let mut before: HashMap<(String, String), LabelHealth> = self
            .labels
            .drain(..)
            .map(|label| ((label.definition.name.clone(), label.hash), label.health))
            .collect();
        for entry in &table.entries {
            let name = &entry.definition.provider;
            let provider = self.providers.iter().position(|provider| provider.driver.name() == name);
            let key = (entry.definition.name.clone(), entry.hash.clone());
            self.labels.push(Label {
                definition: Arc::clone(&entry.definition),
                hash: entry.hash.clone(),
                provider: provider.unwrap_or(usize::MAX),
                health: before.remove(&key).unwrap_or_default(),
            });
        }
        self.table = table;
    }

    /// Finds each node's place among labels and providers. What it was made from stays what it was.
    pub(super) fn place_nodes(&mut self) {
        let table = Arc::clone(&self.table);
        for node in self.nodes.values_mut() {
            let label = table.position(&node.row.label);
            node.label = label.filter(|label| self.labels[*label].definition.provider == node.row.provider);
            node.provider =
                self.providers.iter().position(|provider| provider.driver.name() == node.row.provider);
            if node.definition.is_none() {
                node.definition = node.label.map(|label| Arc::clone(&self.labels[label].definition));
            }
        }
    }

    /// Finds the labels that serve each waiting lease; one that nobody serves any more ends.
    pub(super) fn match_leases(&mut self) {
        let table = Arc::clone(&self.table);
        let mut unserved = Vec::new();
        for lease in self.leases.values_mut().filter(|lease| lease.row.state == LeaseState::Queued) {
            lease.told = None;
            match table.matching(&lease.row.expression) {
                Ok(candidates) => lease.candidates = candidates,
                Err(error) => unserved.push((lease.row.id, error)),
            }
        }
        for (id, error) in unserved {
            self.fail(id, LeaseFailure::Definition(error.to_string()));
        }
    }

    /// Other labels and limits. A provider that is not named any more is emptied (pools-P50a).
    pub(super) fn reload(&mut self, limits: &[ProviderLimits]) {
        for provider in &mut self.providers {
            let name = provider.driver.name();
            match limits.iter().find(|limits| limits.provider == name) {
                Some(limits) => {
                    if limits.launches_at_once != provider.limits.launches_at_once {
                        // Launches under way keep their slots of the old number.
                        provider.launches = Arc::new(Semaphore::new(slots(limits.launches_at_once)));
                    }
                    provider.limits = limits.clone();
                }
                None => provider.limits.draining = true,
            }
        }
        self.take_labels();
        self.place_nodes();
        self.match_leases();
        let labels: HashSet<&str> = self.labels.iter().map(|label| label.definition.name.as_str()).collect();
        tracing::info!(labels = labels.len(), "the pool has other labels");
    }
}
