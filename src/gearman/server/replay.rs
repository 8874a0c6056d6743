//! Plays any bytes against a queue, as several peers and the process itself: for fuzzing, and for the corpora that came of it.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::api::{Command, ConnectionId, Event, LocalNames, Options, Stats};
use super::connection::End;
use super::queue::Queue;
use crate::gearman::deframe::{Deframer, Spare};
use crate::gearman::limits::Limits;

const PEERS: usize = 4;

/// What is left after a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Frames that were understood.
    pub frames: usize,
    /// Jobs queued or running after every peer has gone and every job of ours was forgotten; only background jobs wait on.
    pub jobs: u64,
    /// Connections in the queue's books.
    pub connections: u64,
}

struct Player {
    queue: Queue,
    limits: Limits,
    peers: [(ConnectionId, Deframer); PEERS],
    spare: Spare,
    now: Duration,
    left: Left,
    ours: Vec<super::Handle>,
}

/// Plays `script`: records of one byte that names a peer (its lower two bits) and an action (the rest), for most actions a
/// length byte, and so many bytes that the peer sends. Panics where the queue breaks its own rules.
pub fn replay(script: &[u8]) -> Left {
    let mut options = Options::new((Ipv4Addr::LOCALHOST, 0).into(), "replay");
    options.limits = Limits {
        names: 64,
        names_per_connection: 16,
        jobs: 256,
        queued_bytes: 64 << 10,
        ..Limits::default()
    };
    options.local =
        LocalNames { bounded: vec![b"b".to_vec()], immediate: vec![b"i".to_vec()], ..LocalNames::default() };
    let limits = options.limits.clone();
    let mut queue = Queue::new(options);
    let peers =
        std::array::from_fn(|_| (queue.connect(IpAddr::V4(Ipv4Addr::LOCALHOST)), Deframer::default()));
    let mut player = Player {
        queue,
        limits,
        peers,
        spare: Spare::default(),
        now: Duration::ZERO,
        left: Left::default(),
        ours: Vec::new(),
    };
    let mut rest = script;
    while let Some((first, behind)) = rest.split_first() {
        rest = player.step(usize::from(first & 3), first >> 2, behind);
    }
    player.end()
}

impl Player {
    fn step<'a>(&mut self, peer: usize, action: u8, rest: &'a [u8]) -> &'a [u8] {
        match action {
            0 => self.reconnect(peer),
            1 => {
                self.now += Duration::from_millis(15);
                self.queue.end_turn(self.now, self.now.as_secs());
            }
            2 => self.queue.command(Command::Room { credits: 4, seen: u64::MAX }),
            3 => {
                let bounded =
                    if peer.is_multiple_of(2) { vec![b"b".to_vec(), b"f".to_vec()] } else { Vec::new() };
                self.queue.command(Command::SetLocal(LocalNames {
                    bounded,
                    immediate: vec![b"i".to_vec()],
                    ..LocalNames::default()
                }));
            }
            4 => {
                if let Some(handle) = self.ours.pop() {
                    self.queue.command(Command::Complete { handle, data: "{}".into() });
                }
            }
            _ => {
                let Some((length, behind)) = rest.split_first() else { return &[] };
                let (bytes, behind) = behind.split_at(usize::from(*length).min(behind.len()));
                self.send(peer, bytes);
                return behind;
            }
        }
        rest
    }

    fn send(&mut self, peer: usize, bytes: &[u8]) {
        let (id, deframer) = &mut self.peers[peer];
        let (id, queue) = (*id, &mut self.queue);
        match deframer
            .feed(bytes, &self.limits, &mut self.spare, |frame| queue.frame(id, frame).map_err(End::from))
        {
            Ok(frames) => self.left.frames += frames,
            Err(_) => self.reconnect(peer),
        }
        while let Some(id) = self.queue.pop_dirty() {
            let outbox = self.queue.take_outbox(id);
            self.queue.keep(outbox);
        }
        self.collect();
    }

    fn collect(&mut self) {
        for event in self.queue.take_events() {
            if let Event::Assigned { handle, .. } = event {
                self.ours.push(handle);
            }
        }
        self.queue.assign_waiting();
    }

    fn reconnect(&mut self, peer: usize) {
        self.queue.disconnect(self.peers[peer].0);
        self.peers[peer] = (self.queue.connect(IpAddr::V4(Ipv4Addr::LOCALHOST)), Deframer::default());
    }

    fn end(mut self) -> Left {
        for (id, _) in &self.peers {
            self.queue.disconnect(*id);
        }
        self.queue.command(Command::SetLocal(LocalNames::default()));
        self.collect();
        for handle in std::mem::take(&mut self.ours) {
            self.queue.command(Command::Forget { handle });
        }
        let stats = self.queue.stats(&Stats::default());
        assert_eq!((stats.running, stats.workers, stats.classes), (0, 0, 0), "something outlived its peers");
        self.left.jobs = stats.queued.iter().sum();
        self.left.connections = stats.connections;
        self.left
    }
}
