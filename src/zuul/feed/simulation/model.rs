//! What a right server has to say, as a model of the jobs that peers have submitted.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::gearman::packet::Level;

/// A job as the world knows it.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// Its client.
    pub client: usize,
    pub function: String,
    pub level: Level,
    /// Its place in the order of arrival.
    pub arrival: u64,
    pub state: State,
    /// The number that its first data named.
    pub number: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    /// At a worker, ours or a master's.
    Assigned,
    /// Ended, cancelled with OK, or gone with its client.
    Over,
}

/// All jobs of one life of the server.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub jobs: HashMap<String, Job>,
    waiting: BTreeMap<(Level, u64), String>,
    arrivals: u64,
    /// Every handle ever made, over all lives (zuul-B-8).
    handles: HashSet<String>,
    /// Jobs that ended with a packet.
    pub ended: u64,
}

impl Model {
    /// JOB_CREATED came for the submit that is next in line of that client.
    pub fn created(
        &mut self,
        handle: String,
        client: usize,
        function: String,
        level: Level,
    ) -> Result<(), String> {
        if !self.handles.insert(handle.clone()) {
            return Err(format!("zuul-B-8: the handle {handle} was used before"));
        }
        self.arrivals += 1;
        let job =
            Job { client, function, level, arrival: self.arrivals, state: State::Waiting, number: None };
        self.waiting.insert((level, self.arrivals), handle.clone());
        self.jobs.insert(handle, job);
        Ok(())
    }

    /// A worker that can do `functions` was given this job: it must be the first in line (zuul-S-9), and never have been given out.
    pub fn assigned(&mut self, handle: &str, functions: &[String]) -> Result<(), String> {
        let first = self.waiting.values().find(|waiting| functions.contains(&self.jobs[*waiting].function));
        if first.map(String::as_str) != Some(handle) {
            let describe = |handle: &str| self.jobs.get(handle).map(|job| format!("{handle}: {job:?}"));
            return Err(format!(
                "zuul-S-9: {:?} was handed out where {:?} was first in line for {functions:?}",
                describe(handle),
                first.and_then(|first| describe(first)),
            ));
        }
        self.leave_line(handle);
        self.set(handle, State::Assigned);
        Ok(())
    }

    /// A packet about a job arrived at its client.
    pub fn heard(&mut self, handle: &str, client: usize, what: &str) -> Result<&mut Job, String> {
        let job =
            self.jobs.get_mut(handle).ok_or_else(|| format!("zuul-S-6: {what} for unknown job {handle}"))?;
        if job.client != client {
            return Err(format!("{what} for {handle} went to client {client}, not {}", job.client));
        }
        match job.state {
            State::Assigned => Ok(job),
            State::Waiting => Err(format!("{what} for {handle}, which nobody has")),
            State::Over => Err(format!("zuul-Z-6: {what} for {handle} after its end")),
        }
    }

    /// The job has ended with a packet.
    pub fn end(&mut self, handle: &str) {
        self.ended += 1;
        self.set(handle, State::Over);
    }

    /// `cancel job` was answered OK: nothing more of it may come.
    pub fn cancelled(&mut self, handle: &str) {
        self.leave_line(handle);
        self.set(handle, State::Over);
    }

    /// A client is gone, and with it whatever it waited for.
    pub fn client_gone(&mut self, client: usize) {
        let theirs: Vec<String> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.client == client)
            .map(|(handle, _)| handle.clone())
            .collect();
        for handle in theirs {
            self.cancelled(&handle);
        }
    }

    /// The server was killed: every connection is gone.
    pub fn killed(&mut self) {
        self.jobs.clear();
        self.waiting.clear();
    }

    /// Jobs that have not come to an end.
    pub fn open(&self) -> Vec<&String> {
        let mut open: Vec<_> =
            self.jobs.iter().filter(|(_, job)| job.state != State::Over).map(|(handle, _)| handle).collect();
        open.sort();
        open
    }

    /// Handles of a client's jobs in a state, in a stable order.
    pub fn of(&self, client: usize, state: State) -> Vec<String> {
        let mut handles: Vec<_> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.client == client && job.state == state)
            .map(|(handle, job)| (job.arrival, handle.clone()))
            .collect();
        handles.sort();
        handles.into_iter().map(|(_, handle)| handle).collect()
    }

    fn set(&mut self, handle: &str, state: State) {
        if let Some(job) = self.jobs.get_mut(handle) {
            job.state = state;
        }
    }

    fn leave_line(&mut self, handle: &str) {
        if let Some(job) = self.jobs.get(handle) {
            self.waiting.remove(&(job.level, job.arrival));
        }
    }
}
