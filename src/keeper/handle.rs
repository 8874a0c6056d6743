//! The handle to one connected keeper.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio_util::sync::DropGuard;

use super::channel::Channel;
use super::connection::{Shared, next_frame, read_frames, write_frames};
use super::error::KeeperError;
use super::wire::{
    FromNode, Malformed, Refusal, RefusalCode, Reply, Request, StepId, StepSpec, StepState, ToNode, VERSION,
};
use crate::model::NodeId;

/// A node that was started just now may first have to find its processor; a keeper answers within a millisecond.
const HELLO_LIMIT: Duration = Duration::from_secs(20);
/// How long an ordinary answer may take: the keeper never waits for anything before it answers.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Requests under way at once; more wait for their turn.
pub(super) const MAX_REQUESTS: usize = 32;

/// A connection to one keeper. Clones share it; when the last clone (and every stream made from it) is dropped, the stream is
/// closed. That disturbs nothing on the node.
#[derive(Clone)]
pub struct Keeper {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub shared: Arc<Shared>,
    node: NodeId,
    requests: Semaphore,
    _over: DropGuard,
}

impl Keeper {
    /// Says hello over a fresh stream and makes sure that it is the node that was meant (pools-P35).
    ///
    /// # Errors
    /// [`KeeperError::WrongNode`], [`KeeperError::Version`], [`KeeperError::NoAnswer`] after 20 s, or the stream's own trouble.
    pub async fn connect(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        expect: NodeId,
    ) -> Result<Keeper, KeeperError> {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut buffer = BytesMut::new();
        let hello = say_hello(&mut reader, &mut writer, &mut buffer);
        let (version, found) = tokio::time::timeout(HELLO_LIMIT, hello)
            .await
            .map_err(|_| KeeperError::NoAnswer { what: "hello", limit: HELLO_LIMIT })??;
        if version != VERSION {
            return Err(KeeperError::Version(version));
        }
        if found != expect.as_str() {
            return Err(KeeperError::WrongNode { expected: expect.to_string(), found });
        }
        let shared = Shared::new();
        // Both tasks end with the token that the handle's drop guard cancels, or with the stream.
        tokio::spawn(read_frames(Arc::clone(&shared), reader, buffer));
        tokio::spawn(write_frames(Arc::clone(&shared), writer));
        Ok(Keeper {
            inner: Arc::new(Inner {
                _over: shared.over.clone().drop_guard(),
                shared,
                node: expect,
                requests: Semaphore::new(MAX_REQUESTS),
            }),
        })
    }

    /// The node at the other end.
    pub fn node(&self) -> NodeId {
        self.inner.node
    }

    /// Starts a step and returns its state. A step that was started before is not started again: its state comes back. So this
    /// may be repeated after a lost answer. A step that cannot be started has ended, with [`super::Exit::NotStarted`].
    ///
    /// # Errors
    /// See [`KeeperError`]; refused when the node runs too many steps.
    pub async fn start_step(&self, spec: StepSpec) -> Result<StepState, KeeperError> {
        self.step("start", Request::Start(spec)).await
    }

    /// Asks for a step's state.
    ///
    /// # Errors
    /// See [`KeeperError`].
    pub async fn step_state(&self, step: StepId) -> Result<StepState, KeeperError> {
        self.step("state", Request::State(step)).await
    }

    /// Asks for a step's end: TERM to all that it consists of, KILL after `grace`, down to the last process. Returns when that is under way;
    /// the end comes by [`Keeper::follow`] or [`Keeper::step_state`]. A second call with a shorter grace time hastens it (pools-D66).
    ///
    /// # Errors
    /// See [`KeeperError`]; refused for a step that was never started.
    pub async fn stop(&self, step: StepId, grace: Duration) -> Result<(), KeeperError> {
        self.done("stop", Request::Stop { step, grace }).await
    }

    /// Ends the processes that earlier steps left behind and whose environment still has all of `cookie` (`NAME=VALUE`; jjb-T14). Returns
    /// how many there were, when they are gone.
    ///
    /// # Errors
    /// See [`KeeperError`].
    pub async fn sweep(&self, cookie: Vec<String>, grace: Duration) -> Result<u32, KeeperError> {
        let request = Request::Sweep { cookie, grace };
        match self.ask("sweep", request, ANSWER_LIMIT.saturating_add(grace)).await? {
            Reply::Swept(count) => Ok(count),
            Reply::Done | Reply::Step(_) => Err(unexpected()),
        }
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// See [`KeeperError`].
    pub async fn ping(&self) -> Result<(), KeeperError> {
        self.done("ping", Request::Ping).await
    }

    /// Ends every process on the node and then the keeper itself: in a container that is the container's end.
    ///
    /// # Errors
    /// See [`KeeperError`]; a stream that ends instead of an answer counts as done.
    pub async fn shutdown(&self) -> Result<(), KeeperError> {
        match self.done("shutdown", Request::Shutdown).await {
            Err(KeeperError::Lost(_)) => Ok(()),
            other => other,
        }
    }

    /// Resolves when the stream is gone.
    pub async fn closed(&self) {
        self.inner.shared.over.cancelled().await;
    }

    /// Whether the stream is gone.
    pub fn is_closed(&self) -> bool {
        self.inner.shared.over.is_cancelled()
    }

    /// Asks and waits for the answer, at most `limit`. When the caller gives up, nothing is left behind.
    pub(super) async fn ask(
        &self,
        what: &'static str,
        request: Request,
        limit: Duration,
    ) -> Result<Reply, KeeperError> {
        let answer = async {
            let _turn = self.inner.requests.acquire().await;
            let (id, answer) = self.inner.shared.request(request)?;
            let _forget = Forget { shared: &self.inner.shared, id };
            answer.await.unwrap_or_else(|_| Err(KeeperError::Lost("connection dropped".to_owned())))
        };
        match tokio::time::timeout(limit, answer).await {
            Ok(answer) => answer?.map_err(KeeperError::Refused),
            Err(_) => Err(KeeperError::NoAnswer { what, limit }),
        }
    }

    pub(super) async fn done(&self, what: &'static str, request: Request) -> Result<(), KeeperError> {
        match self.ask(what, request, ANSWER_LIMIT).await? {
            Reply::Done => Ok(()),
            Reply::Step(_) | Reply::Swept(_) => Err(unexpected()),
        }
    }

    /// Opens a channel by the request that `request` makes of its number.
    pub(super) async fn open(
        &self,
        what: &'static str,
        request: impl FnOnce(u32) -> Request,
    ) -> Result<OpenChannel, KeeperError> {
        let (number, channel) = self.inner.shared.open_channel()?;
        let open = OpenChannel { keeper: self.clone(), number, channel };
        self.done(what, request(number)).await?;
        Ok(open)
    }

    async fn step(&self, what: &'static str, request: Request) -> Result<StepState, KeeperError> {
        match self.ask(what, request, ANSWER_LIMIT).await? {
            Reply::Step(state) => Ok(state),
            Reply::Done | Reply::Swept(_) => Err(unexpected()),
        }
    }
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Keeper")
            .field("node", &self.inner.node)
            .field("closed", &self.is_closed())
            .finish()
    }
}

/// A channel of ours; dropping it closes it.
pub(super) struct OpenChannel {
    pub keeper: Keeper,
    pub number: u32,
    pub channel: Arc<Channel>,
}

impl OpenChannel {
    /// Gives the node room to send more.
    pub fn credit(&self, bytes: u32) {
        if bytes > 0 {
            self.keeper.inner.shared.outbox.push(|out| {
                ToNode::Credit { channel: self.number, bytes }.write(out);
            });
        }
    }
}

impl Drop for OpenChannel {
    fn drop(&mut self) {
        self.keeper.inner.shared.close_channel(self.number);
    }
}

struct Forget<'a> {
    shared: &'a Shared,
    id: u32,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.shared.forget_request(self.id);
    }
}

async fn say_hello(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    buffer: &mut BytesMut,
) -> Result<(u16, String), KeeperError> {
    let mut hello = Vec::new();
    ToNode::Hello { version: VERSION }.write(&mut hello);
    let lost = |error: std::io::Error| KeeperError::Lost(error.to_string());
    writer.write_all(&hello).await.map_err(lost)?;
    writer.flush().await.map_err(lost)?;
    loop {
        if let Some((kind, body)) = next_frame(buffer)? {
            let FromNode::Hello { version, node } = FromNode::read(kind, &body)? else {
                return Err(KeeperError::Protocol(Malformed("no hello")));
            };
            return Ok((version, node));
        }
        if reader.read_buf(buffer).await.map_err(lost)? == 0 {
            return Err(KeeperError::Lost("end of stream before hello".to_owned()));
        }
    }
}

fn unexpected() -> KeeperError {
    KeeperError::Protocol(Malformed("a reply to another question"))
}

/// A path in the form of the wire. Paths that name nothing below the node's directory are refused there; this catches the
/// plain mistake early.
pub(super) fn wire_path(path: &Path) -> Result<Vec<u8>, KeeperError> {
    use std::os::unix::ffi::OsStrExt;
    if path.is_absolute() {
        return Err(KeeperError::Refused(Refusal::new(
            RefusalCode::Invalid,
            format!("{} is not relative to the node's directory", path.display()),
        )));
    }
    Ok(path.as_os_str().as_bytes().to_vec())
}
