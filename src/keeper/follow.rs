//! Following a step's log from any byte, to its end.

use bytes::Bytes;

use super::channel::Received;
use super::error::KeeperError;
use super::handle::{Keeper, OpenChannel};
use super::wire::{ChannelEnd, MAX_DATA, Malformed, Request, StepEnd, StepId, WINDOW};

/// Pieces that are given out at once: what the window lets come, in pieces of the usual size.
const PIECES: usize = (WINDOW as usize).div_ceil(MAX_DATA);

/// What a log brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogEvent {
    /// Bytes of the log as the step wrote them (pools-D42).
    Data {
        /// Where they begin in the step's log: always where the piece before ended.
        offset: u64,
        /// At most 64 KiB.
        bytes: Bytes,
    },
    /// The step has ended and all its output was delivered (pools-D45).
    Ended(StepEnd),
}

/// A step's log, from an offset on. A reader that stops reading holds up neither the step nor other readers.
pub struct LogStream {
    open: OpenChannel,
    offset: u64,
}

impl Keeper {
    /// Follows a step's log from byte `offset` on. After a lost stream the same call on a new connection, with the offset that
    /// [`LogStream::offset`] told last, goes on without gap and without repetition (pools-D43).
    ///
    /// # Errors
    /// See [`KeeperError`]; refused for a step that was never started and for an offset beyond the log's end.
    pub async fn follow(&self, step: StepId, offset: u64) -> Result<LogStream, KeeperError> {
        let open = self.open("follow", |channel| Request::Follow { channel, step, offset }).await?;
        Ok(LogStream { open, offset })
    }
}

impl LogStream {
    /// The next piece, or the end; after the end, the end again. Safe to cancel: nothing is lost.
    ///
    /// # Errors
    /// [`KeeperError::Lost`] and its like when the stream ended: follow again on a new one from [`LogStream::offset`].
    pub async fn next(&mut self) -> Result<LogEvent, KeeperError> {
        loop {
            match self.open.channel.receive().await {
                Received::Bytes(bytes, credit) => {
                    self.open.credit(credit);
                    let offset = self.offset;
                    self.offset += bytes.len() as u64;
                    return Ok(LogEvent::Data { offset, bytes });
                }
                Received::Eof => {}
                Received::End(end) => {
                    return match end? {
                        ChannelEnd::Step(end) => Ok(LogEvent::Ended(end)),
                        ChannelEnd::Failed(refusal) => Err(KeeperError::Refused(refusal)),
                        ChannelEnd::Done => {
                            Err(KeeperError::Protocol(Malformed("a log that ended without its step's end")))
                        }
                    };
                }
            }
        }
    }

    /// More pieces that are here already, at most a window of them.
    pub fn more(&mut self) -> Vec<Bytes> {
        let mut pieces = Vec::new();
        while let Some((bytes, credit)) = self.open.channel.receive_now() {
            self.open.credit(credit);
            self.offset += bytes.len() as u64;
            pieces.push(bytes);
            if pieces.len() == PIECES {
                break;
            }
        }
        pieces
    }

    /// The first byte that was not yet given out.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}
