//! A connection's bytes, cut into frames wherever the network cut them (zuul-B-1).

use std::ops::ControlFlow;

use super::codec::{self, Decoded, Frame, FrameError};
use super::limits::Limits;

/// Buffers for cut packets that are kept for the next one, and the largest that is kept.
const SPARE_BUFFERS: usize = 16;
const SPARE_BYTES: usize = 1 << 20;
/// A cut packet's buffer grows by what arrives, not by what the header promises, beyond this size.
const TRUSTED_BYTES: usize = 256 << 10;

/// Buffers for cut packets, shared by all connections of a thread.
#[derive(Debug, Default)]
pub struct Spare(Vec<Vec<u8>>);

/// What one connection has sent of a frame that is not complete yet; without one, it holds no memory.
#[derive(Debug, Default)]
pub struct Deframer {
    cut: Vec<u8>,
}

/// How far a feed got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fed {
    /// Frames handed on.
    pub frames: usize,
    /// Bytes taken.
    pub used: usize,
}

impl Deframer {
    /// Takes the next bytes and hands each complete frame on. Returns how many those were.
    pub fn feed<E: From<FrameError>>(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
        spare: &mut Spare,
        mut each: impl FnMut(Frame<'_>) -> Result<(), E>,
    ) -> Result<usize, E> {
        let go_on = |frame: Frame<'_>| each(frame).map(ControlFlow::Continue);
        self.feed_while(bytes, limits, spare, go_on).map(|fed| fed.frames)
    }

    /// As [`Self::feed`], until `each` breaks off behind a frame. The bytes that were not used are to be fed again.
    pub fn feed_while<E: From<FrameError>>(
        &mut self,
        mut bytes: &[u8],
        limits: &Limits,
        spare: &mut Spare,
        mut each: impl FnMut(Frame<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<Fed, E> {
        let (mut frames, all) = (0, bytes.len());
        let mut flow = ControlFlow::Continue(());
        if !self.cut.is_empty() {
            bytes = self.complete(bytes, limits, &mut |frame| {
                flow = each(frame)?;
                Ok::<(), E>(())
            })?;
            if !self.cut.is_empty() {
                return Ok(Fed { frames, used: all });
            }
            frames += 1;
            spare.keep(std::mem::take(&mut self.cut));
        }
        while flow.is_continue() {
            match codec::decode(bytes, limits)? {
                Decoded::Frame(frame, length) => {
                    flow = each(frame)?;
                    frames += 1;
                    bytes = &bytes[length..];
                }
                Decoded::Incomplete(length) => {
                    if !bytes.is_empty() {
                        self.cut = spare.0.pop().unwrap_or_default();
                        self.cut.reserve(length.min(TRUSTED_BYTES));
                        self.cut.extend_from_slice(bytes);
                    }
                    return Ok(Fed { frames, used: all });
                }
            }
        }
        Ok(Fed { frames, used: all - bytes.len() })
    }

    /// Memory of a frame that is not complete yet, in bytes: what its buffer takes, which grows ahead of what has arrived.
    pub fn held(&self) -> usize {
        self.cut.capacity()
    }

    /// Bytes of it that have arrived.
    pub fn arrived(&self) -> usize {
        self.cut.len()
    }

    /// Completes the frame that was cut earlier; what is left of the new bytes.
    fn complete<'a, E: From<FrameError>>(
        &mut self,
        mut bytes: &'a [u8],
        limits: &Limits,
        each: &mut impl FnMut(Frame<'_>) -> Result<(), E>,
    ) -> Result<&'a [u8], E> {
        loop {
            let missing = match codec::decode(&self.cut, limits)? {
                Decoded::Frame(frame, _) => {
                    each(frame)?;
                    self.cut.clear();
                    return Ok(bytes);
                }
                Decoded::Incomplete(length) => length - self.cut.len(),
            };
            // A line says nothing about its length: it is taken up to its end.
            let wanted = match self.cut.first() {
                Some(0) | None => missing,
                Some(_) => memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1),
            };
            let (taken, rest) = bytes.split_at(wanted.min(bytes.len()));
            if taken.is_empty() {
                return Ok(rest);
            }
            self.cut.extend_from_slice(taken);
            bytes = rest;
        }
    }
}

impl Spare {
    fn keep(&mut self, mut buffer: Vec<u8>) {
        if self.0.len() < SPARE_BUFFERS && buffer.capacity() <= SPARE_BYTES {
            buffer.clear();
            self.0.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gearman::packet::{kind, put_request};

    fn frames(pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, FrameError> {
        let (mut deframer, mut spare, mut seen) = (Deframer::default(), Spare::default(), Vec::new());
        for piece in pieces {
            deframer.feed(piece, &Limits::default(), &mut spare, |frame| {
                seen.push(match frame {
                    Frame::Packet { kind, body, .. } => [&kind.to_be_bytes()[..], body].concat(),
                    Frame::Line(line) => line.to_vec(),
                });
                Ok::<(), FrameError>(())
            })?;
        }
        Ok(seen)
    }

    #[test]
    fn zuul_b_1_every_pair_of_splits_gives_the_same_frames() {
        let mut bytes = Vec::new();
        put_request(&mut bytes, kind::ECHO_REQ, &[b"a\0b"]);
        bytes.extend_from_slice(b"status\r\n");
        put_request(&mut bytes, kind::PRE_SLEEP, &[]);
        bytes.extend_from_slice(b"\nworkers\n");
        put_request(&mut bytes, kind::CAN_DO, &[b"build:x"]);
        let whole = frames(&[&bytes]).unwrap();
        assert_eq!(whole.len(), 6);
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(frames(&pieces).unwrap(), whole, "{first} {second}");
            }
        }
    }

    #[test]
    fn a_feed_that_is_broken_off_goes_on_where_it_was() {
        let mut bytes = Vec::new();
        put_request(&mut bytes, kind::ECHO_REQ, &[b"a\0b"]);
        bytes.extend_from_slice(b"status\n");
        put_request(&mut bytes, kind::PRE_SLEEP, &[]);
        let whole = frames(&[&bytes]).unwrap();
        for split in 0..=bytes.len() {
            let (mut deframer, mut spare, mut seen) = (Deframer::default(), Spare::default(), Vec::new());
            for mut piece in [&bytes[..split], &bytes[split..]] {
                while !piece.is_empty() {
                    let each = |frame: Frame<'_>| {
                        seen.push(match frame {
                            Frame::Packet { kind, body, .. } => [&kind.to_be_bytes()[..], body].concat(),
                            Frame::Line(line) => line.to_vec(),
                        });
                        Ok::<_, FrameError>(ControlFlow::Break(()))
                    };
                    let fed = deframer.feed_while(piece, &Limits::default(), &mut spare, each).unwrap();
                    assert!(fed.frames <= 1 && fed.used > 0, "{fed:?}");
                    piece = &piece[fed.used..];
                }
            }
            assert_eq!(seen, whole, "{split}");
            assert_eq!(deframer.held(), 0);
        }
    }

    #[test]
    fn zuul_b_5_what_can_never_be_a_frame_is_refused_as_early_as_it_shows() {
        assert_eq!(frames(&[b"\0", b"R", b"X"]), Err(FrameError::Magic));
        assert_eq!(frames(&[b"\0REQ\0\0\0\x07\xff\xff\xff", b"\xff"]), Err(FrameError::TooLarge(u32::MAX)));
        assert_eq!(frames(&[&[b'x'; 5_000], &[b'x'; 5_000]]), Err(FrameError::LineTooLong));
    }
}
