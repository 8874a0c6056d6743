//! Frames: a length, a kind, a body.
//!
//! ```text
//! 4 bytes  length of the body, little-endian
//! 1 byte   kind
//! n bytes  body
//! ```

use super::MAX_DATA;
use super::field::Malformed;

/// The bytes before a body.
pub const HEAD: usize = 5;

/// The largest body that carries a step: the kernel takes at most a few MiB of arguments and variables (pools-D5 allows 1 MiB), and
/// the largest script seen in the field has 100 KiB.
pub const MAX_STEP: usize = 8 * 1024 * 1024;

/// The largest body of a request or reply without bulk: a path, a cookie's variables, an error text.
pub const MAX_SMALL: usize = 64 * 1024;

/// The kinds of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The first frame of each side.
    Hello = 1,
    /// A request other than a start.
    Request = 2,
    /// A request to start a step: the only frame that may be large.
    Start = 3,
    /// The answer to a request.
    Reply = 4,
    /// A piece of a channel.
    Data = 5,
    /// More room on a channel.
    Credit = 6,
    /// The sender's half of a channel is at its end.
    Eof = 7,
    /// A channel is over.
    Closed = 8,
    /// The keeper opened a channel: somebody connected to a socket in the node.
    Incoming = 9,
}

impl Kind {
    fn of(byte: u8) -> Result<Kind, Malformed> {
        Ok(match byte {
            1 => Kind::Hello,
            2 => Kind::Request,
            3 => Kind::Start,
            4 => Kind::Reply,
            5 => Kind::Data,
            6 => Kind::Credit,
            7 => Kind::Eof,
            8 => Kind::Closed,
            9 => Kind::Incoming,
            _ => return Err(Malformed("unknown kind of frame")),
        })
    }

    fn limit(self) -> usize {
        match self {
            Kind::Start => MAX_STEP,
            Kind::Data => MAX_DATA + 4,
            Kind::Request | Kind::Reply | Kind::Closed => MAX_SMALL,
            Kind::Hello => 1024,
            Kind::Credit | Kind::Eof | Kind::Incoming => 16,
        }
    }
}

/// What stands in front of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// What the body is.
    pub kind: Kind,
    /// How long it is, in bytes.
    pub length: usize,
}

/// Reads a head from the front of `bytes`; `None`: not there yet. A length over its kind's limit is an error, found before any
/// memory is set aside for it.
pub fn head(bytes: &[u8]) -> Result<Option<Head>, Malformed> {
    let Some((&[a, b, c, d, kind], _)) = bytes.split_first_chunk::<HEAD>() else {
        return Ok(None);
    };
    let kind = Kind::of(kind)?;
    let length =
        usize::try_from(u32::from_le_bytes([a, b, c, d])).map_err(|_| Malformed("length of a frame"))?;
    if length > kind.limit() {
        return Err(Malformed("frame longer than its kind allows"));
    }
    Ok(Some(Head { kind, length }))
}

/// Appends a frame whose body `write` appends.
pub(super) fn put(out: &mut Vec<u8>, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0, 0, 0, 0, kind as u8]);
    write(out);
    let length = u32::try_from(out.len() - start - HEAD).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// Collects bytes until frames are whole. The keeper's side uses it; Causeway's has a codec of its runtime over the same [`head`].
#[derive(Debug, Default)]
pub struct Collector {
    bytes: Vec<u8>,
    start: usize,
}

impl Collector {
    /// Room that is kept when nothing is waiting.
    const KEEP: usize = 16 * 1024;

    /// Adds what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        if self.bytes.is_empty() && self.bytes.capacity() > Self::KEEP {
            self.bytes = Vec::new();
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame, if there is one.
    pub fn take(&mut self) -> Result<Option<(Kind, &[u8])>, Malformed> {
        let waiting = &self.bytes[self.start..];
        let Some(head) = head(waiting)? else {
            return Ok(None);
        };
        if waiting.len() < HEAD + head.length {
            return Ok(None);
        }
        let from = self.start + HEAD;
        self.start = from + head.length;
        Ok(Some((head.kind, &self.bytes[from..self.start])))
    }
}
