//! A client that behaves like Zuul's launcher: builds in bursts on one connection, and what a lost connection left open is
//! launched again under a new unique.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use causeway::gearman::client::Client;
use causeway::gearman::packet::{arguments, kind};
use tokio::time::{Instant, timeout, timeout_at};

/// No end of a build of this test takes longer, on two busy cores.
const ENDS_WITHIN: Duration = Duration::from_secs(120);

/// What became of one submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing yet.
    Open,
    /// One WORK_COMPLETE.
    Complete,
    /// The server was killed.
    Killed,
    /// The client left while the server went on.
    Left,
}

/// One submit.
#[derive(Debug)]
pub struct Launch {
    /// The piece of work; every launch of it is to do the same.
    pub who: usize,
    /// The number of the build, once the server has told it.
    pub number: Option<u64>,
    pub end: End,
}

impl Launch {
    /// What this client calls its launch of that place.
    pub fn unique(place: usize) -> String {
        format!("unique-{place}")
    }
}

/// The result that the job `lines` is asked for.
pub fn result(who: usize) -> &'static str {
    if who % 4 == 3 { "FAILURE" } else { "SUCCESS" }
}

/// Everything that was ever launched, and the connection of this moment.
pub struct Launcher {
    /// In the order of their submits.
    pub launches: Vec<Launch>,
    /// Work whose last launch has been lost.
    again: VecDeque<usize>,
    works: usize,
    /// How many builds a burst fills up to.
    burst: usize,
    lines: usize,
    client: Option<Client>,
    submitted: VecDeque<usize>,
    under_way: HashMap<Bytes, usize>,
}

impl Launcher {
    /// One that keeps up to `burst` builds of so many lines under way.
    pub fn new(burst: usize, lines: usize) -> Self {
        Self {
            launches: Vec::new(),
            again: VecDeque::new(),
            works: 0,
            burst,
            lines,
            client: None,
            submitted: VecDeque::new(),
            under_way: HashMap::new(),
        }
    }

    /// How many different pieces of work there were.
    pub fn works(&self) -> usize {
        self.works
    }

    /// A new connection to this address.
    pub async fn connect(&mut self, address: &str) {
        assert!(self.client.is_none(), "it is connected");
        self.client = Some(Client::connect(address.parse().unwrap()).await.unwrap());
    }

    /// Gives the connection up while the server goes on; what is open is to be launched again.
    pub fn leave(&mut self) {
        self.client = None;
        self.lost(End::Left);
    }

    /// The server was killed: what it had sent is still read, the rest is to be launched again.
    pub async fn killed(&mut self) {
        let read = async { while self.packet().await.is_some() {} };
        timeout(ENDS_WITHIN, read).await.expect("a killed server's connection ends");
        self.client = None;
        self.lost(End::Killed);
    }

    fn lost(&mut self, how: End) {
        self.submitted.clear();
        self.under_way.clear();
        for launch in self.launches.iter_mut().filter(|launch| launch.end == End::Open) {
            launch.end = how;
            self.again.push_back(launch.who);
        }
    }

    /// A burst from beginning to end.
    pub async fn whole_burst(&mut self) {
        self.submit_burst().await;
        self.finish().await;
    }

    /// Bursts until `until`, and then until a build that was announced is under way.
    pub async fn bursts(&mut self, until: Instant) {
        let limit = Instant::now() + ENDS_WITHIN;
        while Instant::now() < until || !self.announced() {
            assert!(Instant::now() < limit.max(until), "no build is announced");
            if self.submitted.len() + self.under_way.len() <= self.burst / 2 {
                self.submit_burst().await;
            }
            // The limit of one turn only lets the conditions above be looked at again.
            let turn = until.max(Instant::now() + Duration::from_millis(50));
            if let Ok(packet) = timeout_at(turn, self.packet()).await {
                packet.expect("the server keeps its connection");
            }
        }
    }

    /// Launches again what was lost, and waits for the end of everything.
    pub async fn rest(&mut self) {
        while !self.again.is_empty() {
            self.whole_burst().await;
        }
        self.finish().await;
    }

    async fn finish(&mut self) {
        while !(self.submitted.is_empty() && self.under_way.is_empty()) {
            let packet = timeout(ENDS_WITHIN, self.packet()).await;
            packet.expect("a build ends in time").expect("the server keeps its connection");
        }
    }

    fn announced(&self) -> bool {
        self.under_way.values().any(|place| self.launches[*place].number.is_some())
    }

    /// Fills up to a whole burst: lost work first, then new work while this life has some.
    async fn submit_burst(&mut self) {
        let room = self.burst.saturating_sub(self.submitted.len() + self.under_way.len());
        for _ in 0..room {
            let who = self.again.pop_front().unwrap_or(self.works);
            self.works = self.works.max(who + 1);
            self.submit(who).await;
        }
    }

    async fn submit(&mut self, who: usize) {
        let place = self.launches.len();
        let code = i32::from(result(who) == "FAILURE");
        let data = format!(r#"{{"WHO": "{who}", "COUNT": {}, "CODE": {code}}}"#, self.lines);
        let unique = Launch::unique(place);
        let client = self.client.as_mut().expect("it is connected");
        client.send(kind::SUBMIT_JOB, &[b"build:lines", unique.as_bytes(), data.as_bytes()]).await.unwrap();
        self.launches.push(Launch { who, number: None, end: End::Open });
        self.submitted.push_back(place);
    }

    /// Takes one packet; none when the connection has ended.
    async fn packet(&mut self) -> Option<()> {
        let (kind, body) = self.client.as_mut().expect("it is connected").packet().await.ok()?;
        match kind {
            kind::JOB_CREATED => {
                let place = self.submitted.pop_front().expect("a handle for a submit");
                assert!(self.under_way.insert(body, place).is_none(), "a handle was given twice");
            }
            kind::WORK_DATA => {
                let (place, data) = self.named(&body);
                let number = data["number"].as_u64().expect("a number");
                let known = self.launches[place].number.replace(number);
                assert!(known.is_none_or(|known| known == number), "a build changed its number");
            }
            kind::WORK_COMPLETE => {
                let (place, data) = self.named(&body);
                let launch = &mut self.launches[place];
                assert_eq!(data["result"], result(launch.who), "{launch:?}: {data}");
                assert_eq!(data["number"].as_u64(), launch.number, "{launch:?}: {data}");
                launch.end = End::Complete;
                self.under_way.retain(|_, other| *other != place);
            }
            kind::WORK_STATUS => {}
            other => panic!("packet {other}: {}", String::from_utf8_lossy(&body)),
        }
        Some(())
    }

    /// The launch that a packet speaks of (a second end would find none), and its object.
    fn named(&self, body: &[u8]) -> (usize, serde_json::Value) {
        let [handle, data] = arguments::<2>(body).expect("a handle and data");
        let place = self.under_way.get(handle).expect("a handle of a launch that has not ended");
        (*place, serde_json::from_slice(data).expect("an object of JSON"))
    }
}
