//! The part of planning that comes after the leases: how many nodes stand ready for those to come (pools-P8, P16, P17).

use super::{Planner, Why};

impl Planner<'_> {
    pub(super) fn stock(&mut self) {
        self.make_room();
        for label in 0..self.world.labels.len() {
            if self.retired(label) {
                continue;
            }
            self.drop_surplus(label);
            self.refill(label);
            self.replace_stale(label);
        }
    }

    /// Where leases wait for room, idle nodes of labels that do not help them go: only as many as are needed beyond what is
    /// being freed already (pools-P17). Those of no use come first, then those of which nothing exists yet, then the oldest.
    fn make_room(&mut self) {
        for provider in 0..self.rooms.len() {
            let room = &self.rooms[provider];
            let removals = self.plan.removals.iter();
            let leaving =
                removals.filter(|(node, _)| self.world.nodes[*node].provider == Some(provider)).count();
            let leaving = u32::try_from(leaving).unwrap_or(u32::MAX).saturating_add(room.freeing);
            for _ in leaving..room.short {
                let Some((node, why)) = self.least_useful(provider) else { break };
                self.plan.removals.push((node, why));
            }
        }
    }

    fn least_useful(&mut self, provider: usize) -> Option<(usize, Why)> {
        let here: Vec<usize> =
            (0..self.tallies.len()).filter(|label| self.world.labels[*label].provider == provider).collect();
        for label in &here {
            if let Some(stale) = self.tallies[*label].stale.pop_front() {
                return Some(stale);
            }
        }
        for label in &here {
            if let Some(node) = self.tallies[*label].requested.pop_front() {
                return Some((node, Why::MakeRoom));
            }
        }
        let oldest = |label: &usize| {
            let node = *self.tallies[*label].ready.front()?;
            Some((self.world.nodes[node].since, node, *label))
        };
        let (_, node, label) = here.iter().filter_map(oldest).min()?;
        self.tallies[label].ready.pop_front();
        Some((node, Why::MakeRoom))
    }

    /// What is ready beyond the stock goes, and what nobody has begun to make is not made (pools-P29).
    fn drop_surplus(&mut self, label: usize) {
        let wanted = to_size(self.world.labels[label].min_ready);
        let tally = &mut self.tallies[label];
        while tally.ready.len() > wanted {
            let node = tally.ready.pop_front();
            self.plan.removals.extend(node.map(|node| (node, Why::Surplus)));
        }
        while tally.ready.len() + to_size(tally.coming) + tally.requested.len() > wanted {
            let Some(node) = tally.requested.pop_back() else { break };
            self.plan.removals.push((node, Why::Surplus));
        }
    }

    /// Launches stock, unless a lease waits for room at the same provider (pools-P17).
    fn refill(&mut self, label: usize) {
        let view = &self.world.labels[label];
        let tally = &self.tallies[label];
        let idle = tally.ready.len() + to_size(tally.coming) + tally.requested.len();
        for _ in idle..to_size(view.min_ready) {
            if self.rooms[view.provider].short > 0 || self.obstacle(label).is_some() {
                return;
            }
            self.launch(label);
            // Counted by `launch` as in flight; nobody counts on it yet.
            self.tallies[label].coming += 1;
        }
    }

    /// Nodes of an old recipe and aged ones go one by one as new ones become ready; when there is no room for a new one, one of
    /// them makes it (pools-P8).
    fn replace_stale(&mut self, label: usize) {
        let view = &self.world.labels[label];
        let wanted = to_size(view.min_ready);
        let room = &self.rooms[view.provider];
        let full = self.tallies[label].used >= view.max_nodes
            || room.used >= self.world.providers[view.provider].max_nodes;
        let ending_elsewhere = room.freeing > 0
            || self
                .plan
                .removals
                .iter()
                .any(|(node, _)| self.world.nodes[*node].provider == Some(view.provider));
        let tally = &mut self.tallies[label];
        let mut standing = tally.ready.len() + tally.stale.len();
        if full && !ending_elsewhere && tally.ready.len() + to_size(tally.coming) < wanted {
            // One more than the stock has: the front one goes below.
            standing = standing.max(wanted + 1);
        }
        while standing > wanted {
            let Some(stale) = tally.stale.pop_front() else { break };
            self.plan.removals.push(stale);
            standing -= 1;
        }
    }
}

fn to_size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
