//! Which functions a connection has: CAN_DO, CANT_DO, RESET_ABILITIES, CAN_DO_TIMEOUT, MASS_DO, and the classes they make.
//!
//! A change takes the connection out of its class and keeps its set by itself, with the counters of `status` right at once; the
//! class is looked up when the connection next grabs or sleeps. So a Jenkins executor that registers a thousand functions one
//! by one makes one class, not a thousand.

use super::connections::Rest;
use super::names::Owner;
use super::spans::Spans;
use super::{NONE, Queue, Refused};
use crate::gearman::packet::arguments;

impl Queue {
    pub(super) fn can_do(&mut self, from: u32, name: &[u8]) {
        self.add_ability(from, name);
    }

    fn add_ability(&mut self, from: u32, name: &[u8]) -> Option<u32> {
        let Some(function) = self.intern(name) else {
            self.stats.names_refused += 1;
            return None;
        };
        let limit = self.limits.names_per_connection;
        let set = self.own_set(from);
        if set.len() >= limit && !set.contains(function) {
            self.stats.names_refused += 1;
            return None;
        }
        if !set.insert(function) {
            return Some(function);
        }
        self.names[function].workers += 1;
        self.status_text = None;
        if self.names[function].owner == Owner::LocalImmediate {
            self.contest(function, Some(from));
        }
        Some(function)
    }

    /// CAN_DO_TIMEOUT: registers the function, and its jobs get a time limit (zuul-S-3).
    pub(super) fn can_do_timeout(&mut self, from: u32, body: &[u8]) -> Result<(), Refused> {
        let Some([name, milliseconds]) = arguments::<2>(body) else {
            return Err(Refused::TooFewArguments("CAN_DO_TIMEOUT"));
        };
        let milliseconds =
            std::str::from_utf8(milliseconds).ok().and_then(|text| text.trim_end_matches('\0').parse().ok());
        if let Some(function) = self.add_ability(from, name) {
            let timeouts = &mut self.connections[from].timeouts;
            timeouts.retain(|(other, _)| *other != function);
            if let Some(milliseconds) = milliseconds.filter(|value| *value > 0) {
                timeouts.push((function, milliseconds));
            }
        }
        Ok(())
    }

    /// A function that the connection does not have is ignored (zuul-S-1).
    pub(super) fn cant_do(&mut self, from: u32, name: &[u8]) {
        let Some(function) = self.names.find(name) else { return };
        let has = match &self.connections[from].set {
            Some(set) => set.contains(function),
            None => match self.connections[from].class {
                NONE => false,
                class => self.classes[class].set.binary_search(&function).is_ok(),
            },
        };
        if !has {
            return;
        }
        self.own_set(from).remove(function);
        self.names[function].workers -= 1;
        self.status_text = None;
        self.connections[from].timeouts.retain(|(other, _)| *other != function);
    }

    /// Touches no job that the connection is running (zuul-S-2).
    pub(super) fn reset_abilities(&mut self, from: u32) {
        self.connections[from].timeouts = Vec::new();
        if self.connections[from].class == NONE && self.connections[from].set.is_none() {
            return;
        }
        let set = std::mem::take(self.own_set(from));
        for function in set.iter() {
            self.names[function].workers -= 1;
        }
        self.status_text = None;
    }

    /// Zuul's own packet: replaces the whole set (zuul-S-4).
    pub(super) fn mass_do(&mut self, from: u32, body: &[u8]) {
        self.reset_abilities(from);
        for name in body.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            self.add_ability(from, name);
        }
    }

    /// The connection's set, to be changed: it leaves its class, and is settled at its next grab or sleep. One that sleeps now
    /// is settled at the end of the turn, so that a job that fits now wakes it (zuul-S-11).
    fn own_set(&mut self, from: u32) -> &mut Spans {
        if self.connections[from].set.is_none() {
            let set = match self.connections[from].class {
                NONE => Spans::default(),
                class => Spans::of(&self.classes[class].set),
            };
            self.leave_class(from);
            self.connections[from].set = Some(Box::new(set));
        }
        let connection = &mut self.connections[from];
        if connection.rest != Rest::Awake && !connection.unsettled {
            connection.unsettled = true;
            self.to_settle.push(from);
        }
        self.connections[from].set.get_or_insert_default()
    }

    /// Puts the connection into the class of its set.
    pub(super) fn settle(&mut self, slot: u32) {
        let Some(set) = self.connections[slot].set.take() else { return };
        if set.is_empty() {
            return;
        }
        let class = match self.classes.find(&set) {
            Some(class) => class,
            None => self.make_class(&set),
        };
        self.classes[class].members += 1;
        self.connections[slot].class = class;
        match self.connections[slot].rest {
            Rest::Awake => {}
            Rest::Woken => self.classes[class].woken += 1,
            Rest::Asleep => self.add_sleeper(slot),
        }
    }

    /// Settles the sleepers whose functions have changed in this turn, and wakes those that a job now waits for.
    pub(super) fn settle_sleepers(&mut self) {
        while let Some(slot) = self.to_settle.pop() {
            if !std::mem::take(&mut self.connections[slot].unsettled) {
                continue;
            }
            self.settle(slot);
            if self.connections[slot].rest == Rest::Asleep && self.has_job_for(slot) {
                self.wake(slot);
            }
        }
    }

    fn make_class(&mut self, set: &Spans) -> u32 {
        let class = self.classes.insert(set);
        self.register_class(class);
        class
    }

    /// Takes the connection out of its class; the class goes with its last member.
    fn leave_class(&mut self, slot: u32) {
        let class = std::mem::replace(&mut self.connections[slot].class, NONE);
        if class == NONE {
            return;
        }
        match self.connections[slot].rest {
            Rest::Awake => {}
            Rest::Woken => self.classes[class].woken -= 1,
            Rest::Asleep => self.classes[class].asleep -= 1,
        }
        // Its entry among the sleepers is stale from now on.
        self.connections[slot].sleep = self.connections[slot].sleep.wrapping_add(1);
        self.classes[class].members -= 1;
        if self.classes[class].members == 0 {
            let class_before = self.classes.remove(class);
            self.unregister_class(class, &class_before.set);
        }
    }

    /// The connection ends: its functions lose a worker, and a wake-up that it has not answered passes to another.
    pub(super) fn leave_all(&mut self, slot: u32) {
        self.connections[slot].unsettled = false;
        let class = self.connections[slot].class;
        let was_woken = self.connections[slot].rest == Rest::Woken;
        if class != NONE {
            let passes_on = was_woken && self.classes[class].members > 1;
            for position in 0..self.classes[class].set.len() {
                let function = self.classes[class].set[position];
                self.names[function].workers -= 1;
            }
            self.leave_class(slot);
            if passes_on {
                self.wake_for_waiting(class);
            }
            self.status_text = None;
        }
        if let Some(set) = self.connections[slot].set.take() {
            for function in set.iter() {
                self.names[function].workers -= 1;
            }
            self.status_text = None;
        }
    }
}
