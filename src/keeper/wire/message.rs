//! The messages: what Causeway asks, what a keeper answers, what travels on channels.

use std::time::Duration;

use super::field::{Malformed, Reader, Writer};
use super::frame::{Kind, put};
use super::step::{StepEnd, StepId, StepSpec, StepState};

/// From Causeway to a keeper.
#[derive(Debug, PartialEq, Eq)]
pub enum ToNode<'a> {
    /// The first frame: the highest version that Causeway speaks.
    Hello {
        /// Of the protocol.
        version: u16,
    },
    /// Asks for something.
    Request {
        /// Repeated by the reply.
        id: u32,
        /// What is asked.
        request: Request,
    },
    /// A piece of a channel.
    Data {
        /// Which channel.
        channel: u32,
        /// At most [`super::MAX_DATA`].
        bytes: &'a [u8],
    },
    /// The keeper may send so much more.
    Credit {
        /// Which channel.
        channel: u32,
        /// How much, in bytes.
        bytes: u32,
    },
    /// No more data from Causeway on this channel.
    Eof {
        /// Which channel.
        channel: u32,
    },
    /// Causeway is no longer interested in this channel.
    Close {
        /// Which channel.
        channel: u32,
    },
}

/// From a keeper to Causeway.
#[derive(Debug, PartialEq, Eq)]
pub enum FromNode<'a> {
    /// The first frame.
    Hello {
        /// The version that both speak from here on: the lower of the two.
        version: u16,
        /// The node's name as its own file has it (pools-P35).
        node: String,
    },
    /// Answers a request.
    Reply {
        /// The request's number.
        id: u32,
        /// The answer.
        reply: Result<Reply, Refusal>,
    },
    /// A piece of a channel.
    Data {
        /// Which channel.
        channel: u32,
        /// At most [`super::MAX_DATA`].
        bytes: &'a [u8],
    },
    /// Causeway may send so much more.
    Credit {
        /// Which channel.
        channel: u32,
        /// How much, in bytes.
        bytes: u32,
    },
    /// No more data from the node on this channel.
    Eof {
        /// Which channel.
        channel: u32,
    },
    /// The channel is over.
    Closed {
        /// Which channel.
        channel: u32,
        /// How it ended.
        end: ChannelEnd,
    },
    /// Somebody connected to a socket that `Listen` made: the keeper opened a channel for it.
    Incoming {
        /// The new channel (an even number).
        channel: u32,
        /// The number that `Listen` gave.
        listener: u32,
    },
}

/// What can be asked of a keeper. Each may be repeated after a lost answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Starts a step; of one that exists already, tells the state. Answer: [`Reply::Step`].
    Start(StepSpec),
    /// Tells a step's state. Answer: [`Reply::Step`].
    State(StepId),
    /// Ends a step: TERM to all it consists of, after the grace time KILL. The end comes by `Follow`. Answer: [`Reply::Done`].
    Stop {
        /// Which step.
        step: StepId,
        /// Between TERM and KILL.
        grace: Duration,
    },
    /// Ends the processes that steps left behind and whose environment has all these `NAME=VALUE` entries (jjb-T14). Answer: [`Reply::Swept`].
    Sweep {
        /// What marks a build's processes.
        cookie: Vec<String>,
        /// Between TERM and KILL.
        grace: Duration,
    },
    /// Sends a step's log from an offset on a channel, to its end, which is [`ChannelEnd::Step`]. Answer: [`Reply::Done`].
    Follow {
        /// The channel to open (an odd number).
        channel: u32,
        /// Which step.
        step: StepId,
        /// The first byte wanted.
        offset: u64,
    },
    /// Does something with files below the node's directory, on a channel. Answer: [`Reply::Done`].
    Files {
        /// The channel to open (an odd number).
        channel: u32,
        /// What to do.
        op: FileOp,
    },
    /// Listens on a socket in the node; each connection becomes a channel (`Incoming`). Repeating it takes over the connections from here on. Answer: [`Reply::Done`].
    Listen {
        /// Named by `Incoming`.
        listener: u32,
        /// The socket's path, relative to the node's directory.
        path: String,
    },
    /// Nothing. Answer: [`Reply::Done`].
    Ping,
    /// Ends every process on the node, then the keeper. Answer: [`Reply::Done`], then the stream ends.
    Shutdown,
}

/// What can be done with files. Paths are relative to the node's directory (`workspace/…`); links are never followed (pools-D71).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileOp {
    /// Lists everything below a directory, as [`super::Entry`]s, parents first.
    List {
        /// The directory.
        path: Vec<u8>,
        /// After so many entries the listing fails with [`RefusalCode::TooMany`].
        max_entries: u64,
    },
    /// Sends a plain file.
    Get {
        /// The file.
        path: Vec<u8>,
    },
    /// Receives a file; it is there whole or not at all. Missing directories are made.
    Put {
        /// The file.
        path: Vec<u8>,
        /// Its permission bits.
        mode: u32,
    },
    /// Removes a file, or a directory with all below it. Not there: done.
    Remove {
        /// What to remove.
        path: Vec<u8>,
    },
    /// Empties the node's directory but for what the keeper itself keeps in it (pools-D4, P33).
    Wipe,
}

/// A request that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Done, nothing to tell.
    Done,
    /// A step's state.
    Step(StepState),
    /// How many processes a sweep ended.
    Swept(u32),
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of reason.
    pub code: RefusalCode,
    /// The reason for people.
    pub text: String,
}

/// The kinds of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCode {
    /// No such step or file.
    NotFound = 0,
    /// Something that may not be asked: a path that leads out, a channel in use.
    Invalid = 1,
    /// A limit of the keeper: too many steps or channels at once.
    TooMany = 2,
    /// The system refused; the text has its words.
    System = 3,
}

/// How a channel ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelEnd {
    /// All was sent and received.
    Done,
    /// The whole log was sent: the step's end.
    Step(StepEnd),
    /// It failed on the way.
    Failed(Refusal),
}

impl ToNode<'_> {
    /// Appends the message as one frame.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            ToNode::Hello { version } => put(out, Kind::Hello, |out| Writer(out).u16(*version)),
            ToNode::Request { id, request } => {
                let kind = match request {
                    Request::Start(_) => Kind::Start,
                    _ => Kind::Request,
                };
                put(out, kind, |out| {
                    let mut out = Writer(out);
                    out.u32(*id);
                    request.write(&mut out);
                });
            }
            ToNode::Data { channel, bytes } => data(out, *channel, bytes),
            ToNode::Credit { channel, bytes } => credit(out, *channel, *bytes),
            ToNode::Eof { channel } => put(out, Kind::Eof, |out| Writer(out).u32(*channel)),
            ToNode::Close { channel } => put(out, Kind::Closed, |out| Writer(out).u32(*channel)),
        }
    }

    /// Reads a frame's body.
    pub fn read(kind: Kind, body: &[u8]) -> Result<ToNode<'_>, Malformed> {
        let mut from = Reader(body);
        let message = match kind {
            // A later version may say more in its Hello.
            Kind::Hello => {
                return Ok(ToNode::Hello { version: from.u16("version")? });
            }
            Kind::Request | Kind::Start => {
                ToNode::Request { id: from.u32("request")?, request: Request::read(kind, &mut from)? }
            }
            Kind::Data => ToNode::Data { channel: from.u32("channel")?, bytes: from.rest() },
            Kind::Credit => ToNode::Credit { channel: from.u32("channel")?, bytes: from.u32("credit")? },
            Kind::Eof => ToNode::Eof { channel: from.u32("channel")? },
            Kind::Closed => ToNode::Close { channel: from.u32("channel")? },
            Kind::Reply | Kind::Incoming => return Err(Malformed("a frame that only nodes send")),
        };
        from.end(message)
    }
}

impl FromNode<'_> {
    /// Appends the message as one frame.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            FromNode::Hello { version, node } => put(out, Kind::Hello, |out| {
                let mut out = Writer(out);
                out.u16(*version);
                out.text(node);
            }),
            FromNode::Reply { id, reply } => put(out, Kind::Reply, |out| {
                let mut out = Writer(out);
                out.u32(*id);
                match reply {
                    Err(refusal) => {
                        out.u8(0);
                        refusal.write(&mut out);
                    }
                    Ok(Reply::Done) => out.u8(1),
                    Ok(Reply::Step(state)) => {
                        out.u8(2);
                        state.write(&mut out);
                    }
                    Ok(Reply::Swept(count)) => {
                        out.u8(3);
                        out.u32(*count);
                    }
                }
            }),
            FromNode::Data { channel, bytes } => data(out, *channel, bytes),
            FromNode::Credit { channel, bytes } => credit(out, *channel, *bytes),
            FromNode::Eof { channel } => put(out, Kind::Eof, |out| Writer(out).u32(*channel)),
            FromNode::Closed { channel, end } => put(out, Kind::Closed, |out| {
                let mut out = Writer(out);
                out.u32(*channel);
                match end {
                    ChannelEnd::Done => out.u8(0),
                    ChannelEnd::Step(end) => {
                        out.u8(1);
                        end.write(&mut out);
                    }
                    ChannelEnd::Failed(refusal) => {
                        out.u8(2);
                        refusal.write(&mut out);
                    }
                }
            }),
            FromNode::Incoming { channel, listener } => put(out, Kind::Incoming, |out| {
                let mut out = Writer(out);
                out.u32(*channel);
                out.u32(*listener);
            }),
        }
    }

    /// Reads a frame's body.
    pub fn read(kind: Kind, body: &[u8]) -> Result<FromNode<'_>, Malformed> {
        let mut from = Reader(body);
        let message = match kind {
            // A later version may say more in its Hello.
            Kind::Hello => {
                return Ok(FromNode::Hello { version: from.u16("version")?, node: from.text("node")? });
            }
            Kind::Reply => FromNode::Reply {
                id: from.u32("request")?,
                reply: match from.u8("reply")? {
                    0 => Err(Refusal::read(&mut from)?),
                    1 => Ok(Reply::Done),
                    2 => Ok(Reply::Step(StepState::read(&mut from)?)),
                    3 => Ok(Reply::Swept(from.u32("swept")?)),
                    _ => return Err(Malformed("reply")),
                },
            },
            Kind::Data => FromNode::Data { channel: from.u32("channel")?, bytes: from.rest() },
            Kind::Credit => FromNode::Credit { channel: from.u32("channel")?, bytes: from.u32("credit")? },
            Kind::Eof => FromNode::Eof { channel: from.u32("channel")? },
            Kind::Closed => FromNode::Closed {
                channel: from.u32("channel")?,
                end: match from.u8("end")? {
                    0 => ChannelEnd::Done,
                    1 => ChannelEnd::Step(StepEnd::read(&mut from)?),
                    2 => ChannelEnd::Failed(Refusal::read(&mut from)?),
                    _ => return Err(Malformed("end")),
                },
            },
            Kind::Incoming => {
                FromNode::Incoming { channel: from.u32("channel")?, listener: from.u32("listener")? }
            }
            Kind::Request | Kind::Start => {
                return Err(Malformed("a frame that only Causeway sends"));
            }
        };
        from.end(message)
    }
}

fn data(out: &mut Vec<u8>, channel: u32, bytes: &[u8]) {
    put(out, Kind::Data, |out| {
        Writer(out).u32(channel);
        out.extend_from_slice(bytes);
    });
}

fn credit(out: &mut Vec<u8>, channel: u32, bytes: u32) {
    put(out, Kind::Credit, |out| {
        let mut out = Writer(out);
        out.u32(channel);
        out.u32(bytes);
    });
}

impl Request {
    fn write(&self, out: &mut Writer<'_>) {
        match self {
            Request::Start(spec) => spec.write(out),
            Request::State(step) => {
                out.u8(1);
                out.u32(step.0);
            }
            Request::Stop { step, grace } => {
                out.u8(2);
                out.u32(step.0);
                out.duration(*grace);
            }
            Request::Sweep { cookie, grace } => {
                out.u8(3);
                out.u32(u32::try_from(cookie.len()).unwrap_or(u32::MAX));
                for entry in cookie {
                    out.text(entry);
                }
                out.duration(*grace);
            }
            Request::Follow { channel, step, offset } => {
                out.u8(4);
                out.u32(*channel);
                out.u32(step.0);
                out.u64(*offset);
            }
            Request::Files { channel, op } => {
                out.u8(5);
                out.u32(*channel);
                op.write(out);
            }
            Request::Listen { listener, path } => {
                out.u8(6);
                out.u32(*listener);
                out.text(path);
            }
            Request::Ping => out.u8(7),
            Request::Shutdown => out.u8(8),
        }
    }

    fn read(kind: Kind, from: &mut Reader<'_>) -> Result<Request, Malformed> {
        if kind == Kind::Start {
            return StepSpec::read(from).map(Request::Start);
        }
        Ok(match from.u8("request")? {
            1 => Request::State(StepId(from.u32("step")?)),
            2 => Request::Stop { step: StepId(from.u32("step")?), grace: from.duration("grace")? },
            3 => Request::Sweep {
                cookie: (0..from.count(4, "cookie")?)
                    .map(|_| from.text("cookie"))
                    .collect::<Result<_, _>>()?,
                grace: from.duration("grace")?,
            },
            4 => Request::Follow {
                channel: from.u32("channel")?,
                step: StepId(from.u32("step")?),
                offset: from.u64("offset")?,
            },
            5 => Request::Files { channel: from.u32("channel")?, op: FileOp::read(from)? },
            6 => Request::Listen { listener: from.u32("listener")?, path: from.text("path")? },
            7 => Request::Ping,
            8 => Request::Shutdown,
            _ => return Err(Malformed("unknown request")),
        })
    }
}

impl FileOp {
    fn write(&self, out: &mut Writer<'_>) {
        match self {
            FileOp::List { path, max_entries } => {
                out.u8(0);
                out.bytes(path);
                out.u64(*max_entries);
            }
            FileOp::Get { path } => {
                out.u8(1);
                out.bytes(path);
            }
            FileOp::Put { path, mode } => {
                out.u8(2);
                out.bytes(path);
                out.u32(*mode);
            }
            FileOp::Remove { path } => {
                out.u8(3);
                out.bytes(path);
            }
            FileOp::Wipe => out.u8(4),
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<FileOp, Malformed> {
        let kind = from.u8("file operation")?;
        if kind == 4 {
            return Ok(FileOp::Wipe);
        }
        let path = from.bytes("path")?.to_vec();
        Ok(match kind {
            0 => FileOp::List { path, max_entries: from.u64("entries")? },
            1 => FileOp::Get { path },
            2 => FileOp::Put { path, mode: from.u32("mode")? },
            3 => FileOp::Remove { path },
            _ => return Err(Malformed("file operation")),
        })
    }
}

impl Refusal {
    /// A refusal of that kind with its reason.
    pub fn new(code: RefusalCode, text: impl Into<String>) -> Refusal {
        Refusal { code, text: text.into() }
    }

    fn write(&self, out: &mut Writer<'_>) {
        out.u8(self.code as u8);
        out.text(&self.text);
    }

    fn read(from: &mut Reader<'_>) -> Result<Refusal, Malformed> {
        Ok(Refusal {
            code: match from.u8("code")? {
                0 => RefusalCode::NotFound,
                1 => RefusalCode::Invalid,
                2 => RefusalCode::TooMany,
                3 => RefusalCode::System,
                _ => return Err(Malformed("code")),
            },
            text: from.text("text")?,
        })
    }
}
