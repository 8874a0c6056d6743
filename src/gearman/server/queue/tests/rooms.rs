//! Rooms: a full label keeps its own jobs queued and nobody else's, whatever comes in which order.

use proptest::prelude::*;

use super::Bench;
use crate::gearman::packet::kind;
use crate::gearman::server::api::{Command, ConnectionId, Event, LocalNames, Rooms};

/// `a` and `b` have a room each and one together; `c` has its own; `free` has none.
const NAMES: [&str; 4] = ["build:a", "build:b", "build:c", "build:free"];
const ROOMS_OF: [&[usize]; 4] = [&[0, 2], &[1, 2], &[3], &[]];
const KINDS: [u32; 3] = [kind::SUBMIT_JOB_HIGH, kind::SUBMIT_JOB, kind::SUBMIT_JOB_LOW];

fn names(places: [u32; 4]) -> LocalNames {
    LocalNames {
        bounded: NAMES.iter().map(|name| name.as_bytes().to_vec()).collect(),
        immediate: Vec::new(),
        rooms: Rooms {
            places: places.to_vec(),
            groups: ROOMS_OF.iter().map(|rooms| rooms.iter().map(|room| *room as u32).collect()).collect(),
            group_of: vec![0, 1, 2, 3],
        },
    }
}

struct House {
    bench: Bench,
    client: ConnectionId,
    submitted: usize,
}

impl House {
    fn new(places: [u32; 4]) -> Self {
        let mut bench = Bench::new();
        bench.queue.command(Command::SetLocal(names(places)));
        bench.queue.command(Command::Room { credits: 1_000, seen: 0 });
        bench.events();
        let client = bench.connect();
        Self { bench, client, submitted: 0 }
    }

    /// Submits a job; its handle.
    fn submit(&mut self, kind: u32, name: &str) -> String {
        self.submitted += 1;
        self.bench.submit(self.client, kind, name, &(self.submitted - 1).to_string())
    }

    fn left(&mut self, name: &str) {
        self.bench.queue.command(Command::Left { function: name.as_bytes().to_vec().into() });
    }

    /// The numbers of the jobs that were handed out.
    fn assigned(&mut self) -> Vec<usize> {
        let unique = |event| match event {
            Event::Assigned { unique, .. } => std::str::from_utf8(&unique).ok()?.parse().ok(),
            _ => None,
        };
        self.bench.events().into_iter().filter_map(unique).collect()
    }
}

#[test]
fn a_full_label_keeps_its_own_jobs_queued_and_nobody_elses() {
    let mut house = House::new([1, 9, 9, 1]);
    let handles: Vec<String> = ["build:a", "build:a", "build:b", "build:c", "build:free"]
        .map(|name| house.submit(kind::SUBMIT_JOB, name))
        .into();
    assert_eq!(house.assigned(), [0, 2, 3, 4], "only the second of the full label waits");
    assert_eq!(house.bench.line(house.client, &format!("cancel job {}", handles[1])), "OK\n");
    house.submit(kind::SUBMIT_JOB, "build:a");
    house.left("build:b");
    assert_eq!(house.assigned(), [0; 0], "another label's end gives this one no place");
    house.left("build:a");
    assert_eq!(house.assigned(), [5]);
}

#[test]
fn those_inside_keep_their_places_over_a_reload() {
    let mut house = House::new([2, 9, 9, 9]);
    for _ in 0..3 {
        house.submit(kind::SUBMIT_JOB, "build:a");
    }
    assert_eq!(house.assigned(), [0, 1]);
    house.bench.queue.command(Command::SetLocal(names([1, 9, 9, 9])));
    house.left("build:a");
    assert_eq!(house.assigned(), [0; 0], "one is inside, and one may be");
    house.bench.queue.command(Command::SetLocal(names([2, 9, 9, 9])));
    assert_eq!(house.assigned(), [2]);
    house.bench.queue.command(Command::SetLocal(LocalNames::default()));
    house.bench.queue.command(Command::SetLocal(names([2, 9, 9, 9])));
    house.submit(kind::SUBMIT_JOB, "build:a");
    assert_eq!(house.assigned(), [0; 0], "a name that was away meanwhile still counts");
}

#[test]
fn builds_of_a_former_process_take_their_places() {
    let mut house = House::new([1, 9, 9, 9]);
    house.bench.queue.command(Command::Entered { function: "build:a".into() });
    house.submit(kind::SUBMIT_JOB, "build:a");
    assert_eq!(house.assigned(), [0; 0]);
    house.left("build:a");
    assert_eq!(house.assigned(), [0]);
}

#[derive(Debug, Clone)]
enum Step {
    Submit { level: usize, name: usize },
    Left { which: usize },
    Resize { places: [u32; 4] },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..3usize, 0..4usize).prop_map(|(level, name)| Step::Submit { level, name }),
        3 => any::<usize>().prop_map(|which| Step::Left { which }),
        1 => prop::array::uniform4(0..4u32).prop_map(|places| Step::Resize { places }),
    ]
}

/// The plainest queue that keeps the rules.
struct Model {
    places: [u32; 4],
    /// Level, number and name of each job.
    waiting: Vec<(usize, usize, usize)>,
    inside: Vec<usize>,
}

impl Model {
    fn taken(&self, room: usize) -> usize {
        self.inside.iter().filter(|name| ROOMS_OF[**name].contains(&room)).count()
    }

    /// Whoever may go, goes; their numbers in order.
    fn let_in(&mut self) -> Vec<usize> {
        let mut went = Vec::new();
        self.waiting.sort_unstable();
        while let Some(position) = self.waiting.iter().position(|(_, _, name)| {
            ROOMS_OF[*name].iter().all(|room| self.taken(*room) < self.places[*room] as usize)
        }) {
            let (_, number, name) = self.waiting.remove(position);
            self.inside.push(name);
            went.push(number);
        }
        went
    }
}

proptest! {
    #[test]
    fn zuul_s_9_the_order_among_those_that_may_go_is_strict(steps in prop::collection::vec(step(), 1..80)) {
        let places = [1, 2, 2, 1];
        let mut house = House::new(places);
        let mut model = Model { places, waiting: Vec::new(), inside: Vec::new() };
        for step in steps {
            match step {
                Step::Submit { level, name } => {
                    model.waiting.push((level, house.submitted, name));
                    house.submit(KINDS[level], NAMES[name]);
                }
                Step::Left { which } if !model.inside.is_empty() => {
                    let name = model.inside.remove(which % model.inside.len());
                    house.left(NAMES[name]);
                }
                Step::Left { .. } => {}
                Step::Resize { places } => {
                    model.places = places;
                    house.bench.queue.command(Command::SetLocal(names(places)));
                }
            }
            prop_assert_eq!(house.assigned(), model.let_in());
        }
    }
}
