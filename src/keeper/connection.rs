//! The stream itself: who reads it, who writes it, and what becomes of everything when it ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::channel::Channel;
use super::error::KeeperError;
use super::outbox::Outbox;
use super::wire::frame::{HEAD, Kind, head};
use super::wire::{FromNode, MAX_DATA, Malformed, Refusal, Reply, Request, ToNode};

/// A silent stream is asked for a sign of life after this time.
const PING_AFTER: Duration = Duration::from_secs(20);
/// A stream that is silent for so long is dead: an engine that hangs closes nothing (pools 11.2).
const DEAD_AFTER: Duration = Duration::from_secs(60);
/// Room to read into beyond what is known to come: an idle stream holds no more than this (perf-M3).
const SPARE: usize = 4 * 1024;
/// The number of the request whose reply nobody waits for.
const PING_ID: u32 = 0;

/// Connections of one node that may be tunnelled at once; the keeper itself allows 64 channels in all.
const TUNNELS_MAX: usize = 48;
/// Connections that wait to be fetched by whoever listens.
const TUNNELS_WAITING: usize = 16;

/// A channel that the node opened.
pub(super) struct Incoming {
    pub number: u32,
    pub channel: Arc<Channel>,
}

/// What comes back for a request: the keeper's word, or the reason why none can come.
type Answer = Result<Result<Reply, Refusal>, KeeperError>;

/// What handle and tasks of one connection share.
pub(super) struct Shared {
    pub outbox: Outbox,
    /// Cancelled when the stream is gone or nobody holds the handle any more.
    pub over: CancellationToken,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    next_request: u32,
    next_channel: u32,
    requests: HashMap<u32, oneshot::Sender<Answer>>,
    channels: HashMap<u32, Arc<Channel>>,
    listeners: HashMap<u32, mpsc::Sender<Incoming>>,
    /// Why the stream ended.
    lost: Option<KeeperError>,
}

impl Shared {
    pub fn new() -> Arc<Shared> {
        Arc::new(Shared {
            outbox: Outbox::default(),
            over: CancellationToken::new(),
            tables: Mutex::default(),
        })
    }

    /// Sends a request; the receiver gets the answer or the reason why none can come.
    pub fn request(&self, request: Request) -> Result<(u32, oneshot::Receiver<Answer>), KeeperError> {
        let (sender, receiver) = oneshot::channel();
        let id = {
            let mut tables = self.tables();
            if let Some(lost) = &tables.lost {
                return Err(lost.clone());
            }
            tables.next_request = tables.next_request.wrapping_add(1).max(PING_ID + 1);
            let id = tables.next_request;
            tables.requests.insert(id, sender);
            id
        };
        self.outbox.push(|out| ToNode::Request { id, request }.write(out));
        Ok((id, receiver))
    }

    /// Nobody waits for this answer any more.
    pub fn forget_request(&self, id: u32) {
        self.tables().requests.remove(&id);
    }

    /// A new channel with a number of our kind (odd).
    pub fn open_channel(&self) -> Result<(u32, Arc<Channel>), KeeperError> {
        let mut tables = self.tables();
        if let Some(lost) = &tables.lost {
            return Err(lost.clone());
        }
        tables.next_channel = tables.next_channel.wrapping_add(2) | 1;
        let number = tables.next_channel;
        let channel = Arc::new(Channel::new());
        tables.channels.insert(number, Arc::clone(&channel));
        Ok((number, channel))
    }

    /// Nobody reads this channel any more; the node is told, unless it said first that the channel is over.
    pub fn close_channel(&self, number: u32) {
        if self.tables().channels.remove(&number).is_some() {
            self.outbox.push(|out| ToNode::Close { channel: number }.write(out));
        }
    }

    /// Takes the connections of that listener from here on; at most [`TUNNELS_WAITING`] wait to be fetched.
    pub fn listen(&self, listener: u32) -> Result<mpsc::Receiver<Incoming>, KeeperError> {
        let (sender, receiver) = mpsc::channel(TUNNELS_WAITING);
        let mut tables = self.tables();
        if let Some(lost) = &tables.lost {
            return Err(lost.clone());
        }
        tables.listeners.insert(listener, sender);
        Ok(receiver)
    }

    /// The node opened a channel. One that nobody wants, or that is one too many, is closed.
    fn incoming(&self, number: u32, listener: u32) -> Result<(), Malformed> {
        let mut tables = self.tables();
        if number % 2 == 1 || tables.channels.contains_key(&number) {
            return Err(Malformed("a channel that the node may not open"));
        }
        let tunnels = tables.channels.keys().filter(|number| *number % 2 == 0).count();
        let channel = Arc::new(Channel::new());
        let taken = tunnels < TUNNELS_MAX
            && tables.listeners.get(&listener).is_some_and(|listener| {
                listener.try_send(Incoming { number, channel: Arc::clone(&channel) }).is_ok()
            });
        if taken {
            tables.channels.insert(number, channel);
        } else if !self.outbox.push_answer(|out| ToNode::Close { channel: number }.write(out)) {
            return Err(Malformed("channels opened without end"));
        }
        Ok(())
    }

    /// The stream is gone: everybody who waits learns why.
    pub fn lose(&self, why: KeeperError) {
        let (requests, channels) = {
            let mut tables = self.tables();
            tables.lost.get_or_insert(why.clone());
            tables.listeners.clear();
            (std::mem::take(&mut tables.requests), std::mem::take(&mut tables.channels))
        };
        for waiting in requests.into_values() {
            // Whoever gave up waiting needs no answer.
            let _ = waiting.send(Err(why.clone()));
        }
        for channel in channels.into_values() {
            channel.end(Err(why.clone()));
        }
        self.over.cancel();
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dispatch(&self, kind: Kind, body: &Bytes) -> Result<(), Malformed> {
        match FromNode::read(kind, body)? {
            FromNode::Hello { .. } => return Err(Malformed("a second hello")),
            FromNode::Reply { id, reply } => {
                if let Some(waiting) = self.tables().requests.remove(&id) {
                    let _ = waiting.send(Ok(reply));
                }
            }
            // A channel that we closed may still have something under way: it is dropped.
            FromNode::Data { channel, bytes } => {
                if let Some(channel) = self.channel(channel) {
                    channel.arrived(body.slice_ref(bytes))?;
                }
            }
            FromNode::Credit { channel, bytes } => {
                if let Some(channel) = self.channel(channel) {
                    channel.credit(bytes)?;
                }
            }
            FromNode::Eof { channel } => {
                if let Some(channel) = self.channel(channel) {
                    channel.eof();
                }
            }
            FromNode::Closed { channel, end } => {
                if let Some(channel) = self.tables().channels.remove(&channel) {
                    channel.end(Ok(end));
                }
            }
            FromNode::Incoming { channel, listener } => self.incoming(channel, listener)?,
        }
        Ok(())
    }

    fn channel(&self, number: u32) -> Option<Arc<Channel>> {
        self.tables().channels.get(&number).cloned()
    }
}

/// Reads frames and hands them on, until the stream ends, goes silent, or nobody is interested any more.
pub(super) async fn read_frames(
    shared: Arc<Shared>,
    mut stream: impl AsyncRead + Unpin,
    mut buffer: BytesMut,
) {
    let mut asked = false;
    let why = loop {
        match next_frame(&mut buffer) {
            Ok(Some((kind, body))) => {
                if let Err(malformed) = shared.dispatch(kind, &body) {
                    break KeeperError::Protocol(malformed);
                }
                continue;
            }
            Ok(None) => {}
            Err(malformed) => break KeeperError::Protocol(malformed),
        }
        buffer.reserve(missing(&buffer).min(MAX_DATA) + SPARE);
        let patience = if asked { DEAD_AFTER - PING_AFTER } else { PING_AFTER };
        tokio::select! {
            () = shared.over.cancelled() => break KeeperError::Lost("closed on our side".to_owned()),
            read = tokio::time::timeout(patience, stream.read_buf(&mut buffer)) => match read {
                Ok(Ok(0)) => break KeeperError::Lost("end of stream".to_owned()),
                Ok(Ok(_)) => asked = false,
                Ok(Err(error)) => break KeeperError::Lost(error.to_string()),
                Err(_) if asked => break KeeperError::NoAnswer { what: "ping", limit: DEAD_AFTER },
                Err(_) => {
                    asked = true;
                    shared.outbox.push(|out| {
                        ToNode::Request { id: PING_ID, request: Request::Ping }.write(out);
                    });
                }
            },
        }
    };
    shared.lose(why);
}

/// How many bytes of the frame under way are still to come, as far as its head tells.
fn missing(buffer: &BytesMut) -> usize {
    match head(buffer) {
        Ok(Some(head)) => (HEAD + head.length).saturating_sub(buffer.len()),
        Ok(None) | Err(_) => 0,
    }
}

/// Takes a whole frame from the front of the buffer.
pub(super) fn next_frame(buffer: &mut BytesMut) -> Result<Option<(Kind, Bytes)>, Malformed> {
    let Some(head) = head(buffer)? else {
        return Ok(None);
    };
    if buffer.len() < HEAD + head.length {
        return Ok(None);
    }
    buffer.advance(HEAD);
    Ok(Some((head.kind, buffer.split_to(head.length).freeze())))
}

/// Writes what the outbox holds, until the connection is over.
pub(super) async fn write_frames(shared: Arc<Shared>, mut stream: impl AsyncWrite + Unpin) {
    /// A buffer that grew beyond this for one large step is not kept.
    const KEEP: usize = 256 * 1024;
    let mut frames = Vec::new();
    loop {
        tokio::select! {
            () = shared.over.cancelled() => break,
            () = shared.outbox.take(&mut frames) => {}
        }
        let written = tokio::select! {
            () = shared.over.cancelled() => break,
            written = async { stream.write_all(&frames).await?; stream.flush().await } => written,
        };
        if let Err(error) = written {
            shared.lose(KeeperError::Lost(error.to_string()));
            break;
        }
        frames.clear();
        frames.shrink_to(KEEP);
    }
    // A stream that is already gone cannot be closed better.
    let _ = stream.shutdown().await;
}
