//! One turn of the keeper's loop: wait for something to happen, deal with all that has.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Signal, WaitOptions, WaitStatus, wait as wait_any};

use super::channel::{Channel, Pump};
use super::connection::{Connection, OUTBOX_FULL};
use super::ending::{TICK, all_but};
use super::processes::signal;
use super::run::Node;
use super::step::{Step, discard};
use crate::keeper::wire::{FromNode, Malformed, Reply, StepId, ToNode};

/// How often orphans are reaped while there are children that nobody waits for.
const REAP: Duration = Duration::from_secs(1);

/// A number that no connection has.
const NOBODY: u32 = u32::MAX;

/// How often to look when nothing is expected: somebody may have left an orphan by a way of his own.
const IDLE: Duration = Duration::from_secs(30);

/// Who waits for a descriptor.
#[derive(Debug, Clone, Copy)]
enum Waiter {
    Socket,
    Listener(u32),
    Input(u32),
    Output,
    Log(StepId),
    Ended,
    Drain(usize),
    ChannelInput(u32, u32),
    ChannelOutput(u32, u32),
}

impl Node {
    /// Waits and works once. `false`: the keeper's life is over.
    pub(super) fn turn(&mut self) -> io::Result<bool> {
        let ready = self.wait()?;
        for waiter in ready {
            self.serve(waiter);
        }
        self.end_when_forsaken();
        let more_children = self.reap();
        self.advance();
        self.feed();
        self.busy_children = more_children;
        Ok(!self.end_if_over())
    }

    fn wait(&self) -> io::Result<Vec<Waiter>> {
        // One moment for both: what is too early to be polled must be waited for.
        let now = Instant::now();
        let mut waiters = Vec::new();
        let mut descriptors = Vec::new();
        self.interests(now, |waiter, descriptor| {
            waiters.push(waiter);
            descriptors.push(descriptor);
        });
        let timeout = self.timeout(now);
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        match poll(&mut descriptors, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(waiters
            .into_iter()
            .zip(&descriptors)
            .filter_map(|(waiter, descriptor)| (!descriptor.revents().is_empty()).then_some(waiter))
            .collect())
    }

    fn interests<'a>(&'a self, now: Instant, mut add: impl FnMut(Waiter, PollFd<'a>)) {
        let read = PollFlags::IN;
        add(Waiter::Socket, PollFd::new(&self.socket, read));
        for (number, listener) in &self.listeners {
            // Without an owner, whoever connects waits in the kernel.
            if self.connections.contains_key(&listener.owner) {
                add(Waiter::Listener(*number), PollFd::new(&listener.socket, read));
            }
        }
        for (id, step) in &self.steps {
            let Step::Running(running) = step else {
                continue;
            };
            if let Some(output) = running.readable_output(now) {
                add(Waiter::Log(*id), PollFd::new(output, read));
            }
            if let Some(ended) = &running.ended
                && running.exit.is_none()
            {
                add(Waiter::Ended, PollFd::new(ended, read));
            }
        }
        for (place, drain) in self.drains.iter().enumerate() {
            add(Waiter::Drain(place), PollFd::new(drain, read));
        }
        for (id, connection) in &self.connections {
            connection_interests(*id, connection, &mut add);
        }
    }

    /// How long nothing has to be done unless a descriptor says so.
    fn timeout(&self, now: Instant) -> Duration {
        let mut timeout = if self.busy_children { REAP } else { IDLE };
        if !self.sweeps.is_empty() || self.shutdown.is_some() || self.waits_for_child() {
            timeout = TICK;
        }
        for step in self.steps.values() {
            let Step::Running(running) = step else {
                continue;
            };
            if running.ending.is_some() || running.ended.is_none() {
                timeout = timeout.min(TICK);
            }
            if let Some(deadline) = running.next_deadline(now) {
                timeout = timeout.min(deadline.saturating_duration_since(now));
            }
        }
        if self.has_log_to_send() {
            timeout = Duration::ZERO;
        }
        timeout
    }

    fn serve(&mut self, waiter: Waiter) {
        match waiter {
            Waiter::Socket => {
                if let Ok((stream, _)) = self.socket.accept()
                    && let Ok(input) = stream.try_clone()
                {
                    self.connect(input.into(), stream.into());
                }
            }
            Waiter::Listener(number) => self.accept(number),
            Waiter::Input(id) => self.read_requests(id),
            Waiter::Log(id) => {
                if let Some(Step::Running(running)) = self.steps.get_mut(&id) {
                    running.take_output(&mut self.scratch);
                }
            }
            // The reaping after this looks at all of them, the flushing at every outbox.
            Waiter::Ended | Waiter::Output => {}
            Waiter::Drain(place) => {
                if let Some(drain) = self.drains.get(place)
                    && !discard(drain, &mut self.scratch)
                {
                    // Later places have moved: they are served in the next turn.
                    self.drains.swap_remove(place);
                }
            }
            Waiter::ChannelInput(id, number) => {
                if let Some((pump, outbox)) = self.pump(id, number) {
                    let mut scratch = std::mem::take(outbox.1);
                    pump.read(number, &mut scratch, outbox.0);
                    *outbox.1 = scratch;
                }
            }
            Waiter::ChannelOutput(id, number) => {
                if let Some((pump, outbox)) = self.pump(id, number) {
                    pump.write(number, outbox.0);
                }
            }
        }
    }

    #[expect(clippy::type_complexity, reason = "two buffers that are borrowed together")]
    fn pump(&mut self, id: u32, number: u32) -> Option<(&mut Pump, (&mut Vec<u8>, &mut Vec<u8>))> {
        let peer = &mut self.connections.get_mut(&id)?.peer;
        match peer.channels.get_mut(&number)? {
            Channel::Pump(pump) => Some((pump, (&mut peer.outbox, &mut self.scratch))),
            Channel::Follow(_) => None,
        }
    }

    fn accept(&mut self, number: u32) {
        let Some(listener) = self.listeners.get(&number) else {
            return;
        };
        let Some(connection) = self.connections.get_mut(&listener.owner) else {
            return;
        };
        if let Ok((stream, _)) = listener.socket.accept()
            && let Ok(pump) = Pump::socket(stream, number)
        {
            connection.peer.incoming(Box::new(pump), number);
        }
    }

    fn read_requests(&mut self, id: u32) {
        let Some(mut connection) = self.connections.remove(&id) else {
            return;
        };
        let alive = match rustix::io::read(&connection.input, &mut *self.scratch) {
            Ok(0) => false,
            Ok(count) => {
                connection.collector.push(&self.scratch[..count]);
                // Something else than the protocol: the stream is of no use.
                self.handle_all(&mut connection).is_ok()
            }
            Err(error) => matches!(error, Errno::AGAIN | Errno::INTR),
        };
        if alive {
            self.connections.insert(id, connection);
        }
    }

    fn handle_all(&mut self, connection: &mut Connection) -> Result<(), Malformed> {
        let Connection { collector, peer, .. } = connection;
        while let Some((kind, body)) = collector.take()? {
            self.handle(peer, ToNode::read(kind, body)?)?;
        }
        Ok(())
    }

    /// Reaps everything that has ended. Returns whether there are children left.
    fn reap(&mut self) -> bool {
        loop {
            match wait_any(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => self.reaped(pid.as_raw_pid(), status),
                Ok(None) => return true,
                Err(Errno::INTR) => {}
                Err(_) => return false,
            }
        }
    }

    fn reaped(&mut self, pid: i32, status: WaitStatus) {
        for step in self.steps.values_mut() {
            if let Step::Running(running) = step
                && running.pid == pid
            {
                running.reaped(status);
                return;
            }
        }
        let channels =
            self.connections.values_mut().flat_map(|connection| connection.peer.channels.values_mut());
        for channel in channels {
            if let Channel::Pump(pump) = channel
                && let Some(child) = &mut pump.child
                && child.pid == pid
            {
                child.code = Some(status.exit_status());
                return;
            }
        }
    }

    /// Time limits, ends under way, sweeps, shutdown.
    fn advance(&mut self) {
        let now = Instant::now();
        let own_children = self.own_children();
        let running: Vec<(StepId, i32)> = self
            .steps
            .iter()
            .filter_map(|(id, step)| match step {
                Step::Running(running) => Some((*id, running.pid)),
                Step::Ended(_) => None,
            })
            .collect();
        for (id, _) in &running {
            let others = running.iter().filter(|(other, _)| other != id);
            let spared: Vec<i32> = others.map(|(_, pid)| *pid).chain(own_children.iter().copied()).collect();
            self.advance_step(*id, &spared, now);
        }
        let spared: Vec<i32> = running.iter().map(|(_, pid)| *pid).chain(own_children).collect();
        let mut answers = Vec::new();
        self.sweeps.retain_mut(|sweep| {
            let swept = sweep.advance(self.own, &spared, now);
            if let Some(count) = swept {
                answers.push((sweep.connection, sweep.request, Reply::Swept(count)));
            }
            swept.is_none()
        });
        for (connection, request, reply) in answers {
            self.answer(connection, request, reply);
        }
    }

    fn advance_step(&mut self, id: StepId, spared: &[i32], now: Instant) {
        let Some(Step::Running(running)) = self.steps.get_mut(&id) else {
            return;
        };
        // A step that has ended by itself is not ended by anybody.
        if running.ending.is_none()
            && running.exit.is_none()
            && let Some(by) = running.passed_limit(now)
        {
            running.end(by, None);
        }
        let over = match &mut running.ending {
            None => running.exit.is_some(),
            Some(ending) => ending.advance(&all_but(self.own, spared), now) && running.exit.is_some(),
        };
        if over && let Some(Step::Running(running)) = self.steps.remove(&id) {
            let (end, output) = running.finish(&mut self.scratch);
            self.drains.extend(output);
            self.steps.insert(id, Step::Ended(end));
        }
    }

    fn answer(&mut self, connection: u32, id: u32, reply: Reply) {
        if let Some(connection) = self.connections.get_mut(&connection) {
            FromNode::Reply { id, reply: Ok(reply) }.write(&mut connection.peer.outbox);
        }
    }

    /// Puts what is there into the outboxes and sends what the streams take.
    fn feed(&mut self) {
        for connection in self.connections.values_mut() {
            let peer = &mut connection.peer;
            let mut over = Vec::new();
            for (number, channel) in &mut peer.channels {
                let end = match channel {
                    Channel::Follow(follow) => match self.steps.get(&follow.step) {
                        Some(step) if peer.outbox.len() - peer.sent < OUTBOX_FULL => {
                            follow.feed(*number, step, &mut self.scratch, &mut peer.outbox)
                        }
                        _ => None,
                    },
                    Channel::Pump(pump) => {
                        pump.write(*number, &mut peer.outbox);
                        pump.end()
                    }
                };
                if let Some(end) = end {
                    over.push((*number, end));
                }
            }
            for (channel, end) in over {
                peer.channels.remove(&channel);
                FromNode::Closed { channel, end }.write(&mut peer.outbox);
            }
            connection.flush();
        }
        self.connections.retain(|_, connection| !connection.peer.broken);
    }

    /// Whether all processes are gone after a shutdown, or do not go. The answer is then sent, as far as the stream takes it.
    /// A node whose directory was taken away has nobody who could ever come back to it: it ends with all that runs on it.
    fn end_when_forsaken(&mut self) {
        let links = rustix::fs::fstat(&self.directory).map_or(1, |found| found.st_nlink);
        if links == 0 && self.shutdown.is_none() {
            self.shut_down(NOBODY, 0);
        }
    }

    fn end_if_over(&mut self) -> bool {
        let Some(shutdown) = &self.shutdown else {
            return false;
        };
        let left = all_but(self.own, &[]);
        let late = Instant::now() >= shutdown.deadline;
        if !late && (!left.is_empty() || self.running_steps() > 0) {
            for process in left {
                signal(process.pid, Signal::KILL);
            }
            return false;
        }
        let (connection, request) = (shutdown.connection, shutdown.request);
        self.answer(connection, request, Reply::Done);
        for connection in self.connections.values_mut() {
            connection.flush();
        }
        // The directory outlives the keeper; a socket without one would only mislead.
        let _ = std::fs::remove_file(crate::keeper::wire::SOCKET);
        true
    }

    fn waits_for_child(&self) -> bool {
        self.connections
            .values()
            .flat_map(|connection| connection.peer.channels.values())
            .any(|channel| matches!(channel, Channel::Pump(pump) if pump.waits_for_child()))
    }

    /// Whether the next turn can send more of a log, or its end.
    fn has_log_to_send(&self) -> bool {
        self.connections.values().any(|connection| {
            connection.peer.has_room()
                && connection.peer.channels.values().any(|channel| match channel {
                    Channel::Follow(follow) => {
                        self.steps.get(&follow.step).is_some_and(|step| follow.can_send(step))
                    }
                    Channel::Pump(_) => false,
                })
        })
    }
}

fn connection_interests<'a>(id: u32, connection: &'a Connection, add: &mut impl FnMut(Waiter, PollFd<'a>)) {
    if connection.listens() {
        add(Waiter::Input(id), PollFd::new(&connection.input, PollFlags::IN));
    }
    if connection.peer.waiting() > 0 {
        add(Waiter::Output, PollFd::new(&connection.output, PollFlags::OUT));
    }
    for (number, channel) in &connection.peer.channels {
        let Channel::Pump(pump) = channel else {
            continue;
        };
        if let Some(input) = &pump.input
            && pump.room > 0
            && connection.peer.has_room()
        {
            let descriptor = PollFd::from_borrowed_fd(input.as_fd(), PollFlags::IN);
            add(Waiter::ChannelInput(id, *number), descriptor);
        }
        if let Some(output) = &pump.output
            && pump.wants_to_write()
        {
            let descriptor = PollFd::from_borrowed_fd(output.as_fd(), PollFlags::OUT);
            add(Waiter::ChannelOutput(id, *number), descriptor);
        }
    }
}
