//! What changed is written before anything follows from it (pools-P1); what is stored may turn out to be something else (pools-P3).
//!
//! One process owns the store and one task its rows, so a conflict means that somebody has interfered: a second process past the
//! lock, or a person with a database tool. Then everything is read again. Rows of ours are written over what is there, as only this
//! process knows what its tasks have done; but a node that was given to somebody else's lease is let go, so that no node has two
//! builds, and rows that are new here are taken up as at a start, so that none is lost.

use std::collections::{HashMap, HashSet};

use super::effects::Effect;
use super::leases::Lease;
use super::nodes::Node;
use super::{RECONCILER, Reconciler, STORE_PAUSE};
use crate::model::{LeaseId, LeaseState, NodeId, NodeState, Subject};
use crate::store::{LeaseRow, LeaseWrite, NodeRow, PoolWrite, StoreError};

impl Reconciler {
    /// Writes what changed. A store that refuses is asked until it does not: nothing goes on that is not stored (pools-P1, decision 16).
    pub(super) async fn commit(&mut self) {
        loop {
            let write = self.unwritten();
            let (nodes, leases) = (write.nodes.len(), write.leases.len());
            if nodes == 0 && leases == 0 && write.events.is_empty() {
                return;
            }
            match self.store.save_pool(write).await {
                Ok(()) => return self.written(),
                Err(conflict @ StoreError::Conflict(_)) => self.read_again(&conflict).await,
                Err(error) => {
                    tracing::error!(%error, nodes, leases,
                        "the pool's rows cannot be written; the pool waits until they can");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
        }
    }

    fn unwritten(&self) -> PoolWrite {
        let nodes = self.dirty_nodes.iter().filter_map(|id| self.nodes.get(id));
        let leases = self.dirty_leases.iter().filter_map(|id| self.leases.get(id));
        let leases =
            leases.map(|lease| LeaseWrite { row: lease.row.clone(), through: lease.through.clone() });
        PoolWrite {
            nodes: nodes.map(|node| node.row.clone()).collect(),
            leases: self.ended_leases.iter().cloned().chain(leases).collect(),
            events: self.events.clone(),
        }
    }

    fn written(&mut self) {
        for id in std::mem::take(&mut self.dirty_nodes) {
            if let Some(node) = self.nodes.get_mut(&id) {
                node.row.version += 1;
            }
        }
        for id in std::mem::take(&mut self.dirty_leases) {
            if let Some(lease) = self.leases.get_mut(&id) {
                lease.row.version += 1 + std::mem::take(&mut lease.through).len() as u64;
            }
        }
        self.ended_leases.clear();
        self.events.clear();
    }

    async fn read_again(&mut self, conflict: &StoreError) {
        if let Some(metrics) = &self.metrics {
            metrics.conflicts.inc();
        }
        tracing::error!(error = %conflict,
            "somebody else writes to the store: the pool's rows are read again");
        let (nodes, leases) = loop {
            match self.stored_rows().await {
                Ok(rows) => break rows,
                Err(error) => {
                    tracing::error!(%error, "the pool's rows cannot be read");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
        };
        // What was not known before is planned with, what was given up is planned anew.
        self.again = true;
        self.compare_leases(&leases);
        self.compare_nodes(&nodes);
        self.take_up_unknown(nodes, leases);
    }

    /// The living rows, and those that are over of what is to be written.
    async fn stored_rows(&self) -> Result<(Vec<NodeRow>, Vec<LeaseRow>), StoreError> {
        let (mut nodes, mut leases) = (self.store.nodes().await?, self.store.leases().await?);
        for id in &self.dirty_nodes {
            if !nodes.iter().any(|row| row.id == *id) {
                nodes.extend(self.store.node(*id).await?);
            }
        }
        let ended = self.ended_leases.iter().map(|lease| lease.row.id);
        for id in self.dirty_leases.iter().copied().chain(ended) {
            if !leases.iter().any(|row| row.id == id) {
                leases.extend(self.store.lease(id).await?);
            }
        }
        Ok((nodes, leases))
    }

    fn compare_leases(&mut self, stored: &[LeaseRow]) {
        let versions: HashMap<LeaseId, u64> = stored.iter().map(|row| (row.id, row.version)).collect();
        let version = |id: &LeaseId| versions.get(id).copied().unwrap_or(0);
        for lease in &mut self.ended_leases {
            lease.row.version = version(&lease.row.id);
        }
        for id in &self.dirty_leases {
            if let Some(lease) = self.leases.get_mut(id) {
                lease.row.version = version(id);
            }
        }
    }

    fn compare_nodes(&mut self, stored: &[NodeRow]) {
        let stored: HashMap<NodeId, &NodeRow> = stored.iter().map(|row| (row.id, row)).collect();
        let mut taken = Vec::new();
        for id in &self.dirty_nodes {
            let Some(node) = self.nodes.get_mut(id) else { continue };
            let row = stored.get(id);
            node.row.version = row.map_or(0, |row| row.version);
            if let Some(row) = row
                && let (Some(theirs), Some(ours)) = (row.lease, node.row.lease)
                && theirs != ours
            {
                taken.push(((*row).clone(), ours));
            }
        }
        for (row, lease) in taken {
            self.let_go(row, lease);
        }
    }

    /// The node of that row belongs to somebody else's lease by now: ours waits for another, or is over if it was in use.
    fn let_go(&mut self, row: NodeRow, ours: LeaseId) {
        let id = row.id;
        self.dirty_nodes.remove(&id);
        // Nothing of this was ever stored.
        let granted = |subject| subject == Subject::Node(id) || subject == Subject::Lease(ours);
        let never = |to: &str| matches!(to, "leased" | "allocating" | "granted" | "active");
        self.events.retain(|event| !(granted(event.subject) && never(&event.to)));
        self.effects.retain(|effect| !matches!(effect, Effect::Grant(lease) if *lease == ours));
        let waits = self.leases.get_mut(&ours).filter(|lease| lease.waiter.is_some());
        let Some(node) = self.nodes.get_mut(&id) else { return };
        node.row = row;
        if let Some(lease) = waits {
            (lease.row.state, lease.row.node) = (LeaseState::Queued, None);
            lease.through.clear();
        } else {
            node.fate.send_replace(Some("another lease has it".to_owned()));
            self.end(ours, "its node belongs to another lease", RECONCILER);
        }
    }

    fn take_up_unknown(&mut self, nodes: Vec<NodeRow>, leases: Vec<LeaseRow>) {
        let ended: HashSet<LeaseId> = self.ended_leases.iter().map(|lease| lease.row.id).collect();
        for row in leases {
            if !row.state.is_over() && !ended.contains(&row.id) && !self.leases.contains_key(&row.id) {
                self.by_build.entry(row.build).or_insert(row.id);
                self.leases.insert(row.id, Lease::new(row));
            }
        }
        let mut unknown = Vec::new();
        for row in nodes.into_iter().filter(|row| row.state != NodeState::Deleted) {
            self.nodes.entry(row.id).or_insert_with(|| {
                unknown.push(row.id);
                Node::new(row)
            });
        }
        self.place_nodes();
        self.match_leases();
        for id in unknown {
            self.take_up(id);
        }
    }
}
