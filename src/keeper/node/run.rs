//! `causeway keeper run DIR`: the keeper itself.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use rustix::process::{getpid, set_child_subreaper, setsid};

use super::channel::Channel;
use super::connection::Connection;
use super::listen::Listener;
use super::step::Step;
use super::sweep::Sweep;
use crate::keeper::wire::{EndedBy, NODE_FILE, SOCKET, StepId};

/// Connections at once. One is usual, two when a stream was lost and the node has not noticed; the oldest gives way.
const MAX_CONNECTIONS: usize = 8;

/// How long a shutdown waits for the last process.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// Everything that the keeper knows.
pub(super) struct Node {
    pub name: String,
    pub directory: OwnedFd,
    pub own: i32,
    pub steps: BTreeMap<StepId, Step>,
    pub connections: BTreeMap<u32, Connection>,
    pub socket: UnixListener,
    pub listeners: BTreeMap<u32, Listener>,
    /// Pipes of ended steps that somebody still writes to.
    pub drains: Vec<OwnedFd>,
    pub sweeps: Vec<Sweep>,
    pub shutdown: Option<Shutdown>,
    /// Whether there are children that somebody may have to reap.
    pub busy_children: bool,
    /// The one buffer for everything that is read.
    pub scratch: Vec<u8>,
    next_connection: u32,
}

/// A shutdown under way.
pub(super) struct Shutdown {
    /// Who asked.
    pub connection: u32,
    /// The request to answer.
    pub request: u32,
    /// When to stop waiting for processes that do not go.
    pub deadline: Instant,
}

/// Runs until it is told to end.
pub(super) fn run(directory: &Path) -> io::Result<()> {
    std::env::set_current_dir(directory)?;
    // On a host: whoever started us may go, and take his session along. Process 1 leads one already.
    let _ = setsid();
    let mut node = Node::new()?;
    node.connect_standard_streams()?;
    while node.turn()? {}
    Ok(())
}

impl Node {
    fn new() -> io::Result<Node> {
        let name = fs::read_to_string(NODE_FILE)
            .map_err(|error| io::Error::new(error.kind(), format!("{NODE_FILE}: {error}")))?;
        let own = getpid();
        // Whatever loses its parent becomes our child; process 1 has that by nature.
        set_child_subreaper(Some(own))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Node {
            name: name.trim().to_owned(),
            directory: openat(CWD, ".", flags, Mode::empty())?,
            own: own.as_raw_pid(),
            steps: BTreeMap::new(),
            connections: BTreeMap::new(),
            socket: listen()?,
            listeners: BTreeMap::new(),
            drains: Vec::new(),
            sweeps: Vec::new(),
            shutdown: None,
            busy_children: false,
            scratch: vec![0; crate::keeper::wire::MAX_DATA],
            next_connection: 1,
        })
    }

    /// The first stream is the keeper's own standard input and output, when somebody is there (decision 17). Their numbers are then given to
    /// /dev/null, so that nothing else can get into the stream.
    fn connect_standard_streams(&mut self) -> io::Result<()> {
        let input = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
        let output = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
        let null = openat(CWD, "/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        rustix::stdio::dup2_stdin(&null)?;
        rustix::stdio::dup2_stdout(&null)?;
        let kind = FileType::from_raw_mode(fstat(&input)?.st_mode);
        if matches!(kind, FileType::Fifo | FileType::Socket) {
            self.connect(input, output);
        }
        Ok(())
    }

    /// Takes a new stream.
    pub(super) fn connect(&mut self, input: OwnedFd, output: OwnedFd) {
        for descriptor in [&input, &output] {
            if rustix::io::ioctl_fionbio(descriptor, true).is_err() {
                return;
            }
        }
        if self.connections.len() >= MAX_CONNECTIONS {
            self.connections.pop_first();
        }
        let id = self.next_connection;
        self.next_connection += 1;
        self.connections.insert(id, Connection::new(id, input, output));
    }

    pub(super) fn running_steps(&self) -> usize {
        self.steps.values().filter(|step| matches!(step, Step::Running(_))).count()
    }

    /// Begins the end of everything.
    pub(super) fn shut_down(&mut self, connection: u32, request: u32) {
        for step in self.steps.values_mut() {
            if let Step::Running(running) = step {
                running.end(EndedBy::Stop, Some(Duration::ZERO));
            }
        }
        self.shutdown = Some(Shutdown { connection, request, deadline: Instant::now() + SHUTDOWN_LIMIT });
    }

    /// Our own children, which no end of a step takes along.
    pub(super) fn own_children(&self) -> Vec<i32> {
        self.connections
            .values()
            .flat_map(|connection| connection.peer.channels.values())
            .filter_map(|channel| match channel {
                Channel::Pump(pump) => Some(pump.child.as_ref()?.pid),
                Channel::Follow(_) => None,
            })
            .collect()
    }
}

/// The socket that `join` connects to. A name in the working directory: its path always fits.
fn listen() -> io::Result<UnixListener> {
    let aside = format!("{SOCKET}.new");
    let _ = fs::remove_file(&aside);
    let socket = UnixListener::bind(&aside)?;
    socket.set_nonblocking(true)?;
    fs::set_permissions(&aside, fs::Permissions::from_mode(0o600))?;
    fs::rename(&aside, SOCKET)?;
    Ok(socket)
}
