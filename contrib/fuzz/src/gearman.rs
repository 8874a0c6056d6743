//! The Gearman port: packets, text, and several peers at once.

use causeway::gearman::admin::{self, Request};
use causeway::gearman::codec::{self, Decoded, Frame, FrameError, Magic};
use causeway::gearman::deframe::{Deframer, Spare};
use causeway::gearman::limits::Limits;
use causeway::gearman::packet::{self, HEADER_LEN, arguments, kind, put_request, put_response};
use causeway::gearman::server::replay;

/// Several peers and the process itself against the queue; the queue's rules are asserted by the replay.
pub(super) fn server(script: &[u8]) {
    let left = replay(script);
    assert_eq!(left.connections, 0);
    assert!(left.jobs <= 256, "more jobs than the limit: {left:?}");
}

/// A frame: magic and kind, or a line; and its bytes.
type Seen = (Option<(Magic, u32)>, Vec<u8>);

fn owned(frame: Frame<'_>) -> Seen {
    match frame {
        Frame::Packet { magic, kind, body } => (Some((magic, kind)), body.to_vec()),
        Frame::Line(line) => (None, line.to_vec()),
    }
}

/// Frames as they came, and whether the bytes could go on.
fn frames_of(pieces: &[&[u8]]) -> (Vec<Seen>, Option<FrameError>) {
    let (mut deframer, mut spare, mut seen) = (Deframer::default(), Spare::default(), Vec::new());
    for piece in pieces {
        let outcome = deframer.feed(piece, &Limits::default(), &mut spare, |frame| {
            seen.push(owned(frame));
            Ok::<(), FrameError>(())
        });
        if let Err(error) = outcome {
            return (seen, Some(error));
        }
    }
    (seen, None)
}

/// Any bytes through the decoder: the same frames whatever the cut (zuul-B-1), and what was decoded is encoded to the same again.
pub(super) fn frames(bytes: &[u8]) {
    let [first, second, rest @ ..] = bytes else { return };
    let (first, second) = (usize::from(*first).min(rest.len()), usize::from(*second).min(rest.len()));
    let (first, second) = (first.min(second), first.max(second));
    let (seen, error) = frames_of(&[rest]);
    let cut = frames_of(&[&rest[..first], &rest[first..second], &rest[second..]]);
    assert_eq!((&seen, &error), (&cut.0, &cut.1), "cut at {first} and {second}");
    let mut again = Vec::new();
    for (packet, body) in &seen {
        match packet {
            Some((Magic::Request, kind)) => put_request(&mut again, *kind, &[body]),
            Some((Magic::Response, kind)) => put_response(&mut again, *kind, &[body]),
            None => {
                again.extend_from_slice(body);
                // A CR before the LF belongs to the line's end, so a line that keeps one had two.
                again.extend_from_slice(if body.ends_with(b"\r") { b"\r\n" } else { b"\n" });
            }
        }
        split(body);
    }
    assert_eq!(frames_of(&[&again]), (seen, None));
    refusals(rest);
}

/// A body taken apart and joined again is the same.
fn split(body: &[u8]) {
    fn joined<const N: usize>(body: &[u8]) {
        if let Some(parts) = arguments::<N>(body) {
            let mut out = Vec::new();
            put_request(&mut out, kind::ECHO_REQ, &parts);
            assert_eq!(&out[HEADER_LEN..], body);
            assert!(parts[..N - 1].iter().all(|part| !part.contains(&0)));
        }
    }
    joined::<1>(body);
    joined::<2>(body);
    joined::<3>(body);
    joined::<8>(body);
    assert!(packet::without_trailing_nul(body).len() + 1 >= body.len());
}

/// With small limits nothing longer than they allow is a frame, and never is more asked for than a frame may have (zuul-B-5).
fn refusals(bytes: &[u8]) {
    let limits = Limits { frame_bytes: 64, line_bytes: 32, ..Limits::default() };
    match codec::decode(bytes, &limits) {
        Ok(Decoded::Frame(Frame::Packet { body, .. }, length)) => {
            assert!(body.len() <= 64 && length == HEADER_LEN + body.len());
        }
        Ok(Decoded::Frame(Frame::Line(line), length)) => assert!(line.len() < 32 && length <= 32),
        Ok(Decoded::Incomplete(length)) => {
            assert!(length > bytes.len() && length <= HEADER_LEN + 64);
        }
        Err(_) => {}
    }
}

/// Text commands against a queue with a job in each state; the replay sees to it that each line has one answer, whole.
pub(super) fn text(bytes: &[u8]) {
    /// One record of the replay: four peers, action 5 (send).
    fn record(script: &mut Vec<u8>, peer: u8, bytes: &[u8]) {
        for piece in bytes.chunks(255) {
            script.extend_from_slice(&[(peer & 3) | (5 << 2), piece.len() as u8]);
            script.extend_from_slice(piece);
        }
    }
    let mut script = Vec::new();
    let mut packets = Vec::new();
    for (kind, arguments) in [
        (kind::CAN_DO, &[&b"f"[..]][..]),
        (kind::SET_CLIENT_ID, &[b"worker one"]),
        (kind::SUBMIT_JOB, &[b"f", b"u1", b"data"]),
        (kind::SUBMIT_JOB_BG, &[b"g", b"u2", b"data"]),
        (kind::GRAB_JOB_UNIQ, &[]),
    ] {
        put_request(&mut packets, kind, arguments);
    }
    record(&mut script, 0, &packets);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        parsed(line);
        // Uses of NUL and of lines without an end are the matter of `gearman_server`.
        if line.ends_with(b"\n") && !line.starts_with(b"\0") {
            record(&mut script, line[0] & 1, line);
        }
    }
    replay(&script);
}

/// Upper case and more spaces do not change what a line means; what is cut out of it is part of it.
fn parsed(line: &[u8]) {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let request = admin::parse(line);
    let loud: Vec<u8> = line.to_ascii_uppercase();
    let same = std::mem::discriminant(&request) == std::mem::discriminant(&admin::parse(&loud));
    assert!(same, "upper case changes {request:?}");
    let spaced: Vec<u8> = [b" \t", line, b" "].concat();
    assert_eq!(admin::parse(&spaced), request);
    let word = match request {
        Request::CancelJob(word) | Request::CreateFunction(word) | Request::DropFunction(word) => word,
        Request::MaxQueue { function, .. } => function,
        Request::Invalid(answer) => {
            assert!(answer.starts_with("ERR ") && answer.ends_with('\n') && answer.lines().count() == 1);
            return;
        }
        _ => return,
    };
    assert!(!word.is_empty() && !word.contains(&b' '));
    assert!(line.windows(word.len()).any(|window| window == word));
}
