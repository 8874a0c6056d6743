//! Files below the node's directory: listed, fetched, put, removed. Links are never followed (pools-D71).

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::channel::Received;
use super::error::KeeperError;
use super::handle::{Keeper, OpenChannel, wire_path};
use super::wire::{ChannelEnd, Entry, FileOp, ListingDecoder, MAX_DATA, Malformed, Request, ToNode};

/// How long removing may take: a build may leave a million files.
const REMOVE_LIMIT: Duration = Duration::from_secs(300);

/// A listing under way.
pub struct Listing {
    open: OpenChannel,
    decoder: ListingDecoder,
    /// Entries that may still come: the node was told, and is held to it.
    left: u64,
}

/// A file under way from the node.
pub struct FileReader {
    open: OpenChannel,
}

/// A file under way to the node. It appears there only by [`FileWriter::finish`].
pub struct FileWriter {
    open: OpenChannel,
}

impl Keeper {
    /// Lists everything below a directory (relative to the node's directory: `workspace/…`), parents before children.
    ///
    /// # Errors
    /// See [`KeeperError`]; the trouble of the listing itself comes by [`Listing::next`].
    pub async fn list_files(&self, path: impl AsRef<Path>, max_entries: u64) -> Result<Listing, KeeperError> {
        let path = wire_path(path.as_ref())?;
        Ok(Listing {
            open: self.files(FileOp::List { path, max_entries }).await?,
            decoder: ListingDecoder::default(),
            left: max_entries,
        })
    }

    /// Fetches a plain file.
    ///
    /// # Errors
    /// See [`KeeperError`]; the trouble of the file itself comes by [`FileReader::next`].
    pub async fn get_file(&self, path: impl AsRef<Path>) -> Result<FileReader, KeeperError> {
        let path = wire_path(path.as_ref())?;
        Ok(FileReader { open: self.files(FileOp::Get { path }).await? })
    }

    /// Puts a file with these permission bits. Missing directories are made; the file is there whole or not at all.
    ///
    /// # Errors
    /// See [`KeeperError`]; [`KeeperError::Source`] when `content` cannot be read.
    pub async fn put_file(
        &self,
        path: impl AsRef<Path>,
        mode: u32,
        mut content: impl AsyncRead + Unpin,
    ) -> Result<(), KeeperError> {
        let path = wire_path(path.as_ref())?;
        let writer = FileWriter { open: self.files(FileOp::Put { path, mode }).await? };
        let mut piece = vec![0; MAX_DATA];
        loop {
            let count =
                content.read(&mut piece).await.map_err(|error| KeeperError::Source(error.to_string()))?;
            if count == 0 {
                return writer.finish().await;
            }
            writer.write(&piece[..count]).await?;
        }
    }

    /// Removes a file, or a directory with all below it; what is not there is removed already.
    ///
    /// # Errors
    /// See [`KeeperError`].
    pub async fn remove(&self, path: impl AsRef<Path>) -> Result<(), KeeperError> {
        let path = wire_path(path.as_ref())?;
        let open = self.files(FileOp::Remove { path }).await?;
        finished("remove", open).await
    }

    /// Empties the node's directory but for what the keeper itself keeps in it: workspace, whatever lies beside it (pools-D4).
    ///
    /// # Errors
    /// See [`KeeperError`].
    pub async fn wipe(&self) -> Result<(), KeeperError> {
        let open = self.files(FileOp::Wipe).await?;
        finished("wipe", open).await
    }

    async fn files(&self, op: FileOp) -> Result<OpenChannel, KeeperError> {
        self.open("files", |channel| Request::Files { channel, op }).await
    }
}

impl Listing {
    /// The next entries; `None` at the end. Not safe to cancel half way.
    ///
    /// # Errors
    /// Refused when the directory is not there, has too many entries, or lies behind a link; or the stream's own trouble.
    pub async fn next(&mut self) -> Result<Option<Vec<Entry>>, KeeperError> {
        loop {
            match next_piece(&self.open).await? {
                Some(piece) => {
                    let mut entries = Vec::new();
                    self.decoder.push(&piece, &mut entries)?;
                    self.left = u64::try_from(entries.len())
                        .ok()
                        .and_then(|count| self.left.checked_sub(count))
                        .ok_or(KeeperError::Protocol(Malformed("more entries than were asked for")))?;
                    if !entries.is_empty() {
                        return Ok(Some(entries));
                    }
                }
                None if self.decoder.is_whole() => return Ok(None),
                None => return Err(KeeperError::Protocol(Malformed("a cut listing"))),
            }
        }
    }
}

impl FileReader {
    /// The next piece; `None` at the file's end. Safe to cancel.
    ///
    /// # Errors
    /// Refused when it is no plain file below the node's directory; or the stream's own trouble.
    pub async fn next(&mut self) -> Result<Option<Bytes>, KeeperError> {
        next_piece(&self.open).await
    }
}

impl FileWriter {
    async fn write(&self, mut bytes: &[u8]) -> Result<(), KeeperError> {
        while !bytes.is_empty() {
            let wanted = u32::try_from(bytes.len().min(MAX_DATA)).unwrap_or(u32::MAX);
            let granted = match self.open.channel.room(wanted).await {
                Ok(granted) => granted as usize,
                Err(end) => return Err(early(end?)),
            };
            let (piece, rest) = bytes.split_at(granted);
            self.open.keeper.inner.shared.outbox.push(|out| {
                ToNode::Data { channel: self.open.number, bytes: piece }.write(out);
            });
            bytes = rest;
        }
        Ok(())
    }

    async fn finish(self) -> Result<(), KeeperError> {
        self.open.keeper.inner.shared.outbox.push(|out| {
            ToNode::Eof { channel: self.open.number }.write(out);
        });
        finished("put", self.open).await
    }
}

/// A channel that ended before all was sent.
fn early(end: ChannelEnd) -> KeeperError {
    match end {
        ChannelEnd::Failed(refusal) => KeeperError::Refused(refusal),
        ChannelEnd::Done | ChannelEnd::Step(_) => {
            KeeperError::Protocol(Malformed("a file that was closed too early"))
        }
    }
}

async fn next_piece(open: &OpenChannel) -> Result<Option<Bytes>, KeeperError> {
    loop {
        match open.channel.receive().await {
            Received::Bytes(bytes, credit) => {
                open.credit(credit);
                return Ok(Some(bytes));
            }
            // The end itself says whether all went well.
            Received::Eof => {}
            Received::End(end) => {
                return match end? {
                    ChannelEnd::Done => Ok(None),
                    ChannelEnd::Failed(refusal) => Err(KeeperError::Refused(refusal)),
                    ChannelEnd::Step(_) => {
                        Err(KeeperError::Protocol(Malformed("a step's end on a file's channel")))
                    }
                };
            }
        }
    }
}

async fn finished(what: &'static str, open: OpenChannel) -> Result<(), KeeperError> {
    let end = async {
        while next_piece(&open).await?.is_some() {}
        Ok(())
    };
    tokio::time::timeout(REMOVE_LIMIT, end)
        .await
        .unwrap_or(Err(KeeperError::NoAnswer { what, limit: REMOVE_LIMIT }))
}
