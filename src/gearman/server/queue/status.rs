//! GET_STATUS and GET_STATUS_UNIQUE.

use std::collections::HashMap;

use super::Queue;
use super::jobs::State;
use crate::gearman::packet::{kind, without_trailing_nul};

impl Queue {
    /// Keeps numerator and denominator as text: they may be negative, and are handed back as they came (zuul-B-9).
    pub(super) fn remember_status(&mut self, job: u32, numerator: &[u8], denominator: &[u8]) {
        /// Longer "numbers" are forwarded but not kept.
        const LONGEST: usize = 64;
        if numerator.len() > LONGEST || denominator.len() > LONGEST {
            return;
        }
        let rare = self.jobs[job].rare.get_or_insert_default();
        rare.numerator.clear();
        rare.numerator.extend_from_slice(numerator);
        rare.denominator.clear();
        rare.denominator.extend_from_slice(denominator);
    }

    fn progress(&self, job: u32) -> (&[u8], &[u8]) {
        match &self.jobs[job].rare {
            Some(rare) if !rare.denominator.is_empty() => (&rare.numerator, &rare.denominator),
            _ => (b"0", b"0"),
        }
    }

    fn is_running(&self, job: u32) -> &'static [u8] {
        if matches!(self.jobs[job].state, State::Running | State::RunningLocal) { b"1" } else { b"0" }
    }

    pub(super) fn get_status(&mut self, from: u32, body: &[u8]) {
        let handle = without_trailing_nul(body);
        let Some(job) = self.find_job(handle).filter(|job| !self.jobs[*job].cancelled) else {
            self.connections.send(from, kind::STATUS_RES, &[handle, b"0", b"0", b"0", b"0"]);
            return;
        };
        let (numerator, denominator) = self.progress(job);
        let (numerator, denominator) = (numerator.to_vec(), denominator.to_vec());
        let running = self.is_running(job);
        self.connections.send(from, kind::STATUS_RES, &[handle, b"1", running, &numerator, &denominator]);
    }

    /// The first question builds an index, which is kept until the queue runs empty: Zuul never asks, and pays nothing.
    pub(super) fn get_status_unique(&mut self, from: u32, body: &[u8]) {
        let unique = without_trailing_nul(body);
        let jobs = &self.jobs;
        let index = self.by_unique.get_or_insert_with(|| {
            let mut index: HashMap<Box<[u8]>, Vec<u32>> = HashMap::new();
            for (slot, _) in jobs.iter() {
                index.entry(jobs.unique(slot).into()).or_default().push(slot);
            }
            index
        });
        let found = index.get(unique).and_then(|slots| slots.first()).copied();
        let Some(job) = found.filter(|job| !self.jobs[*job].cancelled) else {
            self.connections.send(from, kind::STATUS_RES_UNIQUE, &[unique, b"0", b"0", b"0", b"0", b"0"]);
            return;
        };
        let (numerator, denominator) = self.progress(job);
        let (numerator, denominator) = (numerator.to_vec(), denominator.to_vec());
        let running = self.is_running(job);
        let clients = self.clients_of(job).to_string();
        self.connections.send(
            from,
            kind::STATUS_RES_UNIQUE,
            &[unique, b"1", running, &numerator, &denominator, clients.as_bytes()],
        );
    }
}
