//! Rooms: how many jobs of which local names may be inside at once. A full label leaves its own jobs queued, and no others.

use super::classes::Class;
use super::heads::Taker;
use super::{NONE, Queue};
use crate::gearman::server::api;

/// Bounded functions that take their places in the same rooms.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Heads of its functions, as a class that no connection has.
    pub(super) class: Class,
    rooms: Vec<u32>,
}

/// One room.
#[derive(Debug)]
pub(super) struct Room {
    places: u32,
    inside: u32,
}

impl Queue {
    /// Takes other rooms for the bounded functions, which are known by now. Who is inside stays inside.
    pub(super) fn set_rooms(&mut self, rooms: &api::Rooms) {
        self.local.rooms = rooms.places.iter().map(|&places| Room { places, inside: 0 }).collect();
        let exists = |room: &u32| (*room as usize) < rooms.places.len();
        let group = |list: &Vec<u32>| Group {
            class: Class::default(),
            rooms: list.iter().copied().filter(exists).collect(),
        };
        // The last group has no rooms.
        self.local.groups = rooms.groups.iter().map(group).chain([Group::default()]).collect();
        let without = self.local.groups.len() as u32 - 1;
        let mut sets = vec![Vec::new(); self.local.groups.len()];
        for (position, &function) in self.local.bounded.iter().enumerate() {
            if self.names[function].group != NONE {
                continue;
            }
            let group = rooms.group_of.get(position).map_or(without, |group| (*group).min(without));
            self.names[function].group = group;
            sets[group as usize].push(function);
        }
        for (group, mut set) in sets.into_iter().enumerate() {
            set.sort_unstable();
            for &function in &set {
                let inside = self.names[function].inside;
                self.change_inside(group as u32, |room| *room += inside);
            }
            self.local.groups[group].class.set = set.into();
            self.rebuild_heads(Taker::Local(group as u32));
        }
    }

    fn change_inside(&mut self, group: u32, change: impl Fn(&mut u32)) {
        let local = &mut self.local;
        let Some(group) = local.groups.get(group as usize) else { return };
        for &room in &group.rooms {
            change(&mut local.rooms[room as usize].inside);
        }
    }

    /// A job of this function is inside.
    pub(super) fn enter(&mut self, function: u32) {
        self.names[function].inside += 1;
        self.change_inside(self.names[function].group, |inside| *inside += 1);
    }

    pub(super) fn enter_by_name(&mut self, function: &[u8]) {
        if let Some(function) = self.names.find(function) {
            self.enter(function);
        }
    }

    /// A job of this function is over. One that entered before its name was known has never been counted.
    pub(super) fn leave_by_name(&mut self, function: &[u8]) {
        let Some(function) = self.names.find(function).filter(|number| self.names[*number].inside > 0) else {
            return;
        };
        self.names[function].inside -= 1;
        self.change_inside(self.names[function].group, |inside| *inside = inside.saturating_sub(1));
    }

    /// The bounded job that comes next of those that have room, and whose it is.
    pub(super) fn next_bounded(&mut self) -> Option<(Taker, u32)> {
        let mut best: Option<(Taker, u32)> = None;
        for group in 0..self.local.groups.len() {
            let rooms = &self.local.groups[group].rooms;
            let free = |room: &u32| {
                self.local.rooms[*room as usize].inside < self.local.rooms[*room as usize].places
            };
            if !rooms.iter().all(free) {
                continue;
            }
            let taker = Taker::Local(group as u32);
            let Some(job) = self.next_job(taker) else { continue };
            if best.is_none_or(|(_, best)| self.jobs[job].key < self.jobs[best].key) {
                best = Some((taker, job));
            }
        }
        best
    }
}
