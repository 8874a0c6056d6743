//! What fuzzing has found and was given to begin with, replayed; and a short walk by a seed, the same each time.

use std::path::PathBuf;

use causeway::gearman::codec::FrameError;
use causeway::gearman::deframe::{Deframer, Spare};
use causeway::gearman::limits::Limits;
use causeway::gearman::packet::{kind, put_request};
use causeway::gearman::server::replay;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("contrib/fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

#[test]
fn the_corpus_of_gearman_peers_leaves_nothing_behind() {
    let scripts = corpus("gearman_server");
    assert!(scripts.len() >= 10);
    for (path, script) in scripts {
        let left = replay(&script);
        assert!(left.frames > 0 && left.connections == 0, "{}: {left:?}", path.display());
    }
}

#[test]
fn the_corpus_of_frames_is_the_same_whatever_the_cut() {
    let frames = |pieces: &[&[u8]]| {
        let (mut deframer, mut spare, mut seen) = (Deframer::default(), Spare::default(), Vec::new());
        let whole = pieces.iter().try_for_each(|piece| {
            let each = |frame: causeway::gearman::codec::Frame<'_>| {
                seen.push(format!("{frame:?}"));
                Ok::<(), FrameError>(())
            };
            deframer.feed(piece, &Limits::default(), &mut spare, each).map(|_| ())
        });
        (seen, whole.is_ok())
    };
    let scripts = corpus("gearman_frames");
    assert!(scripts.len() >= 4);
    for (path, script) in scripts {
        let bytes = &script[2..];
        for cut in 0..bytes.len() {
            assert_eq!(
                frames(&[&bytes[..cut], &bytes[cut..]]),
                frames(&[bytes]),
                "{} cut at {cut}",
                path.display()
            );
        }
    }
}

/// A stream of numbers that follows from its seed.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

/// A script of mostly sensible packets, with handles that may exist.
fn script(numbers: &mut Numbers) -> Vec<u8> {
    const KINDS: [u32; 24] = [
        kind::CAN_DO,
        kind::CAN_DO,
        kind::CANT_DO,
        kind::RESET_ABILITIES,
        kind::PRE_SLEEP,
        kind::PRE_SLEEP,
        kind::SUBMIT_JOB,
        kind::SUBMIT_JOB,
        kind::SUBMIT_JOB_BG,
        kind::SUBMIT_JOB_HIGH,
        kind::SUBMIT_JOB_LOW_BG,
        kind::GRAB_JOB,
        kind::GRAB_JOB_UNIQ,
        kind::GRAB_JOB_UNIQ,
        kind::GRAB_JOB_ALL,
        kind::WORK_DATA,
        kind::WORK_STATUS,
        kind::WORK_COMPLETE,
        kind::WORK_FAIL,
        kind::GET_STATUS,
        kind::GET_STATUS_UNIQUE,
        kind::MASS_DO,
        kind::CAN_DO_TIMEOUT,
        kind::SUBMIT_JOB_EPOCH,
    ];
    const NAMES: [&[u8]; 6] = [b"f", b"g", b"h", b"b", b"i", b""];
    let mut script = Vec::new();
    for _ in 0..200 {
        let peer = numbers.next(4) as u8;
        let action = numbers.next(12) as u8;
        if action < 5 && numbers.next(3) == 0 {
            script.push(peer | (action << 2));
            continue;
        }
        let handle = format!("H:replay:{}", (numbers.next(60) << 24) | numbers.next(20));
        let kind = KINDS[numbers.next(KINDS.len())];
        let name = NAMES[numbers.next(NAMES.len())];
        let mut bytes = Vec::new();
        match kind {
            kind::WORK_DATA | kind::WORK_COMPLETE => {
                put_request(&mut bytes, kind, &[handle.as_bytes(), b"{}"])
            }
            kind::WORK_STATUS => put_request(&mut bytes, kind, &[handle.as_bytes(), b"1", b"2"]),
            kind::WORK_FAIL | kind::GET_STATUS => put_request(&mut bytes, kind, &[handle.as_bytes()]),
            kind::PRE_SLEEP
            | kind::RESET_ABILITIES
            | kind::GRAB_JOB
            | kind::GRAB_JOB_UNIQ
            | kind::GRAB_JOB_ALL => {
                put_request(&mut bytes, kind, &[]);
            }
            kind::CAN_DO_TIMEOUT => put_request(&mut bytes, kind, &[name, b"20"]),
            kind::SUBMIT_JOB_EPOCH => put_request(&mut bytes, kind, &[name, b"u", b"1", b"d"]),
            _ if numbers.next(9) == 0 => bytes.extend_from_slice(format!("cancel job {handle}\n").as_bytes()),
            _ => put_request(&mut bytes, kind, &[name, b"u", b"data"]),
        }
        script.extend_from_slice(&[peer | (5 << 2), bytes.len() as u8]);
        script.extend_from_slice(&bytes);
    }
    script
}

#[test]
fn zuul_s_15_s_16_any_walk_by_a_seed_leaves_nothing_behind() {
    for seed in 1..=500u64 {
        let mut numbers = Numbers(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let left = replay(&script(&mut numbers));
        assert_eq!(left.connections, 0, "seed {seed}");
    }
}
