//! The words between the Gearman thread and the rest of the process: options, commands in, events out, counters.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::super::limits::Limits;
use super::super::packet::Level;

/// How a server is started.
#[derive(Debug)]
pub struct Options {
    /// Where to listen; port 0 lets the kernel choose (see [`super::Server::address`]).
    pub listen: SocketAddr,
    /// What peers may cost.
    pub limits: Limits,
    /// Unique for each start of the process, so that no handle is ever used again (zuul-B-8). ASCII letters and digits, at most
    /// 24 of them; anything else is left out.
    pub boot_prefix: String,
    /// Names to list from the first moment: the sticky ones kept on disk and those of own jobs (zuul-S-5, zuul-Z-2).
    pub known_names: Vec<Vec<u8>>,
    /// The names served here from the first moment, so that no other worker gets a job of ours between start and the first
    /// [`Command::SetLocal`]. Their jobs wait until there is [`Command::Room`] (bounded) or go out at once (immediate).
    pub local: LocalNames,
    /// What to do with the data that external workers send; none passes everything on.
    pub filter: Option<PayloadFilter>,
    /// Whether a submit whose function and unique are those of a job that lives is answered with that job, as gearmand does (zuul-S-8).
    /// Off by default: gear never merges.
    pub merge: bool,
    /// What `version` answers after `OK `, for example `causeway-0.1.0`.
    pub version: String,
}

impl Options {
    /// A plain server that owns no name, with default limits.
    pub fn new(listen: SocketAddr, boot_prefix: impl Into<String>) -> Self {
        Self {
            listen,
            limits: Limits::default(),
            boot_prefix: boot_prefix.into(),
            known_names: Vec::new(),
            local: LocalNames::default(),
            filter: None,
            merge: false,
            version: concat!("causeway-", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// The function names that this process serves itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalNames {
    /// Handed out only while there is room (`build:JOB`): a full house leaves jobs queued, where `cancel job` finds them.
    pub bounded: Vec<Vec<u8>>,
    /// Handed out at once (`stop:MANAGER`, `set_description:MANAGER`).
    pub immediate: Vec<Vec<u8>>,
    /// How many jobs of which bounded names may be inside at once, beside [`Command::Room`].
    pub rooms: Rooms,
}

/// Rooms with places for jobs. A job is handed out only when each of its rooms has a free place; among those that may go the
/// order stays strict (zuul-S-9). So names that have no room in common never wait for each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rooms {
    /// How many jobs each room holds.
    pub places: Vec<u32>,
    /// Which rooms a job takes a place in, for each kind of job.
    pub groups: Vec<Vec<u32>>,
    /// The group of each bounded name, in their order. A name beyond the end, or with a group that does not exist, takes no
    /// place anywhere.
    pub group_of: Vec<u32>,
}

/// Pure hooks about the data that external workers send (zuul-Z-4: only JSON objects may reach Zuul for a build).
#[derive(Clone, Copy, Debug)]
pub struct PayloadFilter {
    /// Whether a job is one to look after, by its function and its arguments. Asked once, when it is submitted; the packets of
    /// all other jobs pass as they are.
    pub concerns: fn(function: &[u8], arguments: &[u8]) -> bool,
    /// What to do with the data of a packet about such a job. Must be quick.
    pub judge: fn(packet: WorkPacket, data: &[u8]) -> Filtered,
}

/// The packets with data that a worker sends about its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkPacket {
    /// `WORK_DATA`.
    Data,
    /// `WORK_WARNING`.
    Warning,
    /// `WORK_COMPLETE`: ends the job.
    Complete,
    /// `WORK_EXCEPTION`: ends the job.
    Exception,
}

/// A filter's verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filtered {
    /// Forward the packet as it came.
    Pass,
    /// Forward nothing. A packet that ends the job is forwarded without data instead, since a job has exactly one end (zuul-Z-6).
    Drop,
    /// Forward the packet with this data.
    Replace(Bytes),
}

/// A job's handle: opaque, unique over restarts, cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(Arc<str>);

impl Handle {
    /// The handle with this text.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text that peers see.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Handle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One connection of this start of the server; never used again within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl std::fmt::Display for ConnectionId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}", self.slot, self.generation)
    }
}

/// What the rest of the process asks of the Gearman thread. Commands are carried out in the order in which they were sent.
/// Those about a job that is not (or no longer) held by the local worker do nothing.
#[derive(Debug)]
pub enum Command {
    /// Replaces the names served here, live: queued jobs of a name that became ours wait for us from now on, those of a name
    /// that ceased to be go to external workers. A name that is ours is never given to an external worker, though one may
    /// register it (decision 9); `status` counts our worker as one. Running jobs are not touched.
    SetLocal(LocalNames),
    /// How many more bounded jobs may be handed out. `seen` is the number of bounded [`Event::Assigned`] that the sender had
    /// received in all when it counted: those under way at that moment are subtracted. Until the first of these, room is 0.
    Room {
        /// Jobs that there is room for beyond those already received.
        credits: u32,
        /// Bounded assignments received since start.
        seen: u64,
    },
    /// A build of a former process, submitted to this function, is inside still: it takes a place in the rooms of the
    /// function, whatever their size, until [`Command::Left`].
    Entered {
        /// The function that it was submitted to.
        function: Bytes,
    },
    /// What came of a bounded [`Event::Assigned`] of this function is over: its places are free.
    Left {
        /// The function that it was submitted to.
        function: Bytes,
    },
    /// Sends `WORK_DATA` to the job's client.
    Data {
        /// The job.
        handle: Handle,
        /// The packet's data.
        data: Bytes,
    },
    /// Sends `WORK_WARNING` to the job's client.
    Warning {
        /// The job.
        handle: Handle,
        /// The packet's data.
        data: Bytes,
    },
    /// Sends `WORK_STATUS` to the job's client, and remembers it for `GET_STATUS`.
    Status {
        /// The job.
        handle: Handle,
        /// What is done, in the denominator's unit.
        numerator: i64,
        /// What there is to do.
        denominator: i64,
    },
    /// Sends `WORK_COMPLETE` and ends the job.
    Complete {
        /// The job.
        handle: Handle,
        /// The packet's data.
        data: Bytes,
    },
    /// Sends `WORK_FAIL` and ends the job.
    Fail {
        /// The job.
        handle: Handle,
    },
    /// Sends `WORK_EXCEPTION` and ends the job.
    Exception {
        /// The job.
        handle: Handle,
        /// The packet's data.
        data: Bytes,
    },
    /// Ends a local job without a packet. Not needed after [`Event::Cancelled`], where the job is gone already.
    Forget {
        /// The job.
        handle: Handle,
    },
    /// Queues a job that has no client, as `SUBMIT_JOB_BG` would: for example `stop:MANAGER` to an external master.
    Submit {
        /// The function.
        function: Bytes,
        /// The unique; one is made up when it is empty (zuul-J-1).
        unique: Bytes,
        /// The arguments.
        data: Bytes,
        /// Its precedence.
        level: Level,
    },
    /// Drain: no bounded job is handed out while this is set, whatever the room.
    PauseLocal(bool),
    /// Counters of this moment.
    Stats(oneshot::Sender<Stats>),
    /// Sends what can be sent without waiting, closes every socket and ends the thread.
    Shutdown,
}

/// What happened, in order. Events come in batches (see [`super::LocalEvents`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A job of a local name is ours now. Its gap (zuul-gearman 8.3) lasts until the first data, status or end that we send.
    Assigned {
        /// The job.
        handle: Handle,
        /// The function it was submitted to.
        function: Bytes,
        /// Its unique, never empty.
        unique: Bytes,
        /// Its arguments.
        data: Bytes,
        /// Its precedence.
        level: Level,
        /// Who submitted it; none for a background job.
        client: Option<ConnectionId>,
        /// Whether the name was a bounded one (counts for [`Command::Room`]).
        bounded: bool,
    },
    /// `cancel job` in the gap of a local job: its client was told OK and the job is gone from the queue's books.
    Cancelled {
        /// The job.
        handle: Handle,
    },
    /// The client of a running local job is gone. The job is kept until it ends or is forgotten; nothing is sent any more.
    ClientGone {
        /// The job.
        handle: Handle,
    },
    /// A job that an external worker holds was cancelled in the gap, and this is the first data that the worker then sent
    /// about it: whoever knows the format works out what to stop. Nothing of that job is forwarded.
    GapData {
        /// The job's function.
        function: Bytes,
        /// The job.
        handle: Handle,
        /// The data of the worker's packet.
        data: Bytes,
    },
    /// A worker serves a name that is handed out here at once, such as `stop:MANAGER`: two would answer to one name (decision
    /// 12). The name stays ours. Told once for each [`Command::SetLocal`].
    Contested {
        /// The name.
        name: Bytes,
        /// What the worker calls itself.
        worker: Option<Bytes>,
    },
    /// A function name that was not known before: to be kept on disk (zuul-S-5).
    NewName {
        /// The name.
        name: Bytes,
    },
    /// An administrator made the server forget a name (`drop function`): it is not to be listed after a restart.
    DroppedName {
        /// The name.
        name: Bytes,
    },
}

/// Counters of the Gearman thread at one moment. Those that only grow count since start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Open connections.
    pub connections: u64,
    /// Connections with at least one function registered.
    pub workers: u64,
    /// Function names known.
    pub names: u64,
    /// Sets of functions that are registered by at least one connection.
    pub classes: u64,
    /// Jobs queued: high, normal, low.
    pub queued: [u64; 3],
    /// Jobs that a worker holds, the local ones among them.
    pub running: u64,
    /// Jobs that this process holds.
    pub running_local: u64,
    /// Bytes of queued jobs.
    pub queued_bytes: u64,
    /// Bytes that wait for readers.
    pub unsent_bytes: u64,
    /// Events that wait for the rest of the process.
    pub waiting_events: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Connections refused because of the limit.
    pub connections_refused: u64,
    /// Packets and lines received.
    pub frames_in: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Jobs submitted.
    pub submitted: u64,
    /// Submits that were merged with a job that lived (zuul-S-8).
    pub merged: u64,
    /// Jobs ended by a worker.
    pub ended: u64,
    /// Jobs cancelled by `cancel job`.
    pub cancelled: u64,
    /// Foreground jobs ended with `WORK_FAIL` because their worker was gone (zuul-S-15).
    pub worker_lost: u64,
    /// Background jobs that died with their worker (decision 7).
    pub background_lost: u64,
    /// Submits answered with `ERROR`.
    pub submits_refused: u64,
    /// Names not registered because of a limit.
    pub names_refused: u64,
    /// Connections closed because they did not read.
    pub slow_readers_closed: u64,
    /// Connections closed because of what they sent.
    pub protocol_errors: u64,
    /// Packets of workers about jobs that they do not hold, dropped (zuul-S-13, zuul-S-14).
    pub stray_work: u64,
    /// Data of external workers that the filter dropped or replaced (zuul-Z-4).
    pub filtered: u64,
    /// `NOOP` sent.
    pub noops: u64,
}
