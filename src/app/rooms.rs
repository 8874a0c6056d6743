//! How many builds of which label may be inside, so that a full label leaves its own jobs queued and no others.
//!
//! A room is a set of labels with as many places as there may be nodes of them: one for each provider, and one for each set of
//! labels that serves some job. A build takes a place in every room that holds all of its labels. So two labels of one provider
//! share that provider's nodes, and labels that share nothing never wait for each other.

use std::collections::BTreeSet;

use crate::config::{Config, MasterConfig};
use crate::gearman::server::Rooms;
use crate::pool::ProviderLimits;
use crate::pool::label::LabelDefinition;

/// A label, as far as its number of nodes goes.
struct Label {
    name: String,
    provider: String,
    max: Option<u32>,
}

/// What stands for a master among labels and providers: no name of theirs has a colon and a blank.
fn master_label(master: &str) -> String {
    format!("master: {master}")
}

/// Collects which sets of labels jobs run on.
pub(super) struct RoomPlan {
    labels: Vec<Label>,
    providers: Vec<ProviderLimits>,
    /// Distinct sets of labels.
    groups: Vec<BTreeSet<String>>,
}

impl RoomPlan {
    /// A plan without groups.
    pub fn new(config: &Config) -> RoomPlan {
        let label = |label: &LabelDefinition| Label {
            name: label.name.clone(),
            provider: label.provider.clone(),
            max: label.max_nodes,
        };
        let of_master = |master: &MasterConfig| Label {
            name: master_label(&master.name),
            provider: master_label(&master.name),
            max: Some(master.max_builds),
        };
        RoomPlan {
            labels: config
                .labels
                .definitions
                .iter()
                .map(label)
                .chain(config.masters.iter().map(of_master))
                .collect(),
            providers: config
                .providers
                .iter()
                .map(|provider| provider.limits.clone())
                .chain(config.masters.iter().map(|master| ProviderLimits {
                    max_nodes: master.max_builds,
                    ..ProviderLimits::new(&master_label(&master.name))
                }))
                .collect(),
            groups: Vec::new(),
        }
    }

    /// The number of the group of jobs that any of these labels serves.
    pub fn group(&mut self, labels: Vec<String>) -> u32 {
        let labels: BTreeSet<String> = labels.into_iter().collect();
        let known = self.groups.iter().position(|group| *group == labels);
        let number = known.unwrap_or_else(|| {
            self.groups.push(labels);
            self.groups.len() - 1
        });
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// The number of the group of jobs that run on a master.
    pub fn master(&mut self, master: &str) -> u32 {
        self.group(vec![master_label(master)])
    }

    /// The rooms, still without the groups of names.
    pub fn rooms(&self) -> Rooms {
        let of_provider = |provider: &ProviderLimits| -> BTreeSet<String> {
            let own = self.labels.iter().filter(|label| label.provider == provider.provider);
            own.map(|label| label.name.clone()).collect()
        };
        let mut rooms: Vec<BTreeSet<String>> = self.groups.clone();
        rooms.extend(self.providers.iter().map(of_provider));
        // A job that no label serves needs no node: its build only says so.
        let inside = |group: &BTreeSet<String>| -> Vec<u32> {
            let holds = |room: &BTreeSet<String>| !group.is_empty() && group.is_subset(room);
            (0..).zip(&rooms).filter(|(_, room)| holds(room)).map(|(number, _)| number).collect()
        };
        Rooms {
            places: rooms.iter().map(|room| self.places(room)).collect(),
            groups: self.groups.iter().map(inside).collect(),
            group_of: Vec::new(),
        }
    }

    /// How many nodes there may be of these labels at once.
    fn places(&self, room: &BTreeSet<String>) -> u32 {
        let of_provider = |provider: &ProviderLimits| {
            let own = self.labels.iter().filter(|label| label.provider == provider.provider);
            let wanted = own.filter(|label| room.contains(&label.name));
            let sum = wanted.fold(0u32, |sum, label| sum.saturating_add(label.max.unwrap_or(u32::MAX)));
            sum.min(provider.max_nodes)
        };
        let serving = self.providers.iter().filter(|provider| !provider.draining);
        serving.map(of_provider).fold(0, u32::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(labels: &[(&str, &str, Option<u32>)], providers: &[(&str, u32)]) -> RoomPlan {
        let label = |(name, provider, max): &(&str, &str, Option<u32>)| Label {
            name: (*name).to_owned(),
            provider: (*provider).to_owned(),
            max: *max,
        };
        let provider = |(name, max_nodes): &(&str, u32)| ProviderLimits {
            max_nodes: *max_nodes,
            ..ProviderLimits::new(name)
        };
        RoomPlan {
            labels: labels.iter().map(label).collect(),
            providers: providers.iter().map(provider).collect(),
            groups: Vec::new(),
        }
    }

    fn group(plan: &mut RoomPlan, labels: &[&str]) -> usize {
        plan.group(labels.iter().map(|label| (*label).to_owned()).collect()) as usize
    }

    /// The places of the rooms that a group is in, sorted.
    fn places(rooms: &Rooms, group: usize) -> Vec<u32> {
        let mut places: Vec<u32> =
            rooms.groups[group].iter().map(|room| rooms.places[*room as usize]).collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn a_label_has_its_own_room_and_shares_that_of_its_provider() {
        let mut plan = plan(
            &[("small", "near", Some(2)), ("big", "near", None), ("far", "away", None)],
            &[("near", 5), ("away", 7)],
        );
        let (small, big, far) =
            (group(&mut plan, &["small"]), group(&mut plan, &["big"]), group(&mut plan, &["far"]));
        let (any, none) = (group(&mut plan, &["far", "small"]), group(&mut plan, &[]));
        assert_eq!(group(&mut plan, &["small"]), small, "the same labels are the same group");
        let rooms = plan.rooms();
        assert_eq!(
            places(&rooms, small),
            [2, 5, 9],
            "its own, its provider's, that of jobs which take either"
        );
        assert_eq!(places(&rooms, big), [5, 5]);
        assert_eq!(places(&rooms, far), [7, 7, 9]);
        assert_eq!(places(&rooms, any), [9]);
        assert!(places(&rooms, none).is_empty(), "what no label serves needs no node");
    }

    #[test]
    fn pools_p50a_a_draining_provider_gives_no_places() {
        let mut plan = plan(&[("a", "near", None)], &[("near", 5)]);
        plan.providers[0].draining = true;
        let a = group(&mut plan, &["a"]);
        assert_eq!(places(&plan.rooms(), a), [0, 0]);
    }
}
