//! The keeper's protocol, both directions: what a node may send us, what we may send a node.

use std::time::Duration;

use causeway::keeper::wire::frame::{Collector, HEAD, Kind, head};
use causeway::keeper::wire::{Entry, FromNode, ListingDecoder, ToNode, VERSION, parse_status, write_status};
use causeway::keeper::{Keeper, LogEvent, StepId};
use causeway::model::NodeId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The first byte says which way, the second where the stream is cut; each message that is understood is written and read again.
pub(super) fn wire(bytes: &[u8]) {
    let [way, cut, rest @ ..] = bytes else { return };
    match way % 4 {
        0 => stream(rest, *cut, |kind, body| {
            ToNode::read(kind, body).map(|message| round_to(&message)).is_ok()
        }),
        1 => stream(rest, *cut, |kind, body| {
            FromNode::read(kind, body).map(|message| round_from(&message)).is_ok()
        }),
        2 => listing(rest, *cut),
        _ => status(rest),
    }
}

/// Feeds a stream cut in two and in single bytes: both give the same.
fn stream(bytes: &[u8], cut: u8, understood: fn(Kind, &[u8]) -> bool) {
    let cut = usize::from(cut).min(bytes.len());
    let run = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut collector, mut seen, mut taken) = (Collector::default(), Vec::new(), 0);
        for piece in pieces {
            collector.push(piece);
            loop {
                match collector.take() {
                    Ok(Some((kind, body))) => {
                        taken += HEAD + body.len();
                        seen.push((kind, body.len(), understood(kind, body)));
                    }
                    Ok(None) => break,
                    Err(error) => return (seen, Some(error)),
                }
            }
        }
        assert!(taken <= bytes.len());
        (seen, None)
    };
    let halves = run(&mut [&bytes[..cut], &bytes[cut..]].into_iter());
    let single = run(&mut bytes.chunks(1));
    assert_eq!(halves, single);
}

fn round_to(message: &ToNode<'_>) {
    let mut out = Vec::new();
    message.write(&mut out);
    let found = head(&out).expect("our own frame is within its limit").expect("and has a head");
    assert_eq!(found.length, out.len() - HEAD);
    assert_eq!(ToNode::read(found.kind, &out[HEAD..]).as_ref(), Ok(message));
}

fn round_from(message: &FromNode<'_>) {
    let mut out = Vec::new();
    message.write(&mut out);
    let found = head(&out).expect("our own frame is within its limit").expect("and has a head");
    assert_eq!(found.length, out.len() - HEAD);
    assert_eq!(FromNode::read(found.kind, &out[HEAD..]).as_ref(), Ok(message));
}

fn listing(bytes: &[u8], cut: u8) {
    let cut = usize::from(cut).min(bytes.len());
    let run = |pieces: [&[u8]; 2]| {
        let (mut decoder, mut entries) = (ListingDecoder::default(), Vec::new());
        let fine = pieces.iter().all(|piece| decoder.push(piece, &mut entries).is_ok());
        (entries, fine, fine && decoder.is_whole())
    };
    let (entries, fine, whole) = run([bytes, b""]);
    assert_eq!(run([&bytes[..cut], &bytes[cut..]]), (entries.clone(), fine, whole));
    let mut again = Vec::new();
    entries.iter().for_each(|entry: &Entry| entry.write(&mut again));
    assert_eq!(run([&again, b""]), (entries, true, true));
    assert!(bytes.starts_with(&again), "an entry is read as it was written");
}

fn status(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(end) = parse_status(text) {
        assert_eq!(parse_status(&write_status(&end)), Ok(end));
    }
}

/// A node that says hello and then any bytes, to a Causeway that asks for a step's state, follows its log and gets a file. The
/// connection never waits for ever, and what Causeway sends is always understood. The first byte says how much comes at once.
pub(super) fn peer(bytes: &[u8]) {
    let [chunk, rest @ ..] = bytes else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(play(usize::from(*chunk).max(1), rest));
}

async fn play(chunk: usize, bytes: &[u8]) {
    let node = NodeId::new(1, 1);
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    let mut hello = Vec::new();
    FromNode::Hello { version: VERSION, node: node.to_string() }.write(&mut hello);
    theirs.write_all(&hello).await.expect("room for a hello");
    let keeper = Keeper::connect(ours, node).await.expect("a good hello");
    let asked = asking(&keeper);
    let said = async {
        let mut heard = Vec::new();
        for piece in bytes.chunks(chunk) {
            if theirs.write_all(piece).await.is_err() {
                break;
            }
            // What Causeway asked is read now and then, or both would wait for ever on full pipes.
            let mut buffer = [0; 4096];
            if let Ok(Ok(read)) = tokio::time::timeout(Duration::ZERO, theirs.read(&mut buffer)).await {
                heard.extend_from_slice(&buffer[..read]);
            }
        }
        let _ = theirs.shutdown().await;
        let _ = theirs.read_to_end(&mut heard).await;
        heard
    };
    let both = async { tokio::join!(asked, said) };
    let ((), heard) = Box::pin(tokio::time::timeout(Duration::from_secs(10), both))
        .await
        .expect("an end soon after the stream's");
    understood(&heard);
}

/// Every way of asking that a build uses, all at once; each ends, whatever the node says.
async fn asking(keeper: &Keeper) {
    let content = [7; 300 << 10];
    tokio::join!(
        async { drop(keeper.step_state(StepId(1)).await) },
        follow(keeper),
        list(keeper),
        async {
            if let Ok(mut file) = keeper.get_file("workspace/a").await {
                while let Ok(Some(_)) = file.next().await {}
            }
        },
        async { drop(keeper.put_file("workspace/b", 0o644, &content[..]).await) },
        async { drop(keeper.stop(StepId(1), Duration::ZERO).await) },
        async { drop(keeper.sweep(vec!["BUILD_ID=3".to_owned()], Duration::ZERO).await) },
    );
}

/// No byte of a log is given out twice or left out (pools-D43).
async fn follow(keeper: &Keeper) {
    let Ok(mut log) = keeper.follow(StepId(1), 5).await else { return };
    let mut at = 5;
    while let Ok(LogEvent::Data { offset, bytes }) = log.next().await {
        assert_eq!(offset, at);
        at += bytes.len() as u64;
    }
    assert_eq!(log.offset(), at);
}

async fn list(keeper: &Keeper) {
    let Ok(mut listing) = keeper.list_files("workspace", 10).await else { return };
    while let Ok(Some(_)) = listing.next().await {}
}

fn understood(heard: &[u8]) {
    let mut collector = Collector::default();
    collector.push(heard);
    while let Some((kind, body)) = collector.take().expect("frames of ours") {
        assert!(ToNode::read(kind, body).is_ok(), "a frame of ours that no keeper understands");
    }
}
