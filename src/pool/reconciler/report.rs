//! The pool's state as people see it, renewed after every turn, though not more often than is useful.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::leases::Lease;
use super::{REPORT_EVERY, Reconciler};
use crate::model::{LeaseState, NodeState};
use crate::pool::status::{LabelStatus, NodeStatus, PoolStatus, ProviderStatus, WaitingStatus};

impl Reconciler {
    /// Renews the status, unless that was done just now.
    pub(super) fn report(&mut self) {
        self.report_due = self.last_report.elapsed() < REPORT_EVERY && self.status.load().at.0 > 0;
        if self.report_due {
            return;
        }
        self.last_report = Instant::now();
        let status = PoolStatus {
            at: self.clock.now(),
            labels: self.label_statuses(),
            nodes: self.node_statuses(),
            waiting: self.waiting_statuses(),
            providers: self.provider_statuses(),
        };
        self.status.store(Arc::new(status));
    }

    fn label_statuses(&self) -> Vec<LabelStatus> {
        let mut counts: HashMap<(usize, NodeState), u32> = HashMap::new();
        for node in self.nodes.values() {
            if let Some(label) = node.label {
                *counts.entry((label, node.row.state)).or_default() += 1;
            }
        }
        let now = self.clock.now();
        let status = |(index, label): (usize, &super::Label)| {
            let count =
                |states: &[NodeState]| states.iter().filter_map(|state| counts.get(&(index, *state))).sum();
            use NodeState::{Booting, Checking, Creating, Leased, Ready, Requested};
            LabelStatus {
                name: label.definition.name.clone(),
                provider: label.definition.provider.clone(),
                wanted: label.definition.min_ready,
                ready: count(&[Ready]),
                launching: count(&[Requested, Creating, Booting, Checking]),
                leased: count(&[Leased]),
                trouble: label.health.opens_at(now).map(|_| label.health.text().to_owned()),
            }
        };
        self.labels.iter().enumerate().map(status).collect()
    }

    fn node_statuses(&self) -> Vec<NodeStatus> {
        let status = |node: &super::Node| NodeStatus {
            id: node.row.id,
            label: node.row.label.clone(),
            provider: node.row.provider.clone(),
            state: node.row.state,
            since: node.row.since,
            created_at: node.row.created_at,
            lease: node.row.lease.and_then(|lease| Some((lease, self.leases.get(&lease)?.row.build))),
            detail: node.row.detail.clone(),
        };
        self.nodes.values().map(status).collect()
    }

    fn waiting_statuses(&self) -> Vec<WaitingStatus> {
        let mut waiting: Vec<&Lease> =
            self.leases.values().filter(|lease| lease.row.state == LeaseState::Queued).collect();
        waiting.sort_by_key(|lease| (lease.priority, lease.row.queued_at, lease.row.id));
        let status = |lease: &Lease| WaitingStatus {
            lease: lease.row.id,
            build: lease.row.build,
            expression: lease.row.expression.clone(),
            queued_at: lease.row.queued_at,
            reason: lease.told.map(|(reason, _)| self.reason_text(reason)).unwrap_or_default(),
        };
        waiting.into_iter().map(status).collect()
    }

    fn provider_statuses(&self) -> Vec<ProviderStatus> {
        let status = |(index, provider): (usize, &super::ProviderEntry)| {
            let count = self.nodes.values().filter(|node| node.provider == Some(index)).count();
            let look = &provider.look;
            ProviderStatus {
                name: provider.driver.name().to_owned(),
                healthy: look.health.as_ref().map(Result::is_ok),
                summary: match &look.health {
                    Some(Ok(text) | Err(text)) => text.clone(),
                    None => String::new(),
                },
                nodes: u32::try_from(count).unwrap_or(u32::MAX),
                max_nodes: provider.limits.max_nodes,
                draining: provider.limits.draining,
                unmanaged: look.unmanaged,
                leaked: look.leaked,
                alert: look.alert.clone(),
            }
        };
        self.providers.iter().enumerate().map(status).collect()
    }
}
