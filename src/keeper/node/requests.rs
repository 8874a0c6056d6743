//! What Causeway asks, answered.

use std::collections::btree_map::Entry;
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::beneath::open_beneath;
use super::channel::{Channel, Follow, Pump};
use super::connection::Peer;
use super::files;
use super::listen::Listener;
use super::run::Node;
use super::step::{Step, control_directory, recorded_end};
use super::sweep::Sweep;
use crate::keeper::wire::{
    EndedBy, FileOp, FromNode, LOG, Malformed, Refusal, RefusalCode, Reply, Request, StepId, StepSpec,
    StepState, ToNode, VERSION, WINDOW,
};

/// Channels that one connection may have open: more than any build needs.
const MAX_CHANNELS: usize = 64;

/// Steps that may run at once on one node. Builds run one after another; two may overlap when a connection was lost.
const MAX_RUNNING: usize = 16;

/// Steps that a node may see in its life.
const MAX_STEPS: usize = 10_000;

/// Sockets in the node.
const MAX_LISTENERS: usize = 8;

/// Sweeps at once.
const MAX_SWEEPS: usize = 16;

impl Node {
    /// Deals with one message. An error means that the stream carries something else than the protocol.
    pub(super) fn handle(&mut self, peer: &mut Peer, message: ToNode<'_>) -> Result<(), Malformed> {
        match message {
            ToNode::Hello { version } if !peer.greeted => {
                peer.greeted = true;
                FromNode::Hello { version: version.min(VERSION), node: self.name.clone() }
                    .write(&mut peer.outbox);
            }
            _ if !peer.greeted => return Err(Malformed("no hello")),
            ToNode::Hello { .. } => return Err(Malformed("a second hello")),
            ToNode::Request { id, request } => {
                if let Some(reply) = self.request(peer, id, request).transpose() {
                    FromNode::Reply { id, reply }.write(&mut peer.outbox);
                }
            }
            // What is under way to a channel that has just ended is dropped.
            ToNode::Data { channel, bytes } => {
                if let Some(Channel::Pump(pump)) = peer.channels.get_mut(&channel)
                    && !pump.receive(bytes)
                {
                    return Err(Malformed("more data than the window allows"));
                }
            }
            ToNode::Credit { channel, bytes } => match peer.channels.get_mut(&channel) {
                Some(Channel::Follow(follow)) => {
                    follow.room = follow.room.saturating_add(bytes).min(WINDOW);
                }
                Some(Channel::Pump(pump)) => pump.credit(bytes),
                None => {}
            },
            ToNode::Eof { channel } => {
                if let Some(Channel::Pump(pump)) = peer.channels.get_mut(&channel) {
                    pump.received_all();
                }
            }
            ToNode::Close { channel } => {
                peer.channels.remove(&channel);
            }
        }
        Ok(())
    }

    /// `Ok(None)`: the answer comes later.
    fn request(&mut self, peer: &mut Peer, id: u32, request: Request) -> Result<Option<Reply>, Refusal> {
        let reply = match request {
            Request::Ping => Reply::Done,
            Request::Start(spec) => Reply::Step(self.start(spec)?),
            Request::State(step) => Reply::Step(self.state(step)),
            Request::Stop { step, grace } => self.stop(step, grace)?,
            Request::Sweep { cookie, grace } => {
                if self.sweeps.len() >= MAX_SWEEPS {
                    return Err(Refusal::new(RefusalCode::TooMany, "too many sweeps at once"));
                }
                let kill_at = Instant::now() + grace;
                self.sweeps.push(Sweep::new(peer.id, id, cookie, kill_at));
                return Ok(None);
            }
            Request::Follow { channel, step, offset } => {
                let follow = self.follow(step, offset)?;
                open(peer, channel, || Ok(Channel::Follow(follow)))?
            }
            Request::Files { channel, op } => open(peer, channel, || work_on_files(op))?,
            Request::Listen { listener, path } => self.listen(peer, listener, path)?,
            Request::Shutdown => {
                self.shut_down(peer.id, id);
                return Ok(None);
            }
        };
        Ok(Some(reply))
    }

    fn start(&mut self, spec: StepSpec) -> Result<StepState, Refusal> {
        let id = spec.step;
        let running = self.running_steps();
        let total = self.steps.len();
        match self.steps.entry(id) {
            Entry::Occupied(step) => Ok(step.get().state()),
            Entry::Vacant(place) => {
                if let Some(end) = recorded_end(id) {
                    return Ok(StepState::Ended(end));
                }
                if running >= MAX_RUNNING || total >= MAX_STEPS {
                    return Err(Refusal::new(RefusalCode::TooMany, "too many steps"));
                }
                let step = Step::start(spec).map_err(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => Refusal::new(
                        RefusalCode::System,
                        format!("step {id} was started by an earlier keeper, its end is not known"),
                    ),
                    _ => refusal("cannot make the step's directory", &error),
                })?;
                Ok(place.insert(step).state())
            }
        }
    }

    fn state(&self, step: StepId) -> StepState {
        match self.steps.get(&step) {
            Some(step) => step.state(),
            None => recorded_end(step).map_or(StepState::Unknown, StepState::Ended),
        }
    }

    fn stop(&mut self, step: StepId, grace: Duration) -> Result<Reply, Refusal> {
        match self.steps.get_mut(&step) {
            Some(Step::Running(running)) => running.end(EndedBy::Stop, Some(grace)),
            // Asking twice is no mistake (pools-D66).
            Some(Step::Ended(_)) => {}
            None => return Err(unknown(step)),
        }
        Ok(Reply::Done)
    }

    fn follow(&mut self, id: StepId, offset: u64) -> Result<Follow, Refusal> {
        if let Entry::Vacant(place) = self.steps.entry(id)
            && let Some(end) = recorded_end(id)
        {
            place.insert(Step::Ended(end));
        }
        let step = self.steps.get(&id).ok_or_else(|| unknown(id))?;
        if offset > step.log_length() {
            return Err(Refusal::new(
                RefusalCode::Invalid,
                format!("offset {offset} lies beyond the log's {} bytes", step.log_length()),
            ));
        }
        let file = open_beneath(self.directory.as_fd(), &control_directory(id).join(LOG))
            .map_err(|error| refusal("cannot open the log", &error))?;
        Ok(Follow { step: id, file, offset, room: WINDOW })
    }

    fn listen(&mut self, peer: &mut Peer, number: u32, path: String) -> Result<Reply, Refusal> {
        if let Some(listener) = self.listeners.get_mut(&number)
            && listener.path == path
        {
            let former = std::mem::replace(&mut listener.owner, peer.id);
            if let Some(former) = self.connections.get_mut(&former) {
                former.peer.hand_over(number, peer);
            }
            return Ok(Reply::Done);
        }
        if self.listeners.len() >= MAX_LISTENERS {
            return Err(Refusal::new(RefusalCode::TooMany, "too many sockets"));
        }
        let listener =
            Listener::bind(path, peer.id).map_err(|error| refusal("cannot listen in the node", &error))?;
        self.listeners.insert(number, listener);
        Ok(Reply::Done)
    }
}

fn open(
    peer: &mut Peer,
    number: u32,
    make: impl FnOnce() -> Result<Channel, Refusal>,
) -> Result<Reply, Refusal> {
    if peer.channels.len() >= MAX_CHANNELS {
        return Err(Refusal::new(RefusalCode::TooMany, "too many channels"));
    }
    match peer.channels.entry(number) {
        Entry::Vacant(place) if number % 2 == 1 => {
            place.insert(make()?);
            Ok(Reply::Done)
        }
        Entry::Vacant(_) | Entry::Occupied(_) => {
            Err(Refusal::new(RefusalCode::Invalid, format!("channel {number} cannot be opened")))
        }
    }
}

fn work_on_files(op: FileOp) -> Result<Channel, Refusal> {
    if let FileOp::List { path, .. }
    | FileOp::Get { path }
    | FileOp::Put { path, .. }
    | FileOp::Remove { path } = &op
        && path.contains(&0)
    {
        return Err(Refusal::new(RefusalCode::Invalid, "a path with a zero byte"));
    }
    Pump::child(files::words(op))
        .map(|pump| Channel::Pump(Box::new(pump)))
        .map_err(|error| refusal("cannot work on files", &error))
}

fn unknown(step: StepId) -> Refusal {
    Refusal::new(RefusalCode::NotFound, format!("step {step} was never started on this node"))
}

fn refusal(what: &str, error: &io::Error) -> Refusal {
    let code = match error.kind() {
        io::ErrorKind::InvalidInput => RefusalCode::Invalid,
        io::ErrorKind::NotFound => RefusalCode::NotFound,
        _ => RefusalCode::System,
    };
    Refusal::new(code, format!("{what}: {error}"))
}
