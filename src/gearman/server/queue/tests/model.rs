//! Any sequence of packets, compared with a model that keeps all jobs in one list and looks through all of it each time.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::Bench;
use crate::gearman::packet::{Level, kind};
use crate::gearman::server::api::{Command, ConnectionId, Event, Handle};

const PEERS: usize = 6;
const FUNCTIONS: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    Submit { client: usize, function: usize, level: usize, background: bool },
    CanDo { worker: usize, function: usize },
    CantDo { worker: usize, function: usize },
    Reset { worker: usize },
    Grab { worker: usize },
    Sleep { worker: usize },
    Speak { worker: usize },
    Complete { worker: usize },
    Cancel { job: usize },
    Reconnect { peer: usize },
    Own { functions: u8 },
    Room { credits: u32 },
    EndOurs { job: usize },
    Pass { milliseconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let (peer, function) = (0..PEERS, 0..FUNCTIONS);
    prop_oneof![
        5 => (peer.clone(), function.clone(), 0..3usize, any::<bool>())
            .prop_map(|(client, function, level, background)| Step::Submit { client, function, level, background }),
        4 => (peer.clone(), function.clone()).prop_map(|(worker, function)| Step::CanDo { worker, function }),
        1 => (peer.clone(), function).prop_map(|(worker, function)| Step::CantDo { worker, function }),
        1 => peer.clone().prop_map(|worker| Step::Reset { worker }),
        5 => peer.clone().prop_map(|worker| Step::Grab { worker }),
        3 => peer.clone().prop_map(|worker| Step::Sleep { worker }),
        2 => peer.clone().prop_map(|worker| Step::Speak { worker }),
        3 => peer.clone().prop_map(|worker| Step::Complete { worker }),
        2 => (0..40usize).prop_map(|job| Step::Cancel { job }),
        1 => peer.prop_map(|peer| Step::Reconnect { peer }),
        1 => any::<u8>().prop_map(|functions| Step::Own { functions }),
        1 => (0..3u32).prop_map(|credits| Step::Room { credits }),
        2 => (0..40usize).prop_map(|job| Step::EndOurs { job }),
        2 => (0..30u64).prop_map(|milliseconds| Step::Pass { milliseconds }),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    Queued,
    Worker(usize),
    Ours,
}

#[derive(Clone, Debug)]
struct ModelJob {
    number: usize,
    handle: String,
    function: usize,
    level: Level,
    client: Option<usize>,
    background: bool,
    place: Where,
    spoken: bool,
    cancelled: bool,
}

/// The model: a list of jobs in order of arrival, a set of functions for each peer.
#[derive(Default)]
struct Model {
    jobs: Vec<ModelJob>,
    submitted: usize,
    can: [BTreeSet<usize>; PEERS],
    asleep: [bool; PEERS],
    ours: BTreeSet<usize>,
    credits: u32,
    assigned: u64,
}

impl Model {
    /// The first waiting job by level and arrival of those that pass.
    fn first(&self, fits: impl Fn(usize) -> bool) -> Option<usize> {
        let waiting =
            self.jobs.iter().enumerate().filter(|(_, job)| job.place == Where::Queued && fits(job.function));
        waiting.min_by_key(|(_, job)| (job.level, job.number)).map(|(position, _)| position)
    }

    fn next_for(&self, worker: usize) -> Option<usize> {
        self.first(|function| self.can[worker].contains(&function) && !self.ours.contains(&function))
    }

    /// What is handed to us now, in order.
    fn hand_out(&mut self) -> Vec<String> {
        let mut handles = Vec::new();
        while self.credits > 0 {
            let Some(position) = self.first(|function| self.ours.contains(&function)) else { break };
            self.credits -= 1;
            self.assigned += 1;
            self.jobs[position].place = Where::Ours;
            handles.push(self.jobs[position].handle.clone());
        }
        handles
    }
}

struct Pair {
    bench: Bench,
    model: Model,
    peers: Vec<ConnectionId>,
}

fn name(function: usize) -> String {
    format!("f{function}")
}

impl Pair {
    fn new() -> Self {
        let mut bench = Bench::new();
        let peers = (0..PEERS).map(|_| bench.connect()).collect();
        Self { bench, model: Model::default(), peers }
    }

    /// What the peer received, but for wake-ups, which are checked at the end of turns.
    fn heard(&mut self, peer: usize) -> Vec<String> {
        let packets = self.bench.read(self.peers[peer]);
        if packets.iter().any(|packet| packet == "NOOP") {
            assert!(self.model.asleep[peer], "a NOOP for a worker that does not sleep");
            self.model.asleep[peer] = false;
        }
        packets.into_iter().filter(|packet| packet != "NOOP").collect()
    }

    fn expect(&mut self, peer: usize, expected: &[String]) {
        assert_eq!(self.heard(peer), expected);
    }

    fn check_ours(&mut self) {
        let expected = self.model.hand_out();
        let events = self.bench.events();
        let handles: Vec<String> = events
            .iter()
            .filter_map(|event| match event {
                Event::Assigned { handle, .. } => Some(handle.as_str().to_owned()),
                _ => None,
            })
            .collect();
        assert_eq!(handles, expected);
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Submit { client, function, level, background } => {
                self.submit(client, function, level, background)
            }
            Step::CanDo { worker, function } => {
                self.bench.send(self.peers[worker], kind::CAN_DO, &[&name(function)]);
                self.model.can[worker].insert(function);
            }
            Step::CantDo { worker, function } => {
                self.bench.send(self.peers[worker], kind::CANT_DO, &[&name(function)]);
                self.model.can[worker].remove(&function);
            }
            Step::Reset { worker } => {
                self.bench.send(self.peers[worker], kind::RESET_ABILITIES, &[]);
                self.model.can[worker].clear();
            }
            Step::Grab { worker } => self.grab(worker),
            Step::Sleep { worker } => {
                self.heard(worker);
                self.model.asleep[worker] = true;
                self.bench.send(self.peers[worker], kind::PRE_SLEEP, &[]);
                let at_once = self.model.next_for(worker).is_some();
                self.expect(worker, &[]);
                assert_eq!(
                    self.model.asleep[worker], !at_once,
                    "PRE_SLEEP over a waiting job is answered at once"
                );
            }
            Step::Speak { worker } => self.speak(worker),
            Step::Complete { worker } => self.complete(worker),
            Step::Cancel { job } => self.cancel(job),
            Step::Reconnect { peer } => self.reconnect(peer),
            Step::Own { functions } => {
                self.model.ours =
                    (0..FUNCTIONS).filter(|function| functions & (1 << function) != 0).collect();
                let names: Vec<String> = self.model.ours.iter().map(|function| name(*function)).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                self.bench.set_local(&names, &[]);
            }
            Step::Room { credits } => {
                self.model.credits = credits;
                let seen = self.model.assigned;
                self.bench.queue.command(Command::Room { credits, seen });
            }
            Step::EndOurs { job } => self.end_ours(job),
            Step::Pass { milliseconds } => self.pass(milliseconds),
        }
        self.check_ours();
    }

    fn submit(&mut self, client: usize, function: usize, level: usize, background: bool) {
        let kinds = [
            [kind::SUBMIT_JOB_HIGH, kind::SUBMIT_JOB, kind::SUBMIT_JOB_LOW],
            [kind::SUBMIT_JOB_HIGH_BG, kind::SUBMIT_JOB_BG, kind::SUBMIT_JOB_LOW_BG],
        ];
        self.bench.send(
            self.peers[client],
            kinds[usize::from(background)][level],
            &[&name(function), "u", "d"],
        );
        let heard = self.heard(client);
        let handle = heard[0].strip_prefix("JOB_CREATED ").unwrap().to_owned();
        self.model.jobs.push(ModelJob {
            number: self.model.submitted,
            handle,
            function,
            level: Level::ALL[level],
            client: (!background).then_some(client),
            background,
            place: Where::Queued,
            spoken: false,
            cancelled: false,
        });
        self.model.submitted += 1;
    }

    fn grab(&mut self, worker: usize) {
        self.heard(worker);
        self.bench.send(self.peers[worker], kind::GRAB_JOB_UNIQ, &[]);
        self.model.asleep[worker] = false;
        let expected = match self.model.next_for(worker) {
            None => "NO_JOB".to_owned(),
            Some(position) => {
                let job = &mut self.model.jobs[position];
                job.place = Where::Worker(worker);
                format!("JOB_ASSIGN_UNIQ {}|f{}|u|d", job.handle, job.function)
            }
        };
        self.expect(worker, &[expected]);
    }

    fn held(&self, worker: usize) -> Option<usize> {
        self.model.jobs.iter().position(|job| job.place == Where::Worker(worker))
    }

    fn speak(&mut self, worker: usize) {
        let Some(position) = self.held(worker) else { return };
        let handle = self.model.jobs[position].handle.clone();
        self.bench.send(self.peers[worker], kind::WORK_DATA, &[&handle, "x"]);
        self.model.jobs[position].spoken = true;
        let job = self.model.jobs[position].clone();
        if let (Some(client), false) = (job.client, job.cancelled) {
            self.expect(client, &[format!("WORK_DATA {handle}|x")]);
        }
    }

    fn complete(&mut self, worker: usize) {
        let Some(position) = self.held(worker) else { return };
        let job = self.model.jobs.remove(position);
        self.bench.send(self.peers[worker], kind::WORK_COMPLETE, &[&job.handle, "x"]);
        if let (Some(client), false) = (job.client, job.cancelled) {
            self.expect(client, &[format!("WORK_COMPLETE {}|x", job.handle)]);
        }
    }

    fn cancel(&mut self, pick: usize) {
        if self.model.jobs.is_empty() {
            return;
        }
        let position = pick % self.model.jobs.len();
        let job = self.model.jobs[position].clone();
        let asker = self.bench.connect();
        let answer = self.bench.line(asker, &format!("cancel job {}", job.handle));
        self.bench.queue.disconnect(asker);
        let possible = job.place == Where::Queued || (!job.spoken && !job.cancelled);
        assert_eq!(answer, if possible { "OK\n" } else { "ERR UNKNOWN_JOB\n" });
        match job.place {
            Where::Worker(_) if possible => self.model.jobs[position].cancelled = true,
            _ if possible => {
                self.model.jobs.remove(position);
            }
            _ => {}
        }
    }

    fn reconnect(&mut self, peer: usize) {
        self.bench.queue.disconnect(self.peers[peer]);
        let (lost, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.model.jobs).into_iter().partition(|job| {
                job.place == Where::Worker(peer) || (job.place == Where::Queued && job.client == Some(peer))
            });
        self.model.jobs = kept;
        for job in &mut self.model.jobs {
            job.client = job.client.filter(|client| *client != peer);
        }
        self.model.can[peer].clear();
        self.model.asleep[peer] = false;
        let mut fails: Vec<(usize, String)> = lost
            .into_iter()
            .filter(|job| job.place != Where::Queued && !job.background && !job.cancelled)
            .filter_map(|job| {
                job.client
                    .filter(|client| *client != peer)
                    .map(|client| (client, format!("WORK_FAIL {}", job.handle)))
            })
            .collect();
        fails.sort();
        for client in 0..PEERS {
            if client != peer {
                let mut heard = self.heard(client);
                heard.sort();
                let expected: Vec<String> =
                    fails.iter().filter(|(to, _)| *to == client).map(|(_, fail)| fail.clone()).collect();
                assert_eq!(heard, expected);
            }
        }
        self.peers[peer] = self.bench.connect();
    }

    fn end_ours(&mut self, pick: usize) {
        let ours: Vec<usize> = (0..self.model.jobs.len())
            .filter(|position| self.model.jobs[*position].place == Where::Ours)
            .collect();
        if ours.is_empty() {
            return;
        }
        let job = self.model.jobs.remove(ours[pick % ours.len()]);
        self.bench.queue.command(Command::Complete { handle: Handle::new(&job.handle), data: "o".into() });
        if let Some(client) = job.client {
            self.expect(client, &[format!("WORK_COMPLETE {}|o", job.handle)]);
        }
    }

    /// At the end of a turn, after long enough, no worker sleeps beside a job that it could take.
    fn pass(&mut self, milliseconds: u64) {
        self.bench.turn(milliseconds);
        for _ in 0..4 {
            self.bench.turn(20);
        }
        for peer in 0..PEERS {
            self.expect(peer, &[]);
            assert!(
                !(self.model.asleep[peer] && self.model.next_for(peer).is_some()),
                "peer {peer} sleeps beside a job"
            );
        }
    }

    fn check_counts(&mut self) {
        for function in 0..FUNCTIONS {
            let of = |place: fn(&Where) -> bool| {
                self.model.jobs.iter().filter(|job| job.function == function && place(&job.place)).count()
            };
            let (total, running) = (of(|_| true), of(|place| *place != Where::Queued));
            let workers = self.model.can.iter().filter(|set| set.contains(&function)).count();
            let ours = usize::from(self.model.ours.contains(&function));
            let expected = format!("{total} {running} {}", workers + ours);
            let counts = self.bench.counts(&name(function)).unwrap_or_else(|| "0 0 0".to_owned());
            assert_eq!(counts, expected, "function {function}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn zuul_s_6_s_9_s_14_s_15_hold_for_any_sequence(steps in prop::collection::vec(step(), 1..80)) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.run(step);
        }
        pair.check_counts();
    }
}
