//! From rows to the planner's world, and from its plan back to rows.

use std::time::{Duration, Instant};

use super::effects::Effect;
use super::leases::Lease;
use super::{DISPATCHER, RECONCILER, Reconciler};
use crate::model::{LeaseId, LeaseState, NodeId, NodeState};
use crate::pool::lease::LeaseFailure;
use crate::pool::planner::{
    self, Gate, LabelView, LeaseView, NodeView, Plan, ProviderView, Reason, Shut, World,
};
use crate::telemetry::metrics::{PoolMetrics, WaitLabels};

impl Reconciler {
    /// Plans once and takes the plan into the rows.
    pub(super) fn plan(&mut self) {
        self.fail_overdue();
        let nodes: Vec<NodeId> = self.nodes.keys().copied().collect();
        let waiting = |lease: &&Lease| lease.row.state == LeaseState::Queued;
        let leases: Vec<LeaseId> = self.leases.values().filter(waiting).map(|lease| lease.row.id).collect();
        let began = Instant::now();
        let plan = self.look_and_plan();
        if let Some(metrics) = &self.metrics {
            metrics.pass_seconds.observe(began.elapsed().as_secs_f64());
        }
        for (lease, node) in &plan.grants {
            self.assign(leases[*lease], nodes[*node]);
        }
        for (place, label) in plan.launches.iter().enumerate() {
            let lease = plan.launched_for.get(place).and_then(|lease| self.leases.get(&leases[*lease]));
            let cause = match lease {
                Some(lease) => format!("build {} waits for one", lease.row.build),
                None => "the stock is below min_ready".to_owned(),
            };
            self.add_node(*label, cause);
        }
        for (node, why) in &plan.removals {
            self.remove_planned(nodes[*node], *why);
        }
        for (lease, reason) in &plan.waiting {
            self.tell(leases[*lease], *reason);
        }
        for lease in &plan.hopeless {
            self.give_up(leases[*lease]);
        }
    }

    fn look_and_plan(&self) -> Plan {
        let now = self.clock.now();
        let labels: Vec<LabelView> = self
            .labels
            .iter()
            .map(|label| LabelView {
                provider: label.provider,
                min_ready: if self.clearing.is_some() { 0 } else { label.definition.min_ready },
                max_nodes: label.definition.max_nodes.unwrap_or(u32::MAX),
                max_ready_age: label.definition.max_ready_age,
                gate: label.health.gate(now),
            })
            .collect();
        let providers: Vec<ProviderView> = self
            .providers
            .iter()
            .map(|provider| ProviderView {
                max_nodes: provider.limits.max_nodes,
                gate: match provider.limits.draining || self.clearing.is_some() {
                    true => Gate::Shut(Shut::Draining),
                    false => provider.quota.gate(now),
                },
            })
            .collect();
        let nodes: Vec<NodeView> = self
            .nodes
            .values()
            .map(|node| NodeView {
                label: node.label,
                provider: node.provider,
                state: node.row.state,
                since: node.row.since,
                fresh: node.label.is_some_and(|label| self.labels[label].hash == node.row.recipe_hash),
                connected: node.keeper.is_some(),
            })
            .collect();
        let leases: Vec<LeaseView<'_>> = self
            .leases
            .values()
            .filter(|lease| lease.row.state == LeaseState::Queued)
            .map(|lease| LeaseView {
                candidates: &lease.candidates,
                priority: lease.priority,
                queued_at: lease.row.queued_at,
                beyond: lease.beyond,
            })
            .collect();
        planner::plan(&World {
            now,
            age_up: self.timing.age_up,
            labels: &labels,
            providers: &providers,
            nodes: &nodes,
            leases: &leases,
        })
    }

    /// Gives a lease its node: both rows go into one commit. The node was checked before it came into stock, and a build takes its node
    /// at once, so the lease stays in no state on the way (pools 4.1).
    fn assign(&mut self, lease: LeaseId, node: NodeId) {
        let was_ready = self.nodes.get(&node).map(|node| node.row.since).unwrap_or_default();
        let Some(build) = self.leases.get(&lease).map(|lease| lease.row.build) else { return };
        if !self.set_state(node, NodeState::Leased, format!("lease {lease} of build {build}")) {
            return;
        }
        let now = self.clock.now();
        let Some(entry) = self.nodes.get_mut(&node) else { return };
        entry.row.lease = Some(lease);
        let label = entry.row.label.clone();
        if let Some(label) = entry.label {
            self.labels[label].health.survived();
        }
        if let Some(lease) = self.leases.get_mut(&lease) {
            lease.row.node = Some(node);
            let waited = now.since(lease.row.queued_at);
            if let Some(metrics) = &self.metrics {
                measure_grant(metrics, &label, was_ready <= lease.row.queued_at, waited);
            }
            tracing::info!(lease.id = %lease.row.id, build.id = %build, node.id = %node, node.label = label,
                seconds = waited.as_secs_f64(), "a build has its node");
        }
        let reserved = format!("node {node} of label {label} is reserved");
        self.set_lease(lease, LeaseState::Allocating, reserved, RECONCILER);
        self.set_lease(lease, LeaseState::Granted, "the node was checked", RECONCILER);
        self.set_lease(lease, LeaseState::Active, format!("build {build} takes the node"), DISPATCHER);
        self.effects.push(Effect::Grant(lease));
    }

    /// Tells a lease what it waits for, when that has changed.
    fn tell(&mut self, id: LeaseId, reason: Reason) {
        let failures = match reason {
            Reason::Launching(label) | Reason::Shut(label, _) | Reason::Probing(label) => {
                self.labels[label].health.failures()
            }
            Reason::LabelFull(_) | Reason::ProviderFull(_) | Reason::Nobody => 0,
        };
        let told = Some((reason, failures));
        if self.leases.get(&id).is_none_or(|lease| lease.told == told) {
            return;
        }
        let text = self.reason_text(reason);
        if let Some(lease) = self.leases.get_mut(&id) {
            lease.told = told;
            if let Some(waiter) = &lease.waiter {
                waiter.reason.send_replace(text);
            }
        }
    }

    /// All labels that could serve the lease are broken: another try would end the same way (decision 8).
    fn give_up(&mut self, id: LeaseId) {
        let Some(lease) = self.leases.get(&id) else { return };
        let broken: Vec<String> = lease
            .candidates
            .iter()
            .map(|label| &self.labels[*label])
            .map(|label| format!("label {}: {}", label.definition.name, label.health.text()))
            .collect();
        let text = format!("no node can be made: {}", broken.join("; "));
        tracing::warn!(lease.id = %id, build.id = %lease.row.build, reason = text, "a build gets no node");
        self.fail(id, LeaseFailure::Definition(text));
    }

    /// Fails leases that waited longer than they may (pools 4.1 queue deadline), if there is such a limit.
    fn fail_overdue(&mut self) {
        let Some(limit) = self.timing.queue_deadline else { return };
        let now = self.clock.now();
        let overdue =
            |lease: &&Lease| lease.row.state == LeaseState::Queued && now.since(lease.row.queued_at) > limit;
        let overdue: Vec<LeaseId> = self.leases.values().filter(overdue).map(|lease| lease.row.id).collect();
        for id in overdue {
            let reason = self.leases.get(&id).and_then(|lease| lease.told);
            let reason = reason.map(|(reason, _)| self.reason_text(reason)).unwrap_or_default();
            let text = format!("no node within {} s: {reason}", limit.as_secs());
            self.fail(id, LeaseFailure::Infrastructure(text));
        }
    }

    /// What a lease waits for, for people.
    pub(super) fn reason_text(&self, reason: Reason) -> String {
        let name = |label: usize| &self.labels[label].definition.name;
        let provider = |label: usize| self.providers.get(self.labels[label].provider);
        let last = |label: usize| match self.labels[label].health.text() {
            "" => String::new(),
            text => format!("; the last one failed: {text}"),
        };
        match reason {
            Reason::Launching(label) => {
                format!("a node of label {} is being made{}", name(label), last(label))
            }
            Reason::LabelFull(label) => {
                let limit = self.labels[label].definition.max_nodes.unwrap_or(u32::MAX);
                format!("label {} has all of its {limit} nodes", name(label))
            }
            Reason::ProviderFull(label) => match provider(label) {
                Some(provider) => {
                    format!(
                        "provider {} has all of its {} nodes",
                        provider.driver.name(),
                        provider.limits.max_nodes
                    )
                }
                None => format!("label {} has no provider", name(label)),
            },
            Reason::Shut(label, Shut::Quota) => {
                let text = provider(label).map(|provider| provider.quota.text()).unwrap_or_default();
                format!("the provider of label {} has no room: {text}", name(label))
            }
            Reason::Shut(label, Shut::Draining) => {
                format!("the provider of label {} is being taken out of service", name(label))
            }
            Reason::Shut(label, Shut::BackOff) => {
                format!("label {} is left alone for a while after failures{}", name(label), last(label))
            }
            Reason::Shut(label, Shut::Broken) => format!("label {} is broken{}", name(label), last(label)),
            Reason::Probing(label) => {
                format!("one node of label {} is tried before others are made{}", name(label), last(label))
            }
            Reason::Nobody => "no label serves it".to_owned(),
        }
    }
}

fn measure_grant(metrics: &PoolMetrics, label: &str, from_stock: bool, waited: Duration) {
    let (counter, source) = match from_stock {
        true => (&metrics.stock_hits, "stock"),
        false => (&metrics.stock_misses, "launched"),
    };
    counter.inc();
    let labels = WaitLabels { label: label.to_owned(), source };
    metrics.lease_wait_seconds.get_or_create(&labels).observe(waited.as_secs_f64());
}
