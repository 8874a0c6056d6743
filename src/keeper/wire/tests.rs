//! Every message survives the wire, however it is cut; what is no message is refused before memory is set aside.

use std::time::Duration;

use super::frame::{Collector, HEAD, Kind, MAX_STEP, head};
use super::*;

fn spec() -> StepSpec {
    StepSpec {
        step: StepId(7),
        argv: vec!["/bin/sh".to_owned(), "-xe".to_owned()],
        script: Some(b"echo \xff\n".to_vec()),
        env: vec![("A".to_owned(), "one\n'two' = ä".to_owned())],
        cwd: "/n/workspace".to_owned(),
        absolute: Some(Duration::from_millis(1500)),
        inactivity: None,
        grace: Duration::from_secs(10),
        log_limit: 256 << 20,
        end_at_log_limit: true,
    }
}

fn ends() -> Vec<StepEnd> {
    let exits = [
        Exit::Code(0),
        Exit::Code(-1),
        Exit::Signal(9),
        Exit::NotStarted { code: 127, text: "cannot run /bin/fish: not found".to_owned() },
    ];
    let reasons =
        [EndedBy::Itself, EndedBy::Stop, EndedBy::AbsoluteLimit, EndedBy::InactivityLimit, EndedBy::LogLimit];
    let mut ends = Vec::new();
    for exit in exits {
        for by in reasons {
            ends.push(StepEnd {
                exit: exit.clone(),
                by,
                memory_kills: 3,
                processes_refused: 4,
                memory_limit: Some(1 << 30),
                memory_peak: None,
                log_length: u64::MAX,
                log_dropped: 1,
                started_at: 2,
                ended_at: 3,
            });
        }
    }
    ends
}

fn requests() -> Vec<Request> {
    let path = b"workspace/\xff a".to_vec();
    let channel = 5;
    let mut requests = vec![
        Request::Start(spec()),
        Request::State(StepId(1)),
        Request::Stop { step: StepId(1), grace: Duration::ZERO },
        Request::Sweep {
            cookie: vec!["BUILD_ID=3".to_owned(), String::new()],
            grace: Duration::from_secs(1),
        },
        Request::Follow { channel, step: StepId(1), offset: 1 << 40 },
        Request::Listen { listener: 1, path: "docker.sock".to_owned() },
        Request::Ping,
        Request::Shutdown,
    ];
    let ops = [
        FileOp::List { path: path.clone(), max_entries: 9 },
        FileOp::Get { path: path.clone() },
        FileOp::Put { path: path.clone(), mode: 0o644 },
        FileOp::Remove { path },
        FileOp::Wipe,
    ];
    requests.extend(ops.map(|op| Request::Files { channel, op }));
    requests
}

fn to_node() -> Vec<ToNode<'static>> {
    let mut messages = vec![
        ToNode::Hello { version: 3 },
        ToNode::Data { channel: 1, bytes: b"abc" },
        ToNode::Credit { channel: 1, bytes: 65536 },
        ToNode::Eof { channel: 1 },
        ToNode::Close { channel: 1 },
    ];
    messages.extend(requests().into_iter().map(|request| ToNode::Request { id: 9, request }));
    messages
}

fn from_node() -> Vec<FromNode<'static>> {
    let refusal = Refusal::new(RefusalCode::System, "no space");
    let mut messages = vec![
        FromNode::Hello { version: 1, node: "01abc".to_owned() },
        FromNode::Data { channel: 1, bytes: b"" },
        FromNode::Credit { channel: 1, bytes: 1 },
        FromNode::Eof { channel: 3 },
        FromNode::Closed { channel: 3, end: ChannelEnd::Done },
        FromNode::Closed { channel: 3, end: ChannelEnd::Failed(refusal.clone()) },
        FromNode::Incoming { channel: 2, listener: 1 },
    ];
    let mut replies = vec![
        Ok(Reply::Done),
        Ok(Reply::Swept(4)),
        Ok(Reply::Step(StepState::Unknown)),
        Ok(Reply::Step(StepState::Running { log_length: 5, started_at: 6 })),
        Err(refusal),
    ];
    for end in ends() {
        replies.push(Ok(Reply::Step(StepState::Ended(end.clone()))));
        messages.push(FromNode::Closed { channel: 9, end: ChannelEnd::Step(end) });
    }
    messages.extend(replies.into_iter().map(|reply| FromNode::Reply { id: 1, reply }));
    messages
}

#[test]
fn every_message_survives_being_cut_at_every_byte() {
    let messages = to_node();
    let mut bytes = Vec::new();
    for message in &messages {
        message.write(&mut bytes);
    }
    for cut in 0..bytes.len() {
        let mut collector = Collector::default();
        let mut seen = 0;
        for piece in [&bytes[..cut], &bytes[cut..]] {
            collector.push(piece);
            while let Some((kind, body)) = collector.take().unwrap() {
                assert_eq!(ToNode::read(kind, body).unwrap(), messages[seen]);
                seen += 1;
            }
        }
        assert_eq!(seen, messages.len(), "cut at {cut}");
    }
}

#[test]
fn what_nodes_say_survives_byte_by_byte() {
    let messages = from_node();
    let mut bytes = Vec::new();
    for message in &messages {
        message.write(&mut bytes);
    }
    let mut collector = Collector::default();
    let mut seen = 0;
    for byte in bytes {
        collector.push(&[byte]);
        while let Some((kind, body)) = collector.take().unwrap() {
            assert_eq!(FromNode::read(kind, body).unwrap(), messages[seen]);
            seen += 1;
        }
    }
    assert_eq!(seen, messages.len());
}

#[test]
fn a_message_that_is_cut_short_or_too_long_is_refused() {
    for message in to_node() {
        let mut bytes = Vec::new();
        message.write(&mut bytes);
        let kind = head(&bytes).unwrap().unwrap().kind;
        let body = &bytes[HEAD..];
        // The last field of these two takes whatever is there.
        if matches!(kind, Kind::Data | Kind::Hello) {
            continue;
        }
        for length in 0..body.len() {
            assert!(ToNode::read(kind, &body[..length]).is_err(), "{message:?}");
        }
        let longer = [body, b"x"].concat();
        assert!(ToNode::read(kind, &longer).is_err(), "{message:?}");
    }
}

#[test]
fn a_length_beyond_the_limit_is_refused_from_its_head() {
    let frame = |length: u32, kind: u8| {
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.push(kind);
        head(&bytes).map(|head| head.map(|head| head.length))
    };
    assert_eq!(frame(MAX_DATA as u32 + 4, 5), Ok(Some(MAX_DATA + 4)));
    assert!(frame(MAX_DATA as u32 + 5, 5).is_err());
    assert_eq!(frame(MAX_STEP as u32, 3), Ok(Some(MAX_STEP)));
    assert!(frame(u32::MAX, 3).is_err());
    assert!(frame(0, 77).is_err());
    assert_eq!(head(&[0, 0, 0, 0]), Ok(None));
}

#[test]
fn a_count_that_cannot_be_true_is_refused_before_memory_is_set_aside() {
    let mut body = 1u32.to_le_bytes().to_vec();
    body.extend(1u32.to_le_bytes());
    body.extend(u32::MAX.to_le_bytes());
    assert!(ToNode::read(Kind::Start, &body).is_err());
}

#[test]
fn pools_d61_a_status_file_says_what_the_keeper_knew() {
    for end in ends() {
        assert_eq!(parse_status(&write_status(&end)), Ok(end));
    }
    assert!(parse_status("").is_err());
    assert!(parse_status("exit 0\nby itself\n").is_err());
}

#[test]
fn a_listing_survives_being_cut_anywhere() {
    let entries = [
        Entry { path: b"a".to_vec(), kind: EntryKind::Directory, size: 0, modified_at: 1, mode: 0o755 },
        Entry { path: b"a/\n\xff".to_vec(), kind: EntryKind::Link, size: 9, modified_at: 1, mode: 0o777 },
    ];
    let mut bytes = Vec::new();
    for entry in &entries {
        entry.write(&mut bytes);
    }
    for cut in 0..=bytes.len() {
        let mut decoder = ListingDecoder::default();
        let mut seen = Vec::new();
        decoder.push(&bytes[..cut], &mut seen).unwrap();
        decoder.push(&bytes[cut..], &mut seen).unwrap();
        assert_eq!(seen, entries);
        assert!(decoder.is_whole());
    }
    assert!(ListingDecoder::default().push(&[0xff; 8], &mut Vec::new()).is_err());
}
