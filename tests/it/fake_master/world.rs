//! What the master knows and does. Time passes when somebody looks.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::fault::{Fault, Weather, Wrong};

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its name, folders with slashes.
    pub name: String,
    /// The text parameters that it defines; `None`: it takes none.
    pub parameters: Option<Vec<String>>,
    /// The choices of its parameter `CHOICE`.
    pub choices: Vec<String>,
    /// Not disabled.
    pub buildable: bool,
    /// How its builds go.
    pub plan: Plan,
    /// The number that comes next.
    pub next_number: u64,
}

impl Job {
    /// A job with the parameters that Zuul's jobs declare.
    pub fn new(name: &str) -> Job {
        let parameters = ["ZUUL_UUID", "ZUUL_CHANGE", "TEXT"].map(str::to_owned).to_vec();
        Job {
            name: name.to_owned(),
            parameters: Some(parameters),
            choices: Vec::new(),
            buildable: true,
            plan: Plan::default(),
            next_number: 1,
        }
    }

    /// With that plan.
    pub fn plan(self, plan: Plan) -> Job {
        Job { plan, ..self }
    }
}

/// How a build goes. `None` for a time: until the test says so.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How long it waits in the queue.
    pub waits: Option<Duration>,
    /// How long it runs.
    pub runs: Option<Duration>,
    /// Its final result.
    pub result: &'static str,
    /// How many lines it writes.
    pub lines: u32,
    /// How long it is over before the log is (jenkins-rest 4.2, state 3).
    pub closes: Duration,
    /// What the master thinks it takes; -1 is unknown.
    pub estimated_ms: i64,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            waits: Some(Duration::from_millis(30)),
            runs: Some(Duration::from_millis(60)),
            result: "SUCCESS",
            lines: 20,
            closes: Duration::from_millis(20),
            estimated_ms: 120_000,
        }
    }
}

/// Where an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemState {
    Waiting,
    Left(u64),
    Cancelled,
}

/// An item of the queue.
#[derive(Debug, Clone)]
pub struct Item {
    pub job: String,
    pub parameters: Vec<(String, String)>,
    pub state: ItemState,
    /// Triggers that became this one item.
    pub causes: u32,
    since: Instant,
}

/// A build.
#[derive(Debug, Clone)]
pub struct Build {
    pub queue_id: u64,
    pub parameters: Vec<(String, String)>,
    pub description: Option<String>,
    pub stopped: bool,
    pub began: Instant,
    pub began_ms: u64,
    /// When `building` became false.
    pub over: Option<Instant>,
    pub result: Option<&'static str>,
    /// The log as it lies on the disk, hidden markup included.
    pub raw: Vec<u8>,
    pub closed: bool,
    lines: u32,
}

/// Everything.
pub struct World {
    pub prefix: String,
    pub jobs: BTreeMap<String, Job>,
    pub queue: BTreeMap<u64, Item>,
    pub builds: BTreeMap<(String, u64), Build>,
    pub session: u32,
    /// So many answers still say that it is starting.
    pub starting: u32,
    pub down: bool,
    /// Carried-out triggers: job and parameters.
    pub triggers: Vec<(String, Vec<(String, String)>)>,
    /// Every request: `METHOD /path?query`.
    pub requests: Vec<String>,
    pub faults: Vec<Fault>,
    pub weather: Option<Weather>,
    /// The right to build.
    pub may_build: bool,
    /// The crumb of the session whose cookie has this number.
    pub crumbs: u32,
    next_item: u64,
}

impl World {
    pub fn new(jobs: impl IntoIterator<Item = Job>) -> World {
        World {
            prefix: String::new(),
            jobs: jobs.into_iter().map(|job| (job.name.clone(), job)).collect(),
            queue: BTreeMap::new(),
            builds: BTreeMap::new(),
            session: 1,
            starting: 0,
            down: false,
            triggers: Vec::new(),
            requests: Vec::new(),
            faults: Vec::new(),
            weather: None,
            may_build: true,
            crumbs: 0,
            next_item: 7,
        }
    }

    /// What goes wrong with this request.
    pub fn strike(&mut self, line: &str) -> Option<Wrong> {
        if let Some(at) = self.faults.iter().position(|fault| line.contains(&fault.on)) {
            if self.faults[at].skip == 0 {
                return Some(self.faults.remove(at).wrong);
            }
            self.faults[at].skip -= 1;
        }
        self.weather.as_mut().and_then(Weather::strike)
    }

    /// Takes a trigger; an equal item that waits takes it in (jenkins-rest 3.2). Undefined parameters are dropped.
    pub fn trigger(&mut self, job: &str, given: &[(String, String)]) -> u64 {
        self.triggers.push((job.to_owned(), given.to_vec()));
        let defined = self.jobs[job].parameters.clone().unwrap_or_default();
        let value =
            |name: &String| given.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let parameters: Vec<(String, String)> =
            defined.into_iter().map(|name| (name.clone(), value(&name).unwrap_or_default())).collect();
        let equal = |item: &Item| {
            item.state == ItemState::Waiting && item.job == job && item.parameters == parameters
        };
        let folded = self.queue.iter_mut().find(|(_, item)| equal(item)).map(|(id, item)| (*id, item));
        if let Some((id, item)) = folded {
            item.causes += 1;
            return id;
        }
        self.next_item += 1;
        let item = Item {
            job: job.to_owned(),
            parameters,
            state: ItemState::Waiting,
            causes: 1,
            since: Instant::now(),
        };
        self.queue.insert(self.next_item, item);
        self.next_item
    }

    /// Cancels an item: `None` unknown, `Some(false)` it has left.
    pub fn cancel(&mut self, id: u64) -> Option<bool> {
        let item = self.queue.get_mut(&id)?;
        if item.state != ItemState::Waiting {
            return Some(false);
        }
        item.state = ItemState::Cancelled;
        Some(true)
    }

    /// What is due by now happens.
    pub fn advance(&mut self) {
        if self.down {
            return;
        }
        let due = |item: &Item, plan: &Plan| plan.waits.is_some_and(|waits| item.since.elapsed() >= waits);
        let ids: Vec<u64> = self.queue.keys().copied().collect();
        for id in ids {
            let item = self.queue[&id].clone();
            if item.state == ItemState::Waiting && due(&item, &self.jobs[&item.job].plan) {
                self.begin(id);
            }
        }
        let keys: Vec<(String, u64)> = self.builds.keys().cloned().collect();
        for key in keys {
            let plan = self.jobs[&key.0].plan.clone();
            if let Some(build) = self.builds.get_mut(&key) {
                build.advance(&plan);
            }
        }
    }

    /// An item becomes a build.
    pub fn begin(&mut self, id: u64) -> u64 {
        let item = self.queue[&id].clone();
        let job = self.jobs.get_mut(&item.job).expect("the item's job is there");
        let number = job.next_number;
        job.next_number += 1;
        self.queue.get_mut(&id).expect("it is there").state = ItemState::Left(number);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let mut raw = b"Started by user \x1b[8mha:////4AbCdEf0123456789\x1b[0mci\n".to_vec();
        raw.extend(b"Building on the built-in node in workspace /w\n");
        let build = Build {
            queue_id: id,
            parameters: item.parameters,
            description: None,
            stopped: false,
            began: Instant::now(),
            began_ms: u64::try_from(now.as_millis()).unwrap_or_default(),
            over: None,
            result: None,
            raw,
            closed: false,
            lines: 0,
        };
        self.builds.insert((item.job, number), build);
        number
    }

    /// All waiting items of a job begin, and its builds may end: the plan's times count from now on.
    pub fn let_go(&mut self, job: &str, waits: Option<Duration>, runs: Option<Duration>) {
        let job = self.jobs.get_mut(job).expect("a known job");
        job.plan.waits = waits;
        job.plan.runs = runs;
    }

    /// Freestyle builds do not survive a restart, their numbers are used up; items that wait do, and those that left are forgotten.
    pub fn shut_down(&mut self) {
        self.down = true;
        self.builds.retain(|_, build| build.closed);
        self.queue.retain(|_, item| item.state == ItemState::Waiting);
    }

    pub fn boot(&mut self) {
        self.down = false;
        self.session += 1;
        self.starting = 3;
    }

    /// Builds of a job, as seen from outside the master.
    pub fn builds_of(&self, job: &str) -> Vec<(u64, &Build)> {
        self.builds
            .iter()
            .filter(|((name, _), _)| name == job)
            .map(|((_, number), build)| (*number, build))
            .collect()
    }
}

impl Build {
    /// The last moment of the run.
    fn advance(&mut self, plan: &Plan) {
        let elapsed = self.began.elapsed();
        let ends = plan.runs.is_some_and(|runs| elapsed >= runs);
        if self.over.is_none() {
            let share = match plan.runs {
                Some(runs) if !runs.is_zero() => (elapsed.as_secs_f64() / runs.as_secs_f64()).min(1.0),
                Some(_) => 1.0,
                None => 0.3,
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of few lines"
            )]
            let due = (f64::from(plan.lines) * share) as u32;
            while self.lines < due && !self.stopped {
                self.lines += 1;
                let line = format!("line {} of the build, caf\u{e9}\n", self.lines);
                self.raw.extend(line.as_bytes());
            }
            // Publishers still run, and it may get worse (jenkins-rest 4.2, state 2).
            if share > 0.8 {
                self.result = Some("SUCCESS");
            }
            if ends || self.stopped {
                self.over = Some(Instant::now());
                self.result = Some(if self.stopped { "ABORTED" } else { plan.result });
            }
        }
        if self.over.is_some_and(|over| over.elapsed() >= plan.closes) && !self.closed {
            self.closed = true;
            if self.stopped {
                self.raw.extend(b"Build was aborted\nAborted by ci\n");
            }
            self.raw.extend(format!("Finished: {}\n", self.result.unwrap_or("FAILURE")).as_bytes());
        }
    }

    /// The whole log as people see it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&visible(&self.raw)).into_owned()
    }
}

/// The log without its hidden markup.
pub fn visible(raw: &[u8]) -> Vec<u8> {
    let (open, close): (&[u8], &[u8]) = (b"\x1b[8mha:", b"\x1b[0m");
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = find(rest, open) {
        text.extend(&rest[..at]);
        let end = find(&rest[at..], close).map_or(rest.len(), |end| at + end + close.len());
        rest = &rest[end..];
    }
    text.extend(rest);
    text
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
