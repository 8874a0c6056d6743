//! Leases in memory: queued, granted, given back, forgotten by their holders.

use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use tokio::sync::{Mutex, oneshot};

use super::effects::Effect;
use super::{DISPATCHER, RECONCILER, Reconciler};
use crate::model::{BuildId, Event, LeaseId, LeaseState, NodeId, NodeState, Precedence, Subject};
use crate::pool::handle::PoolError;
use crate::pool::lease::{self, Gone, Held, LeaseFailure};
use crate::pool::message::{Holder, Request};
use crate::pool::planner::Reason;
use crate::store::{LeaseRow, LeaseWrite};
use crate::sys;

/// A lease: its row, and what belongs to this process only.
pub(super) struct Lease {
    pub(super) row: LeaseRow,
    /// The states that it went through since the row was written (pools-P6).
    pub(super) through: Vec<LeaseState>,
    pub(super) priority: Precedence,
    /// Whether it gets a node beyond the limits.
    pub(super) beyond: bool,
    /// The labels that serve it, best first.
    pub(super) candidates: Vec<usize>,
    /// Who waits for it; nobody yet after a restart.
    pub(super) waiter: Option<Holder>,
    /// Who has it; nobody yet after a restart.
    pub(super) holder: Weak<Held>,
    /// Whether its holder ever had it in hand: only then may something have been done on the node.
    pub(super) taken: Arc<AtomicBool>,
    /// What it waited for when that was last told.
    pub(super) told: Option<(Reason, u32)>,
}

impl Lease {
    pub(super) fn new(row: LeaseRow) -> Lease {
        Lease {
            row,
            through: Vec::new(),
            priority: Precedence::Normal,
            beyond: false,
            candidates: Vec::new(),
            waiter: None,
            holder: Weak::new(),
            taken: Arc::new(AtomicBool::new(true)),
            told: None,
        }
    }

    /// Whether anybody in this process waits for it or has it.
    pub(super) fn is_held(&self) -> bool {
        self.waiter.is_some() || self.holder.strong_count() > 0
    }
}

impl Reconciler {
    /// Queues a lease, or gives a build that asks again its place back (pools-P9: the same request gets the same lease).
    pub(super) fn request(&mut self, request: Request) {
        let Request { want, holder, answer } = request;
        let candidates = match self.table.matching(&want.expression) {
            Ok(candidates) => candidates,
            Err(error) => {
                // Its asker may be gone.
                let _ = answer.send(Err(PoolError::Label(error)));
                return;
            }
        };
        self.end_if_lost(want.build);
        let known = self.by_build.get(&want.build).copied();
        let id = known.unwrap_or_else(|| sys::new_lease_id(self.clock.as_ref()));
        let now = self.clock.now();
        let lease = match self.leases.entry(id) {
            // What it asks for is stored already.
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let row = LeaseRow {
                    id,
                    build: want.build,
                    expression: want.expression.clone(),
                    state: LeaseState::Queued,
                    node: None,
                    queued_at: now,
                    since: now,
                    version: 0,
                };
                let cause = match row.expression.as_str() {
                    "" => format!("build {} asks for any node", row.build),
                    expression => format!("build {} asks for '{expression}'", row.build),
                };
                self.events.push(lease_event(&row, None, cause, DISPATCHER));
                self.dirty_leases.insert(id);
                let lease = free.insert(Lease::new(row));
                // What nobody ever had in hand is untouched.
                lease.taken = Arc::clone(&holder.taken);
                lease
            }
        };
        lease.priority = want.priority;
        lease.beyond = want.beyond;
        lease.candidates = candidates;
        lease.waiter = Some(holder);
        lease.told = None;
        let active = lease.row.state == LeaseState::Active;
        self.by_build.insert(want.build, id);
        self.effects.push(Effect::Queued(answer, id));
        if active {
            self.effects.push(Effect::Grant(id));
        }
    }

    /// A lease whose node is lost serves its build no more: one that asks again gets another.
    fn end_if_lost(&mut self, build: BuildId) {
        let Some(id) = self.by_build.get(&build).copied() else { return };
        let active = self.leases.get(&id).is_some_and(|lease| lease.row.state == LeaseState::Active);
        let node = self.node_of(id).and_then(|node| self.nodes.get(&node));
        if active && node.is_none_or(|node| node.row.state != NodeState::Leased) {
            self.end(id, "its node is lost", RECONCILER);
        }
    }

    pub(super) fn resume(
        &mut self,
        build: BuildId,
        lease: LeaseId,
        answer: oneshot::Sender<Result<lease::Lease, LeaseFailure>>,
    ) {
        let known = self.leases.get(&lease).is_some_and(|known| known.row.build == build);
        let node = self.node_of(lease).filter(|_| known);
        let fate = node.and_then(|node| self.nodes.get(&node)?.fate.borrow().clone());
        let granted = match (node, fate) {
            (Some(node), None) => self.hold(lease, node),
            (_, Some(fate)) => Err(LeaseFailure::NodeLost(fate)),
            (None, None) => Err(LeaseFailure::NodeLost(format!("lease {lease} has no node any more"))),
        };
        // Its asker may be gone; the lease stays for the build all the same.
        let _ = answer.send(granted);
    }

    /// Makes the lease that its holder works with.
    pub(super) fn hold(&mut self, id: LeaseId, node: NodeId) -> Result<lease::Lease, LeaseFailure> {
        let gone = |text: &str| LeaseFailure::NodeLost(format!("node {node} {text}"));
        let entry = self.nodes.get(&node).ok_or_else(|| gone("is not known"))?;
        let label = entry
            .definition
            .clone()
            .ok_or_else(|| gone("was made for a label that is not in the configuration any more"))?;
        let provider =
            entry.provider.ok_or_else(|| gone("has a provider that is not configured any more"))?;
        let lease = self.leases.get_mut(&id).ok_or_else(|| gone("has no lease any more"))?;
        if let Some(held) = lease.holder.upgrade() {
            return Ok(lease::Lease { held });
        }
        let held = Arc::new(Held {
            id,
            build: lease.row.build,
            node,
            label,
            directory: directory(&self.nodes_dir, node),
            image: entry.image.clone(),
            provider: Arc::clone(&self.providers[provider].driver),
            keeper: Mutex::new(entry.keeper.clone()),
            fate: entry.fate.subscribe(),
            timing: self.timing.clone(),
            pool: self.messages.clone(),
            _gone: Gone(Arc::clone(&self.gone)),
        });
        lease.holder = Arc::downgrade(&held);
        Ok(lease::Lease { held })
    }

    pub(super) fn release(&mut self, id: LeaseId, answer: oneshot::Sender<()>) {
        self.end(id, "given back by its build", DISPATCHER);
        self.effects.push(Effect::Released(answer));
    }

    /// The store says that the build has ended; unless somebody has come back for the lease meanwhile, it goes.
    pub(super) fn orphaned(&mut self, id: LeaseId) {
        if self.leases.get(&id).is_some_and(|lease| !lease.is_held()) {
            tracing::info!(lease.id = %id, "the build of a lease has ended; the lease ends too");
            self.end(id, "its build has ended", RECONCILER);
        }
    }

    /// Brings a lease into another state for that cause, to be stored and logged with the next commit. Says whether that is possible.
    pub(super) fn set_lease(
        &mut self,
        id: LeaseId,
        to: LeaseState,
        cause: impl Into<String>,
        actor: &'static str,
    ) -> bool {
        let now = self.clock.now();
        let Some(lease) = self.leases.get_mut(&id) else { return false };
        let from = lease.row.state;
        if !from.may_become(to) {
            return false;
        }
        if !self.dirty_leases.insert(id) {
            lease.through.push(from);
        }
        (lease.row.state, lease.row.since) = (to, now);
        self.events.push(lease_event(&lease.row, Some(from), cause.into(), actor));
        true
    }

    /// Ends a lease, whatever its state. A node that nobody touched goes back to the stock.
    pub(super) fn end(&mut self, id: LeaseId, cause: &str, actor: &'static str) {
        self.end_as(id, LeaseState::Cancelled, cause, actor);
    }

    /// Ends a lease: one that was in use is released, any other comes into the state `unused`.
    fn end_as(&mut self, id: LeaseId, unused: LeaseState, cause: &str, actor: &'static str) {
        let node = self.node_of(id);
        self.set_lease(id, LeaseState::Releasing, cause, actor);
        let after = node.map_or("it has no node any more", |node| self.let_node_go(id, node));
        if !self.set_lease(id, LeaseState::Released, after, RECONCILER) {
            self.set_lease(id, unused, cause, actor);
        }
        let Some(lease) = self.leases.remove(&id) else { return };
        self.by_build.remove(&lease.row.build);
        self.dirty_leases.remove(&id);
        self.ended_leases.push(LeaseWrite { row: lease.row, through: lease.through });
    }

    /// What becomes of the node of a lease that ends, for people.
    fn let_node_go(&mut self, id: LeaseId, node: NodeId) -> &'static str {
        let untouched = self.leases.get(&id).is_some_and(|lease| !lease.taken.load(Ordering::Acquire));
        let usable = self.nodes.get(&node).is_some_and(|node| {
            node.row.state == NodeState::Leased
                && node.keeper.as_ref().is_some_and(|keeper| !keeper.is_closed())
        });
        let back = || format!("lease {id} ended before anybody used it");
        if untouched && usable && self.set_state(node, NodeState::Ready, back()) {
            if let Some(node) = self.nodes.get_mut(&node) {
                node.row.lease = None;
            }
            return "its node is in stock again";
        }
        self.remove(node, "its build is over");
        "its node is being taken away"
    }

    /// Ends a lease that nobody can serve, and says why.
    pub(super) fn fail(&mut self, id: LeaseId, failure: LeaseFailure) {
        let waiter = self.leases.get_mut(&id).and_then(|lease| lease.waiter.take());
        self.end_as(id, LeaseState::Failed, &failure.to_string(), RECONCILER);
        if let Some(waiter) = waiter {
            self.effects.push(Effect::Refuse(waiter, failure));
        }
    }

    /// Ends leases whose ticket was dropped, or that were granted to a ticket which nobody reads any more (pools-P29).
    pub(super) fn drop_vanished(&mut self) {
        let vanished = |lease: &&Lease| match &lease.waiter {
            Some(waiter) => waiter.granted.is_closed(),
            None => {
                lease.row.state == LeaseState::Active
                    && lease.holder.strong_count() == 0
                    && !lease.taken.load(Ordering::Acquire)
            }
        };
        let gone: Vec<LeaseId> = self.leases.values().filter(vanished).map(|lease| lease.row.id).collect();
        for id in gone {
            self.end(id, "nobody waits for it any more", RECONCILER);
        }
    }
}

/// A lease that came into the state that it is in (pools-P4).
pub(super) fn lease_event(
    row: &LeaseRow,
    from: Option<LeaseState>,
    cause: String,
    actor: &'static str,
) -> Event {
    let states = (from.map(LeaseState::as_str), row.state.as_str());
    Event::new(row.since, Subject::Lease(row.id), states, cause, actor)
}

/// A node's directory (decision 18).
pub(super) fn directory(nodes_dir: &std::path::Path, node: NodeId) -> PathBuf {
    nodes_dir.join(node.as_str())
}
