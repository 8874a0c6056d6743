//! The pure planner: what is there and what is asked for → what to do next (design A5).
//!
//! Leases are looked at in strict order of class and arrival (pools-P18): first ready nodes are given out, then nodes in the
//! making are counted on, then new ones are launched, as long as every limit has room (pools-P13). What is left is stock
//! (pools-P16, P17). The planner knows indexes only, so that a pass over thousands of rows is short (perf-N4).

mod stock;

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::{Millis, NodeState, Precedence};

/// Whether nodes may be launched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// As many as the limits allow.
    Open,
    /// One at a time, to see whether it works again (pools-P26, P27, P39).
    Probe,
    /// None.
    Shut(Shut),
}

/// Why none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shut {
    /// Refused for good, until something changes (pools-P26 `permanent`).
    Broken,
    /// Failed too often just now (pools-P27).
    BackOff,
    /// The provider said that it is full (pools-P39).
    Quota,
    /// The provider is being emptied (pools-P50a).
    Draining,
}

/// A label, as far as planning goes.
#[derive(Debug, Clone)]
pub(super) struct LabelView {
    pub(super) provider: usize,
    pub(super) min_ready: u32,
    pub(super) max_nodes: u32,
    pub(super) max_ready_age: Duration,
    pub(super) gate: Gate,
}

/// A provider, as far as planning goes.
#[derive(Debug, Clone)]
pub(super) struct ProviderView {
    pub(super) max_nodes: u32,
    pub(super) gate: Gate,
}

/// A node, as far as planning goes.
#[derive(Debug, Clone)]
pub(super) struct NodeView {
    /// `None`: the label is not configured any more.
    pub(super) label: Option<usize>,
    /// `None`: the provider is not configured any more.
    pub(super) provider: Option<usize>,
    pub(super) state: NodeState,
    pub(super) since: Millis,
    /// Made from what the label says now (pools-P8).
    pub(super) fresh: bool,
    /// Its keeper answers.
    pub(super) connected: bool,
}

/// A lease that waits.
#[derive(Debug, Clone)]
pub(super) struct LeaseView<'a> {
    /// The labels that serve it, best first (pools-P12).
    pub(super) candidates: &'a [usize],
    pub(super) priority: Precedence,
    pub(super) queued_at: Millis,
    /// Whether full labels and providers are no obstacle: a build with a node waits for it.
    pub(super) beyond: bool,
}

/// All that the planner looks at.
pub(super) struct World<'a> {
    pub(super) now: Millis,
    pub(super) age_up: Duration,
    pub(super) labels: &'a [LabelView],
    pub(super) providers: &'a [ProviderView],
    pub(super) nodes: &'a [NodeView],
    pub(super) leases: &'a [LeaseView<'a>],
}

/// What a lease waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// A node of this label is being made.
    Launching(usize),
    /// The label has as many nodes as it may have.
    LabelFull(usize),
    /// The provider of this label has as many nodes as it may have.
    ProviderFull(usize),
    /// Nothing of this label is launched now.
    Shut(usize, Shut),
    /// One node of this label is tried first.
    Probing(usize),
    /// No label serves it (any more).
    Nobody,
}

/// Why a node is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// More than the stock wants.
    Surplus,
    /// Made from what the label said before (pools-P8).
    OldRecipe,
    /// Ready for too long.
    Aged,
    /// Its label or provider is gone or going (pools-P50a).
    Retired,
    /// A waiting lease needs the room (pools-P17).
    MakeRoom,
}

impl Why {
    pub(super) fn text(self) -> &'static str {
        match self {
            Why::Surplus => "more than the stock wants",
            Why::OldRecipe => "made from an older definition of its label",
            Why::Aged => "was ready for longer than max_ready_age",
            Why::Retired => "its label or provider is being taken out of service",
            Why::MakeRoom => "made room for a waiting build",
        }
    }
}

/// What to do. Numbers are indexes into the [`World`].
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Lease and node.
    pub(super) grants: Vec<(usize, usize)>,
    /// Labels of which a node is to be launched, one entry a node.
    pub(super) launches: Vec<usize>,
    /// The leases that the first of the launches are for, in their order; the others are stock.
    pub(super) launched_for: Vec<usize>,
    /// Nodes to take away.
    pub(super) removals: Vec<(usize, Why)>,
    /// Leases that wait, first in line first.
    pub(super) waiting: Vec<(usize, Reason)>,
    /// Leases that nobody can serve, as all their labels are broken.
    pub(super) hopeless: Vec<usize>,
}

/// Looks at the world once.
pub(super) fn plan(world: &World<'_>) -> Plan {
    let mut planner = Planner::new(world);
    let mut unserved = Vec::new();
    for lease in planner.order() {
        match planner.ready_for(lease) {
            Some(node) => planner.plan.grants.push((lease, node)),
            None => unserved.push(lease),
        }
    }
    for lease in unserved {
        planner.launch_for(lease);
    }
    planner.stock();
    planner.plan
}

/// What one label has, after what was given away so far.
#[derive(Debug, Default, Clone)]
struct Tally {
    /// Ready nodes that may be given out, longest ready first.
    ready: VecDeque<usize>,
    /// Ready nodes that shall not be given out any more.
    stale: VecDeque<(usize, Why)>,
    /// Nodes in the making whose creation has begun and that nobody counts on yet.
    coming: u32,
    /// Nodes in the making of which nothing exists yet.
    requested: VecDeque<usize>,
    /// Nodes in the making at the start of the pass, counted on or not, and those of this pass.
    in_flight: u32,
    /// All nodes, in whatever state.
    used: u32,
}

#[derive(Debug, Default, Clone)]
struct Room {
    used: u32,
    /// Nodes whose end is under way.
    freeing: u32,
    in_flight: u32,
    /// Leases that would launch here if there were room.
    short: u32,
}

struct Planner<'a> {
    world: &'a World<'a>,
    tallies: Vec<Tally>,
    rooms: Vec<Room>,
    plan: Plan,
}

impl<'a> Planner<'a> {
    fn new(world: &'a World<'a>) -> Planner<'a> {
        let mut planner = Planner {
            world,
            tallies: vec![Tally::default(); world.labels.len()],
            rooms: vec![Room::default(); world.providers.len()],
            plan: Plan::default(),
        };
        for (index, node) in world.nodes.iter().enumerate() {
            planner.count(index, node);
        }
        for tally in &mut planner.tallies {
            let since = |index: &usize| (world.nodes[*index].since, *index);
            tally.ready.make_contiguous().sort_by_key(since);
        }
        planner
    }

    fn count(&mut self, index: usize, node: &NodeView) {
        let in_flight = is_in_flight(node.state);
        if let Some(provider) = node.provider {
            let room = &mut self.rooms[provider];
            room.used += 1;
            room.in_flight += u32::from(in_flight);
            room.freeing += u32::from(is_ending(node.state));
        }
        let Some(label) = node.label.filter(|label| !self.retired(*label)) else {
            // Nothing new is made of it and nobody may take it; what is half made is finished first, so that its end is known.
            if matches!(node.state, NodeState::Ready | NodeState::Requested) {
                self.plan.removals.push((index, Why::Retired));
            }
            if let Some(label) = node.label {
                self.tallies[label].used += 1;
            }
            return;
        };
        let aged = self.aged(node, label);
        let tally = &mut self.tallies[label];
        tally.used += 1;
        tally.in_flight += u32::from(in_flight);
        match node.state {
            NodeState::Requested => tally.requested.push_back(index),
            NodeState::Creating | NodeState::Booting | NodeState::Checking => tally.coming += 1,
            NodeState::Ready if !node.fresh => tally.stale.push_back((index, Why::OldRecipe)),
            NodeState::Ready if aged => tally.stale.push_back((index, Why::Aged)),
            NodeState::Ready if !node.connected => tally.coming += 1,
            NodeState::Ready => tally.ready.push_back(index),
            NodeState::Leased
            | NodeState::Failed
            | NodeState::Deleting
            | NodeState::Lost
            | NodeState::Deleted => {}
        }
    }

    fn retired(&self, label: usize) -> bool {
        let provider = self.world.labels[label].provider;
        self.world.providers.get(provider).is_none_or(|provider| provider.gate == Gate::Shut(Shut::Draining))
    }

    fn aged(&self, node: &NodeView, label: usize) -> bool {
        let limit = self.world.labels[label].max_ready_age;
        !limit.is_zero() && self.world.now.since(node.since) >= limit
    }

    /// The waiting leases by class, then arrival; who waited long is one class higher (pools-P18).
    fn order(&self) -> Vec<usize> {
        let leases = self.world.leases;
        let class = |lease: &LeaseView<'_>| {
            let waited = self.world.now.since(lease.queued_at) >= self.world.age_up;
            match lease.priority {
                Precedence::High => 0,
                Precedence::Normal => 1 - u8::from(waited),
                Precedence::Low => 2 - u8::from(waited),
            }
        };
        let mut order: Vec<usize> = (0..leases.len()).collect();
        order.sort_by_key(|index| (class(&leases[*index]), leases[*index].queued_at, *index));
        order
    }

    /// Takes a ready node for a lease. One of an old recipe only while no new one can be made (pools-P8).
    fn ready_for(&mut self, lease: usize) -> Option<usize> {
        let candidates = self.world.leases[lease].candidates;
        for label in candidates {
            if let Some(node) = self.tallies[*label].ready.pop_front() {
                return Some(node);
            }
        }
        for label in candidates {
            let failing = matches!(self.gate(*label), Gate::Shut(Shut::Broken | Shut::BackOff));
            let usable =
                |(node, why): &(usize, Why)| *why == Why::OldRecipe && self.world.nodes[*node].connected;
            let stale = &mut self.tallies[*label].stale;
            let found = stale.iter().position(usable).filter(|_| failing);
            if let Some((node, _)) = found.and_then(|place| stale.remove(place)) {
                return Some(node);
            }
        }
        None
    }

    /// Counts on a node in the making, or launches one, or says what is in the way.
    fn launch_for(&mut self, lease: usize) {
        let candidates = self.world.leases[lease].candidates;
        for label in candidates {
            let tally = &mut self.tallies[*label];
            if tally.coming > 0 {
                tally.coming -= 1;
            } else if tally.requested.pop_front().is_none() {
                continue;
            }
            self.plan.waiting.push((lease, Reason::Launching(*label)));
            return;
        }
        let mut obstacles = Vec::new();
        for label in candidates {
            let full = |reason: &Reason| matches!(reason, Reason::LabelFull(_) | Reason::ProviderFull(_));
            let beyond = self.world.leases[lease].beyond;
            match self.obstacle(*label).filter(|reason| !(beyond && full(reason))) {
                None => {
                    self.launch(*label);
                    self.plan.launched_for.push(lease);
                    self.plan.waiting.push((lease, Reason::Launching(*label)));
                    return;
                }
                Some(reason) => obstacles.push(reason),
            }
        }
        self.cannot_launch(lease, &obstacles);
    }

    fn cannot_launch(&mut self, lease: usize, obstacles: &[Reason]) {
        let broken = |reason: &Reason| matches!(reason, Reason::Shut(_, Shut::Broken));
        if !obstacles.is_empty() && obstacles.iter().all(broken) {
            self.plan.hopeless.push(lease);
            return;
        }
        for reason in obstacles {
            if let Reason::ProviderFull(label) = reason {
                self.rooms[self.world.labels[*label].provider].short += 1;
                break;
            }
        }
        // The first obstacle that is not a broken label is the one that will go away.
        let reason = obstacles.iter().find(|reason| !broken(reason)).copied();
        self.plan.waiting.push((lease, reason.unwrap_or(Reason::Nobody)));
    }

    /// What keeps a node of this label from being launched now.
    fn obstacle(&self, label: usize) -> Option<Reason> {
        let (view, tally) = (&self.world.labels[label], &self.tallies[label]);
        let Some(provider) = self.world.providers.get(view.provider) else {
            return Some(Reason::Shut(label, Shut::Draining));
        };
        let room = &self.rooms[view.provider];
        match (self.gate(label), view.gate) {
            (Gate::Shut(why), _) => return Some(Reason::Shut(label, why)),
            (Gate::Probe, Gate::Probe) if tally.in_flight > 0 => return Some(Reason::Probing(label)),
            (Gate::Probe, _) if provider.gate == Gate::Probe && room.in_flight > 0 => {
                return Some(Reason::Probing(label));
            }
            (Gate::Probe | Gate::Open, _) => {}
        }
        if tally.used >= view.max_nodes {
            Some(Reason::LabelFull(label))
        } else if room.used >= provider.max_nodes {
            Some(Reason::ProviderFull(label))
        } else {
            None
        }
    }

    /// The narrower of the label's gate and its provider's.
    fn gate(&self, label: usize) -> Gate {
        let view = &self.world.labels[label];
        let provider = self.world.providers.get(view.provider);
        let provider = provider.map_or(Gate::Shut(Shut::Draining), |provider| provider.gate);
        match (view.gate, provider) {
            (Gate::Shut(Shut::Broken), _) => Gate::Shut(Shut::Broken),
            (_, Gate::Shut(why)) | (Gate::Shut(why), _) => Gate::Shut(why),
            (Gate::Probe, _) | (_, Gate::Probe) => Gate::Probe,
            (Gate::Open, Gate::Open) => Gate::Open,
        }
    }

    fn launch(&mut self, label: usize) {
        let tally = &mut self.tallies[label];
        tally.used += 1;
        tally.in_flight += 1;
        let room = &mut self.rooms[self.world.labels[label].provider];
        room.used += 1;
        room.in_flight += 1;
        self.plan.launches.push(label);
    }
}

fn is_in_flight(state: NodeState) -> bool {
    match state {
        NodeState::Requested | NodeState::Creating | NodeState::Booting | NodeState::Checking => true,
        NodeState::Ready
        | NodeState::Leased
        | NodeState::Failed
        | NodeState::Deleting
        | NodeState::Lost
        | NodeState::Deleted => false,
    }
}

fn is_ending(state: NodeState) -> bool {
    matches!(state, NodeState::Failed | NodeState::Deleting | NodeState::Lost)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
