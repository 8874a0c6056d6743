//! Sockets in the node whose connections come out here (design A8).

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::mpsc;

use super::channel::{Channel, Received};
use super::connection::Incoming;
use super::error::KeeperError;
use super::handle::{Keeper, OpenChannel};
use super::wire::{MAX_DATA, Request, ToNode, WINDOW};

/// What is under way between a tunnel and whoever serves it.
const BETWEEN: usize = 64 * 1024;

/// Connections to one socket in the node, in the order in which they came.
pub struct Tunnels {
    keeper: Keeper,
    incoming: mpsc::Receiver<Incoming>,
}

impl Keeper {
    /// Listens on a socket in the node, at a path relative to its directory. The number tells sockets apart; whoever listens
    /// again on a new stream takes over.
    ///
    /// # Errors
    /// See [`KeeperError`]; refused when something else than a socket lies at the path.
    pub async fn listen(&self, listener: u32, path: &str) -> Result<Tunnels, KeeperError> {
        let incoming = self.inner.shared.listen(listener)?;
        self.done("listen", Request::Listen { listener, path: path.to_owned() }).await?;
        Ok(Tunnels { keeper: self.clone(), incoming })
    }
}

impl Tunnels {
    /// The next connection; `None` when the stream to the node is gone. Safe to cancel.
    pub async fn accept(&mut self) -> Option<DuplexStream> {
        let Incoming { number, channel } = self.incoming.recv().await?;
        let open = Arc::new(OpenChannel { keeper: self.keeper.clone(), number, channel });
        // The node reads nothing of it before this.
        open.credit(WINDOW);
        let (ours, theirs) = tokio::io::duplex(BETWEEN);
        let (reader, writer) = tokio::io::split(theirs);
        // Both end with the channel, or when the other end of the pipe is dropped.
        tokio::spawn(out_of_the_node(Arc::clone(&open), writer));
        tokio::spawn(into_the_node(open, reader));
        Some(ours)
    }
}

async fn out_of_the_node(open: Arc<OpenChannel>, mut writer: WriteHalf<DuplexStream>) {
    loop {
        match open.channel.receive().await {
            Received::Bytes(bytes, due) => {
                if writer.write_all(&bytes).await.is_err() {
                    break;
                }
                open.credit(due);
            }
            Received::Eof => {
                // The other direction may go on.
                let _ = writer.shutdown().await;
            }
            Received::End(_) => {
                let _ = writer.shutdown().await;
                return;
            }
        }
    }
    // Nobody reads any more: what still comes is thrown away, and no more may come. Closing the channel now would also throw away what
    // the node has not written yet, so whoever connected ends it.
    loop {
        match open.channel.receive().await {
            Received::Bytes(..) | Received::Eof => {}
            Received::End(_) => return,
        }
    }
}

async fn into_the_node(open: Arc<OpenChannel>, mut reader: ReadHalf<DuplexStream>) {
    let mut piece = BytesMut::new();
    let outbox = &open.keeper.inner.shared.outbox;
    let number = open.number;
    loop {
        piece.clear();
        piece.reserve(MAX_DATA);
        match reader.read_buf(&mut piece).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        if send(&open.channel, &piece, |bytes| {
            outbox.push(|out| ToNode::Data { channel: number, bytes }.write(out));
        })
        .await
        .is_none()
        {
            return;
        }
    }
    outbox.push(|out| ToNode::Eof { channel: number }.write(out));
}

/// Sends all of it as the window allows; `None` when the channel is over.
async fn send(channel: &Channel, mut bytes: &[u8], mut put: impl FnMut(&[u8])) -> Option<()> {
    while !bytes.is_empty() {
        let wanted = u32::try_from(bytes.len().min(MAX_DATA)).unwrap_or(u32::MAX);
        let granted = channel.room(wanted).await.ok()?;
        let (now, later) = bytes.split_at(usize::try_from(granted).ok()?.min(bytes.len()));
        put(now);
        bytes = later;
    }
    Some(())
}
