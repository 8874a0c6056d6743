//! The world: chooses what happens next, moves bytes between peers and the queue, and checks.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::gearman::codec::{Decoded, decode};
use crate::gearman::limits::Limits;
use crate::gearman::packet::Level;
use crate::gearman::server::queue::Queue;
use crate::gearman::server::{ConnectionId, Event, LocalNames, Options};
use crate::model::ResultWord;
use crate::store::MemoryStore;

use super::clients::Client;
use super::house::{House, SimulatedClock, check_records};
use super::masters::Master;
use super::model::{Model, State};

const OWN: [&str; 2] = ["own-a", "own-b"];
const FUNCTIONS: [&str; 5] = ["build:own-a", "build:own-b", "build:ext-a", "build:ext-b", "merger:merge"];
/// What happens in one life of the server, at most.
const STEPS: usize = 60;
/// Lives of one seed.
const LIVES: usize = 3;
/// Turns of the wheel until everything must have come to rest.
const REST: usize = 40;
/// A hop through the feed is a few polls; the number is far above what any of them needs.
const HOPS: usize = 12;

/// One seed's world.
pub(super) struct World {
    random: SmallRng,
    store: Arc<MemoryStore>,
    clock: Arc<SimulatedClock>,
    clients: Vec<Client>,
    masters: Vec<Master>,
    model: Model,
    queue: Queue,
    life: u64,
    uniques: u64,
    /// What the feed was not told yet: it may be behind.
    untold: Vec<Event>,
    /// A digest of every byte that a peer was sent: two runs of one seed have the same.
    trace: u64,
}

impl World {
    pub fn new(seed: u64) -> World {
        let masters: [&[&str]; 3] = [
            &["build:ext-a", "stop:master"],
            &["build:ext-a", "build:ext-b"],
            &["merger:merge", "build:own-a"],
        ];
        World {
            random: SmallRng::seed_from_u64(seed),
            store: Arc::new(MemoryStore::default()),
            clock: SimulatedClock::new(),
            clients: (0..2).map(|_| Client::default()).collect(),
            masters: masters.into_iter().map(Master::serving).collect(),
            model: Model::default(),
            queue: new_queue(0),
            life: 0,
            uniques: 0,
            untold: Vec::new(),
            trace: 0xcbf2_9ce4_8422_2325,
        }
    }

    /// Lives through all lives; returns how many jobs ended with a packet, and the digest of what was said.
    pub fn run(mut self) -> Result<(u64, u64), String> {
        for life in 0..LIVES {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
            let runtime = runtime.map_err(|error| error.to_string())?;
            let last = life + 1 == LIVES;
            runtime.block_on(self.live(last)).map_err(|problem| format!("life {life}: {problem}"))?;
            // Dropping the runtime is kill -9: no task says another word.
            drop(runtime);
            self.killed();
        }
        Ok((self.model.ended, self.trace))
    }

    async fn live(&mut self, last: bool) -> Result<(), String> {
        let mut house = House::open(&self.store, &self.clock, &OWN).await;
        let steps = if last { STEPS } else { self.random.random_range(1..STEPS) };
        for _ in 0..steps {
            self.step(&mut house).await?;
            // Often the next thing happens before everybody has heard of the last: so every gap is met by everything.
            let turns = if self.random.random() { HOPS } else { self.random.random_range(0..HOPS) };
            self.turns(&mut house, turns).await?;
        }
        if last { self.rest(&mut house).await } else { Ok(()) }
    }

    fn killed(&mut self) {
        self.life += 1;
        self.model.killed();
        self.queue = new_queue(self.life);
        self.untold.clear();
        self.clients.iter_mut().for_each(Client::disconnect);
        self.masters.iter_mut().for_each(Master::disconnect);
    }

    async fn step(&mut self, house: &mut House) -> Result<(), String> {
        let client = self.random.random_range(0..self.clients.len());
        let master = self.random.random_range(0..self.masters.len());
        match self.random.random_range(0..100) {
            0..35 => self.submit(client),
            35..43 => self.cancel(client),
            43..48 => self.stop(client),
            48..51 => self.lose_client(client),
            51..54 => self.lose_master(master),
            54..74 => self.work(master),
            74..84 => self.end_build(house).await,
            84..94 => self.go_on(house).await,
            _ => {
                let by = Duration::from_secs(self.random.random_range(1..40));
                self.clock.advance(by);
                tokio::time::advance(by).await;
                Ok(())
            }
        }
    }

    fn submit(&mut self, client: usize) -> Result<(), String> {
        let function = FUNCTIONS[self.random.random_range(0..FUNCTIONS.len())];
        let level = Level::ALL[self.random.random_range(0..3)];
        let unique = self.unique();
        let bytes = self.clients[client].submit(function, level, &unique, r#"{"ZUUL_CHANGE": "1"}"#);
        self.send_as_client(client, &bytes)
    }

    fn cancel(&mut self, client: usize) -> Result<(), String> {
        let mut handles = self.model.of(client, State::Waiting);
        handles.extend(self.model.of(client, State::Assigned));
        let Some(handle) = self.choose(&handles) else { return Ok(()) };
        let bytes = self.clients[client].cancel(&handle);
        self.send_as_client(client, &bytes)
    }

    /// As Zuul stops a build whose number it knows.
    fn stop(&mut self, client: usize) -> Result<(), String> {
        let started: Vec<(String, u64)> = self
            .model
            .of(client, State::Assigned)
            .into_iter()
            .filter_map(|handle| {
                let job = &self.model.jobs[&handle];
                Some((job.function.strip_prefix("build:own")?.to_owned(), job.number?))
            })
            .collect();
        let Some((job, number)) = self.choose(&started) else { return Ok(()) };
        let unique = self.unique();
        let data = format!(r#"{{"name": "own{job}", "number": {number}}}"#);
        let bytes = self.clients[client].submit("stop:causeway", Level::High, &unique, &data);
        self.send_as_client(client, &bytes)
    }

    fn lose_client(&mut self, client: usize) -> Result<(), String> {
        if let Some(connection) = self.clients[client].connection {
            self.queue.disconnect(connection);
            self.clients[client].disconnect();
            self.model.client_gone(client);
        }
        Ok(())
    }

    fn lose_master(&mut self, master: usize) -> Result<(), String> {
        if let Some(connection) = self.masters[master].connection {
            self.queue.disconnect(connection);
            self.masters[master].disconnect();
        }
        Ok(())
    }

    fn work(&mut self, master: usize) -> Result<(), String> {
        let mut bytes = Vec::new();
        if self.masters[master].connection.is_none() {
            bytes = self.masters[master].register();
        }
        let number = self.random.random_range(1..1000);
        bytes.extend(match self.masters[master].job {
            Some(_) => self.masters[master].go_on(number),
            None => self.masters[master].grab(),
        });
        let connection = *self.masters[master].connection.get_or_insert_with(|| self.queue.connect(peer()));
        self.send(connection, &bytes)
    }

    async fn go_on(&mut self, house: &mut House) -> Result<(), String> {
        if house.running() == 0 {
            return Ok(());
        }
        house.go_on(self.random.random_range(0..house.running())).await
    }

    async fn end_build(&mut self, house: &mut House) -> Result<(), String> {
        if house.running() == 0 {
            return Ok(());
        }
        let which = self.random.random_range(0..house.running());
        let words = [Some(ResultWord::Success), Some(ResultWord::Failure), None];
        let word = words[self.random.random_range(0..3)];
        house.end(which, word).await
    }

    /// Everything that runs comes to its end; then nothing may be left (zuul-Z-6).
    async fn rest(&mut self, house: &mut House) -> Result<(), String> {
        for _ in 0..REST {
            for master in 0..self.masters.len() {
                self.work(master)?;
                self.settle(house).await?;
            }
            while house.running() > 0 {
                house.end(0, Some(ResultWord::Success)).await?;
                self.settle(house).await?;
            }
        }
        let open = self.model.open();
        if !open.is_empty() {
            return Err(format!("zuul-Z-6: these jobs never ended: {open:?}"));
        }
        check_records(&self.store).await
    }

    /// Lets everybody do what there is to do.
    async fn settle(&mut self, house: &mut House) -> Result<(), String> {
        self.turns(house, HOPS).await
    }

    /// Lets the queue and the feed take turns, so many.
    async fn turns(&mut self, house: &mut House, turns: usize) -> Result<(), String> {
        for _ in 0..turns {
            while let Ok(command) = house.commands.try_recv() {
                self.queue.command(command);
            }
            self.queue.end_turn(Duration::from_millis(self.now()), self.now() / 1000);
            self.deliver()?;
            self.hear()?;
            if !self.untold.is_empty()
                && let Ok(permit) = house.events.try_reserve()
            {
                permit.send(std::mem::take(&mut self.untold));
                self.queue.assign_waiting();
                self.hear()?;
            }
            house.take_up();
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Takes what the queue has to say at once, as it stands in the model's order; the feed hears of it later.
    fn hear(&mut self) -> Result<(), String> {
        let events = self.queue.take_events();
        events.iter().try_for_each(|event| self.note(event))?;
        self.untold.extend(events);
        Ok(())
    }

    fn note(&mut self, event: &Event) -> Result<(), String> {
        if let Event::Assigned { handle, bounded: true, .. } = event {
            let functions: Vec<String> = OWN.iter().map(|job| format!("build:{job}")).collect();
            return self.model.assigned(handle.as_str(), &functions);
        }
        if let Event::Assigned { handle, .. } = event {
            return self.model.assigned(handle.as_str(), &["stop:causeway".to_owned()]);
        }
        Ok(())
    }

    fn deliver(&mut self) -> Result<(), String> {
        while let Some(connection) = self.queue.pop_dirty() {
            let bytes = self.queue.take_outbox(connection);
            self.trace = bytes
                .iter()
                .fold(self.trace, |trace, byte| (trace ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
            if let Some(me) = self.clients.iter().position(|client| client.connection == Some(connection)) {
                self.clients[me].receive(me, &bytes, &mut self.model)?;
            } else if let Some(master) =
                self.masters.iter_mut().find(|master| master.connection == Some(connection))
            {
                master.receive(&bytes, &mut self.model)?;
            }
        }
        Ok(())
    }

    fn send_as_client(&mut self, client: usize, bytes: &[u8]) -> Result<(), String> {
        let connection = *self.clients[client].connection.get_or_insert_with(|| self.queue.connect(peer()));
        self.send(connection, bytes)
    }

    fn send(&mut self, connection: ConnectionId, bytes: &[u8]) -> Result<(), String> {
        let mut rest = bytes;
        while let Decoded::Frame(frame, length) =
            decode(rest, &Limits::default()).map_err(|error| error.to_string())?
        {
            self.queue.frame(connection, frame).map_err(|refused| refused.to_string())?;
            self.deliver()?;
            self.hear()?;
            rest = &rest[length..];
        }
        Ok(())
    }

    fn choose<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        if from.is_empty() { None } else { Some(from[self.random.random_range(0..from.len())].clone()) }
    }

    fn unique(&mut self) -> String {
        self.uniques += 1;
        format!("u{}", self.uniques)
    }

    fn now(&self) -> u64 {
        use crate::sys::Clock;
        self.clock.now().0
    }
}

fn peer() -> IpAddr {
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}

fn new_queue(life: u64) -> Queue {
    let listen = (Ipv4Addr::LOCALHOST, 0).into();
    let local = LocalNames {
        bounded: OWN.iter().map(|job| format!("build:{job}").into_bytes()).collect(),
        immediate: vec![b"stop:causeway".to_vec()],
        ..LocalNames::default()
    };
    Queue::new(Options { local, ..Options::new(listen, format!("life{life}")) })
}
