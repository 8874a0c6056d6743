#![no_main]
//! Any bytes through the decoder, cut where the first two bytes say.

use causeway::gearman::codec::FrameError;
use causeway::gearman::deframe::{Deframer, Spare};
use causeway::gearman::limits::Limits;

fn frames(pieces: &[&[u8]]) -> (Vec<String>, bool) {
    let (mut deframer, mut spare, mut seen) = (Deframer::default(), Spare::default(), Vec::new());
    for piece in pieces {
        let outcome = deframer.feed(piece, &Limits::default(), &mut spare, |frame| {
            seen.push(format!("{frame:?}"));
            Ok::<(), FrameError>(())
        });
        if outcome.is_err() {
            return (seen, false);
        }
    }
    (seen, true)
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [first, second, rest @ ..] = bytes else { return };
    let (first, second) = (usize::from(*first).min(rest.len()), usize::from(*second).min(rest.len()));
    let (first, second) = (first.min(second), first.max(second));
    assert_eq!(frames(&[rest]), frames(&[&rest[..first], &rest[first..second], &rest[second..]]));
});
