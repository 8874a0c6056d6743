//! Bytes to frames: a pure, incremental decoder for the one port that carries packets and text (zuul-gearman 1.1).

use super::limits::Limits;
use super::packet::{HEADER_LEN, MAGIC_REQUEST, MAGIC_RESPONSE};

/// Which way a packet says it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Magic {
    /// `\0REQ`.
    Request,
    /// `\0RES`.
    Response,
}

/// One complete unit at the start of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A binary packet. The type may be unknown.
    Packet {
        /// The magic it came with.
        magic: Magic,
        /// Its type number.
        kind: u32,
        /// Its arguments, joined by NUL bytes.
        body: &'a [u8],
    },
    /// A line of the text protocol, without its LF or CRLF.
    Line(&'a [u8]),
}

/// What the start of a buffer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// A frame, and the number of bytes that it takes.
    Frame(Frame<'a>, usize),
    /// Not enough yet: a whole frame needs at least this many bytes in all.
    Incomplete(usize),
}

/// Why a buffer can never become a frame. The connection is closed without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A NUL byte that no magic follows.
    #[error("a packet starts with wrong magic bytes")]
    Magic,
    /// The header announces more than the limit (zuul-B-5).
    #[error("a packet announces {0} bytes, more than the limit")]
    TooLarge(u32),
    /// A text line longer than the limit.
    #[error("a text line is longer than the limit")]
    LineTooLong,
}

/// Looks at the start of `buffer`. The size is checked against the limit before the caller reserves anything (zuul-B-5).
pub fn decode<'a>(buffer: &'a [u8], limits: &Limits) -> Result<Decoded<'a>, FrameError> {
    match buffer.first() {
        None => Ok(Decoded::Incomplete(1)),
        Some(0) => decode_packet(buffer, limits.frame_bytes),
        Some(_) => decode_line(buffer, limits.line_bytes),
    }
}

fn decode_packet(buffer: &[u8], limit: usize) -> Result<Decoded<'_>, FrameError> {
    let Some((header, rest)) = buffer.split_first_chunk::<HEADER_LEN>() else {
        // Wrong magic is refused as early as it shows, or a peer could hold the connection with four bytes.
        let seen = &buffer[..buffer.len().min(4)];
        let possible = MAGIC_REQUEST.starts_with(seen) || MAGIC_RESPONSE.starts_with(seen);
        return if possible { Ok(Decoded::Incomplete(HEADER_LEN)) } else { Err(FrameError::Magic) };
    };
    let [m0, m1, m2, m3, k0, k1, k2, k3, s0, s1, s2, s3] = *header;
    let magic = match [m0, m1, m2, m3] {
        MAGIC_REQUEST => Magic::Request,
        MAGIC_RESPONSE => Magic::Response,
        _ => return Err(FrameError::Magic),
    };
    let announced = u32::from_be_bytes([s0, s1, s2, s3]);
    let size = announced as usize;
    if size > limit {
        return Err(FrameError::TooLarge(announced));
    }
    Ok(match rest.get(..size) {
        Some(body) => Decoded::Frame(
            Frame::Packet { magic, kind: u32::from_be_bytes([k0, k1, k2, k3]), body },
            HEADER_LEN + size,
        ),
        None => Decoded::Incomplete(HEADER_LEN + size),
    })
}

fn decode_line(buffer: &[u8], limit: usize) -> Result<Decoded<'_>, FrameError> {
    let window = &buffer[..buffer.len().min(limit)];
    match memchr::memchr(b'\n', window) {
        Some(end) => {
            let line = &window[..end];
            Ok(Decoded::Frame(Frame::Line(line.strip_suffix(b"\r").unwrap_or(line)), end + 1))
        }
        None if buffer.len() >= limit => Err(FrameError::LineTooLong),
        None => Ok(Decoded::Incomplete(buffer.len() + 1)),
    }
}
