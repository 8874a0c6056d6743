//! Consoles as their users see them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::{Console, ConsoleReader, Consoles};
use crate::model::{BuildId, Millis};
use crate::sys::{Clock, SystemClock};

/// A test that waits longer than this has failed.
const LIMIT: Duration = Duration::from_secs(20);

/// A clock that a test sets.
#[derive(Default)]
struct SetClock(AtomicU64);

impl Clock for SetClock {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::Relaxed))
    }

    fn random(&self) -> u64 {
        4
    }
}

fn open(directory: &tempfile::TempDir) -> Consoles {
    Consoles::open(directory.path(), Arc::new(SystemClock)).unwrap()
}

fn build() -> BuildId {
    BuildId::new(1_700_000_000_000, 77)
}

/// Follows a console as a page does, from `offset` until it is finished.
async fn follow(mut reader: ConsoleReader, mut offset: u64) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let finished = reader.finished();
        let bytes = reader.read(offset, 64 * 1024).await.unwrap();
        offset += bytes.len() as u64;
        all.extend_from_slice(&bytes);
        if bytes.is_empty() {
            if finished {
                return all;
            }
            tokio::time::timeout(LIMIT, reader.changed(offset)).await.expect("nothing came");
        }
    }
}

async fn write_lines(console: &Console, count: usize) -> Vec<u8> {
    let mut all = Vec::new();
    for place in 0..count {
        let piece = match place % 97 {
            0 => vec![b'0' + (place % 10) as u8; 70_000],
            _ => format!("line {place}\n").into_bytes(),
        };
        all.extend_from_slice(&piece);
        assert_eq!(console.append(piece.into()).await.unwrap(), all.len() as u64);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pools_d42_every_reader_gets_every_byte_once() {
    let directory = tempfile::tempdir().unwrap();
    let consoles = open(&directory);
    let console = consoles.writer(build()).await.unwrap();
    console.append(Bytes::from_static(b"before\n")).await.unwrap();
    let along: Vec<_> = (0..8).map(|place| tokio::spawn(follow(console.reader(), place % 2 * 7))).collect();
    let offset = console.length();
    assert_eq!(offset, 7);
    let rest = {
        let mut all = b"before\n".to_vec();
        for place in 0..300usize {
            let piece = if place % 97 == 0 { vec![b'x'; 70_000] } else { format!("{place}\n").into_bytes() };
            all.extend_from_slice(&piece);
            console.append(piece.into()).await.unwrap();
        }
        all
    };
    console.sync().await.unwrap();
    console.finish();
    for (place, task) in along.into_iter().enumerate() {
        let read = tokio::time::timeout(LIMIT, task).await.expect("a reader hangs").unwrap();
        assert!(read == rest[place % 2 * 7..], "reader {place} got {} bytes", read.len());
    }
    let stored = consoles.reader(build()).await.unwrap().unwrap();
    assert!(stored.finished());
    assert!(follow(stored, 0).await == rest);
}

#[tokio::test]
async fn a_console_is_opened_again_at_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let first = {
        let consoles = open(&directory);
        let console = consoles.writer(build()).await.unwrap();
        write_lines(&console, 50).await
        // As after kill -9: no finish.
    };
    let consoles = open(&directory);
    let console = consoles.writer(build()).await.unwrap();
    assert_eq!(console.length(), first.len() as u64);
    assert_eq!(console.taken(10).await, first.len() as u64 - 10);
    console.append(Bytes::from_static(b"more")).await.unwrap();
    assert!(!console.reader().finished());
    console.finish();
    assert!(console.reader().finished());
    let all = follow(consoles.reader(build()).await.unwrap().unwrap(), 0).await;
    assert!(all[..first.len()] == first[..] && &all[first.len()..] == b"more");
}

#[tokio::test]
async fn a_line_of_ours_is_not_taken_for_a_part_of_a_steps_output() {
    let directory = tempfile::tempdir().unwrap();
    let consoles = open(&directory);
    let console = consoles.writer(build()).await.unwrap();
    console.append(Bytes::from_static(b"of the step")).await.unwrap();
    console.note(Bytes::from_static(b" of ours ")).await.unwrap();
    console.append(Bytes::from_static(b"of the step again")).await.unwrap();
    let taken = (b"of the step".len() + b"of the step again".len()) as u64;
    assert_eq!(console.taken(0).await, taken);
    drop(console);
    // As after kill -9.
    let consoles = open(&directory);
    let console = consoles.writer(build()).await.unwrap();
    assert_eq!(console.taken(0).await, taken);
    console.finish();
    let all = follow(consoles.reader(build()).await.unwrap().unwrap(), 0).await;
    assert_eq!(all, b"of the step of ours of the step again");
}

#[tokio::test]
async fn every_caller_gets_the_same_end() {
    let directory = tempfile::tempdir().unwrap();
    let consoles = open(&directory);
    let (first, second) = tokio::join!(consoles.writer(build()), consoles.writer(build()));
    let (first, second) = (first.unwrap(), second.unwrap());
    first.append(Bytes::from_static(b"one ")).await.unwrap();
    second.append(Bytes::from_static(b"two")).await.unwrap();
    assert_eq!((first.length(), second.length()), (7, 7));
}

#[tokio::test]
async fn perf_l2_readers_are_told_seldom() {
    let directory = tempfile::tempdir().unwrap();
    let consoles = open(&directory);
    let console = consoles.writer(build()).await.unwrap();
    let mut reader = console.reader();
    let begun = tokio::time::Instant::now();
    let counting = tokio::spawn(async move {
        let (mut offset, mut turns) = (0, 0u128);
        while !reader.finished() {
            reader.changed(offset).await;
            offset = reader.length();
            turns += 1;
        }
        turns
    });
    for _ in 0..2_000 {
        console.append(Bytes::from_static(b"a short line of output\n")).await.unwrap();
    }
    console.finish();
    let turns = tokio::time::timeout(LIMIT, counting).await.expect("the reader hangs").unwrap();
    let most = begun.elapsed().as_millis() / 10 + 4;
    assert!(turns <= most, "woken {turns} times, {most} would be enough");
}

#[tokio::test]
async fn a_last_small_piece_is_told_without_another_append() {
    let directory = tempfile::tempdir().unwrap();
    let console = open(&directory).writer(build()).await.unwrap();
    assert_eq!(console.length(), 0);
    drop(console);
    let consoles = open(&directory);
    let console = consoles.writer(build()).await.unwrap();
    let mut reader = console.reader();
    for length in 1..=20 {
        console.append(Bytes::from_static(b"x")).await.unwrap();
        tokio::time::timeout(LIMIT, reader.changed(length - 1)).await.expect("not told");
    }
}

#[tokio::test]
async fn pools_d48_times_are_beside_the_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(SetClock::default());
    let consoles = Consoles::open(directory.path(), clock.clone()).unwrap();
    let console = consoles.writer(build()).await.unwrap();
    for second in 1..=5u64 {
        clock.0.store(second * 1_000, Ordering::Relaxed);
        console.append(Bytes::from_static(b"0123456789")).await.unwrap();
        console.append(Bytes::from_static(b"more of it")).await.unwrap();
    }
    let reader = console.reader();
    let times = reader.times(0, reader.length()).await.unwrap();
    let found: Vec<_> = [0, 19, 20, 45, 99].iter().map(|offset| times.at(*offset)).collect();
    assert_eq!(found, [1_000, 1_000, 2_000, 3_000, 5_000].map(|millis| Some(Millis(millis))));
    assert_eq!(reader.read(15, 10).await.unwrap(), "of it01234"[..10]);
}

#[tokio::test]
async fn a_removed_console_is_gone_and_its_readers_end() {
    let directory = tempfile::tempdir().unwrap();
    let consoles = open(&directory);
    let console = consoles.writer(build()).await.unwrap();
    console.append(Bytes::from_static(b"x")).await.unwrap();
    let mut reader = console.reader();
    consoles.remove(build()).await.unwrap();
    consoles.remove(build()).await.unwrap();
    tokio::time::timeout(LIMIT, reader.changed(1)).await.expect("the reader hangs");
    assert!(consoles.reader(build()).await.unwrap().is_none());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn reading_beyond_the_end_gives_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let console = open(&directory).writer(build()).await.unwrap();
    console.append(Bytes::from_static(b"abc")).await.unwrap();
    let reader = console.reader();
    assert_eq!(reader.read(3, 10).await.unwrap(), Bytes::new());
    assert_eq!(reader.read(u64::MAX, usize::MAX).await.unwrap(), Bytes::new());
    assert_eq!(reader.read(1, usize::MAX).await.unwrap(), "bc");
}
