//! What holds in every world, and over time.

use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A world that moves on by itself: launches succeed after a turn, leases end after a few.
#[derive(Debug, Clone)]
struct Moving {
    labels: Vec<LabelView>,
    providers: Vec<ProviderView>,
    nodes: Vec<(NodeView, u32)>,
    leases: Vec<(Vec<usize>, Precedence, Millis)>,
    now: Millis,
}

fn moving() -> impl Strategy<Value = Moving> {
    let providers = vec(1..6u32, 1..4);
    let labels = vec((0..3usize, 0..4u32, 1..6u32), 1..6);
    let leases = vec((vec(0..6usize, 1..4), 0..3u8, 0..5u64), 0..30);
    (providers, labels, leases).prop_map(|(providers, labels, leases)| {
        let view = |(provider, min_ready, max_nodes): &(usize, u32, u32)| LabelView {
            provider: provider % providers.len(),
            min_ready: *min_ready,
            max_nodes: *max_nodes,
            max_ready_age: Duration::ZERO,
            gate: Gate::Open,
        };
        let lease = |(candidates, class, at): (Vec<usize>, u8, u64)| {
            let mut seen = HashSet::new();
            let candidates = candidates.into_iter().map(|label| label % labels.len());
            let candidates = candidates.filter(|label| seen.insert(*label)).collect();
            let priority = [Precedence::High, Precedence::Normal, Precedence::Low][usize::from(class)];
            (candidates, priority, Millis(1_000_000 + at))
        };
        Moving {
            leases: leases.into_iter().map(lease).collect(),
            labels: labels.iter().map(view).collect(),
            providers: providers
                .iter()
                .map(|max| ProviderView { max_nodes: *max, gate: Gate::Open })
                .collect(),
            nodes: Vec::new(),
            now: Millis(1_000_100),
        }
    })
}

impl Moving {
    fn plan(&self) -> Plan {
        let nodes: Vec<NodeView> = self.nodes.iter().map(|(node, _)| node.clone()).collect();
        let mut leases = Vec::new();
        for (candidates, priority, queued_at) in &self.leases {
            leases.push(LeaseView { candidates, priority: *priority, queued_at: *queued_at, beyond: false });
        }
        plan(&World {
            now: self.now,
            age_up: Duration::from_secs(600),
            labels: &self.labels,
            providers: &self.providers,
            nodes: &nodes,
            leases: &leases,
        })
    }

    /// Makes the plan real, and lets everything go one step on.
    fn step(&mut self, plan: &Plan) {
        for (_, node) in &plan.grants {
            self.nodes[*node].0.state = NodeState::Leased;
            self.nodes[*node].1 = 2;
        }
        for (node, _) in &plan.removals {
            self.nodes[*node].0.state = NodeState::Deleting;
        }
        let mut served: Vec<usize> = plan.grants.iter().map(|(lease, _)| *lease).collect();
        served.sort_unstable();
        for lease in served.into_iter().rev() {
            self.leases.remove(lease);
        }
        for (node, turns) in &mut self.nodes {
            node.state = match node.state {
                NodeState::Requested => NodeState::Creating,
                NodeState::Creating => NodeState::Ready,
                NodeState::Leased if *turns == 0 => NodeState::Deleting,
                other => other,
            };
            *turns = turns.saturating_sub(1);
        }
        // What was deleting before this step is gone now.
        let leaving: HashSet<usize> = plan.removals.iter().map(|(node, _)| *node).collect();
        let mut index = 0;
        self.nodes.retain(|(node, turns)| {
            let stays = node.state != NodeState::Deleting || *turns > 0 || leaving.contains(&index);
            index += 1;
            stays
        });
        for label in &plan.launches {
            let node = NodeView {
                label: Some(*label),
                provider: Some(self.labels[*label].provider),
                state: NodeState::Requested,
                since: self.now,
                fresh: true,
                connected: true,
            };
            self.nodes.push((node, 0));
        }
        self.now = Millis(self.now.0 + 1000);
    }

    fn within_limits(&self) -> bool {
        let count = |wanted: &dyn Fn(&NodeView) -> bool| {
            u32::try_from(self.nodes.iter().filter(|(node, _)| wanted(node)).count()).unwrap()
        };
        let providers = self.providers.iter().enumerate();
        let labels = self.labels.iter().enumerate();
        providers
            .map(|(index, view)| count(&|node| node.provider == Some(index)) <= view.max_nodes)
            .chain(labels.map(|(index, view)| count(&|node| node.label == Some(index)) <= view.max_nodes))
            .all(|within| within)
    }

    /// Nobody gets a node that somebody before him in line could have used and did not get.
    fn in_order(&self, plan: &Plan) -> bool {
        let place = |lease: usize| (self.leases[lease].1, self.leases[lease].2, lease);
        plan.grants.iter().all(|(lease, node)| {
            let label = self.nodes[*node].0.label.unwrap();
            plan.waiting
                .iter()
                .all(|(other, _)| !self.leases[*other].0.contains(&label) || place(*other) > place(*lease))
        })
    }
}

proptest! {
    #[test]
    fn pools_p13_p18_q4_limits_hold_order_holds_and_nobody_starves(mut world in moving()) {
        let mut turns = 0;
        while !world.leases.is_empty() {
            let plan = world.plan();
            let nodes: HashSet<usize> = plan.grants.iter().map(|(_, node)| *node)
                .chain(plan.removals.iter().map(|(node, _)| *node)).collect();
            prop_assert_eq!(nodes.len(), plan.grants.len() + plan.removals.len(), "a node is used once");
            let leases: HashSet<usize> = plan.grants.iter().map(|(lease, _)| *lease)
                .chain(plan.waiting.iter().map(|(lease, _)| *lease)).collect();
            prop_assert_eq!(leases.len(), world.leases.len(), "every lease gets an answer");
            for (lease, node) in &plan.grants {
                prop_assert!(world.leases[*lease].0.contains(&world.nodes[*node].0.label.unwrap()));
                prop_assert_eq!(world.nodes[*node].0.state, NodeState::Ready);
            }
            prop_assert!(world.in_order(&plan));
            world.step(&plan);
            prop_assert!(world.within_limits());
            turns += 1;
            prop_assert!(turns < 400, "leases starve: {:?}", world);
        }
        for _ in 0..12 {
            let plan = world.plan();
            world.step(&plan);
        }
        let plan = world.plan();
        prop_assert!(plan.launches.is_empty() && plan.removals.is_empty(), "comes to rest: {:?}", plan);
    }
}
